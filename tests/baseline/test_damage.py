"""One damaged line or byte of `histogram.prom` is an error with the number of its line."""

import itertools
import re
from collections.abc import Iterator

import pytest

from boxkite.baseline import Baseline
from boxkite.baseline.baseline import Exposition
from boxkite.errors import BaselineError

BASELINE = Baseline.fit(
    {
        "x": [-1.5, 0.0, 0.25, 2.0, None, 7e6],
        "colour": ["red", "red", None, "green", "blue", "grey"],
    },
    {"y": [True, False, True, True, False, None]},
    max_categories=2,
)
EXPOSITIONS: list[Exposition] = ["labelled", "classic"]
EXPLAINED = re.compile(r"line \d+: .+|no baseline series in it, or it is cut short", re.DOTALL)


def error_of(text: str) -> str:
    """Return what the error says about a damaged text."""
    with pytest.raises(BaselineError) as caught:
        Baseline.from_text(text)
    assert EXPLAINED.fullmatch(str(caught.value)), text
    return str(caught.value)


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_deleted_line_is_found(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        message = error_of("".join(lines[:number] + lines[number + 1 :]))
        if not line.startswith("# BASELINE"):
            assert message.startswith(f"line {number + 1}: found "), line
        else:
            assert "the file ends without its # BASELINE line" in message


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_line_that_stands_twice_is_found(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        message = error_of("".join(lines[: number + 1] + lines[number:]))
        at = number + (1 if line.startswith("# BASELINE") else 2)
        assert message.startswith(f"line {at}: "), line


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.exhaustive), 7])
@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_line_cut_short_is_found(exposition: Exposition, step: int) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        # The first step differs, so that the lines are cut at all places of their common parts.
        for length in range(number % step, len(line) - 1, step):
            message = error_of(
                "".join([*lines[:number], line[:length] + "\n", *lines[number + 1 :]])
            )
            if not line.startswith("# BASELINE"):
                assert message.startswith(f"line {number + 1}: found ")


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_lines_that_change_places_are_found(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number in range(len(lines) - 1):
        one, other = lines[number : number + 2]
        message = error_of("".join([*lines[:number], other, one, *lines[number + 2 :]]))
        assert message.startswith(f"line {number + 1}: found ")


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_file_cut_short_is_found(exposition: Exposition) -> None:
    text = BASELINE.as_text(exposition)
    for length in range(len(text) - 1):
        error_of(text[:length])


def test_the_error_shows_the_line_that_differs_and_the_one_that_should_stand_there() -> None:
    baseline = Baseline.fit({"x": [1.0, 2.0, 4.0]}, version="v")
    text = baseline.as_text().replace('le="+Inf"} 1', 'le="+Inf"} 7', 1)
    assert error_of(text) == (
        """line 19: found 'ature",variable="x",gt="3.0",le="+Inf"} 7', """
        """expected 'ature",variable="x",gt="3.0",le="+Inf"} 1'. """
        "The file was changed or damaged: write it again with Baseline.write"
    )


def test_the_error_shows_a_line_that_should_not_be_there() -> None:
    text = BASELINE.as_text() + "\nup 1\n"
    assert error_of(text) == (
        f"line {len(text.splitlines())}: 'up 1' is not part of the baseline. "
        "The file was changed or damaged: write it again with Baseline.write"
    )


def flipped(text: str, step: int) -> Iterator[str]:
    """Yield the text with every `step`-th byte replaced by others, one at a time."""
    for place, byte in itertools.islice(enumerate(text), 0, None, step):
        for other in {chr(ord(byte) ^ 1), *' \n\r0"\\'} - {byte}:
            yield text[:place] + other + text[place + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.exhaustive), 7])
@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_flipped_byte_is_found_or_changes_nothing(exposition: Exposition, step: int) -> None:
    # Only JSON's own freedom remains: space between the fields of the line's head.
    for text in flipped(BASELINE.as_text(exposition), step):
        try:
            read = Baseline.from_text(text)
        except BaselineError:
            error_of(text)
        else:
            assert read == BASELINE, text
