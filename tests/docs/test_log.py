"""The examples that read the prediction log back do what the page on the log says."""

import importlib
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest

from boxkite.logs.compaction.compactor import Compactor
from boxkite.logs.stores.local_store import LocalStore
from tests.optional_packages import require

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "log.md"
SECTION, COMPACTED = (
    PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for title in ("Reading it back", "Compacted days")
)

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
                "prediction_id": f"s/2026-11-23T09:00:00/{entity_id}",
                "entity_id": entity_id,
                "server_id": "s",
                "endpoint_id": "flights",
                "model": "m",
                "version": "1",
                "created_at": "2026-11-23T09:00:00.000000Z",
                "features": {"delay": delay, "carrier": carrier},
                "output": 0.5,
            },
            separators=(",", ":"),
        )
        for entity_id, delay, carrier in ROWS
    ]
    (folder / "0900_w1-pod.txt").write_text("\n".join(lines[:2]) + "\n")
    (folder / "0900_w1-pod-2.txt").write_text("\n".join(lines[1:]) + "\n")


def block(language: str, containing: str, section: str = SECTION) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    (found,) = [each for each in blocks if containing in each]
    return found


def result(containing: str, section: str = SECTION, **given: Any) -> Any:
    names = dict(given)
    exec(block("python", containing, section), names)
    return names.get("frame")


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


@pytest.fixture
def compacted() -> Path:
    """The folder of the compacted day. The lines are deleted."""
    found = list(Compactor(LocalStore("log"), print).compact(date(2026, 11, 23), delete=True))
    assert [(each.predictions, each.deleted) for each in found] == [(3, 2)]
    return Path("log/compacted/endpoint=flights/dt=2026-11-23")


@pytest.mark.usefixtures("compacted")
def test_the_query_for_duckdb_reads_a_compacted_day() -> None:
    found = duckdb.sql(block("sql", "read_parquet", COMPACTED)).fetchall()
    rows = sorted((each[0], each[2], each[3]) for each in found)
    assert rows == [(*row[:2], 0.5) for row in ROWS]


@pytest.mark.usefixtures("compacted")
def test_the_lines_for_polars_read_a_compacted_day() -> None:
    frame = result("scan_parquet", COMPACTED).sort("entity_id")
    assert [(row["entity_id"], *row["features"].values()) for row in frame.to_dicts()] == ROWS
    assert frame["endpoint"].to_list() == ["flights"] * 3


@pytest.mark.slow
@pytest.mark.usefixtures("compacted")
def test_the_lines_for_spark_read_lines_and_a_compacted_day() -> None:
    sql = pytest.importorskip(
        "pyspark.sql", reason="no pyspark; install it with: pip install --group engines"
    )
    if shutil.which("java") is None:
        pytest.skip("no Java, which Spark needs; on Debian: apt-get install default-jre-headless")
    spark = sql.SparkSession.builder.master("local[1]").getOrCreate()
    try:
        rows = result("basePath", COMPACTED, spark=spark).orderBy("entity_id").collect()
    finally:
        spark.stop()
    assert [(row.entity_id, *row.features) for row in rows] == ROWS


def test_the_table_for_athena_has_the_columns_of_a_compacted_day(compacted: Path) -> None:
    (part,) = compacted.glob("part-*.parquet")
    schema = pyarrow.parquet.read_schema(part)
    declared = block("sql", "CREATE EXTERNAL TABLE", COMPACTED)
    columns = re.split(r",\s*(?![^<]*>)", declared.partition("(")[2].partition(")")[0].strip())
    assert [each.split()[0] for each in columns] == schema.names
    fields = re.findall(r"(\w+): (\w+)", declared)
    types = {"double": "double", "string": "string"}
    assert [(each.name, str(each.type)) for each in schema.field("features").type] == [
        (name, types[type_]) for name, type_ in fields
    ]


@pytest.mark.usefixtures("compacted")
def test_iceberg_reads_the_files_that_were_added(tmp_path: Path) -> None:
    require("pyiceberg")
    sql = importlib.import_module("pyiceberg.catalog.sql")
    catalog = sql.SqlCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}")
    catalog.create_namespace("logs")
    code = block("python", "add_files", COMPACTED).replace("s3://bucket/", f"file://{tmp_path}/")
    exec(code, {"catalog": catalog})
    rows = catalog.load_table("logs.flights").scan().to_arrow().sort_by("entity_id").to_pylist()
    assert [(row["entity_id"], *row["features"].values()) for row in rows] == ROWS


def test_the_commands_of_the_section_on_compacted_days_exist() -> None:
    commands = re.findall(r"boxkite logs compact (.*)$", COMPACTED, re.MULTILINE)
    assert len(commands) == 2
    assert all("--day" in each and "--delete" in each for each in commands)
