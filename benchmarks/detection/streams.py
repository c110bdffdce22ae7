"""Delay: how many rows after drift begins a detector alarms, on rows that come one by one.

Each stream is drift-free for `CALM` rows; then the normal rows change at once, or by and by over
`RAMP` rows. Windowed detectors look at the last rows at each multiple of a tenth of their window.
Detectors of streams read each row, in an environment of their own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from distributions import DISTRIBUTIONS, Floats
from rivals import interpreter, work
from scipy.stats import chi2, kstwobign
from tables import heading, line

from boxkite.baseline import NumericVariable
from boxkite.baseline.counted_columns import DEFAULT_BINS
from boxkite.baseline.edges import equal_mass_edges
from boxkite.baseline.ordered_values import SortedValues
from boxkite.drift import Floors, Policy, kolmogorov_smirnov, population_stability_index
from boxkite.variation.deviation import smoothed_fractions

__all__ = ["print_streams"]

TRAINED = 20_000
CALM, AFTER, RAMP = 10_000, 20_000, 10_000
CHANGES = {
    "none": (0.0, 1.0, 1),
    "shift of 0.25 sd": (0.25, 1.0, 1),
    "shift of 0.5 sd": (0.5, 1.0, 1),
    "slow ramp to 0.5 sd": (0.5, 1.0, RAMP),
    "scale of 1.3": (0.0, 1.3, 1),
}
"""How far rows move, how much they spread, and over how many rows that comes about."""

WINDOW_LENGTHS = (1_000, 5_000)
RATES = (1e-3, 1e-4)
"""Of false alarms at each look of a windowed detector."""

STREAMING = {
    "ADWIN": [{"delta": 0.002}, {"delta": 1e-4}, {"delta": 1e-6}],
    "KSWIN": [{"alpha": 0.005}, {"alpha": 1e-4}, {"alpha": 1e-6}],
}
"""River's detectors, at their default first."""


def print_streams(folder: Path, number: int, number_of_slow: int) -> None:
    """Print the share of streams with a false alarm, and the median delay.

    Args:
        folder: of the environments.
        number: of streams of each kind.
        number_of_slow: of those that KSWIN reads, which takes a test for each row.
    """
    random = np.random.default_rng(11)
    streams = {name: _streams(change, number, random) for name, change in CHANGES.items()}
    trained = DISTRIBUTIONS["normal"].draw(TRAINED, random)
    print(f"\nStreams that drift after {CALM:,} rows: false alarms in as many rows;")
    print("median delay in rows, and the share that is found within 20,000\n")
    heading("detector", "false alarms", *(name for name in CHANGES if name != "none"))
    for title, first in _windowed(trained).items():
        _print(title, {name: [first(each) for each in part] for name, part in streams.items()})
    python = interpreter(folder, "river")
    for detector, settings in STREAMING.items():
        few = number_of_slow if detector == "KSWIN" else number
        for setting in settings:
            title = f"river {detector}, " + ", ".join(f"{k} {v:g}" for k, v in setting.items())
            found = _river(python, detector, setting, {k: v[:few] for k, v in streams.items()})
            if "error" in found:
                line(title, str(found["error"]))
            else:
                _print(f"{title} ({few} streams)", found)


def _streams(change: tuple[float, float, int], number: int, random: np.random.Generator) -> Floats:
    shift, scale, over = change
    rows = random.standard_normal((number, CALM + AFTER))
    progress = np.clip((np.arange(CALM + AFTER) - CALM + 1) / over, 0.0, 1.0)
    return rows * (1 + (scale - 1) * progress) + shift * progress


def _windowed(trained: Floats) -> dict[str, _Looks]:
    """Return what gives the rows at which each windowed detector alarms."""
    values = SortedValues.of(trained)
    edges = equal_mass_edges(values, DEFAULT_BINS)
    variable = NumericVariable.from_ordered(values, edges, name="x", role="feature", position=0)
    degrees, policy = len(edges), Policy()
    critical, ks_critical = policy.critical("1h", 10, variable), policy.ks_critical("1h", 10)
    found: dict[str, _Looks] = {}
    for length in WINDOW_LENGTHS:
        scale = 1 / TRAINED + 1 / length
        for rate in RATES:
            title = f"of {length:,} rows, rate {rate:g} a look"
            found[f"PSI {title}"] = _Looks(variable, length, chi2.isf(rate, degrees) * scale)
            found[f"PSI or K-S {title}"] = _Looks(
                variable,
                length,
                chi2.isf(rate / 2, degrees) * scale,
                kstwobign.isf(rate / 2) * np.sqrt(scale),
            )
        found[f"boxkite's verdict, of {length:,} rows"] = _Looks(
            variable,
            length,
            critical * scale,
            ks_critical * np.sqrt(scale),
            policy.floors(variable),
        )
    return found


class _Looks(NamedTuple):
    """A detector that looks at the last rows ten times in a window's length."""

    variable: NumericVariable
    length: int
    psi: float
    ks: float = np.inf
    floors: Floors = Floors(effect=0.0, moved=0.0, rate=0.0)

    def __call__(self, rows: Floats) -> list[int]:
        """Return the rows, from 1, at which it alarms."""
        step, trained = self.length // 10, self.variable.counts
        cells = np.searchsorted(self.variable.edges, rows, side="left").reshape(-1, step)
        parts = np.array([np.bincount(each, minlength=len(trained)) for each in cells])
        sums = np.cumsum(np.vstack([np.zeros_like(parts[:1]), parts]), axis=0)
        return [
            (look + 10) * step
            for look, live in enumerate(sums[10:] - sums[:-10])
            if self._above(population_stability_index(live, trained), live)
        ]

    def _above(self, psi: float, live: Any) -> bool:
        moved = np.abs(smoothed_fractions(live) - smoothed_fractions(self.variable.counts)).max()
        if not self.floors.exceeded(psi, moved):
            return False
        return psi > self.psi or kolmogorov_smirnov(live, self.variable.counts) > self.ks


def _river(
    python: Any, detector: str, setting: dict[str, float], streams: dict[str, Floats]
) -> dict[str, Any]:
    if isinstance(python, str):
        return {"error": python}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streams.npz"
        np.savez(path, **dict[str, Any](streams))
        arguments = (f"{key}={value!r}" for key, value in setting.items())
        return dict(work(python, "streams", detector, str(path), *arguments))


def _print(title: str, alarms: dict[str, list[list[int]]]) -> None:
    """Print one detector, given the rows at which it alarms in each stream."""
    false = np.mean([any(row <= CALM for row in each) for part in alarms.values() for each in part])
    columns = []
    for name, part in alarms.items():
        if name == "none":
            continue
        delays = [min((row - CALM for row in each if row > CALM), default=np.inf) for each in part]
        middle = float(np.median(delays))
        text = f"{middle:,.0f}" if np.isfinite(middle) else "-"
        columns.append(f"{text}; {np.mean(np.isfinite(delays)):.2f}")
    line(title, f"{false:.2f}", *columns)
