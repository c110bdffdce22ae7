"""Monitoring of a model service."""

from boxkite.classic.monitoring_service import ModelMonitoringService

__all__ = ["ModelMonitoringService"]
