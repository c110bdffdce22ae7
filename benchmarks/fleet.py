"""What a fleet costs Prometheus, with the baseline on each replica or on one target for all.

Two measurements, each with a real Prometheus. **Rules**: some hours of a fleet's scrapes are
written as blocks, and the whole rule file is evaluated over them for some minutes. A variable costs
the same whatever the others are, so a few variables are enough. **Memory**: as many targets as
replicas serve one page, and are scraped for some minutes.

    python benchmarks/fleet.py rules --replicas 200 --variables 2
    python benchmarks/fleet.py rules --replicas 50 --rules old.rules.yml --old-labels
    python benchmarks/fleet.py rules --replicas 10 --baseline each --labels --values 4
    python benchmarks/fleet.py memory --replicas 200 --variables 100
"""

from __future__ import annotations

import argparse
import re
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from prometheus_blocks import Database, add_samples, running, series_lines

from boxkite import Baseline, Monitor
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.rules.counting import OUTCOME_COUNTERS
from boxkite.settings import Settings

SCRAPE_SECONDS = 15
ROWS_A_SCRAPE = 4
# The labels of commit 405acfb, for its rule file.
OLD_LABELS = {
    "model_name": "model", "model_version": "version", "variable_role": "role",
    "variable_kind": "kind", "failed_stage": "stage",
}  # fmt: skip
RECORDED_STEPS = {
    "boxkite_value_bucket": "bucket:boxkite_value",
    **{
        f"boxkite_{name}_total": f"variable:boxkite_{name}"
        for name in ("missing", "invalid", "outside")
    },
    **{
        f"boxkite_outcome_{name}_total": f"{level}:boxkite_outcome_{name}"
        for name, (level, _) in OUTCOME_COUNTERS.items()
    },
}
# The blocks end in the future, so what the rules record is older than they are.
RULES_CONFIGURATION = """\
rule_files: [boxkite.rules.yml]
storage: {tsdb: {out_of_order_time_window: 1h}}
"""


class Column(NamedTuple):
    """The samples of one series on some targets: its values, their times, and the targets."""

    series: str
    values: np.ndarray
    times: np.ndarray
    targets: list[str]


class Cost(NamedTuple):
    """What Prometheus used."""

    series: int
    memory_mib: float
    processor_share: float
    seconds_by_group: dict[str, float]


def monitor_of(arguments: argparse.Namespace, export_baseline: bool, state: str) -> Monitor:
    """Return a service with numeric variables of 20 bins, which follow the day with --varies.

    With --labels it has a score with outcomes, and with --values a column of segments.
    """
    random = np.random.default_rng(2013)
    hours = np.repeat(np.arange(28 * 24), 150)
    rows = len(hours)
    phase = np.sin(2 * np.pi * hours / 24) if arguments.varies else np.zeros(rows)
    columns = {f"x{number}": random.normal(phase) for number in range(arguments.variables)}
    optional: dict[str, Any] = {"time": hours * 3600.0} if arguments.varies else {}
    if arguments.values:
        optional["segments"] = {"value": random.integers(0, arguments.values, rows).astype(str)}
    if arguments.labels:
        optional["output"] = {"score": random.random(rows)}
        optional["outcome"] = random.random(rows) < optional["output"]["score"]
    baseline = Baseline.fit(columns, bins=20, model="m", **optional)
    ttl = 86_400.0 * arguments.labels
    settings = Settings(
        export_baseline=export_baseline, log="none:", state_dir=state, outcome_ttl=ttl
    )
    return Monitor(baseline, settings=settings, registry=None)


def serve(monitor: Monitor, rows: int) -> None:
    """Take some predictions, and their labels if the monitor takes labels."""
    random = np.random.default_rng(7)
    for row in random.normal(size=(rows, len(monitor.baseline.features))).tolist():
        score = float(random.random()) if monitor.takes_outcomes else None
        segments = {each.name: random.choice(each.values) for each in monitor.baseline.segments}
        prediction = monitor.log_prediction(row, score, segments=segments or None)
        if score is not None:
            monitor.log_outcome(prediction, int(random.random() < score))
    monitor.flush()


