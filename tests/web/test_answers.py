"""The answer that a view's object or response holds, as plain values."""

import asyncio
from typing import Any, NamedTuple

import pytest

from boxkite.web.answers import Content, answer_of

FIX = "pass a callable as output=, or set current_prediction.output"


class Response(NamedTuple):
    """A response of some framework."""

    data: bytes | None
    type: str


class Request:
    """A request of that framework, which knows its responses."""

    def request(self) -> None: ...

    def body(self) -> None: ...

    def content(self, returned: Any) -> Any:
        return Content(returned.data) if isinstance(returned, Response) else returned

    def media_type(self, returned: Response) -> str:
        return returned.type


@pytest.mark.parametrize("returned", [{"a": 1}, [1], 0.5, "text", None, object()])
def test_an_object_is_itself(returned: Any) -> None:
    assert answer_of(Request(), returned) is returned


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (Response(b'{"score": 0.5}', "application/json"), {"score": 0.5}),
        (Response(b"0.5", "text/plain; charset=utf-8"), 0.5),
        (Response(b'[1, Infinity, "a"]', "application/json"), [1, float("inf"), "a"]),
        (Response(b"late", "text/plain"), "late"),
        (Response(b"", "text/plain"), ""),
    ],
)
def test_a_response_holds_its_json_or_its_text(response: Response, answer: Any) -> None:
    assert answer_of(Request(), response) == answer


async def _numbers() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (iter([1]), "a stream"),
        ((each for each in [1]), "a stream"),
        (_numbers(), "a stream"),
        (Response(None, "application/json"), "a stream"),
        (Response(b"<p>", "text/html"), "a response that is not JSON"),
        (Response(b"", "application/json"), "a response that is not JSON"),
        (Response(b"\xff\xfe", "application/octet-stream"), "a response that is not JSON"),
        (Response(b"[" * 100_000, "application/json"), "a response that is not JSON"),
    ],
    ids=["iterator", "generator", "async generator", "streamed", "HTML", "empty", "bytes", "deep"],
)
def test_what_says_nothing_is_an_error_with_what_to_do(returned: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^the view returned") as caught:
        answer_of(Request(), returned)
    assert str(caught.value) == f"the view returned {problem}; {FIX}"
    if hasattr(returned, "aclose"):
        asyncio.run(returned.aclose())
