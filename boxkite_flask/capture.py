"""A Flask request's body and a view's answer as plain values."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Request, Response

__all__ = ["answer_of", "json_body"]


def json_body(request: Request) -> Any:
    """Return the JSON body, parsed anew: the view may have changed what it was given.

    Raises:
        ValueError: if the request has no JSON body.
    """
    try:
        return msgspec.json.decode(request.get_data())
    except msgspec.DecodeError:
        # Python's parser takes NaN and Infinity, which JSON does not know.
        body = request.get_json(silent=True)
        if body is None:
            raise ValueError("the request has no JSON body; give features= a callable") from None
        return body


def answer_of(returned: Any, response: Response) -> Any:
    """Return a view's answer: the first of a tuple, the JSON of a response or of text.

    Raises:
        ValueError: if it is a response or a stream that is not JSON.
    """
    if isinstance(returned, tuple) and returned:
        returned = returned[0]
    if isinstance(returned, Response):
        content = response.get_json(silent=True) if not response.is_streamed else None
        if content is None:
            raise ValueError("the view returned no JSON; give output= a callable")
        return content
    if isinstance(returned, str | bytes):
        try:
            return msgspec.json.decode(returned)
        except msgspec.DecodeError:
            return returned
    if hasattr(returned, "__next__"):
        raise ValueError("the view returned a stream; give output= a callable")
    return returned
