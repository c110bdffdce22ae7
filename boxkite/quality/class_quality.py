"""Quality of a predicted class, from the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

from boxkite.quality.intervals import NORMAL_95, Interval, f1_interval, mean_interval, wilson
from boxkite.quality.pairs import OutcomePairs
from boxkite.quality.statistic import QualityStatistic

__all__ = ["class_statistics"]


def class_statistics(pairs: OutcomePairs) -> list[QualityStatistic]:
    """Return accuracy, averages over classes, the log loss, and the details of each class.

    The averages (`macro_…`) give the same weight to each class that occurs as a prediction or an
    outcome. A class that is never predicted has no precision. It counts as 0 in the average, as in
    scikit-learn. Rows of `__other__` and `__unseen__` may have different classes, so they count as
    wrong predictions. If there are such rows, the accuracy is a lower bound.
    """
    kept = [cell for cell, each in enumerate(pairs.categories) if each not in pairs.catch_all]
    hits = int(pairs.counts.diagonal()[kept].sum())
    details = [_details(pairs, cell) for cell in kept]
    present = [each for each in details if each[2].rows]
    reason = "" if pairs.rows else "no rows"
    found = [
        QualityStatistic(
            "accuracy", pairs.output, wilson(hits, pairs.rows), pairs.rows, reason=reason
        ),
        *(
            QualityStatistic(
                f"macro_{name}",
                pairs.output,
                _average([each[place].interval for each in present]),
                pairs.rows,
                reason=reason,
            )
            for place, name in enumerate(("precision", "recall", "f1"))
        ),
    ]
    if "log_loss" in pairs.losses:
        loss = mean_interval(*pairs.losses["log_loss"], pairs.rows)
        found.append(
            QualityStatistic("log_loss", pairs.output, loss, pairs.rows, "lower", reason=reason)
        )
    return [*found, *(each for three in details for each in three)]


def _details(pairs: OutcomePairs, cell: int) -> tuple[QualityStatistic, ...]:
    """Return precision, recall and F1 of one class."""
    hits = int(pairs.counts[cell, cell])
    predicted, actual = int(pairs.counts[cell].sum()), int(pairs.counts[:, cell].sum())
    either = predicted + actual - hits
    found = (
        ("precision", wilson(hits, predicted), predicted, "it is never predicted"),
        ("recall", wilson(hits, actual), actual, "it never occurs"),
        ("f1", f1_interval(hits, either - hits), either, "it never occurs and is never predicted"),
    )
    return tuple(
        QualityStatistic(
            name,
            pairs.output,
            interval,
            rows,
            judged=False,
            category=pairs.categories[cell],
            reason="" if rows else reason,
        )
        for name, interval, rows, reason in found
    )


def _average(intervals: Sequence[Interval]) -> Interval:
    """Return the mean of statistics of several classes, as if these were independent.

    Given the outcomes, the recalls of different classes are independent. Given the predictions, the
    precisions are. For F1, independence is an approximation.
    """
    if not intervals:
        return Interval()
    values = [0.0 if math.isnan(each.value) else each.value for each in intervals]
    errors = [0.0 if math.isnan(each.error) else each.error for each in intervals]
    mean = sum(values) / len(values)
    half = NORMAL_95 * math.sqrt(sum(each**2 for each in errors)) / len(values)
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))
