"""Writes and reads the text of `histogram.prom`: the series of a baseline, then its JSON line."""

from __future__ import annotations

from collections.abc import Iterator

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.json_line import JsonLine, find_json_line, json_line, series_digest
from boxkite.baseline.labelled_series import PREFIX
from boxkite.baseline.text_checks import (
    check_labels,
    check_no_series,
    check_nothing_follows,
    check_series,
    check_series_limit,
)
from boxkite.baseline.text_writer import render_parts
from boxkite.baseline.training_distributions import Distributions, Exposition

# A file of 0.0.5 is read too. The module depends only on variables and text.
from boxkite.classic import classic_reader
from boxkite.errors import BaselineError

__all__ = ["check_names", "file_text", "read_text"]


def file_text(stored: Distributions, exposition: Exposition) -> str:
    """Return the content of the file.

    Raises:
        BaselineError: if the classic exposition has no name for a variable.
    """
    series = "".join(_series(stored, exposition))
    return series + json_line(stored, exposition, series)


def _series(stored: Distributions, exposition: Exposition) -> Iterator[str]:
    classic = stored.families("classic") if exposition == "classic" else []
    return render_parts([*stored.families(), *stored.variation_families(), *classic])


def check_names(stored: Distributions) -> None:
    """Check that the names and categories are short enough for a file.

    Raises:
        BaselineError: if one of them is not.
    """
    for each in stored.variables:
        labels = each.categories if isinstance(each, CategoryVariable) else ()
        check_labels((stored.model, stored.version, each.name, *labels))
    check_labels(stored.segment_labels)


def read_text(text: str, max_series: int) -> Distributions:
    """Read the content of a file that this version or boxkite 0.0.5 wrote.

    Args:
        text: the content.
        max_series: the most samples that it may have.

    Raises:
        BaselineError: if the text is damaged, cut short or no baseline. The message names the line.
    """
    check_series_limit(text, max_series)
    line = find_json_line(text, max_series)
    if line is None:
        check_no_series(text, f"{PREFIX}_")
        variables = classic_reader.read_text(text, max_series)
        return Distributions.from_variables(variables, max(each.rows for each in variables))
    names = line.stored.model, line.stored.version, line.exposition
    if line.series != series_digest(text[: line.start], *names):
        raise _difference(text, line)
    check_nothing_follows(text, line.end)
    return line.stored


def _difference(text: str, line: JsonLine) -> BaselineError:
    """Return the error for the first line that is not among the series of the baseline."""
    try:
        series = _series(line.stored, line.exposition)
    except BaselineError as error:
        return BaselineError(f"line {line.number}: {error}")
    try:
        check_series(text, line.start, series)
    except BaselineError as error:
        return error
    return BaselineError(
        f"line {line.number}: the # BASELINE line gives another digest of the series than the file "
        "has. The file was changed or damaged: write it again with Baseline.write"
    )
