"""One label as bytes in MessagePack, in the same journal as the predictions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from boxkite.live.encodable_values import unsupported
from boxkite.live.mark import extended
from boxkite.live.record import plain

__all__ = [
    "OutcomeRecord",
    "PredictionKey",
    "PredictionRow",
    "decode_outcome",
    "decode_row",
    "decode_row_without_features",
    "encode_outcome",
    "is_outcome",
]

_HEAD = b"\x93"
"""First byte of a label in MessagePack: an array of three. A prediction is an array of eight."""

_MAX_ID = 1000
_MAX_BYTES = 1 << 16
_NANOSECONDS = 1_000_000_000
_UUID_CHARACTERS = 36
_PLAIN: frozenset[type] = frozenset({bool, int, float, str, type(None)})


class OutcomeRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A label as it is written to the journal.

    Attributes:
        prediction_id: Id of the prediction, as the service gave it. Empty if it was no text.
        arrived_at: When the label arrived, in nanoseconds since 1970, UTC.
        outcome: The true outcome.
    """

    prediction_id: str
    arrived_at: int
    outcome: Any


class PredictionRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The fields of a prediction's `Record` that the join needs. The others stay bytes."""

    entity_id: str
    created_at: int
    features: Any
    output: Any
    request_body: msgspec.Raw
    logged: bool
    truncated: msgspec.Raw
    segments: Any

    @property
    def key(self) -> PredictionKey:
        """The key under which the join keeps the prediction."""
        return PredictionKey(self.created_at // _NANOSECONDS, _entity_key(self.entity_id))


class _RowWithoutFeatures(PredictionRow, array_like=True, frozen=True, gc=False):
    features: msgspec.Raw


class PredictionKey(NamedTuple):
    """The key of a prediction, which its prediction id gives too.

    The time comes first, so predictions are stored in the order in which they were made. New ones
    go to the end of a file, and old ones leave at its beginning.

    Attributes:
        second: When the prediction was made, in seconds since 1970, UTC.
        entity: The entity id in 16 bytes if it is a UUID, else its text.
    """

    second: int
    entity: bytes

    @classmethod
    def parse(cls, prediction_id: str) -> tuple[str, PredictionKey] | None:
        """Return the server id and the key of a prediction id; None if it is not one."""
        try:
            server_id, time, entity = prediction_id.rsplit("/", 2)
            second = int(datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp())
        except ValueError:
            return None
        return (server_id, cls(second, _entity_key(entity))) if entity else None


def _entity_key(entity_id: str) -> bytes:
    if len(entity_id) == _UUID_CHARACTERS:
        try:
            return bytes.fromhex(entity_id.replace("-", ""))
        except ValueError:
            pass
    return entity_id.encode("utf-8", "backslashreplace")


def encode_outcome(prediction_id: Any, arrived_at: int, outcome: Any) -> bytes:
    """Return the bytes of a label. The id and the outcome may be of any type.

    Args:
        prediction_id: Id of the prediction. Anything but a short text is written as an empty id,
            which counts as invalid.
        arrived_at: Nanoseconds since 1970, UTC.
        outcome: The true outcome. A value that cannot be written, or is very long, counts as
            invalid.
    """
    if type(prediction_id) is not str or len(prediction_id) > _MAX_ID:
        prediction_id = _short_text(prediction_id)
    if type(outcome) in _PLAIN:
        try:
            content = _encoder.encode((prediction_id, arrived_at, outcome))
        except Exception:  # noqa: BLE001 - an integer may be too large, or a text broken Unicode
            content = b""
        if 0 < len(content) <= _MAX_BYTES:
            return content
    content = _encoder.encode((plain(prediction_id), arrived_at, plain(outcome)))
    if len(content) <= _MAX_BYTES:
        return content
    return _encoder.encode((plain(prediction_id), arrived_at, unsupported(outcome)))


def _short_text(prediction_id: Any) -> str:
    short = isinstance(prediction_id, str) and len(prediction_id) <= _MAX_ID
    return str.__str__(prediction_id) if short else ""


def is_outcome(content: bytes) -> bool:
    """Return whether a record of the journal is a label."""
    return content.startswith(_HEAD)


def decode_outcome(content: bytes) -> OutcomeRecord:
    """Return the label that `encode_outcome` wrote.

    Raises:
        msgspec.MsgspecError: If the bytes are not a label.
    """
    return _outcomes.decode(content)


def decode_row(content: bytes) -> PredictionRow:
    """Return a prediction.

    Raises:
        msgspec.MsgspecError: If the bytes are not a prediction.
    """
    return _rows.decode(content)


def decode_row_without_features(content: bytes) -> PredictionRow:
    """Return a prediction whose features stay bytes, see `decode_row`."""
    return _rows_without_features.decode(content)


_encoder = msgspec.msgpack.Encoder()
_outcomes = msgspec.msgpack.Decoder(OutcomeRecord)
_rows = msgspec.msgpack.Decoder(PredictionRow, ext_hook=extended)
_rows_without_features = msgspec.msgpack.Decoder(_RowWithoutFeatures, ext_hook=extended)
