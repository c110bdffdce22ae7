"""What reading a day of the prediction log costs, beside DuckDB and Polars on the same files.

A day of predictions is written by the sink of files, two workers, a file a minute each; one minute
of a hundred is delivered twice. Every measurement is a process of its own; the tables show medians.

    python benchmarks/reading.py --records 1000000 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore

DAY = datetime(2026, 11, 23, tzinfo=UTC)
MINUTES = 24 * 60
WORKERS = ("w1", "w2")
AGAIN_EVERY = 100  # minutes


def write_day(folder: Path, records: int) -> None:
    """Write so many predictions of ten features, evenly over a day."""
    sink = FilesSink(LocalStore(folder), "file")
    chance = random.Random(2013)
    for minute in range(MINUTES):
        first, end = (-(-records * each // MINUTES) for each in (minute, minute + 1))
        for number, logger in enumerate(WORKERS):
            context = LogContext(
                sink="file:", server_id="server", endpoint_id="flights", logger_id=logger,
                replica_id="pod", model="arrivals", version="1f8e0a7b",
            )  # fmt: skip
            moments = [DAY + timedelta(days=i / records) for i in range(first + number, end, 2)]
            made = [_record(context, moment, chance) for moment in moments]
            if made:
                sink.deliver(Batch(context, made))
            if made[1:] and minute % AGAIN_EVERY == 0:
                sink.deliver(Batch(context, made[1:]))


def _record(context: LogContext, moment: datetime, chance: random.Random) -> LogRecord:
    created_at = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    entity_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    numbers = {f"feature_{i}": chance.gauss(0, 1) for i in range(8)}
    return LogRecord(
        prediction_id=f"{context.server_id}/{created_at[:19]}/{entity_id}",
        entity_id=entity_id,
        server_id=context.server_id,
        endpoint_id=context.endpoint_id,
        model=context.model,
        version=context.version,
        created_at=created_at,
        features={
            **numbers,
            "carrier": chance.choice(("AA", "UA")),
            "seats": chance.randrange(400),
        },
        output=chance.random(),
    )


def read(folder: str) -> int:
    """Read all columns, whose types are not known."""
    import boxkite.logs

    return sum(len(batch) for batch in boxkite.logs.read(folder))


def read_with_schema(folder: str) -> int:
    """Read all columns, whose types are known."""
    import pyarrow as pa

    import boxkite.logs

    texts = ("prediction_id", "entity_id", "server_id", "endpoint_id", "model", "version")
    schema = pa.schema(
        {
            **dict.fromkeys(texts, pa.string()),
            "created_at": pa.timestamp("us", "UTC"),
            **{f"features.feature_{i}": pa.float64() for i in range(8)},
            "features.carrier": pa.string(),
            "features.seats": pa.int64(),
            "output": pa.float64(),
        }
    )
    return sum(len(batch) for batch in boxkite.logs.read(folder, schema=schema))


def lines(folder: str) -> int:
    """Read the lines, as `boxkite logs cat` does."""
    from boxkite.logs.reader.log_reader import LogReader

    return sum(1 for _ in LogReader.open(folder).predictions())


def _files(folder: str) -> str:
    return f"{folder}/models/predictions/*/*/*.txt"


def duckdb(folder: str) -> int:
    """Query DuckDB for each prediction once."""
    source = f"read_json('{_files(folder)}', format = 'newline_delimited')"
    return _duckdb_rows(f"SELECT DISTINCT ON (entity_id) * FROM {source}")


def duckdb_with_copies(folder: str) -> int:
    """Query DuckDB for all lines, as they stand."""
    return _duckdb_rows(f"FROM read_json('{_files(folder)}', format = 'newline_delimited')")


def _duckdb_rows(query: str) -> int:
    import duckdb

    found: Any = duckdb.sql(query)
    return sum(batch.num_rows for batch in found.to_arrow_reader(16_384))


def polars(folder: str) -> int:
    """Have Polars read each prediction once."""
    import polars as pl

    return pl.scan_ndjson(_files(folder)).unique("entity_id").collect().height


SUBJECTS: dict[str, tuple[str, Callable[[str], int]]] = {
    "read": ("`boxkite.logs.read`", read),
    "schema": ("`boxkite.logs.read`, types given", read_with_schema),
    "lines": ("`boxkite logs cat`, lines", lines),
    "duckdb": ("DuckDB, `DISTINCT ON`", duckdb),
    "duckdb-all": ("DuckDB, copies and all", duckdb_with_copies),
    "polars": ("Polars, `unique`", polars),
}


def measure(name: str, folder: str) -> None:
    """Print rows, seconds and peak memory of one subject in this process."""
    _, work = SUBJECTS[name]
    start = time.perf_counter()
    rows = work(folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([rows, seconds, peak]))


def measured_apart(name: str, folder: Path) -> tuple[int, float, float]:
    """Return what a new process measures."""
    command = [sys.executable, __file__, "--measure", name, "--folder", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, seconds, peak = json.loads(result.stdout.splitlines()[-1])
    return rows, seconds, peak


def table(folder: Path, smaller: Path, rounds: int) -> Iterator[str]:
    """Measure all subjects in turn, round by round, and yield the lines of a table."""
    found: dict[str, list[tuple[int, float, float]]] = {name: [] for name in SUBJECTS}
    for _ in range(rounds):
        for name in SUBJECTS:
            found[name].append(measured_apart(name, folder))
    yield "| | rows | seconds | rows a second | peak MiB | peak MiB, a tenth of the rows |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, results in found.items():
        rows = {each[0] for each in results}
        (count,) = rows
        seconds, peak = (statistics.median(each[i] for each in results) for i in (1, 2))
        _, _, tenth = measured_apart(name, smaller)
        figures = f"{count:,} | {seconds:.1f} | {count / seconds:,.0f} | {peak:.0f} | {tenth:.0f}"
        yield f"| {SUBJECTS[name][0]} | {figures} |"


def main() -> None:
    """Write two days, one of a tenth of the predictions, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="in the day")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument("--measure", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.folder)
        return
    with tempfile.TemporaryDirectory(prefix="boxkite-reading-") as temporary:
        whole, tenth = Path(temporary, "day"), Path(temporary, "tenth")
        write_day(whole, arguments.records)
        write_day(tenth, arguments.records // 10)
        files = list(whole.rglob("*.txt"))
        size = sum(file.stat().st_size for file in files) / 2**20
        print(f"{arguments.records:,} predictions in {len(files):,} files, {size:,.0f} MiB\n")
        for line in table(whole, tenth, arguments.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
