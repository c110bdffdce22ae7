"""Natural variation: how the training data varies over time although nothing is wrong."""

from boxkite.variation.learning import Variation, learn_variation, training_drift
from boxkite.variation.spread import Spread

__all__ = ["Spread", "Variation", "learn_variation", "training_drift"]
