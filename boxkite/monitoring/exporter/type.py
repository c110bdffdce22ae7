"""What an exporter is."""

from __future__ import annotations

from abc import abstractmethod

from boxkite.logs.sink import Sink
from boxkite.monitoring.context import PredictionContext

__all__ = ["LogExporter"]


class LogExporter:
    """Takes each prediction to a log; inherit from it for a log of one's own."""

    @abstractmethod
    def emit(self, prediction: PredictionContext) -> None:
        """Take one prediction, in the request; an error is counted, and not raised there."""
        raise NotImplementedError

    @property
    def sink(self) -> Sink:
        """Hands the records of the prediction log to `emit`, in the background: for
        `Monitor(log=exporter)`."""
        from boxkite.monitoring.exporter.sink import ExporterSink

        return ExporterSink(self)
