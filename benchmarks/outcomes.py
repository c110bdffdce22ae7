"""What labels cost in a service, beside two ways in which people count them themselves.

python benchmarks/outcomes.py
"""

from __future__ import annotations

import bisect
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from prometheus_client import CollectorRegistry, Counter

from boxkite import Baseline, Monitor
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts_file import START, Position
from boxkite.live.outcomes.group_join import GroupJoin
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.outcomes.outcome_record import encode_outcome
from boxkite.live.record import Record, encode
from boxkite.settings import Settings

ROUNDS, CALLS, COMMITS, KEPT = 5, 20_000, 500, 100_000
TTL = 7 * 86_400.0
SECOND = 1_000_000_000
SCORES = np.random.default_rng(1).random(20_000)
EDGES = np.linspace(0, 1, 21)[1:-1].tolist()

Results = dict[str, float]


class Subject(Protocol):
    """A way to join labels with predictions."""

    calls: int

    def predict(self, score: float) -> str:
        """Keep a prediction, and return its id."""
        ...

    def label(self, identifier: str, outcome: int) -> None:
        """Join a label."""
        ...

    def bytes_per_prediction(self) -> float:
        """Return the memory, or the space on the disk, that a kept prediction takes."""
        ...


class Boxkite:
    """`Monitor.log_outcome`: the request writes a record, and a thread joins it."""

    calls = CALLS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = Settings(outcome_ttl=TTL, state_dir=str(folder), log="none:")
        self._monitor = Monitor(baseline(), settings=settings, registry=None)

    def predict(self, score: float) -> str:
        return self._monitor.log_prediction([1.0], score)

    def label(self, identifier: str, outcome: int) -> None:
        self._monitor.log_outcome(identifier, outcome)

    def bytes_per_prediction(self) -> float:
        for _ in range(KEPT):
            self.predict(0.5)
        self._monitor.export()
        (database,) = self.folder.rglob("outcomes.db")
        found = sqlite3.connect(database).execute("SELECT count(*) FROM prediction").fetchone()[0]
        self._monitor.close()
        return database.stat().st_size / found


class Dictionary:
    """Predictions in a dictionary and two counters of prometheus-client, in one process."""

    calls = CALLS

    def __init__(self, _: Path) -> None:
        registry = CollectorRegistry()
        self._scores: dict[str, float] = {}
        self._pairs = Counter("pairs", "Pairs.", ["output", "outcome"], registry=registry)
        self._results = Counter("labels", "Labels.", ["result"], registry=registry)

    def predict(self, score: float) -> str:
        identifier = str(uuid.uuid4())
        self._scores[identifier] = score
        return identifier

    def label(self, identifier: str, outcome: int) -> None:
        score = self._scores.pop(identifier, None)
        if score is None:
            self._results.labels("unknown").inc()
            return
        cell = bisect.bisect_left(EDGES, score)
        self._pairs.labels(str(cell), str(outcome)).inc()
        self._results.labels("paired").inc()

    def bytes_per_prediction(self) -> float:
        tracemalloc.start()
        for score in np.random.default_rng(2).random(KEPT).tolist():
            self.predict(score)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken / KEPT


class Commits:
    """Tables of SQLite with its default settings, and a commit for each prediction and label."""

    calls = COMMITS

    def __init__(self, folder: Path) -> None:
        self._path = folder / "labels.db"
        self._connection = sqlite3.connect(self._path)
        self._connection.executescript(
            "CREATE TABLE prediction (id TEXT PRIMARY KEY, score REAL, outcome INTEGER);"
            "CREATE TABLE pairs (cell INTEGER, outcome INTEGER, rows INTEGER,"
            " PRIMARY KEY (cell, outcome));"
        )

    def predict(self, score: float) -> str:
        identifier = self._insert(score)
        self._connection.commit()
        return identifier

    def _insert(self, score: float) -> str:
        identifier = str(uuid.uuid4())
        self._connection.execute(
            "INSERT INTO prediction (id, score) VALUES (?, ?)", (identifier, score)
        )
        return identifier

    def label(self, identifier: str, outcome: int) -> None:
        found = self._connection.execute(
            "SELECT score FROM prediction WHERE id = ? AND outcome IS NULL", (identifier,)
        ).fetchone()
        if found:
            self._connection.execute(
                "UPDATE prediction SET outcome = ? WHERE id = ?", (outcome, identifier)
            )
            self._connection.execute(
                "INSERT INTO pairs VALUES (?, ?, 1)"
                " ON CONFLICT (cell, outcome) DO UPDATE SET rows = rows + 1",
                (bisect.bisect_left(EDGES, found[0]), outcome),
            )
        self._connection.commit()

    def bytes_per_prediction(self) -> float:
        for _ in range(KEPT):
            self._insert(0.5)
        self._connection.commit()
        return self._path.stat().st_size / (KEPT + COMMITS)


