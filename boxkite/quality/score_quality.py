"""Quality of a score whose outcome is 0 or 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from boxkite.quality.intervals import (
    Interval,
    auc_interval,
    calibration_interval,
    f1_interval,
    mean_interval,
    wilson,
)
from boxkite.quality.pairs import OutcomePairs
from boxkite.quality.statistic import QualityStatistic

__all__ = ["calibration", "score_statistics"]


class _Confusion(NamedTuple):
    """Rows by prediction and outcome: true and false positives and negatives."""

    tp: int
    fp: int
    fn: int
    tn: int


def score_statistics(pairs: OutcomePairs) -> list[QualityStatistic]:
    """Return accuracy, precision, recall and F1 at the threshold, AUC, losses and calibration.

    One of several class probabilities has no threshold, and its statistics are not judged.
    """
    found = [*_ranking(pairs), *_probability(pairs)]
    if pairs.threshold is None:
        return [_unjudged(each) for each in found]
    return [*_at_threshold(pairs, pairs.threshold), *found]


def _unjudged(each: QualityStatistic) -> QualityStatistic:
    return QualityStatistic(
        each.name,
        each.output,
        each.interval,
        each.rows,
        each.better,
        judged=False,
        category=each.output,
        bound=each.bound,
        reason=each.reason,
    )


def _at_threshold(pairs: OutcomePairs, threshold: float) -> list[QualityStatistic]:
    """Return the statistics that depend on the threshold. They are exact, because it is an edge."""
    found = _confusion(pairs, threshold)
    predicted, positives = found.tp + found.fp, found.tp + found.fn
    relevant = predicted + found.fn
    return [
        QualityStatistic(
            "accuracy",
            pairs.output,
            wilson(found.tp + found.tn, pairs.rows),
            pairs.rows,
            reason="" if pairs.rows else "no rows",
        ),
        QualityStatistic(
            "precision",
            pairs.output,
            wilson(found.tp, predicted),
            predicted,
            reason="" if predicted else f"no score is above {threshold:g}",
        ),
        QualityStatistic(
            "recall",
            pairs.output,
            wilson(found.tp, positives),
            positives,
            reason="" if positives else "no outcome is 1",
        ),
        QualityStatistic(
            "f1",
            pairs.output,
            f1_interval(found.tp, found.fp + found.fn),
            relevant,
            reason="" if relevant else f"no outcome is 1, and no score is above {threshold:g}",
        ),
    ]


def _confusion(pairs: OutcomePairs, threshold: float) -> _Confusion:
    # The bin that ends at the threshold is still negative, because bins include their upper edge.
    cell = int(np.searchsorted(pairs.edges, threshold)) + 1
    (tn, fn), (fp, tp) = (part.sum(axis=0).tolist() for part in np.split(pairs.counts, [cell]))
    return _Confusion(tp, fp, fn, tn)


def _ranking(pairs: OutcomePairs) -> list[QualityStatistic]:
    negatives, positives = pairs.counts.T
    n, p = int(negatives.sum()), int(positives.sum())
    # Within a bin, the order of a positive and a negative row is not known. Each such pair counts
    # one half, so it can be off by one half.
    bound = float(negatives @ positives) / (2 * n * p) if n and p else 0.0
    reason = "" if n and p else f"all outcomes are {1 if p else 0}" if n or p else "no rows"
    interval = auc_interval(negatives, positives)
    return [QualityStatistic("auc", pairs.output, interval, min(n, p), bound=bound, reason=reason)]


def _probability(pairs: OutcomePairs) -> list[QualityStatistic]:
    """Return Brier score, log loss and calibration error; empty if the score is no probability."""
    if "brier" not in pairs.losses:
        return []
    found = [
        QualityStatistic(
            name,
            pairs.output,
            mean_interval(*pairs.losses[name], pairs.rows),
            pairs.rows,
            "lower",
            reason="" if pairs.rows > 1 else "fewer than two rows",
        )
        for name in ("log_loss", "brier")
    ]
    return [
        *found,
        QualityStatistic(
            "calibration_error",
            pairs.output,
            calibration(pairs),
            pairs.rows,
            "lower",
            # Noise alone raises this error. The Brier score and the log loss show a loss of
            # calibration too and have a simple distribution, so boxkite only judges those.
            judged=False,
            reason="" if pairs.rows else "no rows",
        ),
    ]


def calibration(pairs: OutcomePairs) -> Interval:
    """Return the calibration error of a probability, with its interval."""
    rows = pairs.counts.sum(axis=1)
    used = rows > 0
    return calibration_interval(
        pairs.output_sums[used] / rows[used], pairs.counts[used, 1] / rows[used], rows[used]
    )
