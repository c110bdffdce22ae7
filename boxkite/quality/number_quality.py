"""Quality of a predicted number."""

from __future__ import annotations

from boxkite.quality.intervals import mean_interval, root_mean_interval
from boxkite.quality.pairs import OutcomePairs
from boxkite.quality.statistic import QualityStatistic

__all__ = ["number_statistics"]


def number_statistics(pairs: OutcomePairs) -> list[QualityStatistic]:
    """Return the mean absolute error, the root of the mean squared error, and the bias.

    All three are exact, because the pairs hold sums of the errors of rows. An error is the output
    minus the outcome.
    """
    rows, losses = pairs.rows, pairs.losses
    reason = "" if rows > 1 else "fewer than two rows"
    mae = mean_interval(*losses["absolute_error"], rows)
    rmse = root_mean_interval(*losses["squared_error"], rows)
    bias = mean_interval(*losses["error"], rows)
    return [
        QualityStatistic("mae", pairs.output, mae, rows, "lower", reason=reason),
        QualityStatistic("rmse", pairs.output, rmse, rows, "lower", reason=reason),
        QualityStatistic("bias", pairs.output, bias, rows, "zero", reason=reason),
    ]
