"""Exporters of 0.0.5: the base class for exporters of users, and the one that sends to fluentd."""

from __future__ import annotations

import logging
import os
import sys
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from boxkite.classic.exporter_sink import ExporterSink, prediction_of
from boxkite.classic.fluentd_sender import FluentdSender
from boxkite.classic.prediction_context import PredictionContext
from boxkite.live.log_context import LogContext
from boxkite.logs.forward import ForwardConnection, event
from boxkite.logs.forward.fluentd_url import default_address
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Sink
from boxkite.logs.sinks.fluentd_sink import FluentdSink, default_prefix
from boxkite.system.cached_property import cached_property

__all__ = [
    "BEDROCK_ENDPOINT_ID",
    "BEDROCK_FLUENTD_ADDR",
    "BEDROCK_FLUENTD_PREFIX",
    "BEDROCK_POD_NAME",
    "FluentdExporter",
    "LogExporter",
]

_logger = logging.getLogger("boxkite")

# Environment variables of 0.0.5.
BEDROCK_ENDPOINT_ID = "BEDROCK_ENDPOINT_ID"
BEDROCK_POD_NAME = "BEDROCK_POD_NAME"
BEDROCK_FLUENTD_ADDR = "BEDROCK_FLUENTD_ADDR"
BEDROCK_FLUENTD_PREFIX = "BEDROCK_FLUENTD_PREFIX"

# Arguments of fluent-logger's FluentSender, and their names here.
_SENDER_ARGUMENTS = {
    "tag": "tag",
    "host": "host",
    "port": "port",
    "timeout": "timeout",
    "bufmax": "max_bytes",
    "queue_maxsize": "max_records",
    "buffer_overflow_handler": "on_drop",
    "queue_overflow_handler": "on_drop",
}


class LogExporter:
    """Writes predictions to a log. Inherit from it to write a log of your own."""

    @abstractmethod
    def emit(self, prediction: PredictionContext) -> None:
        """Take one prediction during the request. An error is counted and never fails it."""
        raise NotImplementedError

    @property
    def sink(self) -> Sink:
        """A sink of the prediction log that passes its records to `emit`, in the background."""
        return self._sink

    @cached_property
    def _sink(self) -> Sink:
        return ExporterSink(self)


class FluentdExporter(LogExporter):
    """Sends predictions to fluentd in the background. Their tag is `{prefix}.{endpoint}.{pod}`.

    The defaults come from the environment variables `BEDROCK_FLUENTD_ADDR` (host or host:port),
    `BEDROCK_FLUENTD_PREFIX`, `BEDROCK_ENDPOINT_ID` and `BEDROCK_POD_NAME`.

    A monitor sends from its journal, through `sink`. Predictions that your own code passes to
    `emit` wait in memory until fluentd acknowledges them. If too many wait, the oldest is dropped.
    They are lost if the process is killed.

    Args:
        kwargs: arguments of fluent-logger's FluentSender: `tag`, `host`, `port`, `timeout`
            (seconds) and `nanosecond_precision`. The following apply to `emit` only: `bufmax`
            (bytes that may wait), `queue_maxsize` (records that may wait), and
            `buffer_overflow_handler` or `queue_overflow_handler` (called with each dropped record,
            packed). Other arguments are logged and ignored.

    Raises:
        ConfigError: if `BEDROCK_FLUENTD_ADDR` is not an address.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._nanoseconds = bool(kwargs.pop("nanosecond_precision", True))
        host, port = default_address()
        arguments: dict[str, Any] = {"tag": _tag(), "host": host, "port": port}
        self.sender = FluentdSender(**arguments | _sender_arguments(kwargs))

    @cached_property
    def _sink(self) -> Sink:
        """A sink of the prediction log that sends records as `emit` sends predictions.

        If a subclass overrides `emit`, the sink passes the records to that method instead.
        """
        if type(self).emit is not FluentdExporter.emit:
            return super()._sink
        sender = self.sender
        connection = ForwardConnection(sender.host, sender.port, sender.timeout)
        return FluentdSink(connection, _PredictionFormat(sender, self._nanoseconds))

    def emit(self, prediction: PredictionContext) -> None:
        """Put a prediction on the queue."""
        self.sender.append(_entry(prediction, self._nanoseconds))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything emitted is acknowledged, or `timeout` seconds have passed.

        Returns:
            Whether everything was acknowledged.
        """
        return self.sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send waiting predictions for `timeout` seconds at most, drop the others and stop."""
        self.sender.close(timeout)


class _PredictionFormat:
    """Writes records of the prediction log as `emit` writes predictions."""

    def __init__(self, sender: FluentdSender, nanoseconds: bool) -> None:
        self._sender = sender
        self._nanoseconds = nanoseconds

    def tag(self, _: LogContext) -> str:
        """Return the tag of the sender."""
        return self._sender.tag

    def entry(self, record: LogRecord, _: LogContext) -> bytes:
        """Encode a record as an entry."""
        return _entry(prediction_of(record), self._nanoseconds)


def _entry(prediction: PredictionContext, nanoseconds: bool) -> bytes:
    record = {each.name: getattr(prediction, each.name) for each in fields(prediction)}
    created_at = prediction.created_at.timestamp()
    record["entity_id"] = str(prediction.entity_id)
    record["created_at"] = int(created_at)
    return event(round(created_at * 1e6) * 1000, record, nanoseconds=nanoseconds)


def _tag() -> str:
    endpoint = os.environ.get(BEDROCK_ENDPOINT_ID, "unknown-endpoint")
    pod = os.environ.get(BEDROCK_POD_NAME, "unknown-pod")
    return f"{default_prefix()}.{endpoint}.{pod}"


def _sender_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that `FluentdSender` has, under its names for them."""
    ignored = sorted(set(given) - set(_SENDER_ARGUMENTS))
    if ignored:
        _logger.warning("FluentdExporter ignores these arguments: %s", ", ".join(ignored))
    found = {
        name: given[theirs]
        for theirs, name in _SENDER_ARGUMENTS.items()
        if given.get(theirs) is not None
    }
    # fluent-logger passes the size to queue.Queue, for which 0 means no limit.
    if found.get("max_records") == 0:
        found["max_records"] = sys.maxsize
    return found
