"""A sorted column answers what bins and counts are made of."""

import math

import numpy as np

from boxkite.baseline.ordered_values import SortedValues


def test_infinities_and_missing_values_have_no_rank() -> None:
    values = SortedValues.of(np.array([math.nan, 3.0, -math.inf, 1.0, 1.0, math.inf, math.nan]))
    assert (values.missing, values.below, values.above, len(values)) == (2, 1, 1, 3)
    assert values.at(np.array([0, 2])).tolist() == [1.0, 3.0]
    assert values.rank(np.array([1.0, 2.0]), "left").tolist() == [0, 2]
    assert values.rank(np.array([1.0, 2.0]), "right").tolist() == [2, 2]
    assert (values.distinct(), values.is_whole()) == (2, True)
