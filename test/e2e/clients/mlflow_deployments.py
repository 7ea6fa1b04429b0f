"""Asks through mlflow.deployments of a current mlflow. argv: base URL. stdin: the request. stdout: what came, as JSON."""
import json
import sys

from mlflow.deployments import get_deploy_client

[base_url] = sys.argv[1:2]
question = json.load(sys.stdin)
client = get_deploy_client(base_url)

endpoints = client.list_endpoints()
endpoint = client.get_endpoint("chat")
print(
    json.dumps(
        {
            "routes": [{"name": e.name, "type": e.endpoint_type, "url": e.endpoint_url} for e in endpoints],
            "route": {"name": endpoint.name, "provider": endpoint.model.provider, "model": endpoint.model.name},
            "chat": client.predict(endpoint="chat", inputs=question),
            "embeddings": client.predict(endpoint="embeddings", inputs={"input": ["a cat", "a cat!"]}),
            "completions": client.predict(endpoint="completions", inputs={"prompt": "Once upon a time", "max_tokens": 50}),
        }
    )
)
