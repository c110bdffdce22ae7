"""A baseline beside the predictions of a log, counted as a service counts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, compare_counts
from boxkite.live.counts import Counts
from boxkite.live.fold import fold
from boxkite.live.record import Record
from boxkite.live.redaction import REDACTED
from boxkite.live.row import Row, ShapeError, output_row
from boxkite.logs.log_reader import LogReader
from boxkite.logs.logged import Logged

__all__ = ["compare_log"]

_ROWS = 10_000


def compare_log(baseline: Baseline, log: LogReader, policy: Policy) -> Comparison:
    """Compare the predictions of a log with a baseline, of whatever version they were.

    What was redacted, or left out because it was too large, counts as missing.

    Raises:
        OSError: if the log cannot be read.
    """
    counts = Counts.zero(baseline)
    outputs = [each.name for each in baseline.outputs]
    for chunk in log.chunks(_ROWS):
        fold(baseline, [_record(logged, outputs) for logged in chunk], counts)
    return compare_counts(baseline, counts.tallies(), counts.predictions, policy=policy)


def _record(logged: Logged, outputs: Sequence[str]) -> Record:
    features = {} if "features" in logged.truncated else _seen(logged.features)
    return Record(logged.entity_id, 0, features, _output(logged, outputs))


def _output(logged: Logged, names: Sequence[str]) -> Row | None:
    output = _seen(logged.output)
    if output is None or not names:
        return {}
    try:
        return output_row(output, names)
    except ShapeError:
        return None


def _seen(values: Any) -> Any:
    """Return values with what was redacted as missing."""
    if isinstance(values, dict) and REDACTED in values.values():
        return {name: None if each == REDACTED else each for name, each in values.items()}
    if isinstance(values, list) and REDACTED in values:
        return [None if each == REDACTED else each for each in values]
    return None if values == REDACTED else values
