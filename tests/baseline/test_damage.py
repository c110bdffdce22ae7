"""One damaged line or byte of `histogram.prom`: an error with its line, or a harmless change."""

import re
from collections.abc import Iterator

import pytest

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
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


def read_or_explained(text: str) -> Baseline | None:
    """Return what is read, or None where the error says what is wrong."""
    try:
        return Baseline.from_text(text)
    except BaselineError as error:
        if EXPLAINED.fullmatch(str(error)):
            return None
        raise


def counts(variable: Variable) -> list[object]:
    """Return all that a count depends on, but for the names of categories."""
    cells: list[object] = [variable.kind, variable.counts.tolist(), variable.missing]
    if isinstance(variable, NumericVariable):
        cells.append(variable.edges.tolist())
    return cells


def free_fields(baseline: Baseline) -> list[str]:
    """Return the fields that no other line of the file vouches for, as text."""
    fields = [baseline.model, baseline.version]
    for variable in baseline.variables:
        fields += [variable.name, str(variable.position)]
        if isinstance(variable, CategoryVariable):
            fields += [*variable.categories, str(sorted(variable.tail))]
        else:
            fields += [repr(variable.sum), repr(variable.minimum), repr(variable.maximum)]
    return fields


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_deleted_sample_or_tail_line_is_found(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        read = read_or_explained("".join(lines[:number] + lines[number + 1 :]))
        carries_data = line.startswith(("boxkite_", "# TAIL"))
        assert read == (None if carries_data else BASELINE), line


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_sample_or_tail_line_that_stands_twice_is_found(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        read = read_or_explained("".join(lines[: number + 1] + lines[number:]))
        carries_data = line.startswith(("boxkite_", "# TAIL"))
        assert read == (None if carries_data else BASELINE), line


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_line_cut_short_is_found_or_changes_only_what_it_says(exposition: Exposition) -> None:
    lines = BASELINE.as_text(exposition).splitlines(keepends=True)
    for number, line in enumerate(lines):
        for length in range(len(line) - 1):
            text = "".join([*lines[:number], line[:length] + "\n", *lines[number + 1 :]])
            assert_same_but_for_one_field(read_or_explained(text), text)


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_file_cut_short_is_found(exposition: Exposition) -> None:
    text = BASELINE.as_text(exposition)
    for length in range(len(text) - 1):
        assert read_or_explained(text[:length]) is None, text[:length][-80:]


def flipped(text: str) -> Iterator[str]:
    """Yield the text with each of its bytes replaced by others, one at a time."""
    for place, byte in enumerate(text):
        for other in {chr(ord(byte) ^ 1), chr(ord(byte) ^ 16), *' \n\r\t0-_"\\#'} - {byte}:
            yield text[:place] + other + text[place + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_flipped_byte_is_found_or_changes_only_what_it_says(exposition: Exposition) -> None:
    for text in flipped(BASELINE.as_text(exposition)):
        assert_same_but_for_one_field(read_or_explained(text), text)


def assert_same_but_for_one_field(read: Baseline | None, text: str) -> None:
    if read is None or read == BASELINE:
        return
    assert [counts(each) for each in read.variables] == [
        counts(each) for each in BASELINE.variables
    ], text
    pairs = zip(free_fields(read), free_fields(BASELINE), strict=True)
    assert sum(mine != theirs for mine, theirs in pairs) == 1, text
