"""Lists the endpoints of the server that is the first argument by MLflow's own store, gets each by its id, and prints them as JSON."""

import json
import sys

from mlflow.exceptions import RestException
from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.rest_utils import MlflowHostCreds

store = RestStore(lambda: MlflowHostCreds(sys.argv[1]))
told = {}
for one in store.list_gateway_endpoints():
    same = store.get_gateway_endpoint(endpoint_id=one.endpoint_id)
    told[same.name] = [
        # Its protobuf has floats.
        [mapping.model_definition.model_name, round(mapping.weight, 6), mapping.linkage_type.value]
        for mapping in same.model_mappings
    ]
try:
    store.get_gateway_endpoint(name="zzz")
except RestException as refusal:
    told["zzz"] = refusal.error_code
print(json.dumps(told))
