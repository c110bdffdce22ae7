"""Serve the model. README.md says how to start it."""

from pathlib import Path

from fastapi import FastAPI
from model import FEATURES, Model
from pydantic import BaseModel

from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app)
model = Model.read(Path(__file__).with_name("model.json"))


class Trip(BaseModel):
    distance: float
    items: int
    vehicle: str


class Estimate(BaseModel):
    minutes: float


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/predict")
@monitor.predict(features=FEATURES, output="minutes")
def predict(trip: Trip) -> Estimate:
    (minutes,) = model.predict({name: [value] for name, value in trip.model_dump().items()})
    return Estimate(minutes=minutes)
