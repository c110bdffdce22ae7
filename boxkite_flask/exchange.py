"""One request of Flask's: its body and the view's answer as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Request, Response, after_this_request, request

import boxkite

__all__ = ["FlaskExchange", "answer_of", "json_body"]

_ERROR_STATUS = 400


@dataclass(frozen=True)
class FlaskExchange:
    """The request of the current context.

    Attributes:
        monitor: of the application.
    """

    monitor: boxkite.Monitor

    def finish(
        self, capture: boxkite.Capture, prediction: boxkite.Prediction, returned: Any
    ) -> None:
        """Log the prediction when the response is made, whose status tells if it is one."""

        def log(response: Response) -> Response:
            if response.status_code < _ERROR_STATUS:
                response.headers[boxkite.PREDICTION_ID_HEADER] = capture.log(
                    self.monitor,
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
        content = None if response.is_streamed else response.get_json(silent=True)
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
