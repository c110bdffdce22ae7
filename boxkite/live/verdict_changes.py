"""Find variables that start or stop to differ from training, hourly and in the background.

The Prometheus rules let an alert wait before it fires, and keep it firing for a while, so that
chance raises alerts no more often than stated. The changes here follow the same pattern. Drift or a
changed rate is reported once it has lasted for a tenth of the window. Its end is reported after a
whole window without it. As in the rules, a window shorter than the longest one judges drift only if
training shows how windows of that length vary. Rates are always judged. The reported statuses are
stored beside the hours, because any worker of the service may be the first to see a new hour.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, Status, VariableDrift, compare_counts
from boxkite.error_reporter import ErrorReporter
from boxkite.live.history import History
from boxkite.signals import EventSender
from boxkite.system.atomic_file import replace_file
from boxkite.system.cooperation import cooperatively

__all__ = ["VerdictChanges"]

Reported: TypeAlias = "dict[str, dict[str, tuple[Status, int]]]"
"""The reported status by window and variable, and for how many hours in a row it has differed."""

_FILE = "verdicts.json"

_CHANGED: Mapping[str, Status] = {"drift": "drift", "changed rate": "changed rate"}


class VerdictChange(NamedTuple):
    """What changed in one window.

    Attributes:
        window: the window.
        segment: label of the segment; empty for all rows.
        comparison: the comparison of these rows.
        changed: the variables whose status is new.
    """

    window: str
    segment: str
    comparison: Comparison
    changed: tuple[VariableDrift, ...]


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
        for change in changes:
            self._events.drift_changed(*change)

    def _changes(
        self, history: History, hour: datetime, reported: Reported
    ) -> Iterator[VerdictChange]:
        number, labels = len(self._baseline.variables), self._baseline.segment_labels
        parts = {label: self._policy.part(label, len(labels)) for label in ("", *labels)}
        for window, hours in self._policy.windows.items():
            counts = history.between(hour - timedelta(hours=hours), hour)
            if hours < 1 or counts is None:
                continue
            # Computing critical values may take long, so do it with pauses that let requests run.
            # The policy keeps the values for the comparison.
            for variable in cooperatively(self._baseline.counted_variables):
                parts[variable.segment].allowance(window, number, variable)
            comparison = compare_counts(
                self._baseline,
                counts.tallies(),
                counts.predictions,
                policy=self._policy,
                window=window,
            )
            statuses = reported.setdefault(window, {})
            for segment, part in {"": comparison, **comparison.segments}.items():
                judged = self._judged(window, part)
                changed = tuple(each for each in judged if _is_news(each, segment, statuses, hours))
                if changed:
                    yield VerdictChange(window, segment, judged, changed)

    def _judged(self, window: str, comparison: Comparison) -> Comparison:
        """Return the comparison without a verdict on drift that would raise no alert."""
        reason = f"training does not show how windows of {window} vary: fit it with time="
        pairs = [
            (drift, each) for drift, (each, _) in zip(comparison, comparison.counts, strict=True)
        ]
        return replace(
            comparison,
            variables=tuple(
                drift
                if self._policy.alerts_on_drift(window, variable)
                else replace(drift, verdict="insufficient", reason=reason)
                for drift, variable in pairs
            ),
        )


def _is_news(
    drift: VariableDrift, segment: str, statuses: dict[str, tuple[Status, int]], hours: float
) -> bool:
    """Update the status of a variable, and return whether the change is to be reported.

    An hour with too few rows starts the wait again.
    """
    name = f"{drift.role}:{drift.name}"
    if segment:
        name = f"{name} in {segment}"
    known, different = statuses.get(name, ("ok", 0))
    status = drift.status
    # Rates are judged without a verdict on drift, so any row can show that they are as they were.
    if known == "changed rate" and status == "insufficient" and drift.seen:
        status = "ok"
    is_different = status != "insufficient" and (status == "ok") != (known == "ok")
    different = different + 1 if is_different else 0
    needed = _hours_until_alarm(hours) if known == "ok" else math.ceil(hours)
    if different < needed:
        statuses[name] = known, different
        return False
    statuses[name] = status, 0
    return True


def _hours_until_alarm(hours: float) -> int:
    """Return for how many hours in a row drift must be seen: for a tenth of the window.

    Windows of one hour do not overlap, so a single hour is enough for them.
    """
    return 1 if hours <= 1 else 1 + math.ceil(hours / 10)


def _read(file: Path) -> Reported:
    """Return the statuses that were reported, or none if the file is missing or damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        content: Any = json.loads(file.read_bytes())
        return {
            str(window): {
                str(name): (_CHANGED.get(status, "ok"), int(times))
                for name, (status, times) in variables.items()
            }
            for window, variables in content.items()
        }
    return {}
