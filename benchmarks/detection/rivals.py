"""Detectors from elsewhere and ours on the same windows, by default and at a matched rate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cells import FREE
from distributions import DISTRIBUTIONS
from drifts import DRIFTS
from environments import environment
from magnitudes import magnitude
from progress import bar
from tables import heading, line

__all__ = ["QUICK_WINDOWS", "WINDOWS", "interpreter", "print_costs", "print_rivals", "work"]

TRAINED = 20_000
RATE = 0.05
BASELINES = 4

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "evidently": ("evidently", "pandas<3"),  # 0.7.23 cannot be imported beside pandas 3
    "alibi-detect": ("alibi-detect",),
    "nannyml": ("nannyml", "statsmodels", "pandas<3"),  # 0.13.1 imports what it does not ask for
    "whylogs": ("whylogs[viz]", "pandas<3", "numpy<2"),
    "frouros K-S": ("frouros",),
    "frouros Anderson-Darling": ("frouros",),
    "boxkite 0.0.5": ("boxkite==0.0.5",),
    "river": ("river",),
}
"""What each is installed from; ours run in this environment."""

DRIFTED = {
    "normal": ("shift", "scale", "new atom", "missing"),
    "integer counts": ("shift", "tail", "one bin emptied"),
    "atom and continuous": ("shift", "skew"),
    "10 categories": ("category swap", "new category"),
    "1,000 categories": ("category swap", "rare categories"),
}


class Windows(NamedTuple):
    """How many of a number of live rows are drawn of each distribution."""

    live: int
    free: int
    drifted: int


WINDOWS = [
    Windows(100, 240, 60),
    Windows(1_000, 240, 60),
    Windows(10_000, 160, 40),
    Windows(100_000, 60, 20),
]
QUICK_WINDOWS = [Windows(1_000, 60, 20)]


def draw(folder: Path, sizes: Sequence[Windows]) -> None:
    """Write the windows, a file for each distribution, size and baseline."""
    for size in sizes:
        for seed, (name, drifts) in enumerate(DRIFTED.items()):
            distribution = DISTRIBUTIONS[name]
            random = np.random.default_rng([7, seed, size.live])
            for baseline in range(BASELINES):
                parts: dict[str, Any] = {
                    drift: np.array([_window(name, drift, size, random) for _ in range(number)])
                    for drift, number in _numbers(drifts, size)
                }
                reference = distribution.draw(TRAINED, random)
                if "missing" in drifts:
                    reference = _with_missing(reference, MISSING, random)
                categorical = np.array(bool(distribution.categories))
                path = folder / f"{seed} {size.live} {baseline}.npz"
                np.savez(path, reference=reference, categorical=categorical, **parts)


def _numbers(drifts: Sequence[str], size: Windows) -> Iterator[tuple[str, int]]:
    yield FREE, size.free // BASELINES
    for drift in drifts:
        yield drift, size.drifted // BASELINES


MISSING = 0.02


def _window(name: str, drift: str, size: Windows, random: np.random.Generator) -> Any:
    distribution = DISTRIBUTIONS[name]
    rows = distribution.draw(size.live, random)
    if drift not in (FREE, "missing"):
        most = magnitude(name, drift, size.live, TRAINED, RATE)
        rows = DRIFTS[drift].change(rows, distribution, most, random)
    if "missing" in DRIFTED[name]:
        rows = _with_missing(rows, _missing_rate(drift, size.live), random)
    return rows


def _missing_rate(drift: str, live: int) -> float:
    """Return three standard errors more than at training where it drifts."""
    if drift != "missing":
        return MISSING
    return MISSING + 3 * float(np.sqrt(MISSING * (1 - MISSING) * (1 / live + 1 / TRAINED)))


def _with_missing(rows: Any, rate: float, random: np.random.Generator) -> Any:
    return np.where(random.random(len(rows)) < rate, np.nan, rows)


def work(python: Path | str, *arguments: str) -> Any:
    """Return what the worker prints, or the error that it ended with."""
    command = [str(python), str(Path(__file__).parent / "worker.py"), *arguments]
    variables = {**os.environ, "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    if str(python) != sys.executable:
        variables.pop("PYTHONPATH", None)  # 0.0.5 bears our name
    result = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    if result.returncode:
        last = result.stderr.strip().splitlines()[-1:]
        return {"error": last[0] if last else f"exit {result.returncode}"}
    return json.loads(result.stdout)


def interpreter(folder: Path, name: str) -> Path | str:
    """Return the interpreter of a detector's environment, or the error of installing it."""
    if name not in REQUIREMENTS:
        return Path(sys.executable)
    try:
        return environment(folder, name.split(" K-S")[0].split(" A")[0], *REQUIREMENTS[name])
    except subprocess.CalledProcessError as error:
        return f"pip failed with {error.returncode}"


