"""Intervals at 95 % around statistics of quality."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NORMAL_95",
    "Interval",
    "auc_interval",
    "calibration_interval",
    "f1_interval",
    "mean_interval",
    "root_mean_interval",
    "wilson",
]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % above it."""


class Interval(NamedTuple):
    """A statistic with its interval at 95 %. All three are NaN if there are no rows.

    Attributes:
        value: The statistic.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def error(self) -> float:
        """Standard error that matches the width of the interval."""
        return (self.high - self.low) / (2 * NORMAL_95)


def wilson(hits: float, rows: float) -> Interval:
    """Return a fraction with its score interval (Wilson 1927).

    Args:
        hits: Number of rows in the numerator, such as right predictions.
        rows: Number of all rows.
    """
    if not rows:
        return Interval()
    z2 = NORMAL_95**2
    fraction = hits / rows
    middle = (hits + z2 / 2) / (rows + z2)
    half = NORMAL_95 / (rows + z2) * math.sqrt(rows * fraction * (1 - fraction) + z2 / 4)
    # Rounding must not push the ends past the fraction, for instance at 0 or 1.
    return Interval(fraction, max(0.0, min(fraction, middle - half)), max(fraction, middle + half))


def f1_interval(hits: float, misses: float) -> Interval:
    """Return F1 with its interval.

    F1 is 2J / (1 + J), where J = TP / (TP + FP + FN). Given its denominator, J is a binomial
    fraction with an interval by Wilson. The same formula converts the ends of this interval to F1.

    Args:
        hits: True positives.
        misses: False positives and false negatives.
    """
    return Interval(*(2 * each / (1 + each) for each in wilson(hits, hits + misses)))


def mean_interval(total: float, squares: float, rows: float) -> Interval:
    """Return a mean with the interval of the normal distribution.

    Args:
        total: Sum of the values.
        squares: Sum of their squares.
        rows: Number of values.
    """
    if rows < 2:
        return Interval()
    mean = total / rows
    variance = max(0.0, squares / rows - mean**2) * rows / (rows - 1)
    half = NORMAL_95 * math.sqrt(variance / rows)
    return Interval(mean, mean - half, mean + half)


def root_mean_interval(total: float, squares: float, rows: float) -> Interval:
    """Return the square root of a mean; the ends of its interval are the roots of the mean's."""
    mean = mean_interval(total, squares, rows)
    return Interval(*(math.sqrt(max(0.0, each)) for each in mean)) if rows > 1 else mean


def auc_interval(negatives: Counts, positives: Counts) -> Interval:
    """Return the area under the ROC curve of a binned score, with its interval.

    The area is the chance that a positive row has a higher score than a negative one; a pair in the
    same bin counts one half. The variance is DeLong's (DeLong, DeLong and Clarke-Pearson 1988),
    whose components are equal within a bin. The interval is symmetric on the logit scale, so it
    stays between 0 and 1.

    If the bins separate the classes perfectly, that variance is 0. The interval is then Wilson's,
    with the number of rows of the rarer class. It is conservative, because the variance of the area
    A is at most A (1 - A) / min(P, N) (Birnbaum and Klose 1957).

    Args:
        negatives: Rows with outcome 0 in each bin, in ascending order of the score.
        positives: Rows with outcome 1 in each bin.
    """
    p, n = int(positives.sum()), int(negatives.sum())
    if not p or not n:
        return Interval()
    beaten = (np.cumsum(negatives) - negatives / 2) / n
    losing = 1 - (np.cumsum(positives) - positives / 2) / p
    area = float(positives @ beaten) / p
    if not 0 < area < 1 or min(p, n) < 2:
        return Interval(area, *wilson(area * min(p, n), min(p, n))[1:])
    variance = float(positives @ (beaten - area) ** 2) / (p - 1) / p
    variance += float(negatives @ (losing - area) ** 2) / (n - 1) / n
    half = NORMAL_95 * math.sqrt(variance) / (area * (1 - area))
    logit = math.log(area / (1 - area))
    return Interval(area, _logistic(logit - half), _logistic(logit + half))


def _logistic(value: float) -> float:
    # Either form overflows for values that are large on one side.
    return 1 / (1 + math.exp(-value)) if value > 0 else math.exp(value) / (1 + math.exp(value))


def calibration_interval(scores: Floats, rates: Floats, rows: Counts) -> Interval:
    """Return the expected calibration error with its interval.

    The error is the mean distance between the mean score and the rate of positives in a bin,
    weighted by rows (Naeini, Cooper and Hauskrecht 2015). Noise in the rates raises this error,
    most of all if the score is calibrated. It then raises the error of a bin by the mean of |X| for
    a normal X, which is sqrt(2/pi) of its standard deviation (Leone, Nelson and Nottingham 1961).
    The lower end of the interval is reduced by that amount.

    Args:
        scores: Mean score in each bin.
        rates: Rate of positives in each bin.
        rows: Rows in each bin, each at least 1.
    """
    if not len(rows):
        return Interval()
    weights = rows / rows.sum()
    distances = np.abs(scores - rates)
    # If all rows of a bin have the same outcome, its rate still has an error. So half a row of each
    # outcome is added.
    smoothed = (rates * rows + 0.5) / (rows + 1)
    sigmas = np.sqrt(smoothed * (1 - smoothed) / rows)
    half = NORMAL_95 * math.sqrt(float(weights**2 @ sigmas**2))
    value, noise = float(weights @ distances), math.sqrt(2 / math.pi) * float(weights @ sigmas)
    return Interval(value, max(0.0, value - noise - half), min(1.0, value + half))
