"""The table in docs/guides/security.md says what is kept of a request: searched byte by byte."""

import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import boxkite
from tests.programs import free_port, running

PAGE = Path(__file__).parents[2] / "docs/guides/security.md"

FLASK = """
from flask import Flask, request
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app)

def answer():
    given = request.get_json()
    if "fails" in given:
        return {"error": "no"}, 400
    if "raises" in given:
        raise RuntimeError("no")
    return {"late": given.get("late", 1.0), "echo": given}

def rows():
    return [{"late": 1.0, "echo": row} for row in request.get_json()]

@app.post("/predict")
@app.post("/predict/<path>")
@monitor.predict
def predict(path=""):
    return answer()

@app.post("/inputs")
@monitor.predict(features="inputs", output="late")
def inputs():
    return answer()

@app.post("/rows")
@monitor.predict
def batch():
    return rows()
"""

FASTAPI = """
from typing import Any
from fastapi import Body, FastAPI, HTTPException
from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app)

def answer(given):
    if "fails" in given:
        raise HTTPException(400, "no")
    if "raises" in given:
        raise RuntimeError("no")
    return {"late": given.get("late", 1.0), "echo": given}

@app.post("/predict")
@app.post("/predict/{path}")
@monitor.predict
def predict(path: str = "", given: dict[str, Any] = Body()):
    return answer(given)

@app.post("/inputs")
@monitor.predict(features="inputs", output="late")
async def inputs(given: dict[str, Any] = Body()):
    return answer(given)

@app.post("/rows")
@monitor.predict
def batch(given: list[dict[str, Any]] = Body()):
    return [{"late": 1.0, "echo": row} for row in given]
"""

SERVERS = {
    "flask": (FLASK, ["gunicorn", "service:app", "--threads", "2", "--bind"]),
    "fastapi": (FASTAPI, ["uvicorn", "service:app", "--log-level", "warning", "--port"]),
}
TOKEN = "token-5e11"
PLACES = ("journal", "log", "state", "`/metrics`", "drift page", "service's own log")
KEPT = {"journal", "log"}


class Kind(NamedTuple):
    """A kind of data, and where it may be afterwards.

    Attributes:
        name: as the table names it.
        places: the places that keep it.
        bodies: a request body for each form of it, by path. `MARK` stands for the data.
        headers: headers of these requests.
    """

    name: str
    places: set[str]
    bodies: list[tuple[str, Any]]
    headers: dict[str, str] = {}  # noqa: RUF012 - not changed


MARK = "MARK"
ROW = {"age": 5, "town": "Ulm", "income": "low"}


def tensor(name: str, value: object) -> dict[str, Any]:
    """Return an input of the V2 inference protocol with one value."""
    datatype = "BYTES" if isinstance(value, str) else "FP64"
    return {"name": name, "shape": [1], "datatype": datatype, "data": [value]}


