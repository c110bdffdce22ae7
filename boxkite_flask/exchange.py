"""One request of Flask's: its body and the view's answer as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number
from typing import Any

import msgspec
from flask import Request, Response, after_this_request, current_app, has_request_context, request

import boxkite

__all__ = ["Answered", "FlaskExchange", "json_body"]

_ERROR_STATUS = 400


@dataclass(frozen=True)
class FlaskExchange:
    """Whatever request is the current one: it keeps nothing of any.

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

        current = _current_request()

        def log(response: Response) -> Response:
            if response.status_code < _ERROR_STATUS:
                answered = Answered(returned, response, current)
                for name, value in capture.log(monitor, prediction, answered).items():
                    response.headers[name] = value
            return response

        after_this_request(log)

    def begin(
        self,
        monitor: boxkite.Monitor,
        capture: boxkite.Capture,
        prediction: boxkite.Prediction,
        stream: Any,
    ) -> Callable[[], object]:
        """Name a prediction that is made while its answer is sent; returns what logs it.

        By then there is no request any more, whose body a source could look into, unless the view
        keeps it by `stream_with_context`.
        """
        current = _current_request()
        responses: list[Response] = []

        def name(response: Response) -> Response:
            responses.append(response)
            response.headers[boxkite.PREDICTION_ID_HEADER] = prediction.id
            return response

        after_this_request(name)
        return lambda: capture.log(monitor, prediction, Answered(stream, responses[0], current))


class Answered:
    """A request with its answer.

    Attributes:
        returned: by the view: a body, or a tuple that begins with one.
        response: that Flask made of it.
        asked: the request.
    """

    __slots__ = ("asked", "response", "returned")

    def __init__(self, returned: Any, response: Response, asked: Request) -> None:
        self.returned = returned
        self.response = response
        self.asked = asked

    def request(self) -> Request:
        """Return the current request."""
        return request

    def body(self) -> Any:
        """Return the JSON body; see `json_body`."""
        if not has_request_context():
            raise ValueError("a view that is a stream has no body; set current_prediction.features")
        return json_body(self.asked)

    def content(self) -> Any:
        """Return the object that the view returned, or the content of the response.

        A tuple of Flask's begins with what it can send; one of numbers is an object too.
        """
        returned = self.returned
        body = returned[0] if isinstance(returned, tuple) and returned else returned
        if isinstance(body, dict | list):
            return body
        if isinstance(body, str):
            return boxkite.Content(self.response.get_data(), lambda: "text/plain")
        if isinstance(body, bytes | bytearray) or callable(body):
            data = None if self.response.is_streamed else self.response.get_data()
            return boxkite.Content(data, lambda: self.response.mimetype or "")
        return returned if isinstance(body, Number) else body


def _current_request() -> Request:
    """Return the request itself: each look through the proxy costs as much as a small body."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return found


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
