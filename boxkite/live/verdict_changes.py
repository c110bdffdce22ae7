"""Tells when a variable begins or ceases to drift, at the full hours, in the background.

The rules have their alerts wait and last, so that chance raises them no oftener than stated. So do
the changes here: drift is told where it lasts for a tenth of the window, and its end where there
was none for as long as the window. What is told is kept beside the hours, as any worker of the
service may be the one that a new hour finds first.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, VariableDrift, Verdict, compare_counts
from boxkite.error_reporter import ErrorReporter
from boxkite.live.history import History
from boxkite.system.atomic_file import replace_file
from boxkite.system.cooperation import cooperatively

__all__ = ["VerdictChanges"]

Told: TypeAlias = "dict[str, dict[str, tuple[Verdict, int]]]"
"""By window and variable: the verdict that was told, and how often on end there was another."""

_FILE = "verdicts.json"


class VerdictChanges:
    """Compares the last window of each of the policy's lengths whenever an hour begins.

    Args:
        baseline: one side.
        policy: that judges.
        wanted: whether anybody wants to know; else nothing is compared.
        tell: called with `window`, `comparison` and `changed`, the variables whose verdict is
            another than was told.
        reporter: where failures are reported.
    """

    def __init__(
        self,
        baseline: Baseline,
        policy: Policy,
        wanted: Callable[[], bool],
        tell: Callable[..., object],
        reporter: ErrorReporter,
    ) -> None:
        self._baseline = baseline
        self._policy = policy
        self._wanted = wanted
        self._tell = tell
        self._reporter = reporter

    def hour_begun(self, history: History, hour: datetime) -> None:
        """Look at the windows that end at a full hour, and tell what changed."""
        if not self._wanted():
            return
        try:
            file = history.folder / _FILE
            told = _read(file)
            changes = list(self._changes(history, hour, told))
            replace_file(file, json.dumps(told).encode())
        except Exception as error:  # noqa: BLE001 - the background goes on
            self._reporter.count("signal", error)
            return
        for window, comparison, changed in changes:
            self._tell(window=window, comparison=comparison, changed=changed)

    def _changes(
        self, history: History, hour: datetime, told: Told
    ) -> Iterator[tuple[str, Comparison, tuple[VariableDrift, ...]]]:
        number = len(self._baseline.variables)
        for window, hours in self._policy.windows.items():
            counts = history.between(hour - timedelta(hours=hours), hour)
            if hours < 1 or counts is None:
                continue
            for variable in cooperatively(self._baseline.variables):
                self._policy.critical(window, number, variable)  # which is kept for what follows
            comparison = compare_counts(
                self._baseline,
                counts.tallies(),
                counts.predictions,
                policy=self._policy,
                window=window,
            )
            told_here = told.setdefault(window, {})
            changed = tuple(each for each in comparison if _is_new(each, told_here, hours))
            if changed:
                yield window, comparison, changed


def _is_new(drift: VariableDrift, told: dict[str, tuple[Verdict, int]], hours: float) -> bool:
    """Note a verdict, and return whether it is to be told. Too few rows begin anew."""
    name = f"{drift.role}:{drift.name}"
    known, times = told.get(name, ("ok", 0))
    others = times + 1 if drift.verdict not in (known, "insufficient") else 0
    lasting = math.ceil(hours) if known == "drift" else _evaluations_of_an_alarm(hours)
    if others < lasting:
        told[name] = known, others
        return False
    told[name] = drift.verdict, 0
    return True


def _evaluations_of_an_alarm(hours: float) -> int:
    """Return how many hours on end drift must be seen: those of a tenth of the window, and one.

    Windows of an hour do not overlap from one full hour to the next: there one is enough.
    """
    return 1 if hours <= 1 else 1 + math.ceil(hours / 10)


def _read(file: Path) -> Told:
    """Return what was told; nothing where the file is missing or damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        content: Any = json.loads(file.read_bytes())
        return {
            str(window): {
                str(name): ("drift" if verdict == "drift" else "ok", int(times))
                for name, (verdict, times) in variables.items()
            }
            for window, variables in content.items()
        }
    return {}
