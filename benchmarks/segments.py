"""What segments cost: the series of a replica, also after a million unseen values, and the time of
counting a record.

python benchmarks/segments.py
"""

from __future__ import annotations

import sys
import time
import uuid
import warnings

import numpy as np

from boxkite import Baseline, Monitor
from boxkite.live.counts import Counts
from boxkite.live.fold import fold_encoded
from boxkite.live.record import Record, encode
from boxkite.settings import Settings

ROWS, VALUES, ROUNDS, BATCH = 40_000, 20, 15, 20_000


def baselines(variables: int) -> tuple[Baseline, Baseline]:
    """Return a baseline of numbers in 20 bins without segments, and one with 22 segments."""
    random = np.random.default_rng(1)
    columns = {f"x{number}": random.normal(size=ROWS) for number in range(variables)}
    country = random.integers(0, VALUES, ROWS).astype(str)
    plain = Baseline.fit(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # very many series, which this counts
        return plain, Baseline.fit(columns, segments={"country": country})


def series(baseline: Baseline) -> tuple[int, int, int]:
    """Return three numbers of series of one replica: live, of the baseline, and in all."""
    monitor = Monitor(baseline, "none:", registry=None)
    lines = series_of(monitor)
    monitor.close()
    kinds = (b"value", b"missing", b"invalid", b"outside")
    live = sum(each.startswith(tuple(b"boxkite_" + kind for kind in kinds)) for each in lines)
    return live, sum(each.startswith(b"boxkite_baseline") for each in lines), len(lines)


def series_of(monitor: Monitor) -> list[bytes]:
    """Return the names of all series, after enough scrapes: each computes some thresholds."""
    found: list[bytes] = []
    while True:
        lines = [each for each in monitor.export().body.splitlines() if each[:1] != b"#"]
        if len(lines) == len(found):
            return [each.rpartition(b" ")[0] for each in lines]
        found = lines


def series_after_unseen_values(values: int) -> tuple[int, int, int]:
    """Return the series before and after so many values that training never saw, and their rows."""
    _, baseline = baselines(2)
    monitor = Monitor(baseline, "none:", registry=None, settings=Settings(max_rows=BATCH))
    before = series_of(monitor)
    for start in range(0, values, BATCH):
        names = [f"value {number}" for number in range(start, start + BATCH)]
        monitor.log_predictions([[0.0, 0.0]] * BATCH, segments={"country": names})
    after, drift = series_of(monitor), monitor.drift()
    monitor.close()
    assert {*before} == {*after}
    return len(before), len(after), drift.segments["country=__other__"].predictions


def fold_microseconds(baseline: Baseline, rows: int) -> float:
    """Return the least time of counting one record, in a fold of so many."""
    random = np.random.default_rng(2)
    contents = [
        encode(
            Record(
                str(uuid.uuid4()),
                10**18,
                random.normal(size=len(baseline.features)).tolist(),
                {},
                segments={"country": str(random.integers(0, 30))} if baseline.segments else None,
            )
        )
        for _ in range(rows)
    ]
    least = float("inf")
    for _ in range(ROUNDS):
        counts, begin = Counts.zero(baseline), time.perf_counter()
        fold_encoded(baseline, contents, counts)
        least = min(least, time.perf_counter() - begin)
    return least / rows * 1e6


def main() -> None:
    """Print both tables."""
    write = sys.stdout.write
    write("| variables | segments | live | baseline | all of one replica |\n")
    write("|---:|---:|---:|---:|---:|\n")
    for variables in (10, 50, 100):
        for baseline in baselines(variables):
            live, trained, everything = series(baseline)
            number = len(baseline.segment_labels)
            write(f"| {variables} | {number} | {live:,} | {trained:,} | {everything:,} |\n")
    before, after, rows = series_after_unseen_values(1_000_000)
    write(f"\n{before:,} series before and {after:,} after {rows:,} rows with a new value each\n")
    write("\n| records in a fold | us a record | with 22 segments |\n|---:|---:|---:|\n")
    plain, segmented = baselines(50)
    for rows in (1, 20, 500, 4000):
        times = (fold_microseconds(each, rows) for each in (plain, segmented))
        write(f"| {rows:,} | {' | '.join(f'{each:,.1f}' for each in times)} |\n")


if __name__ == "__main__":
    main()
