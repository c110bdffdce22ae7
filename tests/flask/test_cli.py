"""`flask boxkite`: the commands of boxkite, with what the application has."""

import json
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

import boxkite
from boxkite.cli.commands import boxkite as commands
from boxkite_flask import Boxkite

GOT_MORE = "Got unexpected extra argument (histogram.prom) See flask boxkite show --help"
NO_LABELS = (
    "the service takes no labels, because the setting OUTCOME_TTL is 0. Set it to the time for "
    "which predictions wait for their labels, such as 7d"
)
NO_LOG = "the service has no log with a URL: set LOG, or give a URL to `boxkite logs`"


@pytest.fixture
def service(app: Flask, score_baseline: boxkite.Baseline, tmp_path: Path) -> Flask:
    """Two models, the second one with a log."""
    Boxkite(app, baseline=score_baseline, log="none:")
    Boxkite(app, baseline=score_baseline, model="b", log=tmp_path / "log", endpoint_id="e")
    return app


def run(app: Flask, *arguments: str) -> Result:
    """Run a command as `flask` does, found by its entry point."""
    (command,) = entry_points(group="flask.commands", name="boxkite")
    app.cli.add_command(command.load(), "boxkite")
    return app.test_cli_runner().invoke(args=["boxkite", *arguments])


@pytest.mark.parametrize(("options", "model"), [([], "score"), (["--model", "b"], "b")])
def test_show_shows_the_applications_baseline(
    options: list[str], model: str, service: Flask
) -> None:
    result = run(service, *options, "show")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[0]) == (0, f"model {model}, version 1, 100 training rows")
    assert [line.split()[0] for line in lines[3:]] == ["age", "colour", "score"]


@pytest.mark.parametrize(("age", "code", "verdict"), [("", 0, "3 ok"), ("1", 1, "1 drift, 2 ok")])
def test_compare_compares_rows_with_it(
    age: str, code: int, verdict: str, service: Flask, tmp_path: Path
) -> None:
    rows = [f"{age or i},{'red' if i % 2 else 'blue'},{i / 100}" for i in range(100)] * 20
    (tmp_path / "rows.csv").write_text("\n".join(["age,colour,score", *rows]))
    result = run(service, "compare", str(tmp_path / "rows.csv"))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (code, verdict)


def test_compare_judges_by_the_applications_policy(
    app: Flask, score_baseline: boxkite.Baseline, tmp_path: Path
) -> None:
    Boxkite(app, baseline=score_baseline, log="none:", design_effect="1e6")
    rows = [f"1,red,{i / 100}" for i in range(100)] * 20
    (tmp_path / "rows.csv").write_text("\n".join(["age,colour,score", *rows]))
    assert run(app, "compare", str(tmp_path / "rows.csv")).exit_code == 0
    own = ("--design-effect", "1")
    assert run(app, "compare", str(tmp_path / "rows.csv"), *own).exit_code == 1


def test_compare_takes_the_floors_of_single_variables_from_the_application(
    app: Flask, score_baseline: boxkite.Baseline, tmp_path: Path
) -> None:
    lenient = boxkite.VariablePolicy(min_effect=9, min_moved=1)
    policy = boxkite.Policy(variables={"age": None, "colour": lenient})
    Boxkite(app, baseline=score_baseline, log="none:", policy=policy)
    rows = [f"1,red,{i / 100}" for i in range(100)] * 20
    (tmp_path / "rows.csv").write_text("\n".join(["age,colour,score", *rows]))
    assert run(app, "compare", str(tmp_path / "rows.csv")).exit_code == 0
    own = ("--no-alert", "age", "--variable", "colour:min-effect=0.1")
    assert run(app, "compare", str(tmp_path / "rows.csv"), *own).exit_code == 1


def test_rules_are_printed(service: Flask) -> None:
    from boxkite.prometheus.rules import render_rules

    assert run(service, "rules").stdout == render_rules()


def drifted(folder: Path) -> Path:
    """Write rows of one age."""
    rows = [f"1,{'red' if i % 2 else 'blue'},{i / 100}" for i in range(100)] * 20
    path = folder / "rows.csv"
    path.write_text("\n".join(["age,colour,score", *rows]))
    return path


def test_report_is_that_of_boxkite_with_the_applications_baseline(
    service: Flask, score_baseline: boxkite.Baseline, tmp_path: Path
) -> None:
    rows, ours, theirs = drifted(tmp_path), tmp_path / "ours.html", tmp_path / "theirs.html"
    result = run(service, "report", str(rows), "-o", str(ours))
    words = f"Drift in 1 of 3 variables in {rows}: age."
    assert (result.stdout, result.stderr, result.exit_code) == (
        f"{words} Written to {ours}\n",
        "",
        1,
    )
    score_baseline.write(tmp_path / "histogram.prom")
    arguments = [str(tmp_path / "histogram.prom"), str(rows), "-o", str(theirs)]
    CliRunner().invoke(commands, ["report", *arguments])
    made = re.compile("Made .* by")
    assert made.sub("", ours.read_text()) == made.sub("", theirs.read_text())


