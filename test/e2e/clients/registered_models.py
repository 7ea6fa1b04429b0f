"""Logs a scikit-learn model twice to the tracking server that is the only argument, and registers both as versions of `sizes`.

Version 1 gives the sum of width and height, version 2 ten times as much.
"""

import sys
import warnings

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402

mlflow.set_tracking_uri(sys.argv[1])
rows = pd.DataFrame({"width": [1.0, 2.0, 3.0, 5.0], "height": [1.0, 4.0, 2.0, 3.0]})
for factor in (1.0, 10.0):
    model = LinearRegression().fit(rows, (rows["width"] + rows["height"]) * factor)
    with mlflow.start_run():
        signature = infer_signature(rows, model.predict(rows))
        mlflow.sklearn.log_model(model, name="sizes", signature=signature, registered_model_name="sizes")
