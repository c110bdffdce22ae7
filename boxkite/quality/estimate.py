"""Estimate quality before outcomes are known, from the histogram of the scores alone.

`positive_rates` gives the expected rate of positives in each bin of the score. If the relation
between score and outcome has not changed, n rows in a bin with rate r hold n r positives. The bins
above the threshold then give the expected true and false positives, and the other bins the expected
negatives. The estimate cannot notice that the rates themselves have changed.

CBPE of NannyML uses the same idea, with single rows instead of bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.quality.intervals import NORMAL_95, Interval
from boxkite.quality.pairs import OutcomePairs, Outcomes
from boxkite.quality.score_quality import calibration

__all__ = ["EstimatedStatistic", "estimate", "is_calibrated", "positive_rates"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class EstimatedStatistic:
    """An estimate of accuracy, precision, recall or F1.

    Attributes:
        name: Name of the statistic.
        interval: Expected value, with an interval at 95 % for the value that the outcomes will
            show. It assumes that the relation between score and outcome has not changed.
    """

    name: str
    interval: Interval

    @property
    def value(self) -> float:
        """The expected value; NaN if it is not defined."""
        return self.interval.value


def positive_rates(pairs: OutcomePairs) -> Floats:
    """Return the rate of positives to expect in each bin.

    If the score is a calibrated probability, the rate is the mean score in the bin. Otherwise it is
    the rate of positives that was measured in the bin at training. A probability counts as
    calibrated if noise can explain its calibration error at training.

    One row with the overall rate is added to every bin. So a bin with few rows never has a rate of
    exactly 0 or 1, and an empty bin has a rate too.

    Args:
        pairs: Paired rows of a score at training.
    """
    rows = pairs.counts.sum(axis=1)
    positives = pairs.output_sums if is_calibrated(pairs) else pairs.counts[:, 1]
    overall = positives.sum() / max(rows.sum(), 1)
    return np.asarray((positives + overall) / (rows + 1), dtype=np.float64)


def is_calibrated(pairs: OutcomePairs) -> bool:
    """Return whether a score is a probability whose calibration error noise can explain."""
    if "brier" not in pairs.losses or not pairs.rows:
        return False
    return calibration(pairs).low <= 0


def estimate(training: Outcomes, counts: Counts) -> tuple[EstimatedStatistic, ...]:
    """Estimate accuracy, precision, recall and F1 at the threshold.

    Args:
        training: Paired rows of training.
        counts: Number of predictions in each bin of the score. The bins are those of
            `training.pairs[0]`.

    Returns:
        The estimates; empty if the model has no score with a threshold, or there are no rows.
    """
    pairs = training.pairs[0]
    if pairs.threshold is None or not counts.sum() or not pairs.rows:
        return ()
    rates = positive_rates(pairs)
    expected = counts * rates
    # Two errors add up: the outcomes vary around the rate, and the rate was measured with an error.
    variance = counts * rates * (1 - rates) * (1 + counts / (pairs.counts.sum(axis=1) + 1))
    cell = int(np.searchsorted(pairs.edges, pairs.threshold)) + 1
    below, above = slice(None, cell), slice(cell, None)
    return _at_threshold(
        float(expected[above].sum()),
        float(expected[below].sum()),
        int(counts[above].sum()),
        int(counts.sum()),
        (float(variance[above].sum()), float(variance[below].sum())),
    )


def _at_threshold(
    tp: float, fn: float, predicted: int, rows: int, variances: tuple[float, float]
) -> tuple[EstimatedStatistic, ...]:
    """Return the estimates with intervals by the delta method.

    The expected true positives and false negatives come from different bins, so they are
    independent. Each statistic is a function of the two; `gradients` are its derivatives.
    """
    positives, either = tp + fn, predicted + tp + fn
    values = {
        "accuracy": (tp + rows - predicted - fn) / rows,
        "precision": tp / predicted if predicted else math.nan,
        "recall": tp / positives if positives else math.nan,
        "f1": 2 * tp / either if either else math.nan,
    }
    gradients = {
        "accuracy": (1 / rows, -1 / rows),
        "precision": (1 / max(predicted, 1), 0.0),
        "recall": (fn / max(positives, 1e-300) ** 2, -tp / max(positives, 1e-300) ** 2),
        "f1": (2 * (either - tp) / max(either, 1e-300) ** 2, -2 * tp / max(either, 1e-300) ** 2),
    }
    return tuple(
        EstimatedStatistic(name, _interval(value, gradients[name], variances))
        for name, value in values.items()
    )


def _interval(
    value: float, gradient: tuple[float, float], variances: tuple[float, float]
) -> Interval:
    pairs = zip(gradient, variances, strict=True)
    half = NORMAL_95 * math.sqrt(sum(slope**2 * variance for slope, variance in pairs))
    if math.isnan(value):
        return Interval()
    return Interval(value, max(0.0, value - half), min(1.0, value + half))
