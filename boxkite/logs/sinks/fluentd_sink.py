"""Deliver records to a fluentd receiver. Each chunk is acknowledged before the next is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from boxkite.live.log_context import LogContext
from boxkite.logs.forward import ForwardConnection, chunk_id, entry, packed_forward
from boxkite.logs.forward.fluentd_url import parse_fluentd_url
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError

__all__ = ["EventFormat", "FluentdSink", "LineFormat", "default_prefix"]

_MAX_CHUNK_RECORDS = 1000
_MAX_CHUNK_BYTES = 2**20
_MIN_CHUNK_BYTES = 2**14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def default_prefix() -> str:
    """Return the first part of the tag: `BEDROCK_FLUENTD_PREFIX` or `models.predictions`."""
    return os.environ.get("BEDROCK_FLUENTD_PREFIX", "models.predictions")


class EventFormat(Protocol):
    """How a sink writes records as events."""

    def tag(self, context: LogContext, /) -> str:
        """Return the tag for the records of a worker."""
        ...

    def entry(self, record: LogRecord, context: LogContext, /) -> bytes:
        """Encode a record as an entry. If this raises, the record is rejected."""
        ...


class LineFormat:
    """Events with the same fields as a line of a log file.

    The tag is `{prefix}.{endpoint_id}.{replica_id}`.

    Args:
        prefix: first part of the tag.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def tag(self, context: LogContext) -> str:
        """Return the tag for the records of a worker."""
        return f"{self._prefix}.{context.endpoint_id}.{context.replica_id}"

    def entry(self, record: LogRecord, context: LogContext) -> bytes:
        """Encode a record as an entry.

        Raises:
            Exception: if the record cannot be encoded.
        """
        moment = datetime.fromisoformat(record.created_at)
        # Build the event from the line, so that odd values and long records look the same in every
        # sink.
        fields = msgspec.json.decode(to_line(record, context.max_bytes))
        return entry((moment - _EPOCH) // _MICROSECOND * 1000, fields)


class _Chunk(NamedTuple):
    identities: list[str]
    entries: list[bytes]


class FluentdSink:
    """Sends records in chunks of at most 1,000 records and about 1 MiB.

    If a delivery fails midway, the shipper hands over the same batch again. The sink remembers
    which of its records were acknowledged and does not send them twice. If a receiver does not
    acknowledge a chunk within the timeout, the next chunks are smaller.

    Args:
        connection: connection to the receiver.
        format: how records become events.
    """

    name = "fluentd"
    whole_minutes = False

    def __init__(self, connection: ForwardConnection, format: EventFormat) -> None:  # noqa: A002
        self._connection = connection
        self._format = format
        self._acknowledged: set[str] = set()  # ids of the batch that is being delivered
        self._max_bytes = _MAX_CHUNK_BYTES

    @classmethod
    def from_url(cls, url: str) -> FluentdSink:
        """Return the sink for a URL; see `parse_fluentd_url`. It connects at the first delivery.

        Raises:
            ConfigError: if the URL has a mistake, or a file that it names cannot be read.
        """
        target = parse_fluentd_url(url)
        connection = ForwardConnection(
            target.host,
            target.port,
            target.timeout,
            credentials=target.credentials,
            tls=target.tls,
        )
        return cls(
            connection, LineFormat(default_prefix() if target.prefix is None else target.prefix)
        )

    def deliver(self, batch: Batch) -> None:
        """Send the records of a batch, and wait until all of them are acknowledged.

        Raises:
            OSError: if the receiver does not acknowledge a chunk.
            RejectedError: if some records cannot be encoded; all others are delivered.
        """
        # This is another batch than before, so forget the ids of the former one.
        self._acknowledged &= {record.entity_id for record in batch.records}
        tag = self._format.tag(batch.context)
        reasons: dict[int, str] = {}
        for chunk in self._chunks(batch, reasons):
            self._send(tag, chunk.entries)
            self._acknowledged.update(chunk.identities)
        self._acknowledged.clear()
        if reasons:
            raise RejectedError(reasons)

    def _send(self, tag: str, entries: list[bytes]) -> None:
        chunk = chunk_id()
        try:
            self._connection.send(packed_forward(tag, entries, chunk), chunk)
        except TimeoutError:
            # A slow receiver may never manage a full chunk within the timeout.
            self._max_bytes = max(self._max_bytes // 2, _MIN_CHUNK_BYTES)
            raise
        # The receiver may have recovered, so the next chunk is larger again.
        self._max_bytes = min(self._max_bytes * 2, _MAX_CHUNK_BYTES)

    def _chunks(self, batch: Batch, reasons: dict[int, str]) -> Iterator[_Chunk]:
        """Yield the chunks that are still to be sent, and note why records cannot be encoded."""
        chunk = _Chunk([], [])
        size = 0
        for index, record in enumerate(batch.records):
            if record.entity_id in self._acknowledged:
                continue
            try:
                content = self._format.entry(record, batch.context)
            except Exception as error:  # noqa: BLE001 - values may be of any kind
                reasons[index] = f"it cannot be encoded: {error}"
                continue
            full = len(chunk.entries) == _MAX_CHUNK_RECORDS or size + len(content) > self._max_bytes
            if chunk.entries and full:
                yield chunk
                chunk, size = _Chunk([], []), 0
            chunk.identities.append(record.entity_id)
            chunk.entries.append(content)
            size += len(content)
        if chunk.entries:
            yield chunk

    def close(self) -> None:
        """Close the connection. The next `deliver` opens a new one."""
        self._connection.close()
