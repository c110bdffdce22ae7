"""What Prometheus pays for the rules: raw counters of a day, beside sums of recorded steps.

A day of scrapes of one numeric variable's counters is written as blocks, for some replicas. A real
Prometheus answers the four expressions that read counters; the rest of a group reads recorded
series, the same in both. It tells how many samples it read; processor time is of its process.

    python benchmarks/rules.py --replicas 1 10 50
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from prometheus_blocks import Database, add_samples, running, series_lines

from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.rules.counting import counted_raw

HOURS = 26
BINS = 20
END = 1_767_225_600  # 2026-01-01, a multiple of all intervals
ENOUGH_SECONDS = 1.0  # of processor time, as the clock has steps of 10 ms
LABELS = 'model_name="m",model_version="v"'
COUNTERS = ("value_bucket", "category_total", "missing_total", "invalid_total", "outside_total")


class Cost(NamedTuple):
    """Of one evaluation."""

    samples: int
    processor_ms: float


def scrapes(replicas: int, interval: int) -> Iterator[str]:
    """Yield a day's counters of one variable, a thousand rows an hour and replica."""
    times = np.arange(END - HOURS * 3600, END, interval)
    random = np.random.default_rng(2013)
    counters = ("missing", "invalid", "outside", "predictions")
    for name, kind in (("value", "histogram"), *((each, "counter") for each in counters)):
        yield f"# TYPE boxkite_{name} {kind}\n"
        for replica in range(replicas):
            labels = f'{LABELS},instance="{replica}"'
            variable = f'{labels},variable_role="feature",variable="x"'
            if name == "predictions":
                added = random.poisson(interval / 3.6, len(times))
                yield from lines(f"boxkite_predictions_total{{{labels}}}", added, times)
            elif name != "value":
                yield from lines(f"boxkite_{name}_total{{{variable}}}", 0 * times, times)
            else:
                cells = random.poisson(interval / 3.6 / BINS, (len(times), BINS))
                for cell, added in enumerate(cells.cumsum(axis=1).T):
                    le = "+Inf" if cell == BINS - 1 else f"{cell}.0"
                    series = f'boxkite_value_bucket{{{variable},le="{le}"}}'
                    yield from lines(series, added, times)


def lines(series: str, added: np.ndarray, times: np.ndarray) -> Iterator[str]:
    """Yield the samples of one counter."""
    return series_lines(series, added.cumsum().tolist(), times.tolist())


def expressions(group: str) -> list[str]:
    """Return those expressions of a group of the rule file that read counters or steps."""
    groups = {each["name"]: each["rules"] for each in yaml.safe_load(render_rules())["groups"]}
    found = [rule["expr"] for rule in groups[group] if "record" in rule]
    names = (*(f"boxkite_{each}" for each in COUNTERS), "increase5m[")
    return [each for each in found if any(name in each for name in names) and "sum by" in each]


def raw(window: str) -> list[str]:
    """Return the same for a window that is read from the counters."""
    return [f"sum by (model_name, model_version, variable_role, variable, le, category) ({each})"
            for each in counted_raw(window).values()]  # fmt: skip


def cost(database: Database, queries: list[str]) -> Cost:
    """Return what one evaluation of all of them costs, the mean of some."""
    evaluate(database, queries)
    times, began = 0, database.processor_seconds()
    while (used := database.processor_seconds() - began) < ENOUGH_SECONDS:
        samples = evaluate(database, queries)
        times += 1
    return Cost(samples, used / times * 1000)


def evaluate(database: Database, queries: list[str]) -> int:
    """Ask all, and return how many samples they read."""
    found = 0
    for query in queries:
        answer = database.ask("query", {"query": query, "time": END - 1, "stats": "all"})
        found += answer["stats"]["samples"]["totalQueryableSamples"]
    return found


def measured(replicas: int, interval: int) -> dict[str, tuple[int, Cost]]:
    """Return evaluations an hour and cost of each set of expressions."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        add_samples(data, scrapes(replicas, interval))
        steps = Path(folder) / "steps.yml"
        groups = yaml.safe_load(render_rules())["groups"]
        chosen = [each for each in groups if each["name"] == "boxkite-steps"]
        steps.write_text(yaml.safe_dump({"groups": chosen}))
        with running(data) as database:
            database.record(steps, END - 25 * 3600, END, "5m")
        with running(data) as database:
            return {
                "1d, raw counters": (30, cost(database, raw("1d"))),
                "steps of 5m": (12, cost(database, expressions("boxkite-steps"))),
                "1d, sum of steps": (30, cost(database, expressions("boxkite-1d"))),
                "1h, raw counters": (60, cost(database, expressions("boxkite-1h"))),
            }


def main() -> None:
    """Print a table for some numbers of replicas."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--scrape-seconds", type=int, default=15)
    arguments = parser.parse_args()
    version = subprocess.run(["prometheus", "--version"], capture_output=True, text=True).stdout
    print(version.partition(" (")[0] + f"; a scrape each {arguments.scrape_seconds} s\n")
    print("| replicas | of one variable | samples an evaluation | processor, ms | evaluations an "
          "hour | samples an hour | processor an hour, s |")  # fmt: skip
    print("|---:|---|---:|---:|---:|---:|---:|")
    for replicas in arguments.replicas:
        found = measured(replicas, arguments.scrape_seconds)
        for name, (times, each) in found.items():
            print(
                f"| {replicas} | {name} | {each.samples:,} | {each.processor_ms:,.0f} | {times} | "
                f"{each.samples * times:,} | {each.processor_ms * times / 1000:.2f} |"
            )
        before = found["1d, raw counters"]
        after = [found["steps of 5m"], found["1d, sum of steps"]]
        fewer = before[0] * before[1].samples / sum(n * each.samples for n, each in after)
        less = before[0] * before[1].processor_ms / sum(n * c.processor_ms for n, c in after)
        print(
            f"| {replicas} | 1d, before over after | | | | {fewer:,.0f} | {less:,.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
