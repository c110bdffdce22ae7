"""The commands: their whole output and their exit codes."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline
from boxkite.cli.commands import boxkite
from boxkite.prometheus.rules import RuleObject, RuleOptions, render_rules

HOSTILE = "\x1b[31m[red]\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    training = pd.DataFrame(
        {
            "delay": np.arange(1000.0),
            "carrier": ["AA", "UA"] * 500,
            HOSTILE: [1, 2] * 500,
            "score": np.linspace(0, 1, 1000),
        }
    )
    training.to_csv("train.csv", index=False)
    training.to_parquet("train.parquet")
    training.assign(delay=training["delay"] + 500).to_parquet("late.parquet")
    training[:3].to_parquet("few.parquet")
    Baseline.fit(
        training.drop(columns="score"), training["score"], model="arrivals", version="7"
    ).write("histogram.prom")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


SHOWN = [
    "variable         kind      missing  cells  train     range or categories",
    "────────────────────────────────────────────────────────────────────────",
    "delay            numeric         0     20  ████████  0 to 999",
    "carrier          category        0      3  ██        AA, UA, __unseen__",
    r"\x1b[31m[red]\n  numeric         0      2  ████████  1 to 2",
    "score (output)   numeric         0     20  ████████  0 to 1",
]


@pytest.mark.parametrize("rows", ["train.csv", "train.parquet"])
def test_baseline_writes_a_file_and_says_what_is_in_it(rows: str) -> None:
    result = run("baseline", rows, "--output", "score", "--version", "7", "-o", "new.prom")
    assert lines(result.stdout) == [
        *SHOWN,
        "1,000 rows, version 7, written to new.prom",
    ]
    assert (result.stderr, result.exit_code) == (
        (
            "boxkite: 1,000 of 1,000 values of 'delay' are different. If they are ids, exclude the "
            "column (--drop), or let it raise no alert (--no-alert): ids have no distribution to "
            "compare\n"
        ),
        0,
    )
    written = Baseline.read("new.prom").relabelled(model="arrivals")
    assert written == Baseline.read("histogram.prom")


def test_baseline_takes_its_options() -> None:
    result = run(
        "baseline", "train.csv", "--drop", "score", "--drop", "delay", "--categorical", HOSTILE,
        "--model", "m", "--exposition", "classic",
    )  # fmt: skip
    found = Baseline.read("histogram.prom")
    assert (result.exit_code, found.model) == (0, "m")
    assert [(each.name, each.kind) for each in found.variables] == [
        ("carrier", "category"),
        (HOSTILE, "category"),
    ]


def test_baseline_takes_the_order_of_categories() -> None:
    table = pd.DataFrame({"size": ["M", "S", "L", "S"] * 5, "grade": [10, 9, 2, 9] * 5})
    table.to_csv("orders.csv", index=False)
    ordered = ("--ordered", "size=S,M,L", "--ordered", "grade")
    result = run("baseline", "orders.csv", *ordered, "--json")
    size, grade = json.loads(result.stdout)["variables"]
    assert (size["kind"], size["categories"]) == ("ordered", ["S", "M", "L", "__unseen__"])
    assert (grade["kind"], grade["categories"]) == ("ordered", ["2", "9", "10", "__unseen__"])
    assert (size["counts"], grade["counts"]) == ([10, 5, 5, 0], [5, 10, 5, 0])
    assert run("baseline", "orders.csv", "--ordered", "siez=S,M").exit_code == 2


def test_merged_parts_equal_the_baseline_of_all_rows() -> None:
    rows = pd.read_parquet("train.parquet")
    rows["code"] = [*["01", "NA", "x"] * 333, "x"]
    for name, part in {"one": rows[:400], "two": rows[400:], "all": rows}.items():
        part.to_csv(f"{name}.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)
    assert (
        run(
            *["baseline", "one.csv", "--output", "score", "--model", "m", "-o", "one.prom"]
        ).exit_code
        == 0
    )
    for part in ("two", "all"):
        found = run("baseline", f"{part}.csv", "--like", "one.prom", "-o", f"{part}.prom")
        assert (found.exit_code, found.stderr) == (0, "")
    merged = run("merge", "two.prom", "one.prom", "-o", "merged.prom")
    version = Baseline.read("all.prom").version
    assert merged.stdout == f"2 parts, 1,000 rows, version {version}, written to merged.prom\n"
    assert Path("merged.prom").read_bytes() == Path("all.prom").read_bytes()


def test_a_warning_is_one_line_on_stderr() -> None:
    pd.DataFrame({"id\n": [f"id {n}" for n in range(1000)]}).to_parquet("ids.parquet")
    result = run("baseline", "ids.parquet")
    assert (result.exit_code, len(result.stderr.splitlines())) == (0, 1)
    assert result.stderr.startswith("boxkite: ")


def test_show_prints_a_baseline() -> None:
    result = run("show", "histogram.prom")
    header, *table = lines(result.stdout)
    assert header == "model arrivals, version 7, 1,000 training rows"
    assert table == SHOWN
    assert (result.stderr, result.exit_code) == ("", 0)


def test_compare_exits_with_0_if_nothing_drifted() -> None:
    result = run("compare", "histogram.prom", "train.parquet")
    assert lines(result.stdout) == [
        "variable         rows missing    PSI critical    K-S critical verdict train    live",
        "───────────────────────────────────────────────────────────────────────────────────────",
        "delay           1,000       0 0.0000   0.1186 0.0000   0.1047 ok      ████████ ████████",
        "carrier         1,000       0 0.0000   0.0547      -        - ok      ██       ██",
        r"\x1b[31m[red]\n 1,000       0 0.0000   0.0507 0.0000   0.1047 ok      ████████ ████████",
        "score (output)  1,000       0 0.0000   0.1186 0.0000   0.1047 ok      ████████ ████████",
        "4 ok",
    ]
    assert (result.stderr, result.exit_code) == ("", 0)


def test_compare_exits_with_1_and_names_the_drifted_variables() -> None:
    result = run("compare", "histogram.prom", "late.parquet")
    assert lines(result.stdout) == [
        "variable         rows missing    PSI critical    K-S critical verdict train    live",
        "───────────────────────────────────────────────────────────────────────────────────────",
        "delay           1,000       0 3.4673   0.1186 0.5000   0.1047 drift   ▂▂▂▂▂▂▂▂     ▂▂▂█",
        "carrier         1,000       0 0.0000   0.0547      -        - ok      ██       ██",
        r"\x1b[31m[red]\n 1,000       0 0.0000   0.0507 0.0000   0.1047 ok      ████████ ████████",
        "score (output)  1,000       0 0.0000   0.1186 0.0000   0.1047 ok      ████████ ████████",
        "drift: delay: 50 % of rows moved to values above 949 (PSI 3.47, K-S 0.5)",
        "changed rate: delay: 50 % of rows lie outside the range of training (0 % at training)",
        "1 drift, 3 ok",
    ]
    assert (result.stderr, result.exit_code) == ("", 1)


def test_compare_says_that_there_is_not_enough_data() -> None:
    result = run("compare", "histogram.prom", "few.parquet")
    *_, first, second, third, fourth, last = lines(result.stdout)
    assert {first, second, third, fourth} == {
        "not enough data: delay: 3 rows, 100 needed",
        "not enough data: carrier: 3 rows, 15 needed",
        r"not enough data: \x1b[31m[red]\n: 3 rows, 10 needed",
        "not enough data: score: 3 rows, 100 needed",
    }
    assert last == "4 not enough data"
    assert (result.stderr, result.exit_code) == ("", 3)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("--min-effect 99", 1),
        ("--min-effect 99 --min-moved 1", 1),
        ("--min-effect 99 --min-moved 1 --min-rate 1", 0),
        ("--design-effect 1e6", 0),
        ("--false-alarms-per-month 1e-12", 1),
        ("--no-alert delay", 0),
        ("--variable delay:min-effect=99,min-moved=1,min-rate=1", 0),
        ("--variable delay:min-effect=99,min-rate=1", 1),
        ("--variable carrier:min-effect=99 --no-alert score --no-alert delay", 0),
        ("--min-rows-a-cell 1000", 1),
        ("--min-rows-a-cell 1000 --no-alert delay", 3),
    ],
)
def test_compare_takes_a_policy(options: str, code: int) -> None:
    result = run("compare", "histogram.prom", "late.parquet", *options.split())
    assert (result.stderr, result.exit_code) == ("", code)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--no-alert dellay",
            (
                "the policy names the variable 'dellay', which the baseline does not have. Did you "
                "mean 'delay'?"
            ),
        ),
        (
            "--variable dellay:min-effect=1",
            (
                "the policy names the variable 'dellay', which the baseline does not have. Did you "
                "mean 'delay'?"
            ),
        ),
        (
            "--variable delay",
            (
                "Invalid value for '--variable': 'delay' is not of the form "
                "NAME:min-effect=0.2,min-moved=0.05."
            ),
        ),
        (
            "--variable delay:min-efect=1",
            (
                "Invalid value for '--variable': 'min-efect' is not a floor. Did you mean "
                "'min-effect'?"
            ),
        ),
        (
            "--variable delay:min-effect",
            "Invalid value for '--variable': 'min-effect' is not of the form min-effect=0.2.",
        ),
        (
            "--variable delay:min-rate=x",
            "Invalid value for '--variable': 'x' is not a valid float range.",
        ),
        (
            "--no-alert delay --variable delay:min-rate=1",
            "--variable and --no-alert name 'delay' more than once",
        ),
    ],
)
def test_a_mistake_in_a_policy_is_explained(options: str, message: str) -> None:
    result = run("compare", "histogram.prom", "late.parquet", *options.split())
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"boxkite: {message}\n", 2)


def test_differences_that_do_not_matter_are_remarked() -> None:
    options = "--min-effect 99 --min-moved 0.5 --min-rate 1"
    result = run("compare", "histogram.prom", "late.parquet", *options.split())
    assert lines(result.stdout)[-2:] == [
        (
            "ok: delay: more than chance explains, but too small to matter: PSI 3.47 is not above "
            "99, and 49.5 % of rows moved, less than 50 %"
        ),
        "4 ok",
    ]


@pytest.mark.parametrize(
    ("options", "interval", "end"),
    [("", 86_400, None), ("--every 6h --period-end 2026-11-30", 21_600, 1_795_996_800)],
)
def test_compare_writes_metrics(options: str, interval: int, end: int | None) -> None:
    result = run(
        "compare", "histogram.prom", "late.parquet", "--metrics", "m.prom", *options.split()
    )
    assert result.exit_code == 1
    lines = Path("m.prom").read_text().splitlines()
    values = dict(line.rpartition(" ")[::2] for line in lines if not line.startswith("#"))
    head = '{model_name="arrivals",model_version="7"'
    assert float(values[f"boxkite_compare_interval_seconds{head}}}"]) == interval
    assert values[f'boxkite_compare_model_verdict{head},verdict="drift"}}'] == "1"
    found = values.get(f"boxkite_compare_period_end_seconds{head}}}")
    assert (None if found is None else float(found)) == end


@pytest.mark.parametrize("mistake", ["gone.parquet", "train.csv --period-end soon"])
def test_a_failed_comparison_leaves_the_metrics_as_they_were(mistake: str) -> None:
    Path("m.prom").write_text("old")
    command = ["compare", "histogram.prom", "--metrics", "m.prom", *mistake.split()]
    assert run(*command).exit_code == 2
    assert Path("m.prom").read_text() == "old"


def test_compare_prints_json() -> None:
    result = run("compare", "histogram.prom", "late.parquet", "--json")
    found = json.loads(result.stdout)
    assert (found["model"], found["predictions"], found["verdict"]) == ("arrivals", 1000, "drift")
    assert [(each["name"], each["verdict"]) for each in found["variables"]] == [
        ("delay", "drift"),
        ("carrier", "ok"),
        (HOSTILE, "ok"),
        ("score", "ok"),
    ]
    assert (result.stderr, result.exit_code) == ("", 1)


def test_rules_prints_the_rules() -> None:
    assert run("rules").stdout == render_rules()
    options = (
        "--window 30m --slow-window 1h --interval 15s --scrape-interval 15s "
        "--runbook https://x/ --by env,job --alert-label team=ml --severity critical=page "
        "--severity BoxkiteNoBaseline=info --no-alert BoxkiteScrapedTwice"
    )
    result = run("rules", *options.split())
    assert result.stdout == render_rules(
        windows=["30m", "1h"],
        options=RuleOptions(
            environment=("env", "cluster", "namespace", "job"),
            interval="15s",
            scrape_interval="15s",
            runbook="https://x/",
            alert_labels={"team": "ml"},
            severities={"critical": "page", "BoxkiteNoBaseline": "info"},
            without=frozenset({"BoxkiteScrapedTwice"}),
        ),
    )
    alone = run("rules", "--slow-window", "none", "--no-alerts", "--by", "")
    options_alone = RuleOptions(environment=(), alerts=False)
    assert alone.stdout == render_rules(windows=["1h"], options=options_alone)


def test_rules_prints_an_object_of_the_prometheus_operator() -> None:
    result = run("rules", "--kubernetes")
    assert (result.stdout, result.stderr) == (RuleObject().render(render_rules()), "")
    options = "--kubernetes --name drift --namespace monitoring --label release=prometheus"
    named = run("rules", *options.split())
    chosen = RuleObject(name="drift", namespace="monitoring", labels={"release": "prometheus"})
    assert named.stdout == chosen.render(render_rules())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--scrape-interval 10m",
            (
                "a scrape every 10m is too rare for the window 1h: no alert could fire. Scrape "
                "every 120 seconds or more often"
            ),
        ),
        ("--by env,2", "--by: '2' is not a label name; give names such as env,region"),
        ("--by variable", "--by: 'variable' is a label of boxkite's own series; leave it out"),
        (
            "--by pod",
            (
                "--by: 'pod' would judge each replica by itself, which has too few rows; group by "
                "labels that all replicas of an environment share"
            ),
        ),
        (
            "--alert-label team",
            "Invalid value for '--alert-label': 'team' is not of the form NAME=VALUE.",
        ),
    ],
)
def test_rules_refuses_options_that_cannot_work(options: str, message: str) -> None:
    result = run("rules", *options.split())
    assert (result.stdout, result.exit_code) == ("", 2)
    assert message in result.stderr


# click chooses the words, which differ between versions.
MISSPELT = click.NoSuchOption("--outputs", possibilities=["--output", "--output-file"])
SEVERAL_FORMATS = (
    "cannot read .: it has files of several formats, csv, parquet. Pass a folder or a glob with "
    "one format"
)
MISTAKES = [
    ("nope", "No such command 'nope'. See boxkite --help"),
    ("baseline", "Missing argument 'ROWS'. See boxkite baseline --help"),
    ("baseline train.csv --model=", "Invalid value for '--model': a name cannot be empty."),
    ("baseline train.csv --output score --drop score",
     "column 'score' cannot be both an --output and dropped (--drop)"),
    ("baseline train.csv -o .",
     "Invalid value for '-o' / '--output-file': File '.' is a directory."),
    ("baseline train.csv --outputs score",
     f"{MISSPELT.format_message()} See boxkite baseline --help"),
    ("baseline train.csv --drop delay -o /proc/h.prom", "/proc/h.prom: No such file or directory"),
    ("baseline twice.csv",
     "cannot read twice.csv: it has several columns named 'a'. Rename all but one"),
    ("baseline latin.csv", "cannot read latin.csv: its header is not UTF-8"),
    ("baseline bytes.csv", "cannot read bytes.csv: "),
    ("baseline bytes.parquet", "cannot read bytes.parquet: "),
    ("baseline absent.csv", "Invalid value for 'ROWS': File 'absent.csv' does not exist."),
    ("baseline .", SEVERAL_FORMATS),
    ("baseline notes.txt", "cannot read notes.txt: the file must end in .parquet or .csv"),
    ("baseline nothing.csv", "cannot read nothing.csv: Empty CSV file"),
    ("baseline header.csv", "the table is empty. A baseline needs at least one row"),
    ("baseline ragged.csv",
     "cannot read ragged.csv: CSV parse error: Expected 2 columns, got 1: 3"),
    ("baseline train.csv -o no/h.prom", "cannot write no/h.prom: folder no does not exist"),
    ("baseline ragged.parquet", "cannot read ragged.parquet: "),
    ("show absent.prom", "absent.prom: No such file or directory"),
    ("show .", ".: Is a directory"),
    ("show header.csv", ("header.csv is a table of rows, but BASELINE comes first: "
     "give a baseline such as histogram.prom")),
    ("show notes.txt", "notes.txt, line 1: not a value: "),
    ("show bytes.prom", "bytes.prom, line 1: not UTF-8: "),
    ("show nothing.prom", "nothing.prom, no baseline series in it, or it is cut short"),
    ("show http://127.0.0.1:9/h.prom",
     "cannot fetch http://127.0.0.1:9/h.prom: Connection refused"),
    ("show ftp://host/h.prom",
     ("cannot read ftp://host/h.prom: its scheme is not supported. "
      "Pass a path, or a file:, http: or https: URL")),
    ("compare histogram.prom", "Missing argument 'ROWS'. See boxkite compare --help"),
    ("compare train.csv histogram.prom",
     ("train.csv is a table of rows, but BASELINE comes first: "
     "give a baseline such as histogram.prom")),
    ("compare histogram.prom histogram.prom",
     "cannot read histogram.prom: the file must end in .parquet or .csv"),
    ("compare histogram.prom none.csv", "none.csv has no rows"),
    ("compare histogram.prom .", SEVERAL_FORMATS),
    ("compare histogram.prom s3://",
     "'s3://' is not the URL of a bucket: "),
    ("compare absent.prom train.csv", "absent.prom: No such file or directory"),
    ("compare histogram.prom train.csv --min-effect nan",
     "Invalid value for '--min-effect': nan is not a finite number."),
    ("compare histogram.prom train.csv --min-effect -1",
     "Invalid value for '--min-effect': -1.0 is not in the range x>=0."),
    ("compare histogram.prom train.csv --false-alarms-per-month 0",
     "Invalid value for '--false-alarms-per-month': 0.0 is not in the range x>0."),
    ("compare histogram.prom train.csv --design-effect 0.9",
     "Invalid value for '--design-effect': 0.9 is not in the range x>=1."),
    ("rules --window week", "'week' is not a Prometheus duration; write one such as 1h or 90s"),
    ("rules --interval 0s", "'0s' is not a Prometheus duration; write one such as 1h or 90s"),
    ("rules --interval 5m",
     "the interval 5m is too long, because Prometheus forgets a value after 5m. Use 2m or less"),
    ("rules --window 30s --interval 1m",
     "the interval 1m is longer than the window 30s. Use a shorter one"),
    ("rules --window 1d", "give each window once, the shortest first, not 1d, 1d"),
    ("rules --slow-window 30m", "give each window once, the shortest first, not 1h, 30m"),
    ("rules --slow-window week",
     "'week' is not a Prometheus duration; write one such as 1h or 90s"),
    ("compare histogram.prom train.csv --false-alarms-per-month 0",
     "Invalid value for '--false-alarms-per-month': 0.0 is not in the range x>0."),
    ("compare histogram.prom train.csv --min-effect nan",
     "Invalid value for '--min-effect': nan is not a finite number."),
]  # fmt: skip


@pytest.mark.parametrize(("command", "message"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(command: str, message: str) -> None:
    Path("notes.txt").write_text("notes")
    Path("nothing.csv").touch()
    Path("nothing.prom").touch()
    Path("none.csv").write_text("delay,carrier\n")
    Path("twice.csv").write_text("a,b,a\n1,2,3\n")
    Path("latin.csv").write_bytes("größe\n1\n".encode("latin-1"))
    for ending in ("csv", "parquet", "prom"):
        Path(f"bytes.{ending}").write_bytes(
            b"\n".join(bytes(range(n, 256)) for n in range(128, 256))
        )
    Path("header.csv").write_text("a,b\n")
    for name in ("ragged.csv", "ragged.parquet"):
        Path(name).write_text("a,b\n1,2\n3\n")
    result = run(*command.split())
    (line,) = result.stderr.splitlines()
    assert len(line) < 300
    if message.endswith((": ", "; ")):  # a library words the rest
        assert line.startswith(f"boxkite: {message}")
    else:
        assert line == f"boxkite: {message}"
    assert (result.stdout, result.exit_code) == ("", 2)


@pytest.mark.parametrize("option", ["--output", "--drop", "--categorical"])
def test_an_unknown_column_is_named_with_the_columns_of_the_file(option: str) -> None:
    result = run("baseline", "train.csv", option, "nope")
    there = r"delay, carrier, \x1b[31m[red]\n, score"
    assert result.stderr == f"boxkite: train.csv has no column 'nope'; it has {there}\n"
    assert (result.stdout, result.exit_code) == ("", 2)


def test_a_bug_does_not_look_like_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("boxkite.cli.compare_command.compare", failing)
    result = run("compare", "histogram.prom", "train.csv")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "ZeroDivisionError"


def test_an_interrupt_does_not_look_like_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("boxkite.cli.compare_command.compare", interrupted)
    assert run("compare", "histogram.prom", "train.csv").exit_code == 130


@pytest.mark.parametrize("name", sorted(boxkite.commands))
def test_the_help_of_each_command_has_an_example_of_it(name: str) -> None:
    for option in ("--help", "-h"):
        result = run(name, option)
        assert (result.stderr, result.exit_code) == ("", 0)
        example = result.stdout.partition("\n  Example:\n")[2].splitlines()[0]
        assert example.startswith(f"    boxkite {name} ")


COMMANDS = [
    "baseline", "compare", "dashboard", "design-effect", "init", "logs", "merge", "outcomes",
    "report", "rules", "show", "variation",
]  # fmt: skip


def test_without_a_command_it_prints_its_help_with_every_command() -> None:
    result = run()
    assert (result.stdout, result.exit_code) == (run("--help").stdout, 0)
    listed = result.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS
    assert [line for line in listed if line.endswith("...")] == []


def _python_m(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boxkite", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_python_m_boxkite_is_the_same_command() -> None:
    result = _python_m("rules")
    assert (result.stdout, result.stderr, result.returncode) == (render_rules(), "", 0)
    assert _python_m("compare", "histogram.prom", "late.parquet").returncode == 1


def test_commands_start_without_importing_pandas() -> None:
    program = "import sys, boxkite.cli.commands; print('pandas' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"


def test_names_are_escaped_for_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    Baseline.fit({"größe": [1, 2]}).write("histogram.prom")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    result = _python_m("show", "histogram.prom")
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout.splitlines()[-1].startswith(r"gr\xf6\xdfe")


def test_it_ends_quietly_if_the_reader_of_its_output_is_gone() -> None:
    program = f"{sys.executable} -m boxkite rules | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert result.stderr == ""
    assert result.stdout in ("0\n", "141\n")


@pytest.mark.parametrize("command", ["show histogram.prom", "rules", "dashboard"])
def test_a_full_disk_is_one_line(command: str) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "boxkite", *command.split()],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (result.stderr, result.returncode) == ("boxkite: No space left on device\n", 2)


def test_without_an_output_it_still_sets_the_exit_code() -> None:
    program = f"{sys.executable} -m boxkite compare histogram.prom late.parquet >&- 2>&-"
    assert subprocess.run(["bash", "-c", program], check=False).returncode == 1


def test_without_its_packages_it_says_how_to_install_them() -> None:
    program = "import sys; sys.modules['rich.console'] = None; from boxkite.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.returncode) == ("", 2)
    assert result.stderr.endswith("; the command line needs: pip install 'boxkite[cli]'\n")
    assert len(result.stderr.splitlines()) == 1


def test_every_command_is_a_click_command() -> None:
    assert {type(each) for each in boxkite.commands.values()} == {click.Command, click.Group}


@pytest.fixture
def fortnight() -> pd.DataFrame:
    """Write a fortnight of rows whose value follows the hour of the day, and its baseline."""
    random = np.random.default_rng(0)
    hour = np.repeat(np.arange(14 * 24), 150)
    rows = pd.DataFrame(
        {
            "value": random.normal(np.sin(2 * np.pi * hour / 24)),
            "at": pd.Timestamp("2026-03-02") + pd.to_timedelta(hour * 3600 + 60, unit="s"),
        }
    )
    rows.to_parquet("fortnight.parquet")
    rows[hour == 30].to_parquet("hour.parquet")
    return rows


@pytest.mark.usefixtures("fortnight")
def test_an_hour_is_compared_with_hours_of_training() -> None:
    assert run("baseline", "fortnight.parquet", "--time", "at", "-o", "b.prom").exit_code == 0
    assert [each.name for each in Baseline.read("b.prom").variables] == ["value"]
    alone = run("compare", "b.prom", "hour.parquet")
    assert (alone.exit_code, alone.stderr) == (1, "")
    allowed = run("compare", "b.prom", "hour.parquet", "--window", "1h")
    assert (allowed.exit_code, allowed.stderr) == (0, "")
    found = json.loads(run("compare", "b.prom", "hour.parquet", "--window", "1h", "--json").stdout)
    (value,) = found["variables"]
    assert len(value["scores"]) == len(value["score_criticals"]) >= 1


@pytest.mark.usefixtures("fortnight")
def test_a_window_that_the_baseline_does_not_know_is_said() -> None:
    result = run("compare", "histogram.prom", "train.csv", "--window", "1d")
    assert result.exit_code == 0
    assert "has no natural variation between windows of 1d" in result.stderr
    assert "Fit the baseline with --time" in result.stderr
    wrong = run("compare", "histogram.prom", "train.csv", "--window", "day")
    assert wrong.exit_code == 2
    assert "'day' is not the length of a window. Write 30m, 1h or 7d" in wrong.stderr
