"""The examples that read the prediction log back do what the page on the log says."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "log.md"
SECTION = PAGE.read_text().partition("\n## Reading it back\n")[2].partition("\n## ")[0]

ROWS = [("a", 1.5, "UA"), ("b", 2.0, None), ("c", -3.0, "AA")]


@pytest.fixture(autouse=True)
def _log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a log of three predictions in two files. Prediction b was delivered twice."""
    monkeypatch.chdir(tmp_path)
    folder = Path("log/models/predictions/flights/2026-11-23")
    folder.mkdir(parents=True)
    lines = [
        json.dumps(
            {
                "entity_id": entity_id,
                "created_at": "2026-11-23T09:00:00.000000Z",
                "features": {"delay": delay, "carrier": carrier},
                "output": 0.5,
            }
        )
        for entity_id, delay, carrier in ROWS
    ]
    (folder / "0900_w1-pod.txt").write_text("\n".join(lines[:2]) + "\n")
    (folder / "0900_w1-pod-2.txt").write_text("\n".join(lines[1:]) + "\n")


def block(language: str, containing: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    (found,) = [each for each in blocks if containing in each]
    return found


def result(containing: str) -> Any:
    names: dict[str, Any] = {}
    exec(block("python", containing), names)
    return names["frame"]


def test_read_gives_a_pandas_frame() -> None:
    frame = result("boxkite.logs.read").sort_values("entity_id")
    columns = frame[["entity_id", "features.delay", "features.carrier"]]
    found = columns.astype(object).where(columns.notna(), None).to_numpy().tolist()
    assert [tuple(row) for row in found] == ROWS


def test_the_query_for_duckdb_gives_each_prediction_once() -> None:
    found = duckdb.sql(block("sql", "read_json"))  # noqa: F841 - The next query names it.
    query = "SELECT entity_id, features.delay, features.carrier FROM found ORDER BY entity_id"
    assert duckdb.execute(query).fetchall() == ROWS


def test_the_line_for_polars_gives_each_prediction_once() -> None:
    import polars as pl

    delay, carrier = (pl.col("features").struct.field(name) for name in ("delay", "carrier"))
    frame = result("scan_ndjson").sort("entity_id")
    assert frame.select("entity_id", delay, carrier).rows() == ROWS


def test_the_line_for_spark_reads_the_same_folder() -> None:
    folders = re.findall(r"log/models/predictions/\S+?\.txt", SECTION)
    assert len(folders) == 3
    assert set(folders) == {"log/models/predictions/flights/2026-11-23/*.txt"}


def test_the_commands_on_the_page_exist() -> None:
    from boxkite.cli.commands import boxkite

    commands = re.findall(r"^    boxkite (\w+) ?(\w+)?", SECTION, re.MULTILINE)
    assert {first for first, _ in commands} <= boxkite.commands.keys()
    group: Any = boxkite.commands["logs"]
    assert {second for first, second in commands if first == "logs"} == group.commands.keys()