KINDS = [
    Kind("the value of a feature of the baseline", KEPT, [
        ("/predict", {**ROW, "town": MARK}),
        ("/predict", {"town": MARK}),
        ("/inputs", {"inputs": [5, MARK, "low"]}),
        ("/inputs", {"inputs": {"town": MARK}}),
    ]),
    Kind("such a value that is invalid, for example text in place of a number", KEPT, [
        ("/predict", {**ROW, "age": MARK}),
        ("/inputs", {"inputs": [MARK, "Ulm", "low"]}),
    ]),
    Kind("the value of an output of the baseline", KEPT, [
        ("/predict", {**ROW, "late": MARK}),
        ("/inputs", {"inputs": ROW, "late": MARK}),
    ]),
    Kind("a value that `LOG_REDACT` names", set(), [
        ("/predict", {**ROW, "income": MARK}),
        ("/inputs", {"inputs": [5, "Ulm", MARK]}),
        ("/rows", [{**ROW, "income": MARK}] * 2),
    ]),
    Kind("any other field of the body", set(), [
        ("/predict", {**ROW, "ssn": MARK}),
        ("/predict", {**ROW, "customer": {"email": MARK, "phones": [MARK]}}),
        ("/inputs", {"inputs": ROW, "customer": MARK}),
        ("/inputs", {"inputs": {**ROW, "ssn": MARK}}),
    ]),
    Kind("the name of such a field", {"service's own log"}, [("/predict", {**ROW, MARK: 1})]),
    Kind("a list or an object as the value of a variable", set(), [
        ("/predict", {**ROW, "town": {"name": "Ulm", "owner": MARK}}),
        ("/predict", {**ROW, "town": [MARK]}),
        ("/inputs", {"inputs": [5, {"owner": MARK}, "low"]}),
    ]),
    Kind("JSON in the text of a feature", KEPT, [
        ("/predict", {**ROW, "town": json.dumps({"owner": MARK})}),
    ]),
    Kind("a field in such JSON that `LOG_REDACT` names", set(), [
        ("/predict", {**ROW, "town": json.dumps({"name": "Ulm", "income": MARK})}),
    ]),
    Kind("a feature of the baseline in a row of a batch", KEPT, [
        ("/rows", [ROW, {**ROW, "town": MARK}]),
        ("/inputs", {"inputs": {"age": [5, 6], "town": ["Ulm", MARK]}, "late": [1.0, 2.0]}),
    ]),
    Kind("any other field in a row of a batch", set(), [
        ("/rows", [ROW, {**ROW, "ssn": MARK}]),
        ("/inputs", {"inputs": {"town": ["Ulm", "Ulm"], "ssn": [MARK, MARK]}, "late": [1, 2]}),
    ]),
    Kind("a feature of the baseline in a request of MLflow or the V2 protocol", KEPT, [
        ("/predict", {"inputs": [tensor("age", 5), tensor("town", MARK), tensor("income", "low")]}),
        ("/predict", {"dataframe_split": {"columns": ["age", "town"], "data": [[5, MARK]]}}),
        ("/predict", {"instances": [{**ROW, "town": MARK}]}),
    ]),
    Kind("any other column, field or parameter of such a request", set(), [
        ("/predict", {"inputs": [tensor("town", "Ulm"), tensor("ssn", MARK)]}),
        ("/predict", {"inputs": [tensor("town", "Ulm")], "id": MARK, "parameters": {"who": MARK}}),
        ("/predict", {"dataframe_split": {"columns": ["town", "ssn"], "data": [["Ulm", MARK]]}}),
        ("/predict", {"dataframe_split": {
            "columns": ["town"], "index": [MARK], "data": [["Ulm"]]}}),
        ("/predict", {"instances": [{**ROW, "ssn": MARK}], "signature_name": MARK}),
    ]),
    Kind("a row by position that does not fit the baseline", set(), [
        ("/inputs", {"inputs": [5, MARK]}),
        ("/inputs", {"inputs": [5, "Ulm", "low", MARK]}),
    ]),
    Kind("any other field of the answer", set(), [("/predict", {**ROW, "echoed": MARK})]),
    Kind("a body whose view fails or answers with a status of 400 or above", set(), [
        ("/predict", {**ROW, "town": MARK, "fails": True}),
        ("/predict", {**ROW, "town": MARK, "raises": True}),
    ]),
    Kind("a body that is not JSON", set(), [("/predict", f"not JSON: {MARK}")]),
    Kind("a header or a cookie", set(), [("/predict", ROW)],
         {"X-Customer": MARK, "Cookie": f"session={MARK}"}),
    Kind("the path", set(), [(f"/predict/{MARK}", ROW)]),
    Kind("the query of the URL", set(), [(f"/predict?customer={MARK}", ROW)]),
]  # fmt: skip


def marks(number: int) -> Iterator[str]:
    """Yield a mark for each form of a kind."""
    return (f"mark-{number}-{form}-x9q" for form in range(len(KINDS[number].bodies)))


