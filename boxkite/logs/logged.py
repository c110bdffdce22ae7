"""One line of the log, read: the counterpart of `LogRecord`, whose fields it has."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

__all__ = ["Logged", "decode_line"]


class Logged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A prediction as it stands in the log.

    A field that a line does not have is empty; one that is not known is passed over.

    Attributes:
        entity_id: tells duplicates.
        created_at: with its time zone.
        request_body: as it stands there, undecoded; nothing where it is not logged.
        truncated: names of the fields that were too large and are left out.
    """

    entity_id: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    prediction_id: str = ""
    server_id: str = ""
    endpoint_id: str = ""
    model: str = ""
    version: str = ""
    features: Any = None
    output: Any = None
    request_body: msgspec.Raw = msgspec.Raw()
    truncated: tuple[str, ...] = ()


def decode_line(line: bytes) -> Logged:
    """Return the prediction that a line holds.

    Raises:
        ValueError: if the line is damaged.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from None


_decoder = msgspec.json.Decoder(Logged)
