"""A Flask service for the model from train.py. To start it:

MODEL=model.skops FLASK_BOXKITE_BASELINE=histogram.prom flask --app flask_app run
"""

import os

import pandas as pd
import skops.io
from flask import Flask, request
from flights import FEATURES

from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app)
model = skops.io.load(os.environ["MODEL"], trusted=["numpy.dtype"])


@app.post("/predict")
@monitor.predict(features=FEATURES, output="arrival_delay")
def predict():
    flight = pd.DataFrame([request.get_json()], columns=FEATURES).infer_objects()
    return {"arrival_delay": float(model.predict(flight)[0])}