def pages(monitor: Monitor, scrapes: int) -> tuple[list[str], np.ndarray]:
    """Return the series of a replica's page, and the value of each in each scrape.

    Counters grow steadily, because a scrape of many segments takes too long to do it hundreds of
    times.
    """
    page: dict[str, float] = {}
    while len(first := series_of(monitor)) > len(page):  # the thresholds take several scrapes
        page = first
    serve(monitor, ROWS_A_SCRAPE * scrapes)
    last = series_of(monitor)
    names = list(first)
    return names, np.linspace(
        [first[name] for name in names], [last[name] for name in names], scrapes
    )


def series_of(monitor: Monitor) -> dict[str, float]:
    """Return the value of each series of a page."""
    return values_of(monitor.export().body.decode())


def values_of(page: str) -> dict[str, float]:
    """Return the value of each series of an exposition."""
    lines = page.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {series: float(value) for series, _, value in pairs}


def on_target(series: str, labels: str) -> str:
    """Return a series with the labels of a target."""
    return f"{series.removesuffix('}')},{labels}}}"


def samples(columns: Iterable[Column], renamed: Mapping[str, str]) -> Iterator[str]:
    """Yield the samples of some columns; one family after the other as OpenMetrics has it."""
    family = ""
    for name, values, times, targets in sorted(columns, key=lambda each: family_of(each.series)):
        for old, new in renamed.items():
            name = name.replace(f"{old}=", f"{new}=")
        if family != family_of(name):
            family = family_of(name)
            yield f"# TYPE {family} unknown\n"
        for target in targets:
            yield from series_lines(on_target(name, target), values.tolist(), times.tolist())


def scrapes(
    monitor: Monitor, names: list[str], values: np.ndarray, replicas: int, end: float
) -> Iterator[Column]:
    """Yield a fleet's scrapes.

    Args:
        monitor: What each replica serves.
        names: The series of one replica.
        values: The value of each in each scrape.
        replicas: Number of replicas.
        end: When the scrapes end.
    """
    times = end - SCRAPE_SECONDS * np.arange(len(values))[::-1]
    targets = [f'job="models",instance="{number}"' for number in range(replicas)]
    for place, name in enumerate(names):
        yield Column(name, values[:, place], times, targets)
    if not monitor.settings.export_baseline:
        for name, value in values_of(monitor.baseline.as_text()).items():
            yield Column(name, np.full(len(times), value), times, ['job="baselines"'])


