"""Predictions to fluentd, as 0.0.5 sent them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.fluentd import FluentdSender
from boxkite.logs.forward import event
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter.type import LogExporter

__all__ = ["FluentdExporter"]

_logger = logging.getLogger("boxkite")

BEDROCK_ENDPOINT_ID = "BEDROCK_ENDPOINT_ID"
BEDROCK_POD_NAME = "BEDROCK_POD_NAME"
BEDROCK_FLUENTD_ADDR = "BEDROCK_FLUENTD_ADDR"
BEDROCK_FLUENTD_PREFIX = "BEDROCK_FLUENTD_PREFIX"

_DEFAULT_ADDRESS = "fluentd-logging.core.svc.cluster.local"
_DEFAULT_PORT = 24224

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
    `BEDROCK_ENDPOINT_ID` and `BEDROCK_POD_NAME`. Records wait in memory until fluentd
    acknowledges them, up to a bound, beyond which the oldest are dropped; those that wait are
    lost if the process is killed.

    Args:
        kwargs: as FluentSender of fluent-logger takes them: `tag`, `host`, `port`, `timeout`
            (seconds), `bufmax` (bytes that may wait), `queue_maxsize` (records that may wait),
            `buffer_overflow_handler` or `queue_overflow_handler` (called with each dropped
            record, packed), `nanosecond_precision`. Others are logged and have no effect.

    Raises:
        ConfigError: if `BEDROCK_FLUENTD_ADDR` is no address.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._nanoseconds = bool(kwargs.pop("nanosecond_precision", True))
        host, port = _address(os.environ.get(BEDROCK_FLUENTD_ADDR, _DEFAULT_ADDRESS))
        arguments: dict[str, Any] = {"tag": _tag(), "host": host, "port": port}
        self.sender = FluentdSender(**arguments | _sender_arguments(kwargs))

    def emit(self, prediction: PredictionContext) -> None:
        """Put one prediction on the queue."""
        record = {each.name: getattr(prediction, each.name) for each in fields(prediction)}
        created_at = prediction.created_at.timestamp()
        record["entity_id"] = str(prediction.entity_id)
        record["created_at"] = int(created_at)
        nanoseconds = round(created_at * 1e6) * 1000
        self.sender.append(event(nanoseconds, record, nanoseconds=self._nanoseconds))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait `timeout` seconds at most until no record waits; return whether none does."""
        return self.sender.flush(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send what waits, for `timeout` seconds at most, drop the rest and stop."""
        self.sender.close(timeout)


def _tag() -> str:
    prefix = os.environ.get(BEDROCK_FLUENTD_PREFIX, "models.predictions")
    endpoint = os.environ.get(BEDROCK_ENDPOINT_ID, "unknown-endpoint")
    pod = os.environ.get(BEDROCK_POD_NAME, "unknown-pod")
    return f"{prefix}.{endpoint}.{pod}"


def _address(text: str) -> tuple[str, int]:
    if text.startswith("unix://"):
        return text, 0
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{BEDROCK_FLUENTD_ADDR} is {text!r}; give host or host:port") from error
    return host or _DEFAULT_ADDRESS, _DEFAULT_PORT if port is None else port


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
