"""The commands on logs: their whole output and their exit codes."""

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline
from boxkite.cli.commands import boxkite

LOG = "models/predictions"


def line(id: str, created_at: str, value: float, score: object = 0.5) -> str:  # noqa: A002
    fields = {"entity_id": id, "created_at": created_at, "features": {"x": value}, "output": score}
    return json.dumps(fields) + "\n"


FIRST = line("a", "2026-11-22T23:59:00.000000Z", 1)
SECOND = line("b", "2026-11-23T00:00:01.000000Z", 2)
THIRD = line("c", "2026-11-23T00:00:02.000000Z", 2.5)
OTHER = line("d", "2026-11-23T00:00:03.000000Z", 4, None)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a log of two endpoints in which record b was delivered twice."""
    monkeypatch.chdir(tmp_path)
    for path, content in {
        "flights/2026-11-22/2359_w1-pod.txt": FIRST,
        "flights/2026-11-23/0000_w1-pod.txt": SECOND + THIRD,
        "flights/2026-11-23/0000_w2-pod.txt": SECOND,
        "other/2026-11-23/0000_w1-pod.txt": OTHER,
    }.items():
        file = Path("log", LOG, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


def printed(*arguments: str) -> list[str]:
    result = run(*arguments)
    assert (result.stderr, result.exit_code) == ("", 0)
    return [each.rstrip() for each in result.stdout.splitlines()]


SIZE = len(FIRST), len(SECOND + THIRD + SECOND), len(OTHER)


def test_ls_lists_the_days_of_each_endpoint() -> None:
    header, _, *rows = printed("logs", "ls", "log", "--records")
    assert [each.split() for each in (header, *rows)] == [
        ["endpoint", "day", "files", "bytes", "compacted", "predictions"],
        ["flights", "2026-11-22", "1", str(SIZE[0]), "0", "1"],
        ["flights", "2026-11-23", "2", str(SIZE[1]), "0", "2"],
        ["other", "2026-11-23", "1", str(SIZE[2]), "0", "1"],
        f"4 files, {sum(SIZE):,} bytes, 4 predictions".split(),
    ]


def test_ls_prints_json_of_a_part() -> None:
    result = run("logs", "ls", "log", "--json", "--endpoint", "flights", "--since", "2026-11-23")
    assert json.loads(result.stdout) == [
        {"endpoint": "flights", "day": "2026-11-23", "files": 2, "bytes": SIZE[1], "compacted": 0}
    ]


def test_ls_of_an_empty_interval_lists_nothing() -> None:
    rows = printed("logs", "ls", "log", "--until", "2026-11-01")
    assert rows[-1] == "0 files, 0 bytes"


@pytest.mark.parametrize("url", ["log", "file:log"])
def test_cat_prints_each_line_once_as_it_was_logged(url: str) -> None:
    result = run("logs", "cat", url)
    assert result.stdout == FIRST + SECOND + THIRD + OTHER
    assert (result.stderr, result.exit_code) == ("", 0)


def test_cat_prints_a_part() -> None:
    part = ("--endpoint", "flights", "--since", "2026-11-23", "--until", "2026-11-23T00:00:02Z")
    assert run("logs", "cat", "log", *part).stdout == SECOND


def test_cat_ends_a_line_that_lacks_its_end() -> None:
    Path("log", LOG, "flights/2026-11-22/2359_w1-pod.txt").write_text(FIRST.strip())
    assert run("logs", "cat", "log").stdout == FIRST + SECOND + THIRD + OTHER


def test_cat_writes_csv() -> None:
    columns = ("--column", "entity_id", "--column", "features.x", "--column", "output")
    assert printed("logs", "cat", "log", "--format", "csv", *columns) == [
        '"entity_id","features.x","output"',
        '"a",1,0.5',
        '"b",2,0.5',
        '"c",2.5,0.5',
        '"d",4,',
    ]


@pytest.mark.parametrize(
    ("form", "read"),
    [("csv", pyarrow.csv.read_csv), ("parquet", pyarrow.parquet.read_table)],
)
def test_cat_writes_a_file_whole(form: str, read: object) -> None:
    Path("out").write_text("what was there before")
    assert printed("logs", "cat", "log", "--format", form, "-o", "out") == []
    table = read("out")  # type: ignore[operator]
    assert table["entity_id"].to_pylist() == ["a", "b", "c", "d"]
    assert table["features.x"].to_pylist() == [1.0, 2.0, 2.5, 4.0]
    assert sorted(each.name for each in Path().iterdir()) == ["log", "out"]


def test_a_file_that_cannot_be_written_whole_is_left_as_it_was() -> None:
    Path("out").write_text("what was there before")
    result = run("logs", "cat", "log", "--format", "csv", "--column", "features.y", "-o", "out")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert (
        result.stderr
        == "boxkite: No prediction in the interval has the column 'features.y'. Check its name.\n"
    )
    assert Path("out").read_text() == "what was there before"
    assert sorted(each.name for each in Path().iterdir()) == ["log", "out"]


def test_a_damaged_line_is_one_line_on_stderr() -> None:
    Path("log", LOG, "flights/2026-11-22/2359_w1-pod.txt").write_text("\x1b[31m{\n" + FIRST)
    for form in ("jsonl", "csv"):
        result = run("logs", "cat", "log", "--format", form)
        assert (len(result.stderr.splitlines()), result.exit_code) == (1, 0)
        file = "models/predictions/flights/2026-11-22/2359_w1-pod.txt"
        assert result.stderr.startswith(f"boxkite: {file}, line 1: ")


TIME = "Write, for example, 2026-11-23 or 2026-11-23T14:05:00Z."
AGE = "is not a duration; give one such as 30d or 12h."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("ls", "nowhere"),
            (
                "nowhere: There is no log file below models/predictions. Pass the URL of LOG, or "
                "the folder that holds models/predictions."
            ),
        ),
        (
            ("cat", "log", "--format", "parquet", "-o", "/proc/x"),
            "/proc/x: No such file or directory",
        ),
        (("cat", "log", "--since", "x"), f"'x' is not a time. {TIME}"),
        (("cat", "log", "--column", "x"), "--column needs --format csv or --format parquet"),
        (("prune", "log"), "Missing option '--older-than'. See boxkite logs prune --help"),
        (("prune", "log", "--older-than", "30"), f"Invalid value for '--older-than': '30' {AGE}"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    result = run("logs", *arguments)
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"boxkite: {message}\n", 2)


def files() -> list[str]:
    return sorted(each.as_posix() for each in Path("log").rglob("*.txt"))


def test_prune_deletes_only_old_files() -> None:
    now = dt.datetime.now(dt.UTC)
    fresh = Path("log", LOG, "flights", f"{now:%Y-%m-%d}", f"{now:%H%M}_fresh-pod.txt")
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text(FIRST)
    # These files are years old, because the clock of a test machine may be slow.
    Path("log", LOG, "flights/2026-11-22").rename(Path("log", LOG, "flights/2016-11-22"))
    before = files()
    options = ("--older-than", "300w")
    said = f"1 files, {SIZE[0]} bytes"
    assert printed("logs", "prune", "log", *options, "--dry-run") == [f"{said} would be deleted"]
    assert files() == before
    other = printed("logs", "prune", "log", *options, "--endpoint", "other")
    assert other == ["0 files, 0 bytes deleted"]
    assert printed("logs", "prune", "log", *options) == [f"{said} deleted"]
    assert files() == [each for each in before if "2016-11-22" not in each]


def test_without_a_command_it_prints_its_help_with_every_command() -> None:
    shown = printed("logs")
    assert shown == printed("logs", "--help")
    listed = shown[shown.index("Commands:") + 1 :]
    assert [each.split()[0] for each in listed] == ["cat", "compact", "ls", "prune"]
    assert [each for each in listed if each.endswith("...")] == []


@pytest.mark.parametrize("name", ["cat", "compact", "ls", "prune"])
def test_the_help_of_each_command_has_an_example_of_it(name: str) -> None:
    shown = printed("logs", name, "-h")
    assert re.match(rf" +boxkite logs {name} ", shown[shown.index("  Example:") + 1])


def test_it_ends_quietly_if_the_reader_of_its_output_is_gone() -> None:
    many = "".join(line(str(i), "2026-11-22T23:59:00.000000Z", i) for i in range(20_000))
    Path("log", LOG, "flights/2026-11-22/2359_w1-pod.txt").write_text(many)
    program = f"{sys.executable} -m boxkite logs cat log | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert (result.stdout.splitlines()[1:], result.stderr) == (["141"], "")


@pytest.fixture
def baseline() -> Baseline:
    """A baseline file with x from 0 to 999 and a score."""
    values = [float(i) for i in range(1000)]
    found = Baseline.fit({"x": values}, {"score": values}, version="7")
    found.write("histogram.prom")
    return found


def write_values(values: Sequence[object], scores: Sequence[object]) -> None:
    created_at = "2026-11-22T23:59:00.000000Z"
    Path("log", LOG, "flights/2026-11-22/2359_w1-pod.txt").write_text(
        "".join(
            json.dumps(
                {"entity_id": str(i), "created_at": created_at, "features": row, "output": score}
            )
            + "\n"
            for i, (row, score) in enumerate(zip(values, scores, strict=True))
        )
    )


PART = ("--endpoint", "flights", "--until", "2026-11-23")


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize(("shift", "code"), [(0, 0), (500, 1)])
@pytest.mark.parametrize("positional", [True, False])
def test_compare_counts_a_log_into_the_baseline(shift: int, code: int, positional: bool) -> None:
    rows = [float(i + shift) for i in range(1000)]
    write_values([[x] if positional else {"x": x} for x in rows], [x - shift for x in rows])
    result = run("compare", "histogram.prom", "log", *PART, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["predictions"]) == (code, 1000)
    assert [(each["name"], each["verdict"]) for each in found["variables"]] == [
        ("x", "drift" if code else "ok"),
        ("score", "ok"),
    ]


@pytest.mark.usefixtures("baseline")
def test_compare_counts_like_the_service_with_redacted_values_as_missing() -> None:
    rows = [
        {"x": 1},
        {"x": "[redacted]"},
        {},
        {"x": "word"},
        None,
        ["[redacted]"],
        [1, 2],
        {"x": 2},
    ]
    scores = [{"score": 1}, "[redacted]", None, "word", {"a": 1, "b": 2}, [1, 2], [3], 4]
    write_values(rows, scores)
    result = run("compare", "histogram.prom", "log", *PART, "--json")
    found = json.loads(result.stdout)["variables"]
    assert [(each["rows"], each["missing"], each["invalid"]) for each in found] == [
        (2, 3, 3),
        (3, 2, 3),
    ]


@pytest.mark.usefixtures("baseline")
def test_values_too_large_to_log_count_as_missing() -> None:
    cut = {"entity_id": "e", "created_at": "2026-11-22T23:59:00Z", "truncated": ["features"]}
    Path("log", LOG, "flights/2026-11-22/2359_w1-pod.txt").write_text(json.dumps(cut))
    result = run("compare", "histogram.prom", "log", *PART, "--json")
    found = json.loads(result.stdout)["variables"]
    assert [(each["missing"], each["invalid"]) for each in found] == [(1, 0), (1, 0)]


@pytest.mark.usefixtures("baseline")
def test_a_part_of_a_file_of_rows_cannot_be_chosen() -> None:
    Path("rows.csv").write_text("x\n1\n")
    result = run("compare", "histogram.prom", "rows.csv", "--since", "2026-11-23")
    expected = (
        "boxkite: rows.csv is a table of rows, but --endpoint, --since and --until need a log. "
        "Leave them out\n"
    )
    assert (result.stdout, result.stderr, result.exit_code) == ("", expected, 2)


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("positional", [True, False])
def test_compare_takes_what_cat_writes(form: str, positional: bool) -> None:
    values = [*map(float, range(700)), *[None] * 100, "[redacted]"]
    write_values([[x] if positional else {"x": x} for x in values], [*range(800), None])
    assert printed("logs", "cat", "log", *PART, "--format", form, "-o", f"rows.{form}") == []
    options = ("--json", "--window", "1h")
    log = json.loads(run("compare", "histogram.prom", "log", *PART, *options).stdout)
    assert json.loads(run("compare", "histogram.prom", f"rows.{form}", *options).stdout) == log
    assert [each["missing"] for each in log["variables"]] == [101, 1]


@pytest.mark.usefixtures("baseline")
def test_compare_reads_a_compacted_day() -> None:
    write_values([{"x": float(i)} for i in range(1000)], list(range(1000)))
    before = run("compare", "histogram.prom", "log", *PART, "--json").stdout
    said = printed("logs", "compact", "log", "--day", "2026-11-22", "--delete")
    assert re.fullmatch(
        r"flights 2026-11-22: 1,000 predictions, 1 files, [\d,]+ bytes, 1 files of lines deleted",
        "\n".join(said),
    )
    assert json.loads(run("logs", "ls", "log", *PART, "--json").stdout)[0]["compacted"] == 1000
    assert run("compare", "histogram.prom", "log", *PART, "--json").stdout == before
    assert len(run("logs", "cat", "log", *PART).stdout.splitlines()) == 1000
    assert printed("logs", "compact", "log", "--day", "2020-01-01") == [
        "no predictions on this day"
    ]
    (found,) = json.loads(run("logs", "compact", "log", "--day", "2026-11-22", "--json").stdout)
    assert (found["predictions"], found["deleted"]) == (1000, 0)


def write_hours(repeats: int, hours: int = 40) -> None:
    """Log 120 rows an hour. Values of x repeat `repeats` times; scores are independent."""
    random = np.random.default_rng(6)
    for hour in range(hours):
        moment = dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
        xs = np.repeat(random.uniform(0, 1000, 120 // repeats), repeats)
        at = f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
        rows = [
            line(f"{hour}-{number}", at, x, float(random.uniform(0, 1000)))
            for number, x in enumerate(xs.tolist())
        ]
        file = Path("log", LOG, "flights", f"{moment:%Y-%m-%d}", f"{moment:%H%M}_w1-pod.txt")
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(rows))


@pytest.mark.usefixtures("baseline")
def test_the_design_effect_of_a_log_is_estimated_over_its_windows() -> None:
    write_hours(repeats=6)
    part = ("--endpoint", "flights", "--until", "2026-11-20")
    found = json.loads(run("design-effect", "histogram.prom", "log", *part, "--json").stdout)
    repeated, independent = (each.pop("design_effect") for each in found["variables"])
    assert found == {
        "windows": 40,
        "variables": [{"role": "feature", "name": "x"}, {"role": "output", "name": "score"}],
    }
    assert repeated == pytest.approx(6.0, rel=0.3)
    assert independent == pytest.approx(1.0, abs=0.3)
    result = run("design-effect", "histogram.prom", "log", *part, "--window", "2h")
    lines = [each.split() for each in result.stdout.splitlines()]
    assert lines[0] == ["variable", "design", "effect"]
    assert [each[0] for each in lines[2:4]] == ["x", "score"]
    assert result.stdout.splitlines()[-1] == (
        f"20 windows with predictions: the greatest design effect is {lines[2][1]}"
    )
    assert (result.stderr, result.exit_code) == ("", 0)


@pytest.mark.usefixtures("baseline")
def test_one_window_has_no_design_effect() -> None:
    shown = printed("design-effect", "histogram.prom", "log", *PART)
    assert [each.split()[-1] for each in shown[2:4]] == ["-", "-"]
    assert shown[-1] == "1 window with predictions: not enough data"
