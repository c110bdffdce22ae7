"""Quality of a predicted number."""

from __future__ import annotations

from boxkite.quality.intervals import mean_interval, root_mean_interval
from boxkite.quality.pairs import OutcomePairs
from boxkite.quality.statistic import QualityStatistic

__all__ = ["number_statistics"]


def number_statistics(pairs: OutcomePairs) -> list[QualityStatistic]:
    """Return the mean absolute error, the root of the mean squared error, and the bias.

    All three are exact, because the pairs hold sums of the errors of rows. An error is the output
    minus the outcome. The pairs hold the overestimates and the underestimates separately, because a
    sum of errors of both signs could fall, and a counter of Prometheus must not.
    """
    rows, losses = pairs.rows, pairs.losses
    over, under = losses["overestimate"], losses["underestimate"]
    reason = "" if rows > 1 else "fewer than two rows"
    mae = mean_interval(*over.plus(under), rows)
    rmse = root_mean_interval(*losses["squared_error"], rows)
    bias = mean_interval(over.total - under.total, over.squares + under.squares, rows)
    return [
        QualityStatistic("mae", pairs.output, mae, rows, "lower", reason=reason),
        QualityStatistic("rmse", pairs.output, rmse, rows, "lower", reason=reason),
        QualityStatistic("bias", pairs.output, bias, rows, "zero", reason=reason),
    ]
