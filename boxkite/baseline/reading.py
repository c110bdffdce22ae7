"""What a text or its samples say of a baseline, in either exposition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from boxkite.baseline import classic_reader, labelled, labelled_reader
from boxkite.baseline.labelled_reader import Header
from boxkite.baseline.parts import Tails
from boxkite.baseline.tails import read_tails
from boxkite.baseline.text_reader import Comment, Sample, parse
from boxkite.baseline.variable import Variable

__all__ = ["DEFAULT_MODEL", "read_lines", "read_samples"]

DEFAULT_MODEL = "default"


def read_lines(text: str, max_series: int) -> tuple[Header, Sequence[Variable]]:
    """Return what the lines of a text say.

    Args:
        text: a `histogram.prom`.
        max_series: that it may have.

    Raises:
        BaselineError: naming the line.
    """
    samples: list[Sample] = []
    comments: list[Comment] = []
    for item in parse(text.split("\n"), max_series=max_series):
        if isinstance(item, Sample):
            samples.append(item)
        else:
            comments.append(item)
    documentation = {each.subject: each.text for each in comments if each.keyword == "HELP"}
    return read_samples(samples, documentation, read_tails(comments))


def read_samples(
    samples: Sequence[Sample], documentation: Mapping[str, str], tails: Tails | None = None
) -> tuple[Header, Sequence[Variable]]:
    """Return what samples say, labelled or classic.

    Args:
        samples: of all metrics.
        documentation: the HELP text of each metric.
        tails: what the comments say of the tails, by role and name; None where the source has
            no comments.

    Raises:
        BaselineError: if they do not make up a whole baseline.
    """
    ours = [each for each in samples if each.name.startswith(f"{labelled.PREFIX}_")]
    if ours:
        header = labelled_reader.read_header(ours)
        return header, labelled_reader.read_variables(ours, header.rows, tails)
    variables = classic_reader.read_variables(samples, documentation)
    rows = max((variable.rows for variable in variables), default=0)
    return Header(DEFAULT_MODEL, "", rows), variables
