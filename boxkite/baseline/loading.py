"""Loads the baseline that a monitor starts with."""

from __future__ import annotations

import os

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.errors import BaselineError
from boxkite.system.safe_url import safe_url

__all__ = ["EMPTY", "load_baseline"]

EMPTY = Baseline("default", "none", 0, ())
"""A baseline without variables, for a monitor that has none."""


def load_baseline(
    given: Baseline | str | os.PathLike[str] | None, setting: str, reporter: ErrorReporter
) -> Baseline:
    """Return the given baseline, or the one that the setting names.

    A file that the setting names may be missing or damaged. Then the problem is reported, and the
    service runs without a baseline. A file that is given as an argument must be readable.

    Args:
        given: a baseline, its path or its URL. None to use the setting.
        setting: path or URL of the baseline. Empty for none.
        reporter: gets the problem with the setting's file.

    Returns:
        The baseline, or `EMPTY`.

    Raises:
        BaselineError: if the file `given` is missing or damaged.
        OSError: if the file `given` cannot be read.
    """
    if isinstance(given, Baseline):
        return given
    source = setting if given is None else given
    try:
        return Baseline.read(source) if source else EMPTY
    except FileNotFoundError as error:
        problem: Exception = BaselineError(
            f"no baseline at {safe_url(os.fspath(source))}. Write one at training with "
            f"Baseline.fit(features, output).write({safe_url(os.fspath(source))!r}). Without it, "
            f"predictions are counted, but not compared"
        )
        problem.__cause__ = error
    except (BaselineError, OSError) as error:
        problem = error
    if given is not None:
        raise problem
    reporter.count("baseline", problem)
    return EMPTY
