"""A Flask service with an application factory and a blueprint. To start it:

FLASK_MODEL=model.skops FLASK_BOXKITE_BASELINE=histogram.prom flask --app flask_factory run
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import skops.io
from flask import Blueprint, Flask, current_app, request
from flights import FEATURES

from boxkite_flask import Boxkite

monitor = Boxkite()
flights = Blueprint("flights", __name__, url_prefix="/flights")


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return an application. Values in `config` win over the environment."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    app.extensions["model"] = skops.io.load(app.config["MODEL"], trusted=["numpy.dtype"])
    monitor.init_app(app)
    app.register_blueprint(flights)
    return app


@monitor.features
def as_frame(flight: dict[str, Any]) -> pd.DataFrame:
    """Return the features as the model takes them; the decorator captures them."""
    return pd.DataFrame([flight], columns=FEATURES).infer_objects()


@flights.post("/predict")
@monitor.predict(output="arrival_delay")
def predict() -> dict[str, float]:
    flight = as_frame(request.get_json())
    return {"arrival_delay": float(current_app.extensions["model"].predict(flight)[0])}
