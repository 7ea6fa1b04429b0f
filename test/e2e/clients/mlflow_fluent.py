"""Asks through the fluent API of mlflow 2.8.1. argv: base URL, or none where MLFLOW_GATEWAY_URI names it.

stdin: the request. stdout: what came, as JSON.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from mlflow import gateway  # noqa: E402

for base_url in sys.argv[1:2]:
    gateway.set_gateway_uri(base_url)
question = json.load(sys.stdin)


def raised(call):
    try:
        return {"answer": str(call())}
    except Exception as error:
        response = getattr(error, "response", None)
        status = None if response is None else response.status_code
        return {"error": type(error).__name__, "status": status, "text": str(error)}


route = gateway.get_route("chat")
print(
    json.dumps(
        {
            "routes": [{"name": r.name, "type": r.route_type, "url": r.route_url} for r in gateway.search_routes()],
            "route": {"name": route.name, "provider": route.model.provider, "model": route.model.name},
            "chat": gateway.query("chat", question),
            "embeddings": gateway.query("embeddings", {"text": ["a cat", "a cat!"]}),
            "completions": gateway.query("completions", {"prompt": "Once upon a time", "max_tokens": 50}),
            "refused": {
                "unknown": raised(lambda: gateway.get_route("nobody")),
                "invalid": raised(lambda: gateway.query("chat", {"prompt": "hi"})),
                "hot": raised(lambda: gateway.query("chat", {**question, "temperature": 1.5})),
                "get_limits": raised(lambda: gateway.get_limits("chat")),
                "set_limits": raised(lambda: gateway.set_limits("chat", [])),
                "create_route": raised(lambda: gateway.create_route("new", "llm/v1/chat", {})),
            },
        }
    )
)
