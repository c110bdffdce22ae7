"""A FastAPI service as its author writes it."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI
from pydantic import BaseModel

from boxkite import current_prediction
from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app, metrics_token="secret", design_effect=2)
router = APIRouter()


class Trip(BaseModel):
    distance: float
    vehicle: str = "bike"


class Estimate(BaseModel):
    minutes: float


def unit() -> str:
    return "minutes"


@app.post("/estimate")
@monitor.predict(features=list(Trip.model_fields), output="minutes")
def estimate(trip: Trip) -> Estimate:
    return Estimate(minutes=trip.distance * 4)


@app.post("/later")
@monitor.predict(output=lambda returned: returned.minutes)
async def estimate_later(trip: Trip, named: Annotated[str, Depends(unit)]) -> Estimate:
    assert named
    return estimate(trip)


@router.post("/batch")
@monitor.predict(features="trips", output="minutes")
def batch(trips: Annotated[list[Trip], Body(embed=True)]) -> list[Estimate]:
    found: list[Estimate] = [estimate(trip) for trip in trips]
    return found


@router.post("/steps")
@monitor.predict
def steps(trip: Trip) -> Iterator[Estimate]:
    yield Estimate(minutes=trip.distance)
    current_prediction.output = trip.distance


@router.post("/steps/later")
@monitor.predict
async def steps_later(trip: Trip) -> AsyncIterator[Estimate]:
    yield Estimate(minutes=trip.distance)


class Planner:
    @monitor.output
    def plan(self, trip: Trip) -> float:
        return trip.distance


planned: float = Planner().plan(Trip(distance=3.5))
app.include_router(router)
