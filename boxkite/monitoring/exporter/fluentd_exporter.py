"""Predictions to fluentd, as 0.0.5 sent them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any

from boxkite.logs.fluentd import FluentdSender
from boxkite.logs.forward import ForwardConnection, event
from boxkite.logs.forward.fluentd_url import default_address
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Sink
from boxkite.logs.sinks.fluentd_sink import FluentdSink, default_prefix
from boxkite.logs.terms import LogTerms
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter.sink import prediction_of
from boxkite.monitoring.exporter.type import LogExporter

__all__ = ["FluentdExporter"]

_logger = logging.getLogger("boxkite")

# Of the environment; the names are those of 0.0.5.
BEDROCK_ENDPOINT_ID = "BEDROCK_ENDPOINT_ID"
BEDROCK_POD_NAME = "BEDROCK_POD_NAME"
BEDROCK_FLUENTD_ADDR = "BEDROCK_FLUENTD_ADDR"
BEDROCK_FLUENTD_PREFIX = "BEDROCK_FLUENTD_PREFIX"

# What the arguments of fluent-logger's FluentSender are called here.
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


class FluentdExporter(LogExporter):
    """Sends predictions in the background; the tag is `{prefix}.{endpoint}.{pod}`.

    The environment gives `BEDROCK_FLUENTD_ADDR` (host or host:port), `BEDROCK_FLUENTD_PREFIX`,
    `BEDROCK_ENDPOINT_ID` and `BEDROCK_POD_NAME`. A monitor sends from its journal, through `sink`.
    What one's own code gives to `emit` waits in memory until fluentd acknowledges it, up to a
    bound, beyond which the oldest is dropped, and is lost if the process is killed.

    Args:
        kwargs: as FluentSender of fluent-logger takes them: `tag`, `host`, `port`, `timeout`
            (seconds), `nanosecond_precision`, and for `emit` alone `bufmax` (bytes that may wait),
            `queue_maxsize` (records that may wait), `buffer_overflow_handler` or
            `queue_overflow_handler` (called with each dropped record, packed). Others are logged
            and have no effect.

    Raises:
        ConfigError: if `BEDROCK_FLUENTD_ADDR` is no address.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._nanoseconds = bool(kwargs.pop("nanosecond_precision", True))
        host, port = default_address()
        arguments: dict[str, Any] = {"tag": _tag(), "host": host, "port": port}
        self.sender = FluentdSender(**arguments | _sender_arguments(kwargs))

    @cached_property
    def sink(self) -> Sink:
        """Takes records of the prediction log to where `emit` takes predictions, in the same form.

        That of a class with an `emit` of its own hands them to it.
        """
        if type(self).emit is not FluentdExporter.emit:
            return super().sink
        sender = self.sender
        connection = ForwardConnection(sender.host, sender.port, sender.timeout)
        return FluentdSink(connection, _PredictionFormat(sender, self._nanoseconds))

    def emit(self, prediction: PredictionContext) -> None:
        """Put one prediction on the queue."""
        self.sender.append(_entry(prediction, self._nanoseconds))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait `timeout` seconds at most for what was emitted; return whether none of it waits."""
        return self.sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send what was emitted, for `timeout` seconds at most, drop the rest and stop."""
        self.sender.close(timeout)


class _PredictionFormat:
    """Writes records of the prediction log as `emit` writes predictions."""

    def __init__(self, sender: FluentdSender, nanoseconds: bool) -> None:
        self._sender = sender
        self._nanoseconds = nanoseconds

    def tag(self, _: LogTerms) -> str:
        """Return the tag of the sender."""
        return self._sender.tag

    def entry(self, record: LogRecord, _: LogTerms) -> bytes:
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
    """Return the arguments that mean something here, under their names here."""
    ignored = sorted(set(given) - set(_SENDER_ARGUMENTS))
    if ignored:
        _logger.warning("FluentdExporter: without effect here: %s", ", ".join(ignored))
    found = {
        name: given[theirs]
        for theirs, name in _SENDER_ARGUMENTS.items()
        if given.get(theirs) is not None
    }
    if found.get("max_records") == 0:  # no bound, as in Python's queue.Queue
        found["max_records"] = sys.maxsize
    return found
