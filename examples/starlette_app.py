"""A Starlette service for the model from train.py. To start it:

MODEL=model.skops BOXKITE_BASELINE=histogram.prom uvicorn starlette_app:app
"""

import os

import pandas as pd
import skops.io
from flights import FEATURES
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from boxkite_starlette import Boxkite

monitor = Boxkite()
model = skops.io.load(os.environ["MODEL"], trusted=["numpy.dtype"])


@monitor.predict(features=FEATURES, output="arrival_delay")
async def predict(request: Request) -> JSONResponse:
    flight = pd.DataFrame([await request.json()], columns=FEATURES).infer_objects()
    delays = await run_in_threadpool(model.predict, flight)
    return JSONResponse({"arrival_delay": float(delays[0])})


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
monitor.init_app(app)
