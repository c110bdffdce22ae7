"""Sends flights through HTTP, as a client of the service would."""

from __future__ import annotations

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

__all__ = ["replay"]

_CLIENTS = 4


def replay(
    address: str,
    flights: pd.DataFrame,
    progress: Callable[[], Any],
    seconds: float = math.inf,
) -> list[float | None]:
    """Ask the service for each flight's delay, and return the answers in the flights' order.

    Args:
        address: of the service.
        flights: a row a flight; a missing value is sent as null.
        progress: called after each answer.
        seconds: when to send no more flights. Flights that were not sent have None as the answer.
    """
    rows = [json.dumps(row) for row in json.loads(flights.to_json(orient="records"))]
    local = threading.local()
    deadline = time.monotonic() + seconds

    def ask(row: str) -> float | None:
        if time.monotonic() > deadline:
            return None
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
            opened.callback(local.connection.close)
        local.connection.request("POST", "/predict", row, {"Content-Type": "application/json"})
        response = local.connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"the service answered {response.status}: {content[:200]!r}")
        progress()
        delay: float = json.loads(content)["arrival_delay"]
        return delay

    with ExitStack() as opened, ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(ask, rows))


def shuffled(flights: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return that many of the flights, drawn over the whole month, the same at each run."""
    return flights.sample(min(count, len(flights)), random_state=2013)


def columns(
    flights: pd.DataFrame, names: Sequence[str], answers: Sequence[float | None]
) -> pd.DataFrame:
    """Return the flights that the model answered, as it was given them, with its answers."""
    rows = flights[list(names)].assign(arrival_delay=pd.Series(answers, flights.index, float))
    return rows[rows["arrival_delay"].notna()]
