"""What counting training data into a baseline costs, beside sorting it and beside others.

Every measurement is a process of its own on the same rows; a time is the median of some runs.
Other packages, boxkite 0.0.5 among them, get a virtual environment each, made on first use:

    python benchmarks/fit.py --folder /tmp/fit-benchmark --also whylogs nannyml
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from environments import environment

SHAPES = {"1 numeric": (1, "numeric"), "25 numeric": (25, "numeric"), "5 text": (5, "text")}
LEVELS = 100


class Subject(NamedTuple):
    """One row of the table."""

    title: str
    measure: Callable[[dict[str, Any]], Callable[[], object]]
    one_thread: bool = False
    requirements: tuple[str, ...] = ()


def columns(rows: int, count: int, kind: str) -> dict[str, Any]:
    """Return normal floats, or texts of about a hundred levels of unequal shares."""
    random = np.random.default_rng(2013)
    if kind == "numeric":
        return {f"x{i}": random.normal(size=rows) for i in range(count)}
    levels = np.array([f"level {i}" for i in range(LEVELS)])
    shares = 1 / np.arange(1, LEVELS + 1)
    return {
        f"t{i}": random.choice(levels, size=rows, p=shares / shares.sum()) for i in range(count)
    }


def sort(data: dict[str, Any]) -> Callable[[], object]:
    """Sort each column: what any count of every row into quantile bins must do at least."""
    import pandas as pd

    frame = pd.DataFrame(data)
    arrays = [frame[name].to_numpy() for name in frame]
    return lambda: [np.sort(array) for array in arrays]


def boxkite(data: dict[str, Any]) -> Callable[[], object]:
    """Fit a baseline of a pandas frame."""
    import pandas as pd

    from boxkite import Baseline

    frame = pd.DataFrame(data)
    return lambda: Baseline.fit(frame)


def boxkite_005(data: dict[str, Any], **options: Any) -> Callable[[], object]:
    """Collect 0.0.5's feature histograms."""
    from boxkite.monitoring.collector import FeatureHistogramCollector

    return lambda: list(FeatureHistogramCollector(data=list(data.items()), **options).collect())


def boxkite_005_on_all(data: dict[str, Any]) -> Callable[[], object]:
    """Collect 0.0.5's feature histograms without its sampling."""
    return boxkite_005(data, max_samples=len(next(iter(data.values()))))


def whylogs(data: dict[str, Any]) -> Callable[[], object]:
    """Profile a pandas frame."""
    import pandas as pd
    import whylogs as why

    frame = pd.DataFrame(data)
    return lambda: why.log(pandas=frame)


def nannyml(data: dict[str, Any]) -> Callable[[], object]:
    """Fit a calculator of drift on a pandas frame, reporting nothing to its makers."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import nannyml as nml
    import pandas as pd

    frame = pd.DataFrame(data)
    calculator = nml.UnivariateDriftCalculator(column_names=list(data), chunk_number=10)
    return lambda: calculator.fit(frame)


SUBJECTS = {
    "sort": Subject("np.sort, one thread", sort, one_thread=True),
    "boxkite": Subject("boxkite", boxkite),
    "boxkite-one": Subject("boxkite, one thread", boxkite, one_thread=True),
    "tenth": Subject(
        "boxkite 0.0.5, 100,000 random rows", boxkite_005, requirements=("boxkite==0.0.5",)
    ),
    "all": Subject(
        "boxkite 0.0.5, every row", boxkite_005_on_all, requirements=("boxkite==0.0.5",)
    ),
    "whylogs": Subject("whylogs", whylogs, requirements=("whylogs", "pandas<3", "numpy<2")),
    "nannyml": Subject("NannyML", nannyml, requirements=("nannyml", "statsmodels")),
}
OPTIONAL = ["whylogs", "nannyml"]


def measured(subject: Subject, shape: str, rows: int, runs: int) -> float:
    """Return the median milliseconds of `runs` runs in this process, after one that warms up."""
    if subject.one_thread:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = subject.measure(columns(rows, *SHAPES[shape]))
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def measured_apart(
    name: str, shape: str, arguments: argparse.Namespace, folder: Path
) -> float | None:
    """Return what a new process measures, or None where the subject cannot do it."""
    requirements = SUBJECTS[name].requirements
    python = Path(sys.executable)
    if requirements:
        python = environment(folder, requirements[0], *requirements)
    command = [str(python), __file__, "--measure", name, shape]
    command += ["--rows", str(arguments.rows), "--runs", str(arguments.runs)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if result.returncode:
        sys.stderr.write(f"{name}, {shape}: {result.stderr.splitlines()[-1]}\n")
        return None
    return float(json.loads(result.stdout.splitlines()[-1]))


def table(results: dict[str, dict[str, float | None]]) -> str:
    """Return the milliseconds as a Markdown table, with the ratios to sorting."""
    lines = [f"| | {' | '.join(SHAPES)} |", f"|---|{'---:|' * len(SHAPES)}"]
    for name, times in results.items():
        cells = []
        for shape, milliseconds in times.items():
            base = results["sort"][shape]
            ratio = f" ({milliseconds / base:.2f})" if milliseconds and base else ""
            cells.append(f"{milliseconds:,.0f}{ratio}" if milliseconds else "error")
        lines.append(f"| {SUBJECTS[name].title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all subjects, or the one that a child process is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the environments are kept")
    parser.add_argument("--also", nargs="*", choices=OPTIONAL, default=[])
    parser.add_argument("--measure", nargs=2, metavar=("SUBJECT", "SHAPE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, shape = arguments.measure
        milliseconds = measured(SUBJECTS[name], shape, arguments.rows, arguments.runs)
        sys.stdout.write(json.dumps(milliseconds) + "\n")
        return
    names = [name for name in SUBJECTS if name not in OPTIONAL or name in arguments.also]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        results = {
            name: {shape: measured_apart(name, shape, arguments, folder) for shape in SHAPES}
            for name in names
        }
    sys.stdout.write(
        f"Milliseconds for {arguments.rows:,} rows, median of {arguments.runs} runs, on "
        f"{len(os.sched_getaffinity(0))} processors; in brackets the ratio to np.sort.\n\n"
        f"{table(results)}\n"
    )


if __name__ == "__main__":
    main()
