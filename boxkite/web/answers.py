"""A view's answer as plain values: what the responses of every framework share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["Content", "answer_of"]

_decode = msgspec.json.Decoder().decode
_INSTEAD = "give output= a callable of the returned value, or set current_prediction.output"


class Content(msgspec.Struct, eq=False):
    """The body of a response.

    Attributes:
        data: its bytes; None where they are a stream.
        media_type: returns its type as the response names it.
    """

    data: bytes | None
    media_type: Callable[[], str] = str

    __repr__ = object.__repr__  # the data may be secret


def answer_of(returned: Any) -> Any:
    """Return a view's answer: an object as it is, of a response what its JSON or text says.

    Args:
        returned: by the view, or the content of the response that it returned.

    Raises:
        ValueError: if it is a stream, or neither JSON nor plain text.
    """
    if type(returned) is dict:
        return returned
    if isinstance(returned, Content):
        return _said(returned)
    if hasattr(returned, "__next__") or hasattr(returned, "__anext__"):
        raise ValueError(f"the view returned a stream; {_INSTEAD}")
    return returned


def _said(content: Content) -> Any:
    if content.data is None:
        raise ValueError(f"the view returned a stream; {_INSTEAD}")
    try:
        return _decode(content.data)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        # Python's parser takes NaN and Infinity, which its writer gives.
        return json.loads(content.data)
    except (ValueError, RecursionError):
        if content.media_type().startswith("text/plain"):
            return content.data.decode()
        raise ValueError(f"the view returned no JSON; {_INSTEAD}") from None
