"""One request of Flask and its response: bodies and answers as plain values."""

from __future__ import annotations

from numbers import Number
from typing import Any

from flask import Request, Response, after_this_request, has_request_context, request

from boxkite.adapters import PREDICTION_ID_HEADER, Content, Models, PendingPrediction

__all__ = ["FlaskExchange"]

_ERROR_STATUS = 400


class FlaskExchange:
    """The current request.

    Args:
        models: The models of the application.

    Attributes:
        models: The models of the application.
        outer: None, because Flask applications are not mounted in one another.
    """

    __slots__ = ("_request", "_response", "models")

    outer = None

    def __init__(self, models: Models) -> None:
        self.models = models
        # Take the request out of its proxy, because each access through the proxy costs as much as
        # parsing a small body.
        self._request: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        self._response: Response

    def log_when_answered(self, pending: PendingPrediction) -> None:
        """Log the prediction when Flask has made the response, unless it is an error."""

        def log(response: Response) -> Response:
            if response.status_code < _ERROR_STATUS:
                self._response = response
                for name, value in pending.log().items():
                    response.headers[name] = value
            return response

        after_this_request(log)

    def announce(self, pending: PendingPrediction) -> None:
        """Add the id of a prediction that is logged when the stream of the response ends.

        The request is gone by then, and its body cannot be read, unless the view is wrapped in
        `stream_with_context`.
        """

        def add_header(response: Response) -> Response:
            self._response = response
            response.headers[PREDICTION_ID_HEADER] = pending.id
            return response

        after_this_request(add_header)

    def request(self) -> Request:
        """Return the current request."""
        return request

    def body(self) -> bytes:
        """Return the body that the view read.

        Raises:
            ValueError: if the view did not read it with `get_json` or `get_data`, or if the request
                is gone.
        """
        if not has_request_context():
            raise ValueError(
                "the request body of a stream is gone when it ends; set "
                "current_prediction.features in the view"
            )
        # If the view has not read the body, it is still in the socket. Reading it here could wait
        # for the client, or take it from a streamed response that reads it later.
        data: bytes | None = getattr(self._request, "_cached_data", None)
        if data is None:
            raise ValueError(
                "the view did not read the request body with get_json or get_data; pass a "
                "callable as features="
            )
        return data

    def content_encoding(self) -> str:
        """Return the request's `Content-Encoding`, or an empty text."""
        return self._request.headers.get("Content-Encoding", "")

    def content(self, returned: Any) -> Any:
        """Return the view's return value, or its content if it is a response.

        A tuple is taken as Flask's (body, status, headers), unless it begins with a number.
        """
        body = _body_of(returned)
        if isinstance(body, str | bytes | bytearray) or callable(body):
            streamed = not isinstance(body, str) and self._response.is_streamed
            return Content(None if streamed else self._response.get_data())
        return returned if isinstance(body, Number) else body

    def media_type(self, returned: Any) -> str:
        """Return the media type of the response; text that a view returns is plain text."""
        return (
            "text/plain" if isinstance(_body_of(returned), str) else self._response.mimetype or ""
        )


def _body_of(returned: Any) -> Any:
    """Return the body from one of Flask's tuples; return any other value unchanged."""
    is_body = not isinstance(returned, tuple) or returned == ()
    return returned if is_body else returned[0]  # pyright: ignore[reportUnknownVariableType]
