"""A change of a verdict is told in the background of a real application."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

import boxkite
import boxkite_flask

RED = {"age": 5, "colour": "red"}


def service(baseline: boxkite.Baseline, state: Path, policy: boxkite.Policy | None = None) -> Flask:
    app = Flask("service")
    monitor = boxkite_flask.Boxkite(
        app, baseline=baseline, log="none:", registry=None, state_dir=str(state), policy=policy
    )

    @app.post("/")
    @monitor.predict(output="score")
    def score() -> dict[str, float]:
        request.get_json()
        return {"score": 0.5}

    return app


def predict(app: Flask, times: int) -> None:
    client = app.test_client()
    for _ in range(times):
        assert client.post("/", json=RED).status_code == 200
    app.extensions["boxkite"].flush()


class Told(list[Any]):
    """What the receivers were told, in which thread."""

    def __init__(self) -> None:
        self.come = threading.Event()

    def receive(self, sender: Any, **values: Any) -> None:
        self.append((sender, values, threading.current_thread()))
        self.come.set()


@pytest.fixture
def told() -> Iterator[Told]:
    """Everything that is told of drift; before it comes a receiver that fails."""

    def fail(_: Any, **__: Any) -> None:
        raise RuntimeError("no")

    found = Told()
    with (
        boxkite.signals.drift_changed.connected_to(fail),
        boxkite.signals.drift_changed.connected_to(found.receive),
    ):
        yield found


def test_drift_is_told_when_the_next_hour_begins(
    score_baseline: boxkite.Baseline, tmp_path: Path, told: Told
) -> None:
    # Without known variation, drift is judged in the longest window alone.
    policy = boxkite.Policy(windows={"1h": 1.0})
    first = service(score_baseline, tmp_path, policy)
    predict(first, 200)
    first.extensions["boxkite"].close()
    assert told == []
    (hour,) = tmp_path.rglob("hour-*")
    began = datetime.fromisoformat(hour.name.removeprefix("hour-")) - timedelta(hours=1)
    hour.rename(hour.with_name(f"hour-{began:%Y%m%dT%H}"))  # as if it were an hour ago

    again = service(score_baseline, tmp_path, policy)
    predict(again, 1)
    assert told.come.wait(30)
    ((sender, values, thread),) = told
    monitor = again.extensions["boxkite"]
    assert (sender, values["monitor"], values["window"]) == (again, monitor, "1h")
    assert thread is not threading.main_thread()
    assert [(each.name, each.verdict) for each in values["changed"]] == [
        ("age", "drift"), ("colour", "drift"), ("score", "drift")
    ]  # fmt: skip
    assert values["comparison"].predictions == 200
    assert set(values["changed"]) <= set(values["comparison"])
    assert monitor.reporter.counts()["signal"] == 1
    monitor.close()
