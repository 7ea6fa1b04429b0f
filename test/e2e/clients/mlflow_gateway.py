"""Asks through MlflowGatewayClient of mlflow 2.8.1. argv: base URL. stdin: the request. stdout: what came, as JSON."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from mlflow.gateway import MlflowGatewayClient  # noqa: E402

[base_url] = sys.argv[1:2]
question = json.load(sys.stdin)
client = MlflowGatewayClient(gateway_uri=base_url)

routes = client.search_routes()
route = client.get_route("chat")
embedded = client.query("embeddings", {"text": ["a cat", "a cat!"]})
completed = client.query("completions", {"prompt": "Once upon a time", "max_tokens": 50})
print(
    json.dumps(
        {
            "routes": [{"name": r.name, "type": r.route_type, "url": r.route_url} for r in routes],
            "route": {"name": route.name, "provider": route.model.provider, "model": route.model.name},
            "chat": client.query("chat", question),
            "embeddings": embedded,
            "completions": completed,
        }
    )
)