@contextmanager
def serving(framework: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Run a service; yield its port, and the file of its own log."""
    code, command = SERVERS[framework]
    (folder / "service.py").write_text(code)
    features = {"age": np.arange(90.0), "town": ["Aix", "Ulm"] * 45, "income": ["low"] * 90}
    baseline = boxkite.Baseline.fit(features, {"late": np.arange(90.0)}, bins=4)
    baseline.write(folder / "histogram.prom")
    port = free_port()
    prefix = "FLASK_BOXKITE_" if framework == "flask" else "BOXKITE_"
    settings = {
        "BASELINE": str(folder / "histogram.prom"),
        "STATE_DIR": str(folder / "state"),
        "LOG": str(folder / "log"),
        "LOG_REDACT": "income",
        "METRICS_TOKEN": TOKEN,
        "DRIFT_PATH": "/drift",
    }
    inherited = {k: v for k, v in os.environ.items() if "BOXKITE" not in k}
    environment = inherited | {prefix + name: value for name, value in settings.items()}
    address = str(port) if framework == "fastapi" else f"127.0.0.1:{port}"
    own_log = folder / "own.log"
    program = [sys.executable, "-m", *command, address]
    with running(program, own_log, folder=folder, environment=environment):
        yield port, own_log


def asker(port: int) -> Callable[..., tuple[int, bytes]]:
    """Return a function that sends one request."""

    def ask(path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        content = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            method = "GET" if body is None else "POST"
            connection.request(
                method, path, content, {"Content-Type": "application/json", **headers}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return ask


def wait_for(ask: Callable[..., Any], own_log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            ask("/metrics")
            return
        except OSError:
            if time.monotonic() > deadline:
                raise AssertionError(own_log.read_text()) from None
            time.sleep(0.05)


def contents(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def state_of(folder: Path) -> tuple[bytes, bytes]:
    """Return the content of the journals, and of all other files of the state."""
    journal, others = b"", b""
    for path in (folder / "state").rglob("*"):
        if path.is_file() and "journal" in path.name:
            journal += path.read_bytes()
        elif path.is_file():
            others += path.read_bytes()
    return journal, others


@pytest.fixture(scope="module", params=list(SERVERS))
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Send all requests to a service, and return everything that is there afterwards, by place."""
    folder = tmp_path_factory.mktemp(request.param)
    kept: dict[str, bytes] = {}
    with serving(request.param, folder) as (port, own_log):
        ask = asker(port)
        wait_for(ask, own_log)
        for number, kind in enumerate(KINDS):
            for (path, body), mark in zip(kind.bodies, marks(number), strict=True):
                marked = json.loads(json.dumps([path, body, kind.headers]).replace(MARK, mark))
                ask(marked[0], marked[1], **marked[2])
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        kept["`/metrics`"] = ask("/metrics", **bearer)[1]
        pages = [ask(path, **bearer) for path in ("/drift?limit=99", "/drift/drift.json")]
        assert [status for status, _ in pages] == [200, 200]
        ask("/drift", f"token={TOKEN}", **{"Content-Type": "application/x-www-form-urlencoded"})
        kept["drift page"] = b"".join(content for _, content in pages)
        kept["journal"], kept["state"] = state_of(folder)
    # Look again after the end, when everything is delivered and the counts are merged.
    kept["state"] += state_of(folder)[1]
    kept["service's own log"] = own_log.read_bytes()
    kept["log"] = contents(folder / "log")
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(KINDS)), ids=[kind.name for kind in KINDS])
def test_each_kind_of_data_is_where_the_table_says_and_nowhere_else(
    number: int, found: dict[str, bytes]
) -> None:
    for mark in marks(number):
        places = {place for place, content in found.items() if mark.encode() in content}
        assert places == KINDS[number].places, mark


def test_every_answered_request_is_logged(found: dict[str, bytes]) -> None:
    assert found["log"].count(b'"prediction_id"') > len(KINDS)
    assert b"[redacted]" in found["log"]


def test_the_token_is_nowhere(found: dict[str, bytes]) -> None:
    assert not any(TOKEN.encode() in content for content in found.values())


def test_the_page_on_security_has_this_table() -> None:
    lines = [f"| part of a request or an answer | {' | '.join(PLACES)} |", "|---" * 7 + "|"]
    for kind in KINDS:
        cells = ("yes" if place in kind.places else "no" for place in PLACES)
        lines.append(f"| {kind.name} | {' | '.join(cells)} |")
    assert "\n".join(lines) in PAGE.read_text(), "\n".join(lines)