def print_rivals(folder: Path, sizes: Sequence[Windows], names: Sequence[str]) -> None:
    """Draw the windows, let each detector judge them, and print what it found."""
    began = time.monotonic()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as windows:
        draw(Path(windows), sizes)
        for done, name in enumerate(names, 1):
            python = interpreter(folder, name)
            failed = {"error": python} if isinstance(python, str) else None
            results[name] = failed or work(python, "windows", name, windows)
            bar("rivals", done, len(names), began)
    print(f"\n{TRAINED:,} training rows; matched at {RATE:.0%} of drift-free windows\n")
    lives = [size.live for size in sizes]
    heading(
        "detector",
        *(f"{live:,} rows: false alarms; power at default; at the matched rate" for live in lives),
    )
    for name, result in results.items():
        line(name, *(_summary(result, live) for live in lives))
    for live in lives:
        _print_drifts(results, live)


def _parts(result: Any, live: int) -> Iterator[tuple[str, str, Any]]:
    """Yield distribution, drift and what was found of its windows, baselines together."""
    for seed, (name, drifts) in enumerate(DRIFTED.items()):
        for drift in (FREE, *drifts):
            found = [result[f"{seed} {live} {baseline}"][drift] for baseline in range(BASELINES)]
            errors = [each["error"] for each in found if "error" in each]
            merged: dict[str, Any] = (
                {"error": errors[0]}
                if errors
                else {
                    key: np.concatenate([np.asarray(each[key], dtype=float) for each in found])
                    for key in ("scores", "alarms")
                }
            )
            yield name, drift, merged


def _powers(result: Any, live: int) -> dict[tuple[str, str], tuple[float, float] | str]:
    """Return by distribution and drift the power at default and at the matched rate."""
    found: dict[tuple[str, str], tuple[float, float] | str] = {}
    limit = np.inf
    for name, drift, part in _parts(result, live):
        if "error" in part:
            found[name, drift] = part["error"]
            continue
        if drift == FREE:
            limit = float(np.quantile(part["scores"], 1 - RATE))
        matched = float((part["scores"] > limit).mean())
        found[name, drift] = (float(part["alarms"].mean()), matched)
    return found


def _summary(result: Any, live: int) -> str:
    """Return false alarms, power at default and at the matched rate, averaged over cells."""
    if "error" in result:
        return str(result["error"])
    found = _powers(result, live)
    fine = {key: each for key, each in found.items() if not isinstance(each, str)}
    free = [each[0] for (_, drift), each in fine.items() if drift == FREE]
    seen = [each for (_, drift), each in fine.items() if drift != FREE]
    if not seen:
        return "error"
    default, matched = (float(np.mean([each[i] for each in seen])) for i in (0, 1))
    return f"{np.mean(free):.3f}; {default:.2f}; {matched:.2f}"


def _print_drifts(results: dict[str, Any], live: int) -> None:
    """Print the power at the matched rate for each drift."""
    pairs = [(name, drift) for name, drifts in DRIFTED.items() for drift in drifts]
    print(f"\nPower at the matched rate, {live:,} live rows; in brackets at the default\n")
    heading("detector", *(f"{name}: {drift}" for name, drift in pairs))
    for name, result in results.items():
        if "error" in result:
            line(name, str(result["error"]))
            continue
        found = _powers(result, live)
        line(name, *(_cell(found[pair]) for pair in pairs))


def _cell(found: tuple[float, float] | str) -> str:
    return found if isinstance(found, str) else f"{found[1]:.2f} ({found[0]:.2f})"


def print_costs(folder: Path, rows: Sequence[int], names: Sequence[str]) -> None:
    """Print time and memory of one window for each detector."""
    print("\nOne window of normal rows against 100,000: milliseconds of processor time; MiB\n")
    heading("detector", *(f"{each:,} rows" for each in rows))
    for name in names:
        python = interpreter(folder, name)
        if isinstance(python, str):
            line(name, python)
            continue
        found = [work(python, "cost", name, str(each)) for each in rows]
        line(name, *(_cost(each) for each in found))


def _cost(found: Any) -> str:
    if "error" in found:
        return str(found["error"])
    return f"{found['milliseconds']:,.1f}; {found['mebibytes']:,.0f}"
