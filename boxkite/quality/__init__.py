"""Quality of a model whose outcomes are known, from counts of pairs of cells."""

from boxkite.quality.measure import measure
from boxkite.quality.pairs import LossSums, OutcomePairs, Outcomes
from boxkite.quality.statistic import QualityStatistic

__all__ = ["LossSums", "OutcomePairs", "Outcomes", "QualityStatistic", "measure"]
