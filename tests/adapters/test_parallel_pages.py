"""Many requests for pages at once leave threads and memory for predictions."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import httpx
import numpy as np
import pytest
from fastapi import Body, FastAPI
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

import boxkite
import boxkite_flask
import boxkite_starlette

BASELINE = boxkite.Baseline.fit({"a": np.arange(100.0)}, bins=4)
PAGES = 45  # anyio's pool, in which FastAPI runs sync endpoints, has 40 threads


class Gate(Collector):
    """A metric of the application that waits until it may be collected."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.collected = 0

    def collect(self) -> Iterator[Metric]:
        self.open.wait(30)
        self.collected += 1
        return iter(())


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A collector that blocks all scrapes until the test opens it."""
    gate = Gate()
    yield gate
    gate.open.set()


def registry_of(gate: Gate) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(gate)
    return registry


@pytest.mark.parametrize("path", ["/metrics", "/metrics?name[]={}"])
def test_scrapes_take_no_thread_from_sync_endpoints(path: str, gate: Gate) -> None:
    app = FastAPI()
    gate.open.set()  # prometheus-client may collect when the registry is made
    monitor = boxkite_starlette.Boxkite(app, baseline=BASELINE, registry=registry_of(gate))
    gate.open.clear()
    gate.collected = 0

    @app.post("/predict")
    @monitor.predict(features="a", output=lambda _: None)
    def predict(a: float = Body(embed=True)) -> dict[str, float]:
        return {"score": a}

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            scrapes = [
                asyncio.create_task(client.get(path.format(number), timeout=30))
                for number in range(PAGES)
            ]
            while not all(scrape.done() for scrape in scrapes):
                answer = await asyncio.wait_for(client.post("/predict", json={"a": 1.0}), 10)
                assert answer.status_code == 200
                gate.open.set()
            return [scrape.result() for scrape in scrapes]

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [200] * PAGES
    # Equal scrapes that wait share one run: the first one began before the others came.
    assert gate.collected <= (2 if path == "/metrics" else PAGES)


def test_equal_drift_pages_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    boxkite_starlette.Boxkite(app, baseline=BASELINE, registry=None, drift_path="/drift")
    monitor: boxkite.Monitor = app.state.boxkite
    rendered: list[Any] = []
    report = monitor.report
    monkeypatch.setattr(
        monitor, "report", lambda *shown: rendered.append(shown[0]) or report(*shown)
    )

    async def ask() -> set[bytes]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            answers = await asyncio.gather(*(client.get(f"/drift?x={n}") for n in range(PAGES)))
            return {answer.content for answer in answers}

    assert len(asyncio.run(ask())) <= 2
    assert len(rendered) <= 2


def test_a_thread_of_flask_waits_for_few_scrapes_only(gate: Gate) -> None:
    app = flask.Flask("service")
    gate.open.set()
    boxkite_flask.Boxkite(app, baseline=BASELINE, registry=registry_of(gate))
    gate.open.clear()
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(app.test_client().get, f"/metrics?name[]={number}") for number in range(8)
        ]
        while sum(each.done() for each in asked) < 4:
            pass
        busy = [each.result() for each in asked if each.done()]
        gate.open.set()
        others = [each.result() for each in asked if each.result() not in busy]
    assert {answer.status_code for answer in busy} == {503}
    assert {answer.headers["Retry-After"] for answer in busy} == {"1"}
    assert {answer.text for answer in busy} == {"busy: ask again in a second\n"}
    assert [answer.status_code for answer in others] == [200] * 4
    assert app.test_client().get("/metrics").status_code == 200
