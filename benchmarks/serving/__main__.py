"""What serving costs: ours beside boxkite 0.0.5, prometheus-client and the floors, in one run.

Every measurement is a process of its own; a figure is the median of some rounds, and the rounds
take turns. boxkite 0.0.5 gets a virtual environment, made on first use:

    python benchmarks/serving --folder /tmp/serving-benchmark
    python benchmarks/serving --folder /tmp/serving-benchmark --quick --only scrape start
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from subjects import SUBJECTS
from tables import LINES, Case, Line, as_markdown
from works import WORKS

sys.path.append(str(Path(__file__).parents[1]))
from environments import environment
from receiver import receiver

REQUIREMENTS = ("boxkite==0.0.5", "setuptools<70")
PREDECESSORS = ("0.0.5", "0.0.5 with fluentd")


def measured_apart(case: Case, folder: Path, port: int, seconds: float) -> dict[str, float] | None:
    """Return what a new process measures, or None where it fails."""
    python = Path(sys.executable)
    if case.subject in PREDECESSORS:
        python = environment(folder, REQUIREMENTS[0], *REQUIREMENTS)
    # -I, so that neither this folder nor the environment's variables bring in another boxkite.
    command = [str(python), "-I", str(Path(__file__).parent), "--measure", json.dumps(case)]
    command += ["--folder", str(folder), "--port", str(port), "--seconds", str(seconds)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if result.returncode:
        sys.stderr.write(f"{case}: {result.stderr.splitlines()[-1]}\n")
        return None
    figures: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return figures


def measure_here(case: Case, folder: Path, port: int, seconds: float) -> None:
    """Measure one case and print its figures; the process ends with whatever threads it has."""
    subject = SUBJECTS[case.subject](folder, case.features, case.bins, port)
    sys.stdout.write(json.dumps(WORKS[case.work](subject, seconds)) + "\n")
    sys.stdout.flush()
    shutil.rmtree(folder / f"state-{os.getpid()}", ignore_errors=True)
    os._exit(0)


def run(lines: list[Line], folder: Path, rounds: int, seconds: float) -> str:
    """Measure every case of the lines, the rounds taking turns, and return the tables."""
    port = receiver()
    cases = dict.fromkeys(case for line in lines for case in line.cases())
    found: dict[Case, list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case in cases:
            figures = measured_apart(case, folder, port, seconds)
            if figures is not None:
                found[case].append(figures)
    medians = {
        case: {key: statistics.median(each[key] for each in figures) for key in figures[0]}
        for case, figures in found.items()
        if figures
    }
    return as_markdown(lines, medians)


def main() -> None:
    """Measure all lines, or the one case that a child process is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where environments and baselines are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one measurement")
    parser.add_argument("--quick", action="store_true", help="one round of a fifth of a second")
    parser.add_argument("--only", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        case = Case(*json.loads(arguments.measure))
        measure_here(case, arguments.folder, arguments.port, arguments.seconds)
    rounds, seconds = (1, 0.2) if arguments.quick else (arguments.rounds, arguments.seconds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [line for line in LINES if line.work in arguments.only]
        tables = run(lines, folder, rounds, seconds)
    sys.stdout.write(
        f"Medians of {rounds} rounds of {seconds} s on {len(os.sched_getaffinity(0))} processors, "
        f"Python {sys.version.split()[0]}; in brackets, how many times ours.\n\n{tables}\n"
    )


if __name__ == "__main__":
    main()
