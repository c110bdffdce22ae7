"""Find variables that start or stop drifting, at the full hours and in the background.

The Prometheus rules let an alert wait before it fires, and keep it firing for a while, so that
chance raises alerts no more often than stated. The changes here follow the same pattern. Drift is
reported once it has lasted for a tenth of the window. The end of drift is reported after a whole
window without it. The reported verdicts are stored beside the hours, because any worker of the
service may be the first to see a new hour.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, VariableDrift, Verdict, compare_counts
from boxkite.error_reporter import ErrorReporter
from boxkite.live.history import History
from boxkite.signals import EventSender
from boxkite.system.atomic_file import replace_file
from boxkite.system.cooperation import cooperatively

__all__ = ["VerdictChanges"]

Reported: TypeAlias = "dict[str, dict[str, tuple[Verdict, int]]]"
"""The reported verdict by window and variable, and for how many hours in a row it has differed."""

_FILE = "verdicts.json"


class VerdictChanges:
    """Compare each window of the policy with the baseline whenever an hour begins.

    Args:
        baseline: the baseline.
        policy: gives the windows and the verdicts.
        events: sends the signal `drift_changed`.
        reporter: reports failures.
    """

    def __init__(
        self, baseline: Baseline, policy: Policy, events: EventSender, reporter: ErrorReporter
    ) -> None:
        self._baseline = baseline
        self._policy = policy
        self._events = events
        self._reporter = reporter

    def hour_begun(self, history: History, hour: datetime) -> None:
        """Compare the windows that end at a full hour, and send the changes."""
        if not self._events.is_drift_awaited:
            return
        try:
            file = history.folder / _FILE
            reported = _read(file)
            changes = list(self._changes(history, hour, reported))
            # Store the change before it is sent. After a crash in between, a change is lost and
            # never sent twice.
            replace_file(file, json.dumps(reported).encode())
        except Exception as error:  # noqa: BLE001 - the background must survive any failure
            self._reporter.count("signal", error)
            return
        for window, comparison, changed in changes:
            self._events.drift_changed(window, comparison, changed)

    def _changes(
        self, history: History, hour: datetime, reported: Reported
    ) -> Iterator[tuple[str, Comparison, tuple[VariableDrift, ...]]]:
        number = len(self._baseline.variables)
        for window, hours in self._policy.windows.items():
            counts = history.between(hour - timedelta(hours=hours), hour)
            if hours < 1 or counts is None:
                continue
            # Computing critical values may take long, so do it with pauses that let requests run.
            # The policy keeps the values for the comparison.
            for variable in cooperatively(self._baseline.variables):
                self._policy.allowance(window, number, variable)
            comparison = compare_counts(
                self._baseline,
                counts.tallies(),
                counts.predictions,
                policy=self._policy,
                window=window,
            )
            verdicts = reported.setdefault(window, {})
            changed = tuple(each for each in comparison if _has_changed(each, verdicts, hours))
            if changed:
                yield window, comparison, changed


def _has_changed(
    drift: VariableDrift, verdicts: dict[str, tuple[Verdict, int]], hours: float
) -> bool:
    """Update the verdict of a variable, and return whether the change is to be reported.

    An hour with too few rows starts the wait again.
    """
    name = f"{drift.role}:{drift.name}"
    known, different = verdicts.get(name, ("ok", 0))
    different = different + 1 if drift.verdict not in (known, "insufficient") else 0
    needed = math.ceil(hours) if known == "drift" else _hours_until_alarm(hours)
    if different < needed:
        verdicts[name] = known, different
        return False
    verdicts[name] = drift.verdict, 0
    return True


def _hours_until_alarm(hours: float) -> int:
    """Return for how many hours in a row drift must be seen: for a tenth of the window.

    Windows of one hour do not overlap, so a single hour is enough for them.
    """
    return 1 if hours <= 1 else 1 + math.ceil(hours / 10)


def _read(file: Path) -> Reported:
    """Return the verdicts that were reported, or none if the file is missing or damaged."""
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
