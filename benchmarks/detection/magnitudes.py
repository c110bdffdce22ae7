"""How large a drift must be for a full-sample test to see it about one time in two.

Far from the edge of what can be told every detector finds all or nothing. So each cell's magnitude
is where the approximate power of K-S, or of chi-square over all categories, is `AIM`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from distributions import DISTRIBUTIONS, Floats
from drifts import DRIFTS
from scipy.stats import chi2, kstwobign, ncx2, norm

__all__ = ["AIM", "magnitude"]

AIM = 0.5
_ROWS = 100_000
_STEPS = 18
_POINTS = 2_000
_CERTAIN = 100.0


@lru_cache(maxsize=1024)
def magnitude(name: str, drift: str, live_rows: int, trained_rows: int, rate: float) -> float:
    """Return the least magnitude at which the approximate power is `AIM`, or the greatest there is.

    Args:
        name: of the distribution.
        drift: its name.
        live_rows: of a window.
        trained_rows: of the baseline.
        rate: of false alarms.
    """
    distribution = DISTRIBUTIONS[name]
    effective = live_rows * trained_rows / (live_rows + trained_rows)
    rows = _rows(name)
    change, most = DRIFTS[drift]

    def power(size: float) -> float:
        drifted = change(rows, distribution, size, np.random.default_rng(3))
        if distribution.categories:
            return _chi_square_power(rows, drifted, live_rows, trained_rows, rate)
        return _ks_power(_ordered(name), np.sort(drifted), effective, rate)

    low, high = 0.0, most
    if power(high) < AIM:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2 if low else high / 3
        low, high = (middle, high) if power(middle) < AIM else (low, middle)
        if low and high / low < 1.02:
            break
    return high


@lru_cache(maxsize=1)
def _rows(name: str) -> Floats:
    return DISTRIBUTIONS[name].draw(_ROWS, np.random.default_rng(2))


@lru_cache(maxsize=1)
def _ordered(name: str) -> Floats:
    return np.sort(_rows(name))


def _ks_power(rows: Floats, drifted: Floats, effective: float, rate: float) -> float:
    """Return the chance that the distance where it is greatest exceeds the asymptotic quantile."""
    at = rows[:: len(rows) // _POINTS]
    before = np.searchsorted(rows, at, side="right") / len(rows)
    distance = np.abs(np.searchsorted(drifted, at, side="right") / len(drifted) - before)
    where = int(np.argmax(distance))
    spread = np.sqrt(max(before[where] * (1 - before[where]), 1e-12))
    reach = np.sqrt(effective) * distance[where] - kstwobign.isf(rate)
    return float(norm.cdf(reach / spread))


def _chi_square_power(
    rows: Floats, drifted: Floats, live_rows: int, trained_rows: int, rate: float
) -> float:
    """Return the power over the categories that there are; a new one must come at least once."""
    number = int(max(rows.max(), drifted.max())) + 1
    q = np.bincount(rows.astype(np.int64), minlength=number) / len(rows)
    p = np.bincount(drifted.astype(np.int64), minlength=number) / len(drifted)
    live_share = live_rows / (live_rows + trained_rows)
    noncentral = live_rows * (1 - live_share) * _distance(p, q, live_share)
    degrees = int((p + q > 0).sum()) - 1
    power = 1.0  # of what scipy takes long to compute
    if noncentral < _CERTAIN * (degrees + 1):
        power = float(ncx2.sf(chi2.isf(rate, degrees), degrees, noncentral))
    new = float(p[q == 0].sum())
    return min(power, -math.expm1(-live_rows * new)) if new else power


def _distance(p: Floats, q: Floats, live_share: float) -> float:
    moved = p != q
    mixed = live_share * p + (1 - live_share) * q
    return float(((p - q)[moved] ** 2 / mixed[moved]).sum())
