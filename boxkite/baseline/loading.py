"""The baseline that a monitor starts with, where there is one."""

from __future__ import annotations

import os

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.errors import BaselineError

__all__ = ["EMPTY", "load_baseline"]

EMPTY = Baseline("default", "none", 0, ())
"""Stands in where there is no baseline: nothing to count into."""


def load_baseline(
    given: Baseline | str | os.PathLike[str] | None, setting: str, reporter: ErrorReporter
) -> Baseline:
    """Return the baseline; an empty one where the setting's file cannot be had.

    Args:
        given: a baseline, its path or URL; None for that of the setting.
        setting: path or URL; empty for no baseline.
        reporter: where it is told that the setting's file is missing or damaged.

    Raises:
        BaselineError: if the file that `given` names is missing or damaged.
        OSError: if it cannot be read.
    """
    if isinstance(given, Baseline):
        return given
    source = setting if given is None else given
    try:
        return Baseline.read(source) if source else EMPTY
    except FileNotFoundError as error:
        problem: Exception = BaselineError(
            f"no baseline at {os.fspath(source)}: predictions are taken, but there is "
            f"nothing to compare them with; write one at training with "
            f"Baseline.fit(features, output).write({os.fspath(source)!r})"
        )
        problem.__cause__ = error
    except (BaselineError, OSError) as error:
        problem = error
    if given is not None:
        raise problem
    reporter.count("baseline", problem)
    return EMPTY
