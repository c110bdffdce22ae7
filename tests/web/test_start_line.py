"""The line at the start says what is monitored, and shows no secret."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from starlette.applications import Starlette

import boxkite_flask
import boxkite_starlette
from boxkite import Baseline, Monitor
from boxkite.settings import Settings
from boxkite.testing import RecordingSink
from boxkite.web.start_line import start_line

ONE = Baseline.fit({"age": range(1000)}, {"score": range(1000)}, model="delivery", version="7")
FEATURES = Baseline.fit({"a": [1.0], "b": [1.0]}, model="m", version="1")


def line(given: Any, log: Any = None, **settings: Any) -> str:
    monitor = Monitor(given, log, settings=Settings(**settings), registry=None)
    try:
        return start_line(monitor)
    finally:
        monitor.close(0)


def test_it_names_model_version_variables_and_places(tmp_path: Path) -> None:
    assert line(ONE, state_dir=str(tmp_path)) == (
        "boxkite monitors model 'delivery', version '7': 1 feature and 1 output, 1,000 training "
        f"rows; metrics at /metrics; log in {tmp_path}/log (the baseline's variables, kept for 30 "
        f"days); state in {tmp_path}"
    )


def test_it_says_what_is_missing_and_what_is_logged(tmp_path: Path) -> None:
    state = {"state_dir": str(tmp_path)}
    assert "; metrics at /m; no log; state in " in line(ONE, "none:", metrics_path="/m", **state)
    assert "; no metrics page; " in line(ONE, metrics_path="", **state)
    assert line(FEATURES, **state).endswith("; missing: the output in the baseline")
    assert line(None, baseline="", **state).endswith(
        "; missing: a baseline (set BASELINE), so nothing is compared with training"
    )
    everything = line(
        ONE, log_unknown=True, log_request_body=True, log_redact=("ssn", "card"), log_sample=0.1,
        log_ttl=0.0, **state,
    )  # fmt: skip
    content = "all fields and request bodies without ssn, card, 10 % of predictions"
    assert f"/log ({content}); state" in everything
    assert "; log in recording (the baseline's" in line(ONE, RecordingSink(), **state)
    assert "until the service ends" in line(ONE)


def test_it_shows_no_password(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    url = f"fluentd://127.0.0.1:9?shared_key_file={password}"
    told = line(ONE, url, state_dir=str(tmp_path))
    assert "; log in fluentd://127.0.0.1:9?… (" in told


@pytest.fixture
def server_log(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """Configure the logger of a server, as the server does."""
    logger = logging.getLogger(request.param)
    before = logger.level, logger.propagate
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)
    logger.level, logger.propagate = before


def application(framework: str, **options: Any) -> None:
    if framework == "flask":
        boxkite_flask.Boxkite(Flask("service"), **options)
    else:
        boxkite_starlette.Boxkite(Starlette(), **options)


@pytest.mark.parametrize("framework", ["flask", "starlette"])
@pytest.mark.parametrize("server_log", ["uvicorn.error", "gunicorn.error"], indirect=True)
def test_the_servers_logger_shows_it_once(
    framework: str, server_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    application(framework, baseline=ONE, log="none:")
    (record,) = [each for each in caplog.records if "boxkite monitors" in each.getMessage()]
    assert (record.name, record.levelno) == (server_log.name, logging.INFO)


@pytest.mark.parametrize(("framework", "name"), [("flask", "service"), ("starlette", "boxkite")])
def test_without_a_server_it_is_the_applications_or_boxkites_logger(
    framework: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, name):
        application(framework, baseline=ONE, log="none:")
    assert [each.name for each in caplog.records] == [name]
