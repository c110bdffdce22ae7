"""Monitoring of a model service."""

from boxkite.classic.collectors import BaselineMetricCollector, Collector, InfoMetricCollector
from boxkite.classic.distributions import FeatureHistogramCollector, InferenceHistogramCollector
from boxkite.classic.exporters import FluentdExporter, LogExporter
from boxkite.classic.live_registry import LiveMetricRegistry
from boxkite.classic.metric_encoder import MetricEncoder
from boxkite.classic.monitoring_service import BEDROCK_SERVER_ID, ModelMonitoringService
from boxkite.classic.prediction_context import PredictionContext

__all__ = [
    "BEDROCK_SERVER_ID",
    "BaselineMetricCollector",
    "Collector",
    "FeatureHistogramCollector",
    "FluentdExporter",
    "InferenceHistogramCollector",
    "InfoMetricCollector",
    "LiveMetricRegistry",
    "LogExporter",
    "MetricEncoder",
    "ModelMonitoringService",
    "PredictionContext",
]