def test_report_of_the_chosen_model_draws_one_variable(service: Flask, tmp_path: Path) -> None:
    rows, drawn = drifted(tmp_path), tmp_path / "age.svg"
    options = ["--only", "age", "-o", str(drawn), "--json"]
    result = run(service, "--model", "b", "report", str(rows), *options)
    found = json.loads(result.stdout)
    assert (found["model"], found["verdict"], found["file"]) == ("b", "drift", str(drawn))
    assert (result.stderr, result.exit_code) == ("", 1)
    assert ">grey: training, blue: b 1, in " in drawn.read_text()


def test_report_takes_the_applications_log(service: Flask, tmp_path: Path) -> None:
    monitor = service.extensions["boxkite_models"]["b"]
    for _ in range(3):
        monitor.log_prediction([30, "red"], 0.3)
    assert monitor.flush()
    monitor.close()
    result = run(
        service, "--model", "b", "report", monitor.log_url, "-o", str(tmp_path / "log.html")
    )
    words = (
        f"Not enough data for a verdict in {tmp_path}/log. A verdict needs 15 to 50 rows of a "
        f"variable."
    )
    said = f"{words} Written to {tmp_path}/log.html\n"
    assert (result.stdout, result.stderr, result.exit_code) == (said, "", 3)


def test_dashboard_is_that_of_boxkite(service: Flask) -> None:
    result = run(service, "dashboard")
    assert result.stdout == CliRunner().invoke(commands, ["dashboard"]).stdout
    assert (result.stderr, result.exit_code) == ("", 0)


def test_the_applications_log_is_listed(service: Flask) -> None:
    monitor = service.extensions["boxkite_models"]["b"]
    monitor.log_prediction([30, "red"], 0.3)
    assert monitor.flush()
    monitor.close()
    result = run(service, "--model", "b", "logs", "ls", "--records")
    assert result.exit_code == 0
    header, _, row = map(str.split, result.stdout.splitlines()[:3])
    shown = dict(zip(header, row, strict=True))
    assert (shown["endpoint"], shown["predictions"]) == ("e", "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "histogram.prom"], GOT_MORE),
        (["logs", "ls"], NO_LOG),
        (["quality"], NO_LABELS),
        (["--model", "c", "show"], "Invalid value for '--model': 'c' is not one of 'score', 'b'."),
        (["report", "none.csv"], "Invalid value for 'ROWS': File 'none.csv' does not exist."),
        (["report"], "Missing argument 'ROWS'. See flask boxkite report --help"),
        (["compare", "none.csv"], "Invalid value for 'ROWS': File 'none.csv' does not exist."),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, service: Flask
) -> None:
    result = run(service, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"boxkite: {said}\n")


def test_help_names_no_argument_that_the_application_gives(service: Flask) -> None:
    for arguments in (
        ["show"],
        ["compare"],
        ["report"],
        ["dashboard"],
        ["design-effect"],
        ["quality"],
        ["logs", "ls"],
        ["logs", "prune"],
    ):
        shown = run(service, *arguments, "--help").stdout
        assert shown.split()[:2] == ["Usage:", "flask"]
        assert "BASELINE" not in shown
        assert "URL is" not in shown
        assert "URL" not in shown.splitlines()[0]


def test_help_has_examples_that_hold_for_the_application(service: Flask) -> None:
    shown = {
        name: run(service, *name.split(), "--help").stdout.partition("Example:\n")[2]
        for name in (
            "compare",
            "dashboard",
            "logs",
            "logs cat",
            "logs ls",
            "quality",
            "report",
            "show",
        )
    }
    examples = {
        name: [line.strip() for line in text.partition("\n\n")[0].splitlines()]
        for name, text in shown.items()
    }
    assert examples == {
        "compare": [
            "flask boxkite compare july.parquet",
            "flask boxkite compare 's3://bucket/july/*.parquet'",
            "flask boxkite compare s3://bucket/log --since 2026-11-01",
            "flask boxkite compare july.parquet --segment carrier",
            "flask boxkite compare monday.parquet --window 1d --metrics monday.prom",
            "flask boxkite compare july.parquet --no-alert row_id --variable dest:min-effect=0.2",
        ],
        "dashboard": ["flask boxkite dashboard > boxkite.json"],
        "logs": ["flask boxkite logs ls", "flask boxkite logs cat --since 2026-11-23"],
        "logs cat": [
            "flask boxkite logs cat --since 2026-11-23 --format parquet -o day.parquet",
        ],
        "logs ls": ["flask boxkite logs ls --since 2026-11-01 --records"],
        "quality": ["flask boxkite quality", "flask boxkite quality --window 7d"],
        "report": [
            "flask boxkite report july.parquet -o july.html",
            "flask boxkite report july.parquet --only dep_delay -o dep_delay.svg",
            "flask boxkite report log --labels labels.parquet --label late",
            "flask boxkite report july.parquet --label late --time departed_at",
        ],
        "show": ["flask boxkite show"],
    }


@pytest.mark.parametrize("options", [None, {"enabled": False}])
def test_an_application_without_boxkite_is_told_so(options: Any, app: Flask) -> None:
    if options:
        Boxkite(app, **options)
    result = run(app, "show")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: application 'service' has no Boxkite; call Boxkite(app) where it is made"
    )
