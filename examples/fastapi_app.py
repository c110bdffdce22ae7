"""A FastAPI service for the model from train.py. To start it:

MODEL=model.skops BOXKITE_BASELINE=histogram.prom uvicorn fastapi_app:app
"""

import os

import pandas as pd
import skops.io
from fastapi import FastAPI
from pydantic import BaseModel

from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app)
model = skops.io.load(os.environ["MODEL"], trusted=["numpy.dtype"])


class Flight(BaseModel):
    dep_delay: float | None = None
    distance: float
    hour: int
    minute: int
    weekday: int
    carrier: str
    origin: str
    dest: str


class Answer(BaseModel):
    arrival_delay: float


@app.post("/predict")
@monitor.predict(features=list(Flight.model_fields), output="arrival_delay")
def predict(flight: Flight) -> Answer:
    rows = pd.DataFrame([flight.model_dump()]).astype({"dep_delay": float})
    return Answer(arrival_delay=model.predict(rows)[0])
