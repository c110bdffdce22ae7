"""What a view's answer says, as plain values."""

import asyncio
from typing import Any

import pytest

from boxkite.web.answers import Content, answer_of

INSTEAD = "give output= a callable of the returned value, or set current_prediction.output"


def response(data: bytes | None, media_type: str) -> Content:
    return Content(data, lambda: media_type)


@pytest.mark.parametrize("returned", [{"a": 1}, [1], 0.5, "text", None, object()])
def test_an_object_is_itself(returned: Any) -> None:
    assert answer_of(returned) is returned


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (response(b'{"score": 0.5}', "application/json"), {"score": 0.5}),
        (response(b"0.5", "text/plain; charset=utf-8"), 0.5),
        (response(b'[1, Infinity, "a"]', "application/json"), [1, float("inf"), "a"]),
        (response(b"late", "text/plain"), "late"),
        (response(b"", "text/plain"), ""),
    ],
)
def test_a_response_says_its_json_or_its_text(content: Content, said: Any) -> None:
    assert answer_of(content) == said


async def _numbers() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (iter([1]), "a stream"),
        ((each for each in [1]), "a stream"),
        (_numbers(), "a stream"),
        (response(None, "application/json"), "a stream"),
        (response(b"<p>", "text/html"), "no JSON"),
        (response(b"", "application/json"), "no JSON"),
        (response(b"\xff\xfe", "application/octet-stream"), "no JSON"),
        (response(b"[" * 100_000, "application/json"), "no JSON"),
    ],
    ids=["iterator", "generator", "async generator", "streamed", "HTML", "empty", "bytes", "deep"],
)
def test_what_says_nothing_is_an_error_with_what_to_do(returned: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^the view returned") as caught:
        answer_of(returned)
    assert str(caught.value) == f"the view returned {problem}; {INSTEAD}"
    if hasattr(returned, "aclose"):
        asyncio.run(returned.aclose())