def steps(names: list[str], values: np.ndarray, replicas: int, end: float) -> Iterator[Column]:
    """Yield the steps of a week as the rules record them, because the windows of days add them up.

    Args:
        names: The series of one replica.
        values: The value of each in each scrape.
        replicas: Number of replicas.
        end: When the steps end: before the rules record the next ones.
    """
    times = np.arange(end // 300 * 300 - 7 * 86_400, end, 300)
    added = (values[-1] - values[0]) * replicas * 300 / (SCRAPE_SECONDS * (len(values) - 1))
    for name, each in zip(names, added.tolist(), strict=True):
        counter, labels = name.partition("{")[::2]
        if record := RECORDED_STEPS.get(counter):
            series = f"{record}:increase5m{{{labels}"
            yield Column(series, np.full(len(times), each), times, ['job="models"'])


def family_of(series: str) -> str:
    """Return the name of a series; each counts as a family of its own, so types do not matter."""
    return series.partition("{")[0]


def rules_cost(arguments: argparse.Namespace, export_baseline: bool) -> Cost:
    """Evaluate the rule file over blocks for some minutes."""
    rules = arguments.rules.read_text() if arguments.rules else render_rules()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        monitor = monitor_of(arguments, export_baseline, folder)
        renamed = OLD_LABELS if arguments.old_labels else {}
        # Writing the blocks takes a while, and the rules need samples of the last minutes.
        end = time.time() + 60 * arguments.minutes + arguments.lead_seconds
        names, values = pages(monitor, round(arguments.hours * 3600 / SCRAPE_SECONDS))
        # promtool reads all samples again for each block, so the week of steps is apart.
        for columns in (
            scrapes(monitor, names, values, arguments.replicas, end),
            steps(names, values, arguments.replicas, time.time()),
        ):
            add_samples(data, samples(columns, renamed))
        if time.time() + 60 * arguments.minutes > end:
            raise SystemExit("The blocks took too long to write. Raise --lead-seconds.")
        (Path(folder) / "boxkite.rules.yml").write_text(rules)
        with running(data, RULES_CONFIGURATION) as database:
            return watched(database, 60 * arguments.minutes)


def memory_cost(arguments: argparse.Namespace, export_baseline: bool) -> Cost:
    """Scrape a page for each replica for some minutes."""
    monitor = monitor_of(arguments, export_baseline, tempfile.mkdtemp())
    page, content_type = monitor.export_http()
    baseline = monitor.baseline.as_text().encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(baseline if self.path.startswith("/baseline") else page)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Targets at one address differ by a parameter, which becomes their instance.
    targets = ", ".join(f'"{number}"' for number in range(arguments.replicas))
    configuration = f"""\
global: {{scrape_interval: {SCRAPE_SECONDS}s}}
scrape_configs:
  - job_name: models
    static_configs: [{{targets: [{targets}]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: instance}}
      - {{source_labels: [__address__], target_label: __param_replica}}
      - {{target_label: __address__, replacement: "127.0.0.1:{server.server_port}"}}
"""
    if not export_baseline:
        configuration += f"""\
  - job_name: baselines
    metrics_path: /baseline
    static_configs: [{{targets: ["127.0.0.1:{server.server_port}"]}}]
"""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        with running(data, configuration) as database:
            cost = watched(database, 60 * arguments.minutes)
    server.shutdown()
    server.server_close()
    return cost


def watched(database: Database, seconds: float) -> Cost:
    """Let Prometheus work, and return what it used."""
    began, used = time.monotonic(), database.processor_seconds()
    time.sleep(seconds)
    share = (database.processor_seconds() - used) / (time.monotonic() - began)
    with urllib.request.urlopen(f"http://{database.address}/metrics", timeout=60) as response:
        text = response.read().decode()

    def number(name: str) -> float:
        match = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(match[1]) if match else 0.0

    groups = re.findall(
        r'^prometheus_rule_group_last_duration_seconds\{rule_group=".*;(.+)"\} (\S+)$',
        text,
        re.MULTILINE,
    )
    return Cost(
        int(number("prometheus_tsdb_head_series")),
        number("process_resident_memory_bytes") / 2**20,
        share,
        {name: float(value) for name, value in groups},
    )


def main() -> None:
    """Print a table with and without the baseline on each replica."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["rules", "memory"])
    parser.add_argument("--replicas", type=int, default=200)
    parser.add_argument("--variables", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--hours", type=float, default=2, help="of scrapes that the blocks hold")
    parser.add_argument("--lead-seconds", type=float, default=120, help="to write the blocks in")
    parser.add_argument("--rules", type=Path, help="a rule file [default: the one of this tree]")
    parser.add_argument("--old-labels", action="store_true", help="the labels of commit 405acfb")
    parser.add_argument("--varies", action="store_true", help="with natural variation")
    parser.add_argument("--labels", action="store_true", help="with outcomes and labels")
    parser.add_argument("--values", type=int, default=0, help="of one column of segments")
    parser.add_argument("--baseline", choices=["each", "once", "both"], default="both")
    arguments = parser.parse_args()
    cost = rules_cost if arguments.what == "rules" else memory_cost
    chosen = {"each": [True], "once": [False], "both": [True, False]}[arguments.baseline]
    print("| baseline exported by | series in memory | memory, MiB | share of a core | groups, s |")
    print("|---|---:|---:|---:|---|")
    for export_baseline in chosen:
        found = cost(arguments, export_baseline)
        groups = ", ".join(f"{name} {each:.3f}" for name, each in found.seconds_by_group.items())
        print(
            f"| {'each replica' if export_baseline else 'one target'} | {found.series:,} | "
            f"{found.memory_mib:,.0f} | {found.processor_share:.2%} | {groups} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
