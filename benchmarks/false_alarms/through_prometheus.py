"""Short months without drift, through a real Prometheus and the very rule file.

Counts are written as scrapes into Prometheus' blocks, promtool evaluates the recording rules over
them, each group at its own interval, and the verdicts that were recorded are set beside those of
Python for the counts that the samples hold. The stated rate is raised and the effect floor left
out, so that there is something to count.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from months import Limits
from variables import KINDS

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.drift import Policy
from boxkite.prometheus.labelled import LabelledExposition
from boxkite.prometheus.rules import render_rules

sys.path.insert(0, str(Path(__file__).parents[1]))
from prometheus_blocks import Database, add_samples, running

__all__ = ["print_through_prometheus"]

MODELS, VARIABLES, TRAINED, ROWS_AN_HOUR = 3, 8, 20_000, 1_000
STATED = 60.0
SCRAPE, STATIC = 60, 240  # seconds between samples of what counts, and of what stands still
START = 1_767_225_600
POLICY = Policy(false_alarms_per_month=STATED, min_effect=0.0)
WANTED = "variable:boxkite_drift:verdict"
PENDING = {"1h": 360, "1d": 8640}
LASTING = {"1h": 3600, "1d": 86400}


class Service(NamedTuple):
    """One model: its baseline, and the counts of each variable at each scrape."""

    baseline: Baseline
    counts: list[np.ndarray]


def print_through_prometheus(days: int) -> None:
    """Print alarms a model-month, as Prometheus recorded them and as Python has them."""
    times = np.arange(START + 7, START + (days + 1) * 86400, SCRAPE)
    services = [new_service(number, len(times)) for number in range(MODELS)]
    with tempfile.TemporaryDirectory() as folder:
        data, rules = Path(folder) / "data", Path(folder) / "boxkite.rules.yml"
        for day in range(days + 1):
            chosen = np.flatnonzero((times - START) // 86400 == day)
            add_samples(data, scrapes(services, times, chosen))
        record_in_order(data, rules, float(times[-1]))
        with running(data) as database:
            steps = step_times(database, days, float(times[-1]))
            found = [
                counted(database, service, times, steps, window, days)
                for service in services
                for window in POLICY.windows
            ]
    months = MODELS * days / 30
    evaluations, differing, recorded, expected = (sum(each) for each in zip(*found, strict=True))
    print(
        f"{months:.1f} model-months of {VARIABLES} variables, {ROWS_AN_HOUR:,} rows an hour, "
        f"{TRAINED:,} training rows\n"
    )
    print("| | alarms | a model-month | stated, at most |")
    print("|---|---:|---:|---:|")
    print(f"| Prometheus | {recorded} | {recorded / months:.1f} | {STATED:g} |")
    print(f"| Python, the same counts | {expected} | {expected / months:.1f} | {STATED:g} |")
    print(f"\n{evaluations:,} verdicts recorded, {differing} of them another than Python's.")


def new_service(number: int, scrapes: int) -> Service:
    """Draw a model of all kinds of variables, and what it counts without drift."""
    random = np.random.default_rng(number)
    kinds = [*KINDS.values()]
    truths = [kinds[i % len(kinds)](TRAINED, random) for i in range(VARIABLES)]
    variables = tuple(
        replace(each.variable, name=f"x{i}", position=i) for i, each in enumerate(truths)
    )
    rows = ROWS_AN_HOUR * SCRAPE / 3600
    counts = [
        random.poisson(rows * each.fractions, (scrapes, len(each.fractions))).cumsum(axis=0)
        for each in truths
    ]
    return Service(Baseline(f"m{number}", "v", TRAINED, variables), counts)


def scrapes(services: list[Service], times: np.ndarray, chosen: np.ndarray) -> Iterator[str]:
    """Yield what the scrapes of some times say, as the services' own exposition has it."""
    for service in services:
        for variable in service.baseline.variables:
            for window in POLICY.windows:  # which is kept for the exposition
                POLICY.critical(window, VARIABLES, variable)
        exposition = LabelledExposition(service.baseline, POLICY)
        for k in chosen.tolist():
            tallies = [Tally(counts[k]) for counts in service.counts]
            families = exposition.families(tallies, int(service.counts[0][k].sum()), {}, {})
            still = k % (STATIC // SCRAPE) == 0
            for family in [*families, *(exposition.static if still else [])]:
                for series, value in zip(family.series, family.values, strict=True):
                    yield f"{series} {value} {times[k]}\n"


def record_in_order(data: Path, file: Path, end: float) -> None:
    """Evaluate the recording rules that verdicts need, those first that others read.

    promtool's rules do not see what others recorded in the same run, so each level is a run.
    """
    groups = yaml.safe_load(render_rules())["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "record" in rule]
    reads = {
        rule["record"]: set(re.findall(r"\w+:\w+:\w+", rule["expr"])) for rule in rules
    }  # fmt: skip
    levels: dict[str, int] = {}
    needed(WANTED, reads, levels)
    for level in range(max(levels.values()) + 1):
        chosen = [
            {**group, "rules": [r for r in group["rules"] if levels.get(r.get("record")) == level]}
            for group in groups
        ]
        # The file keeps its name: by that and the group's name Prometheus times its evaluations.
        file.write_text(yaml.safe_dump({"groups": [each for each in chosen if each["rules"]]}))
        began = time.monotonic()
        with running(data) as database:
            database.record(file, START, end, "1m")
        print(f"level {level}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def needed(record: str, reads: dict[str, set[str]], levels: dict[str, int]) -> int:
    """Note the level of a rule and of all that it reads; return it."""
    if record not in levels:
        below = [needed(each, reads, levels) for each in reads[record] if each != record]
        levels[record] = 1 + max(below, default=-1)
    return levels[record]


def step_times(database: Database, days: int, end: float) -> np.ndarray:
    """Return when the steps of 5m were evaluated."""
    query = f"bucket:boxkite_value:increase5m{{model_name='m0'}}[{days + 1}d]"
    result = database.ask("query", {"query": query, "time": end})["result"]
    return np.array([float(when) for when, _ in result[0]["values"]])


def counted(
    database: Database,
    service: Service,
    times: np.ndarray,
    steps: np.ndarray,
    window: str,
    days: int,
) -> tuple[int, int, int, int]:
    """Return verdicts, those that differ, and the alarms of Prometheus and of Python."""
    query = f'{WANTED}{{model_name="{service.baseline.model}",window="{window}"}}[{days}d]'
    result = database.ask("query", {"query": query, "time": float(times[-1])})["result"]
    recorded = {each["metric"]["variable"]: each["values"] for each in result}
    sums = np.zeros(4, dtype=np.int64)
    for variable, counts in zip(service.baseline.variables, service.counts, strict=True):
        values: list[Any] = recorded.get(variable.name, [])
        moments = np.array([float(when) for when, _ in values])
        theirs = np.array([float(value) for _, value in values]) > 0
        if window == "1h":
            live = span(counts, times, moments - 3600, moments, first=True)
        else:
            last = np.floor(moments / 300) * 300
            begin = np.ceil((moments - 86400) / 300) * 300
            live = span(counts, times, latest(steps, begin) - 300, latest(steps, last), first=False)
        least = POLICY.min_rows_a_cell * len(variable.counts)
        ours = Limits.of(POLICY, window, VARIABLES, variable).above(live, variable.counts, least)
        sums += [
            len(values),
            int((ours != theirs).sum()),
            alarms(moments, theirs, window),
            alarms(moments, ours, window),
        ]
    return tuple(sums.tolist())


def latest(steps: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return the last step up to each moment."""
    return steps[np.searchsorted(steps, moments, side="right") - 1]


def span(
    counts: np.ndarray, times: np.ndarray, begin: np.ndarray, end: np.ndarray, *, first: bool
) -> np.ndarray:
    """Return what was counted between the first sample from `begin` on, or the last up to it, and
    the last sample up to `end`."""
    start = np.searchsorted(times, begin, side="left" if first else "right") - (not first)
    return counts[np.searchsorted(times, end, side="right") - 1] - counts[np.maximum(start, 0)]


def alarms(moments: np.ndarray, above: np.ndarray, window: str) -> int:
    """Return how often an alert starts to fire, by the rule's `for` and `keep_firing_for`."""
    fired, since, until = 0, None, 0.0
    for moment, each in zip(moments.tolist(), above.tolist(), strict=True):
        if not each:
            since = None
            continue
        since = moment if since is None else since
        if moment - since >= PENDING[window]:
            fired += moment > until
            until = moment + LASTING[window]
    return fired
