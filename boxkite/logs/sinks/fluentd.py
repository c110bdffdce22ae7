"""Records to a receiver of fluentd's forward protocol, each chunk acknowledged before the next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from boxkite.logs.forward import ForwardConnection, chunk_id, entry, packed_forward
from boxkite.logs.line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.sinks.fluentd_url import parse_url
from boxkite.logs.terms import LogTerms

__all__ = ["FluentdSink", "default_prefix", "record_entry"]

_MAX_CHUNK_RECORDS = 1000
_MAX_CHUNK_BYTES = 2**20
_MIN_CHUNK_BYTES = 2**14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def default_prefix() -> str:
    """Return the first part of a tag where none is given: `BEDROCK_FLUENTD_PREFIX` has it."""
    return os.environ.get("BEDROCK_FLUENTD_PREFIX", "models.predictions")


def record_entry(record: LogRecord, terms: LogTerms) -> bytes:
    """Return a record as an entry that holds what its line of JSON in a file would hold.

    Raises:
        Exception: if it cannot be encoded.
    """
    moment = datetime.fromisoformat(record.created_at)
    fields = msgspec.json.decode(to_line(record, terms.max_bytes))
    return entry((moment - _EPOCH) // _MICROSECOND * 1000, fields)


class FluentdSink:
    """Sends records in chunks of about 1 MiB and 1,000 records at most.

    A chunk that was acknowledged is not sent again when its batch comes again after a failure. For
    a receiver that is too slow for a chunk the next ones are smaller.

    Args:
        connection: to the receiver.
        tag: gives the tag of a worker's records.
        encode: gives a record's entry; one that it raises for is refused.
    """

    name = "fluentd"
    whole_minutes = False

    def __init__(
        self,
        connection: ForwardConnection,
        *,
        tag: Callable[[LogTerms], str],
        encode: Callable[[LogRecord, LogTerms], bytes] = record_entry,
    ) -> None:
        self._connection = connection
        self._tag = tag
        self._encode = encode
        self._acknowledged: set[str] = set()  # of a batch that has not been delivered as a whole
        self._max_bytes = _MAX_CHUNK_BYTES

    @classmethod
    def from_url(cls, url: str) -> FluentdSink:
        """Return the sink of a URL, `fluentd://host:port` or one of those in `parse_url`.

        The tag is `{prefix}.{endpoint_id}.{replica_id}`.

        Raises:
            ConfigError: naming what is wrong with it, or the file that cannot be read.
        """
        target = parse_url(url)
        prefix = default_prefix() if target.prefix is None else target.prefix
        connection = ForwardConnection(
            target.host,
            target.port,
            target.timeout,
            credentials=target.credentials,
            tls=target.tls,
        )
        return cls(connection, tag=lambda terms: f"{prefix}.{terms.endpoint_id}.{terms.replica_id}")

    def deliver(self, batch: Batch) -> None:
        """Send the records of a batch, and wait until all of them are acknowledged.

        Raises:
            OSError: if the receiver does not acknowledge one of the chunks.
            RejectedError: if some records cannot be encoded; all others are delivered.
        """
        self._acknowledged &= {record.entity_id for record in batch.records}
        tag = self._tag(batch.terms)
        reasons: dict[int, str] = {}
        for identities, entries in self._chunks(batch, reasons):
            self._send(tag, entries)
            self._acknowledged.update(identities)
        self._acknowledged.clear()
        if reasons:
            raise RejectedError(reasons)

    def _send(self, tag: str, entries: list[bytes]) -> None:
        chunk = chunk_id()
        try:
            self._connection.send(packed_forward(tag, entries, chunk), chunk)
        except TimeoutError:
            self._max_bytes = max(self._max_bytes // 2, _MIN_CHUNK_BYTES)
            raise
        self._max_bytes = min(self._max_bytes * 2, _MAX_CHUNK_BYTES)

    def _chunks(
        self, batch: Batch, reasons: dict[int, str]
    ) -> Iterator[tuple[list[str], list[bytes]]]:
        """Yield ids and entries of what is still to be sent, and note what cannot be encoded."""
        identities: list[str] = []
        entries: list[bytes] = []
        size = 0
        for index, record in enumerate(batch.records):
            if record.entity_id in self._acknowledged:
                continue
            try:
                content = self._encode(record, batch.terms)
            except Exception as error:  # noqa: BLE001 - values may be of any kind
                reasons[index] = f"it cannot be encoded: {error}"
                continue
            full = len(entries) == _MAX_CHUNK_RECORDS or size + len(content) > self._max_bytes
            if entries and full:
                yield identities, entries
                identities, entries, size = [], [], 0
            identities.append(record.entity_id)
            entries.append(content)
            size += len(content)
        if entries:
            yield identities, entries

    def close(self) -> None:
        """Close the connection; the next `deliver` opens it again."""
        self._connection.close()
