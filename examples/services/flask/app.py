"""Serve the model. README.md says how to start it."""

from pathlib import Path

from flask import Flask, request
from model import FEATURES, Model

from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app)
model = Model.read(Path(__file__).with_name("model.json"))


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/predict")
@monitor.predict(features=FEATURES, output="minutes")
def predict():
    trip = request.get_json()
    (minutes,) = model.predict({name: [trip[name]] for name in FEATURES})
    return {"minutes": float(minutes)}
