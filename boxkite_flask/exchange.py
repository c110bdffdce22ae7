"""One request of Flask's: its body and the view's answer as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Request, Response, after_this_request, current_app, request

import boxkite

__all__ = ["FlaskExchange", "answer_of", "json_body"]

_ERROR_STATUS = 400


@dataclass(frozen=True)
class FlaskExchange:
    """The request of the current context.

    Attributes:
        models: of the application.
        outer: there is none.
    """

    models: boxkite.Models
    outer: None = None

    def finish(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        returned: Any,
    ) -> None:
        """Log the prediction when the response is made, whose status tells if it is one."""

        def log(response: Response) -> Response:
            if response.status_code < _ERROR_STATUS:
                response.headers[boxkite.PREDICTION_ID_HEADER] = capture.log(
                    monitor,
                    prediction,
                    request=request,
                    body=lambda: json_body(request),
                    returned=returned,
                    answer=lambda: answer_of(returned, response),
                )
            return response

        after_this_request(log)


def json_body(request: Request) -> Any:
    """Return the JSON body, parsed anew: the view may have changed what it was given.

    Raises:
        ValueError: if the view did not read the body by `get_json` or `get_data`, or it is no JSON.
    """
    # What the view has not read stays in the stream: reading it here could wait for the client,
    # or take it from a response that is still to read it.
    content: bytes | None = getattr(request, "_cached_data", None)
    if content is None:
        raise ValueError("the view did not read the body as JSON; give features= a callable")
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        pass
    try:
        # The application's parser may take more, as NaN and Infinity, which JSON does not know.
        return current_app.json.loads(content)
    except ValueError:
        raise ValueError("the request has no JSON body; give features= a callable") from None


def answer_of(returned: Any, response: Response) -> Any:
    """Return a view's answer: the object or list that it returned, or what its response says.

    Args:
        returned: by the view: a body, or a tuple that begins with one.
        response: that Flask made of it.

    Raises:
        ValueError: if it is a stream, or a response that is not JSON.
    """
    body = returned[0] if isinstance(returned, tuple) else returned
    if isinstance(body, Mapping | list):
        return body
    if response.is_streamed:
        raise ValueError("the view returned a stream; give output= a callable")
    try:
        return msgspec.json.decode(response.get_data())
    except msgspec.DecodeError:
        if isinstance(body, str):
            return body
        raise ValueError("the view returned no JSON; give output= a callable") from None
