"""Missing rows: the evidence behind the alert beside chi-square of the two rates.

Whether a value is missing has nothing to do with its distribution, so that only sizes matter here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from full_sample import rate_chi_square
from scipy.stats import norm
from tables import heading, line

from boxkite.drift import Policy
from boxkite.drift.rates import evidence, rate_critical

__all__ = ["print_missing"]

TRAINED, RATE = 100_000, 0.01
WINDOWS = 20_000
SHARES = (0.0, 0.02, 0.3)
"""Of missing rows at training."""


def print_missing(lives: Sequence[int]) -> None:
    """Print the power of both at the matched rate, and that of the alert as it comes."""
    print("\nMissing rows, full sample / counts at the matched rate; in brackets the alert\n")
    heading("missing at training", *(f"{live:,} live rows" for live in lives))
    for share in SHARES:
        line(f"{share:.0%}", *(_power(share, live) for live in lives))


def _power(share: float, live: int) -> str:
    random = np.random.default_rng([live, round(1000 * share)])
    spread = np.sqrt(max(share * (1 - share), 1 / live) * (1 / live + 1 / TRAINED))
    more = min(1.0, share + float(norm.isf(RATE)) * spread)
    limits: list[float] = []
    found: list[float] = []
    critical = rate_critical(Policy(), 10)
    for rate in (share, more):
        trained = random.binomial(TRAINED, share, WINDOWS)
        missing = random.binomial(live, rate, WINDOWS)
        pairs = list(zip(missing.tolist(), trained.tolist(), strict=True))
        full = np.array([rate_chi_square(a, live, b, TRAINED) for a, b in pairs])
        counted = np.array([evidence(a, live, b, TRAINED) for a, b in pairs])
        large = np.abs(missing / live - trained / TRAINED) >= Policy().min_rate
        both = (full, counted)
        limits = limits or [float(np.quantile(each, 1 - RATE)) for each in both]
        found = [float((each > limit).mean()) for each, limit in zip(both, limits, strict=True)]
        alert = float(((counted > critical) & large).mean())
    return f"{found[0]:.2f} / {found[1]:.2f} ({alert:.2f})"
