"""Monitoring of a model service."""

from boxkite.classic.monitoring_service import BEDROCK_SERVER_ID, ModelMonitoringService

__all__ = ["BEDROCK_SERVER_ID", "ModelMonitoringService"]
