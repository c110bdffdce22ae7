"""Real months: half of January's flights as training, windows of it and of each later month.

Windows are drawn at random of a month's flights, so that what differs is the month and not that
flights of an hour depend on each other; for those see `benchmarks/false_alarms flights`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from counted import combined
from full_sample import chi_square, kolmogorov_smirnov
from tables import heading, line

from boxkite import Baseline
from boxkite.drift import Comparison, compare

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from flights import FEATURES, load_flights

__all__ = ["print_flights"]

CATEGORICAL = ["weekday", "hour"]
RATE = 0.05
LIVE = 300
MONTHS = range(2, 13)


def print_flights(free: int, drifted: int) -> None:
    """Print how many windows of the months each finds, by feature.

    Args:
        free: windows of January that decide what is above at the matched rate.
        drifted: windows of each later month.
    """
    random = np.random.default_rng(2013)
    january = load_flights(1).sample(frac=1, random_state=1, ignore_index=True)
    half = len(january) // 2
    trained, rest = january[FEATURES][:half], january[FEATURES][half:]
    baseline = Baseline.fit(trained, categorical=CATEGORICAL)
    quiet = _windows(baseline, trained, rest, free, random)
    later = [_windows(baseline, trained, load_flights(m), drifted, random) for m in MONTHS]
    print(f"\nWindows of {LIVE} flights, January against half of January, and the months after it;")
    print(f"matched at {RATE:.0%} of January's windows\n")
    heading(
        "feature",
        "verdict: January",
        "later months",
        "full sample, matched",
        "PSI, matched",
        "PSI or K-S, matched",
    )
    for feature in FEATURES:
        calm, moved = quiet[feature], _joined([each[feature] for each in later])
        line(
            feature,
            f"{calm['verdict'].mean():.3f}",
            f"{moved['verdict'].mean():.2f}",
            *(
                f"{_matched(calm, moved, names):.2f}"
                for names in (("full",), ("psi",), ("psi", "ks"))
            ),
        )


def _windows(
    baseline: Baseline, trained: Any, rows: Any, number: int, random: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Return by feature the verdict and the statistics of each window."""
    found: dict[str, dict[str, list[float]]] = {
        feature: {"verdict": [], "psi": [], "ks": [], "full": []} for feature in FEATURES
    }
    for _ in range(number):
        window = rows.iloc[random.choice(len(rows), LIVE, replace=False)][FEATURES]
        _note(found, compare(baseline, window), trained, window)
    return {
        feature: {key: np.array(values) for key, values in each.items()}
        for feature, each in found.items()
    }


def _note(found: Any, comparison: Comparison, trained: Any, window: Any) -> None:
    for drift in comparison.variables:
        noted = found[drift.name]
        noted["verdict"].append(drift.verdict == "drift")
        noted["psi"].append(drift.psi)
        noted["ks"].append(0.0 if drift.ks != drift.ks else drift.ks)
        noted["full"].append(_full_sample(trained[drift.name], window[drift.name], drift.ks))


def _full_sample(trained: Any, live: Any, ks: float) -> float:
    """Return chi-square of the categories, or K-S of the numbers, of all rows."""
    if ks == ks:
        live, trained = (np.sort(each.dropna().to_numpy(float)) for each in (live, trained))
        return kolmogorov_smirnov(live, trained)
    both = (
        live.value_counts()
        .to_frame("live")
        .join(trained.value_counts().to_frame("trained"), how="outer")
    )
    counts = both.fillna(0).to_numpy().astype(np.int64)
    return chi_square(counts[:, 0], counts[:, 1])


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _matched(calm: dict[str, Any], moved: dict[str, Any], names: tuple[str, ...]) -> float:
    """Return how many of the later windows are above what the rate leaves of January's."""
    names = names if len(names) == 1 or calm["ks"].any() else names[:1]
    quiet, above = [calm[name] for name in names], [moved[name] for name in names]
    if len(names) > 1:
        above = [combined(above, quiet, RATE)]
        quiet = [combined(quiet, quiet, RATE)]
    return float((above[0] > np.quantile(quiet[0], 1 - RATE)).mean())
