"""Natural variation: how the training data varies over time although nothing is wrong."""

from boxkite.variation.learning import (
    MIN_ROWS_A_CELL,
    Variation,
    learn_variation,
    training_drift,
)
from boxkite.variation.spread import Spread

__all__ = ["MIN_ROWS_A_CELL", "Spread", "Variation", "learn_variation", "training_drift"]
