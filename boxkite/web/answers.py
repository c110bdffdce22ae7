"""A request and its response, and the answer that the response holds."""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from boxkite.web.request_body import RequestBody

__all__ = ["Answered", "Content", "answer_of"]

_decode = msgspec.json.Decoder().decode
_FIX = "pass a callable as output=, or set current_prediction.output"


class Content(msgspec.Struct, eq=False):
    """The body of a response that the view made.

    Attributes:
        data: The body, or None if it is sent as a stream.
    """

    data: bytes | None

    __repr__ = object.__repr__  # the data may be secret, and representations end up in logs


class Answered(RequestBody, Protocol):
    """A request that the view has answered.

    An adapter computes each part only when it is needed. For example, a callable source of the
    features makes the body unnecessary.
    """

    def request(self) -> Any:
        """Return the framework's request, for a callable source of features."""

    def content(self, returned: Any) -> Any:
        """Return the view's return value, or its `Content` if it is a response."""

    def media_type(self, returned: Any) -> str:
        """Return the media type of the response that the view returned, such as "text/plain"."""
        ...


def answer_of(answered: Answered, returned: Any) -> Any:
    """Return the view's answer: an object as it is, or the JSON or text of a response.

    Args:
        answered: The request, which knows the framework's responses.
        returned: The value that the view returned.

    Raises:
        ValueError: if it is a stream, or a response that is neither JSON nor plain text.
    """
    if type(returned) is dict:  # most views return these, in every framework
        return returned  # pyright: ignore[reportUnknownVariableType]
    content = answered.content(returned)
    if isinstance(content, Content):
        return _parsed(content.data, answered, returned)
    if hasattr(content, "__next__") or hasattr(content, "__anext__"):
        raise ValueError(f"the view returned a stream; {_FIX}")
    return content


def _parsed(data: bytes | None, answered: Answered, returned: Any) -> Any:
    if data is None:
        raise ValueError(f"the view returned a stream; {_FIX}")
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        # Python's parser accepts NaN and Infinity, which its writer produces.
        return json.loads(data)
    except (ValueError, RecursionError):
        if answered.media_type(returned).startswith("text/plain"):
            return data.decode()
        raise ValueError(f"the view returned a response that is not JSON; {_FIX}") from None
