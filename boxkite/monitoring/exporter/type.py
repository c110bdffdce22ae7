"""What an exporter is."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

from boxkite.logs.sink import Sink
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter.sink import ExporterSink

__all__ = ["LogExporter"]


class LogExporter:
    """Takes each prediction to a log; inherit from it for a log of one's own."""

    @abstractmethod
    def emit(self, prediction: PredictionContext) -> None:
        """Take one prediction, in the request; an error is counted, and not raised there."""
        raise NotImplementedError

    @cached_property
    def sink(self) -> Sink:
        """Takes records of the prediction log in the background, and hands them to `emit`."""
        return ExporterSink(self)
