"""The output's distribution at training."""

from boxkite.classic.distributions import InferenceDistribution, InferenceHistogramCollector

__all__ = ["InferenceDistribution", "InferenceHistogramCollector"]
