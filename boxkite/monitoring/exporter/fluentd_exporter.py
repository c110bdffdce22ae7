"""Predictions to fluentd."""

from boxkite.classic.exporters import (
    BEDROCK_ENDPOINT_ID,
    BEDROCK_FLUENTD_ADDR,
    BEDROCK_FLUENTD_PREFIX,
    BEDROCK_POD_NAME,
    FluentdExporter,
    LogExporter,
)
from boxkite.classic.prediction_context import PredictionContext

__all__ = [
    "BEDROCK_ENDPOINT_ID",
    "BEDROCK_FLUENTD_ADDR",
    "BEDROCK_FLUENTD_PREFIX",
    "BEDROCK_POD_NAME",
    "FluentdExporter",
    "LogExporter",
    "PredictionContext",
]