SUBJECTS: dict[str, Callable[[Path], Subject]] = {
    "boxkite": Boxkite,
    "a dictionary and prometheus-client": Dictionary,
    "SQLite, one commit a label": Commits,
}


class Journal:
    """Records in memory, whose positions are their numbers."""

    def __init__(self, contents: list[bytes]) -> None:
        self._contents = contents

    def end_after(self, _: Position) -> Position:
        return Position(1, START.offset + len(self._contents))

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        first = position.offset - START.offset
        found = self._contents[first : first + limit]
        return found, (end or position)._replace(offset=position.offset + len(found))


def baseline() -> Baseline:
    """Return a baseline of a score with 20 bins and outcomes."""
    outcome = np.random.default_rng(3).random(len(SCORES)) < SCORES
    return Baseline.fit({"x": SCORES}, {"score": SCORES}, outcome=outcome.astype(int), bins=20)


@contextmanager
def folder() -> Iterator[Path]:
    """Create a folder on a disk, because /tmp may be in memory."""
    path = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def in_requests(subject: Subject) -> Results:
    """Return the microseconds that a request waits for a prediction and for a label."""
    scores, identifiers = SCORES[: subject.calls].tolist(), list[str]()
    predictions, labels = list[float](), list[float]()
    for score in scores:
        begin = time.perf_counter()
        identifiers.append(subject.predict(score))
        predictions.append(time.perf_counter() - begin)
    for identifier, score in zip(identifiers, scores, strict=True):
        begin = time.perf_counter()
        subject.label(identifier, int(score > 0.5))
        labels.append(time.perf_counter() - begin)
    return {
        "prediction": statistics.median(predictions) * 1e6,
        "label": statistics.median(labels) * 1e6,
        "label_p99": float(np.percentile(labels, 99)) * 1e6,
    }


def joining(batch: int) -> Results:
    """Return the processor time of joining a prediction and a label, in microseconds.

    Args:
        batch: Records in one transaction.
    """
    options = JoinOptions.of(baseline(), "here", TTL, 1 << 30)
    made = time.time_ns()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(made // SECOND))
    entities = [str(uuid.uuid4()) for _ in range(batch * 10)]
    predictions = [
        encode(Record(entity, made, [1.0], [score]))
        for entity, score in zip(entities, SCORES.tolist() * 5, strict=False)
    ]
    labels = [encode_outcome(f"here/{moment}/{each}", made, 1) for each in entities]
    found: Results = {}
    with folder() as path:
        for name, contents in (("prediction", predictions), ("label", labels)):
            join = GroupJoin(path, options, ErrorReporter())
            begin = time.process_time()
            for first in range(0, len(contents), batch):
                join.join({f"{name}{first}": Journal(contents[first : first + batch])})
            found[name] = (time.process_time() - begin) / len(contents) * 1e6
    return found


def medians(measured: list[Results]) -> dict[str, Any]:
    """Return the median of each number over the rounds."""
    return {name: statistics.median(each[name] for each in measured) for name in measured[0]}


def main() -> None:
    """Print both tables."""
    write = sys.stdout.write
    rounds: dict[str, list[Results]] = {name: [] for name in SUBJECTS}
    for _ in range(ROUNDS):
        for name, create in SUBJECTS.items():
            with folder() as path:
                subject = create(path)
                found = in_requests(subject)
                found["bytes"] = subject.bytes_per_prediction()
                rounds[name].append(found)
    write("| in the request | prediction, p50 µs | label, p50 µs | label, p99 µs | bytes kept |\n")
    write("|---|---:|---:|---:|---:|\n")
    for name, measured in rounds.items():
        each = medians(measured)
        times = f"{each['prediction']:.1f} | {each['label']:.1f} | {each['label_p99']:.0f}"
        write(f"| {name} | {times} | {each['bytes']:.0f} |\n")
    write("\n| joined in the background | µs a prediction | µs a label |\n|---:|---:|---:|\n")
    for batch in (100, 1000, 10_000):
        each = medians([joining(batch) for _ in range(ROUNDS)])
        write(f"| {batch:,} in a transaction | {each['prediction']:.1f} | {each['label']:.1f} |\n")


if __name__ == "__main__":
    main()
