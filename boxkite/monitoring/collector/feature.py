"""The features' distributions at training."""

from boxkite.classic.distributions import FeatureDistribution, FeatureHistogramCollector

__all__ = ["FeatureDistribution", "FeatureHistogramCollector"]
