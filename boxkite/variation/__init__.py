"""Natural variation: how much, and in which ways, training data varies by itself over time."""

from boxkite.variation.learning import Variation, learn_variation, training_drift
from boxkite.variation.spread import Spread

__all__ = ["Spread", "Variation", "learn_variation", "training_drift"]
