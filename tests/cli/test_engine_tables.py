"""Commands read folders, globs and formats other than Parquet through DuckDB."""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline, compare
from boxkite.cli import engine_tables
from boxkite.cli.commands import boxkite
from boxkite.cli.table_source import is_table

FRAME = pl.DataFrame(
    {
        "x": [i / 7 for i in range(300)],
        "code": [None if i % 10 == 0 else f"0{i % 3}" for i in range(300)],
        "score": [i % 11 / 11 for i in range(300)],
    }
)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


def written() -> str:
    return Path("histogram.prom").read_text()


def write_parts(form: str) -> None:
    folder = Path("training", "dt=1")
    folder.mkdir(parents=True)
    Path("training", "_SUCCESS").touch()
    for number, part in enumerate((FRAME.head(200), FRAME.tail(100))):
        path = folder / f"part-{number}.{form}"
        if form == "parquet":
            part.write_parquet(path)
        elif form == "jsonl":
            part.write_ndjson(path)
        elif form == "arrow":
            part.write_ipc(path)
        else:
            part.write_csv(path, null_value="NA")


@pytest.mark.parametrize("form", ["parquet", "jsonl", "arrow"])
@pytest.mark.parametrize("source", ["training", "training/**/part-*"])
def test_parts_give_the_bytes_of_the_whole(form: str, source: str) -> None:
    write_parts(form)
    result = run("baseline", source, "--output", "score", "--bins", "7")
    assert result.exit_code == 0, result.output
    assert written() == Baseline.fit(FRAME, "score", bins=7).as_text()
    compared = run("compare", "histogram.prom", f"training/**/*.{form}", "--json")
    assert compared.exit_code == 0, compared.output
    assert json.loads(compared.output) == compare(Baseline.read("histogram.prom"), FRAME).as_dict()


def test_fields_of_csv_files_are_read_as_those_of_one_file() -> None:
    write_parts("csv")
    FRAME.write_csv("whole.csv", null_value="NA")
    Baseline.fit(FRAME, "score").write("first.prom")
    for source in ("training", "whole.csv"):
        # The categories of --like stay text, and NA is missing.
        result = run("baseline", source, "--like", "first.prom")
        assert result.exit_code == 0, result.output
        assert Baseline.read("histogram.prom") == Baseline.fit(FRAME, "score")


def test_a_large_file_is_read_lazily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_tables, "_LARGE", 10)
    FRAME.write_csv("whole.csv")
    assert engine_tables.needs_engine("whole.csv")
    assert run("baseline", "whole.csv", "--output", "score").exit_code == 0


def test_a_folder_without_a_log_is_compared_as_a_table() -> None:
    write_parts("parquet")
    baseline = Baseline.fit(FRAME, "score")
    baseline.write("histogram.prom")
    result = run("compare", "histogram.prom", "training", "--json")
    assert json.loads(result.output) == compare(baseline, FRAME).as_dict()
    # A service's log may hold compacted days, which are Parquet, too.
    Path("training", "models", "predictions").mkdir(parents=True)
    result = run("compare", "histogram.prom", "training")
    assert "There is no log file below models/predictions." in result.output
    Path("neither").mkdir()
    result = run("compare", "histogram.prom", "neither")
    assert result.exit_code == 2
    assert result.output.startswith(
        "boxkite: neither holds neither a prediction log, in models/predictions, nor a file of "
        "rows, which ends in .parquet, .csv,"
    )


def test_a_log_that_has_only_compacted_days_is_no_table() -> None:
    day = Path("log", "compacted", "endpoint=flights", "dt=2026-11-23")
    day.mkdir(parents=True)
    FRAME.write_parquet(day / "part-000001-0123abcd-00000.parquet")
    assert not is_table("log")
    Baseline.fit(FRAME, "score").write("histogram.prom")
    # The day lacks its manifest, so the log's own reader refuses it.
    result = run("compare", "histogram.prom", "log")
    assert result.exit_code == 2
    assert "holds neither" not in result.output


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_shows_the_columns_of_each_pass_and_a_pipe_nothing(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts("parquet")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", str(int(is_terminal)))
    for command in (["baseline", "--output", "score"], ["compare", "histogram.prom", "--json"]):
        result = run(*command, "training")
        assert result.exit_code == 0, result.output
        assert ("pass 1" in result.stderr) == is_terminal
        assert ("3 columns" in result.stderr) == is_terminal
        assert (result.stderr == "") == (not is_terminal)
        assert "pass" not in result.stdout


MISTAKES: Any = [
    ("empty", "cannot read empty: it has no file that ends in .parquet, .csv, .jsonl"),
    ("mixed", "cannot read mixed: it has files of several formats, csv, parquet. Pass"),
    ("absent*.parquet", "cannot read absent*.parquet: it has no file"),
    ("broken", "cannot read broken: "),
]


@pytest.mark.parametrize(("source", "message"), MISTAKES, ids=lambda each: each.split()[0])
def test_what_cannot_be_read_is_an_error(source: str, message: str) -> None:
    for name in ("empty/x.txt", "mixed/a.csv", "mixed/b.parquet", "broken/x.parquet"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("a\n1\n")
    result = run("baseline", source)
    assert result.exit_code == 2
    assert message in result.output


def test_without_duckdb_an_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    write_parts("parquet")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = run("baseline", "training")
    assert result.exit_code == 2
    assert "reading training needs DuckDB. Install it with: pip install 'boxkite[engine]'" in (
        result.output
    )
