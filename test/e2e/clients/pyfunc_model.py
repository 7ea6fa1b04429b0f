"""Logs a pyfunc model that asks the gateway, loads it and predicts with it, as MLflow's guide does.

argv: a folder for the store. MLFLOW_DEPLOYMENTS_TARGET, or MLFLOW_GATEWAY_URI for MLflow until 2.8, names the gateway. stdout: what
the loaded model gives, as JSON.
"""
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402


def predict_by_gateway(data):
    from mlflow.gateway import MlflowGatewayClient

    client = MlflowGatewayClient(os.environ["MLFLOW_GATEWAY_URI"])
    queries = data.to_dict(orient="records")
    return [client.query(route="completions", data=query)["candidates"][0]["text"] for query in queries]


def predict_by_deployments(data):
    from mlflow.deployments import get_deploy_client

    client = get_deploy_client(os.environ["MLFLOW_DEPLOYMENTS_TARGET"])
    queries = data.to_dict(orient="records")
    return [client.predict(endpoint="completions", inputs=query)["choices"][0]["text"] for query in queries]


[folder] = sys.argv[1:2]
os.chdir(folder)
major, minor = (int(part) for part in mlflow.__version__.split(".")[:2])
predict = predict_by_gateway if (major, minor) < (2, 9) else predict_by_deployments
# Files until 2.x, SQLite since: each is its own time's default.
mlflow.set_tracking_uri("runs" if major < 3 else "sqlite:///mlflow.db")
example = pd.DataFrame({"prompt": ["Where is the moon?", "What is a comet made of?"]})
signature = infer_signature(example, ["Above our heads.", "It is mostly ice and rocks."])
place = {"name": "asks"} if major >= 3 else {"artifact_path": "asks"}
with mlflow.start_run():
    logged = mlflow.pyfunc.log_model(python_model=predict, input_example=example, signature=signature, **place)
model = mlflow.pyfunc.load_model(logged.model_uri)
asked = pd.DataFrame({"prompt": ["Tell me about Jupiter.", "Tell me about Saturn."]})
print(json.dumps(model.predict(asked)))
