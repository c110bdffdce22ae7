"""Output of the commands in other forms: JSON, JUnit XML, reports, pictures, the dashboard."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

import boxkite.prometheus
from boxkite import Baseline, compare
from boxkite.cli import main
from boxkite.cli.commands import boxkite as commands
from boxkite.report.drift_report import report_of
from boxkite.report.rendering import report_html
from boxkite.report.ticket import ticket_svg

DASHBOARD = Path(boxkite.prometheus.__file__).with_name("dashboard.json")
HOSTILE = "\x1b[31m<red>\n"
"""The output x has no column of its own, because the column x counts as the feature."""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    numbers = [float(i) for i in range(1000)]
    training = pd.DataFrame({"x": numbers, HOSTILE: ["a", "b"] * 500, "score": numbers})
    Baseline.fit(
        training.drop(columns="score"), {"x": numbers}, model="arrivals", version="7"
    ).write("histogram.prom")
    training.to_parquet("same.parquet")
    training.assign(x=training["x"] + 500).to_parquet("late.parquet")
    training[:3].to_parquet("few.parquet")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def variable(name: str, role: str, position: int) -> dict[str, Any]:
    edges = [49.5 + 50 * i for i in range(19)]
    return {
        "name": name, "role": role, "kind": "numeric", "position": position, "missing": 0,
        "counts": [50] * 20, "edges": edges, "minimum": 0.0, "maximum": 999.0,
    }  # fmt: skip


def test_show_prints_json() -> None:
    result = run("show", "histogram.prom", "--json")
    assert json.loads(result.stdout) == {
        "model": "arrivals",
        "version": "7",
        "rows": 1000,
        "variables": [
            variable("x", "feature", 0),
            {
                "name": HOSTILE, "role": "feature", "kind": "category", "position": 1,
                "missing": 0, "counts": [500, 500, 0], "categories": ["a", "b", "__unseen__"],
            },
            variable("x", "output", 0),
        ],
    }  # fmt: skip
    assert (result.stderr, result.exit_code) == ("", 0)


def test_baseline_prints_json_of_what_it_wrote() -> None:
    result = run(
        "baseline", "same.parquet", "--drop", "x", "--drop", "score", "--json", "-o", "new.prom"
    )
    assert result.stdout == run("show", "new.prom", "--json").stdout
    assert (result.stderr, result.exit_code) == ("", 0)


def test_a_variable_without_values_is_valid_json() -> None:
    with pytest.warns(match="no value"):
        Baseline.fit({"x": [None, None], "y": [1.0, 2.0]}).write("empty.prom")
    (empty, _) = json.loads(run("show", "empty.prom", "--json").stdout)["variables"]
    assert (empty["minimum"], empty["maximum"], empty["missing"]) == (None, None, 2)


def test_prune_prints_json() -> None:
    path = Path("log/models/predictions/e/2016-11-22/2359_w1-pod.txt")
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    command = ("logs", "prune", "log", "--older-than", "30d", "--dry-run", "--json")
    assert json.loads(run(*command).stdout) == {"files": 1, "bytes": 3, "dry_run": True}


def cases(path: str) -> list[tuple[str | None, str | None, list[tuple[str, str | None]]]]:
    return [
        (each.get("classname"), each.get("name"), [(e.tag, e.get("message")) for e in each])
        for each in ET.parse(path).getroot()
    ]


def test_compare_writes_junit_of_drift() -> None:
    result = run("compare", "histogram.prom", "late.parquet", "--junit", "junit.xml", "--json")
    (x, _, _) = json.loads(result.stdout)["variables"]
    suite = ET.parse("junit.xml").getroot()
    assert suite.attrib == {
        "name": "drift of arrivals 7", "tests": "3", "failures": "1", "errors": "0", "skipped": "1"
    }  # fmt: skip
    message = (
        "50 % of rows moved to values above 949; 50 % of rows lie outside the range of training "
        "(0 % at training); "
        f"PSI {x['psi']:.4g} is above its critical value {x['critical']:.4g}, "
        f"K-S {x['ks']:.4g} is above its critical value {x['ks_critical']:.4g}"
    )
    assert cases("junit.xml") == [
        ("feature", "x", [("failure", message)]),
        ("feature", r"\x1b[31m<red>\n", []),
        ("output", "x", [("skipped", "not enough data: the column is absent")]),
    ]
    assert suite[0][0].text == "1,000 rows, 0 missing, 0 invalid"
    assert result.exit_code == 1


def test_report_writes_one_file_and_says_what_is_in_it() -> None:
    result = run("report", "histogram.prom", "late.parquet")
    said = (
        "Drift in 1 of 3 variables in late.parquet: x. Changed rates: x (outside). "
        "Not enough data for 1 of 3 variables. Written to report.html\n"
    )
    assert (result.stdout, result.stderr, result.exit_code) == (said, "", 1)
    baseline = Baseline.read("histogram.prom")
    comparison = compare(baseline, pd.read_parquet("late.parquet"))
    expected = report_html(report_of(baseline, comparison, "in late.parquet"))
    made = re.compile("Made .* by")
    assert made.sub("", Path("report.html").read_text()) == made.sub("", expected)


@pytest.mark.parametrize(
    ("command", "modules", "said"),
    [
        (
            "report histogram.prom late.parquet",
            ["jinja2", "markupsafe"],
            "the drift page and reports need Jinja: pip install 'boxkite[report]'",
        ),
    ],
)
def test_without_an_extra_it_says_how_to_install_it(
    command: str, modules: list[str], said: str
) -> None:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({modules!r}));"
        f"sys.argv[1:] = {command.split()!r}; from boxkite.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    (line,) = result.stderr.splitlines()
    assert (result.stdout, result.returncode, line.endswith(said)) == ("", 2, True)


def test_report_prints_json() -> None:
    result = run("report", "histogram.prom", "late.parquet", "--json")
    comparison = compare(Baseline.read("histogram.prom"), pd.read_parquet("late.parquet"))
    assert json.loads(result.stdout) == {
        **json.loads(json.dumps(comparison.as_dict())),
        "file": "report.html",
    }
    assert (result.stderr, result.exit_code, Path("report.html").exists()) == ("", 1, True)


def test_report_exits_with_0_if_nothing_drifted() -> None:
    result = run("report", "histogram.prom", "same.parquet", "-o", "same.html")
    words = "No drift in 2 of 3 variables in same.parquet. Not enough data for 1 of 3 variables."
    assert (result.stdout, result.exit_code) == (f"{words} Written to same.html\n", 0)


def test_report_says_which_part_of_a_log_was_compared() -> None:
    path = Path("log/models/predictions/e/2026-11-22/2359_w1-pod.txt")
    path.parent.mkdir(parents=True)
    line = {"entity_id": "a", "created_at": "2026-11-22T23:59:00Z", "features": {"x": 1}}
    path.write_text(json.dumps(line) + "\n")
    result = run(
        "report", "histogram.prom", "log", "--since", "2026-11-22", "--until", "2026-12-01"
    )
    assert result.stdout == (
        "Not enough data for a verdict in log since 2026-11-22 until 2026-12-01. A verdict needs "
        "100 rows of a variable. Written to report.html\n"
    )
    shown = Path("report.html").read_text()
    assert "<strong>1</strong> predictions in log since 2026-11-22 until 2026-12-01" in shown


@pytest.mark.parametrize("name", [HOSTILE, "output:x"])
def test_report_draws_one_variable(name: str) -> None:
    result = run("report", "histogram.prom", "late.parquet", "--only", name, "-o", "one.svg")
    assert (result.stderr, result.exit_code) == ("", 1)
    baseline = Baseline.read("histogram.prom")
    comparison = compare(baseline, pd.read_parquet("late.parquet"))
    report = report_of(baseline, comparison, "in late.parquet")
    (card,) = [card for card in report.cards if name in (card.drift.name, card.anchor)]
    drawn = Path("one.svg").read_text()
    assert drawn == ticket_svg(card, report)
    ET.fromstring(drawn)


MISTAKES = [
    ("report histogram.prom", "Missing argument 'ROWS'. See boxkite report --help"),
    ("report histogram.prom absent.csv",
     "Invalid value for 'ROWS': File 'absent.csv' does not exist."),
    ("report absent.prom same.parquet", "absent.prom: No such file or directory"),
    ("report histogram.prom same.parquet -o no/r.html",
     "cannot write no/r.html: folder no does not exist"),
    ("report histogram.prom same.parquet -o r.svg",
     ("a report is HTML, so the file must end in .html: r.svg "
     "(--only draws one variable as SVG)")),
    ("report histogram.prom same.parquet -o r.png",
     "a report is HTML, so the file must end in .html: r.png"),
    ("report histogram.prom same.parquet -o -",
     "a report is HTML, so the file must end in .html: -"),
    ("report histogram.prom same.parquet -o /proc/r.html",
     "/proc/r.html: No such file or directory"),
    ("report histogram.prom same.parquet -o .",
     "Invalid value for '-o' / '--output-file': File '.' is a directory."),
    ("compare histogram.prom same.parquet --junit /proc/j.xml",
     "/proc/j.xml: No such file or directory"),
    ("report histogram.prom same.parquet --only score -o r.html",
     "--only writes SVG, so the file must end in .svg: r.html"),
    ("report histogram.prom same.parquet --only x",
     "several variables are named 'x': give feature:x or output:x"),
    ("report histogram.prom same.parquet --only y",
     r"no variable is named 'y'; the baseline has x, \x1b[31m<red>\n"),
    ("report histogram.prom same.parquet --endpoint e",
     ("same.parquet is a table of rows, but --endpoint, --since and --until need a log. "
     "Leave them out")),
    ("compare histogram.prom same.parquet --junit no/j.xml",
     "cannot write no/j.xml: folder no does not exist"),
    ("dashboard here", "Got unexpected extra argument (here) See boxkite dashboard --help"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "message"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(command: str, message: str) -> None:
    result = run(*command.split())
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"boxkite: {message}\n", 2)


def test_dashboard_prints_it() -> None:
    result = run("dashboard")
    assert result.stdout == DASHBOARD.read_text("utf-8")
    assert (result.stderr, result.exit_code) == ("", 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(
    shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_BOXKITE_COMPLETE", f"{shell}_source")
    monkeypatch.setattr(sys, "argv", ["boxkite"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capfd.readouterr()
    assert f"_BOXKITE_COMPLETE={shell}_complete" in told.out
    assert (told.err, ended.value.code) == ("", 0)


def test_commands_and_options_are_completed() -> None:
    found = ShellComplete(commands, {}, "boxkite", "_BOXKITE_COMPLETE")
    assert [each.value for each in found.get_completions([], "re")] == ["report"]
    assert [each.value for each in found.get_completions(["compare"], "--j")] == [
        "--json",
        "--junit",
    ]
