"""What mlflow.deployments raises, and when it asks again. argv: base URL. stdout: name, status and words of each, as JSON.

The endpoints `busy`, `tired` and `slow` stand before a provider that fails as they are called.
"""
import json
import sys

from mlflow.deployments import get_deploy_client

[base_url] = sys.argv[1:2]
client = get_deploy_client(base_url)
hello = {"messages": [{"role": "user", "content": "hi"}]}


def raised(call):
    try:
        return {"answer": call()}
    except Exception as error:
        response = getattr(error, "response", None)
        status = None if response is None else response.status_code
        return {"error": type(error).__name__, "status": status, "text": str(error)}


print(
    json.dumps(
        {
            "unknown": raised(lambda: client.get_endpoint("nobody")),
            "unknown_call": raised(lambda: client.predict(endpoint="nobody", inputs=hello)),
            "invalid": raised(lambda: client.predict(endpoint="chat", inputs={"prompt": "hi"})),
            "other_type": raised(lambda: client.predict(endpoint="embeddings", inputs=hello)),
            "busy": raised(lambda: client.predict(endpoint="busy", inputs=hello)),
            "tired": raised(lambda: client.predict(endpoint="tired", inputs=hello)),
            "slow": raised(lambda: client.predict(endpoint="slow", inputs=hello)),
            "create": raised(lambda: client.create_endpoint("new")),
        }
    )
)
