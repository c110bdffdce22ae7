"""The seed of it all: a Flask service that is monitored by two lines."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json
from flask_app import app

client = app.test_client()
answers = [client.post("/predict", json=flight) for flight in json.loads(input())]
metrics = client.get("/metrics").text
print(json.dumps({
    "answers": [answer.json for answer in answers],
    "identified": ["X-Prediction-Id" in answer.headers for answer in answers],
    "counted": [line for line in metrics.splitlines() if line.startswith("boxkite_predictions_")],
    "errors": [line for line in metrics.splitlines()
               if line.startswith("boxkite_errors_total") and not line.endswith(" 0")],
}))
"""

FLIGHT = {"dep_delay": 2.0, "distance": 1400, "hour": 5, "minute": 15, "weekday": 1,
          "carrier": "UA", "origin": "EWR", "dest": "IAH"}  # fmt: skip


@pytest.fixture(scope="module")
def trained(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    demo_packages: None,  # noqa: ARG001
) -> Path:
    """A folder with the model and the baseline that train.py wrote."""
    folder = tmp_path_factory.mktemp("trained")
    paths = [str(folder / "model.skops"), str(folder / "histogram.prom")]
    subprocess.run([sys.executable, "train.py", *paths], cwd=examples, check=True)
    return folder


def mentions(tree: ast.AST) -> list[str]:
    """The lines of a program that name boxkite or its monitor, each once and in order."""
    lines: dict[int, str] = {}
    for node in ast.walk(tree):
        names = [getattr(node, part, None) for part in ("id", "attr", "module", "name")]
        text = " ".join(name for name in names if isinstance(name, str)).lower()
        if any(word in text for word in ("boxkite", "monitor", "predict(", "log_", "metrics")):
            lines.setdefault(node.lineno, ast.unparse(node))  # type: ignore[attr-defined]
    return [lines[number] for number in sorted(lines)]


def test_the_service_has_one_boxkite_one_decorator_and_no_other_line_of_monitoring(
    examples: Path,
) -> None:
    tree = ast.parse(examples.joinpath("flask_app.py").read_text())
    decorators = [
        ast.unparse(decorator)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    ]
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert decorators == [
        "app.post('/predict')",
        "monitor.predict(features=FEATURES, output='arrival_delay')",
    ]
    assert calls.count("Boxkite(app)") == 1
    assert len(mentions(tree)) == 3
    assert mentions(tree)[0] == "from boxkite_flask import Boxkite"


@pytest.mark.slow
def test_the_model_holds_no_pickle_and_needs_no_more_trust_than_the_service_gives(
    trained: Path, examples: Path
) -> None:
    script = (
        "import json, sys, zipfile, skops.io; "
        "print(json.dumps([skops.io.get_untrusted_types(file=sys.argv[1]), "
        "sorted({name.rpartition('.')[2] for name in zipfile.ZipFile(sys.argv[1]).namelist()})]))"
    )
    output = subprocess.check_output([sys.executable, "-c", script, str(trained / "model.skops")])
    untrusted, kinds = json.loads(output)
    assert set(untrusted) <= {"numpy.dtype"}
    assert set(kinds) <= {"json", "npy", "npz"}
    source = examples.joinpath("flask_app.py").read_text()
    assert "trusted=['numpy.dtype']" in ast.unparse(ast.parse(source))


@pytest.mark.slow
def test_the_service_answers_flights_and_counts_them(
    trained: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", str(trained / "model.skops"))
    monkeypatch.setenv("FLASK_BOXKITE_BASELINE", str(trained / "histogram.prom"))
    flights = [FLIGHT, FLIGHT | {"dep_delay": 120.0}, FLIGHT | {"dep_delay": None, "dest": "new"}]
    output = subprocess.check_output(
        [sys.executable, "-c", SCRIPT], cwd=examples, input=json.dumps(flights).encode()
    )
    said: dict[str, Any] = json.loads(output)
    delays = [answer["arrival_delay"] for answer in said["answers"]]
    assert delays[0] < delays[1]
    assert said["identified"] == [True] * 3
    (counted,) = said["counted"]
    assert counted.startswith('boxkite_predictions_total{model="flight-delay",version="')
    assert counted.endswith(" 3")
    assert said["errors"] == []
