"""Lists all routes through MLflow's client of its version. argv: base URL. stdout: their count and the last one's name, as JSON."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
from requests import HTTPError  # noqa: E402

[base_url] = sys.argv[1:2]


def listed():
    if [int(part) for part in mlflow.__version__.split(".")[:2]] < [2, 9]:
        from mlflow import gateway

        gateway.set_gateway_uri(base_url)
        return gateway.search_routes()
    from mlflow.deployments import get_deploy_client

    return get_deploy_client(base_url).list_endpoints()


try:
    found = listed()
    print(json.dumps({"count": len(found), "last": found[-1].name}))
except HTTPError as error:
    print(json.dumps({"status": error.response.status_code}))
