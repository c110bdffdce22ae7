"""Join labels with predictions inside one transaction of the database."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.live.outcomes.join_tables import JoinTables
from boxkite.live.outcomes.outcome_record import (
    OutcomeRecord,
    PredictionKey,
    decode_outcome,
    decode_output,
    is_outcome,
)
from boxkite.live.record import Mark
from boxkite.quality import Outcomes
from boxkite.system.cooperation import cooperatively

__all__ = ["DAY_SECONDS", "JoinOptions", "Label", "LabelJoin"]

DAY_SECONDS = 86_400
_NANOSECONDS = 1_000_000_000
_WAIT_SECONDS = 3600
_MOST_WAITING = 100_000


@dataclass(frozen=True)
class JoinOptions:
    """How labels are joined.

    Attributes:
        cells: Converts and counts outputs and outcomes.
        layout: Outcomes without rows.
        server_id: First part of the prediction ids of this service.
        ttl: For how many seconds a prediction is kept.
        max_bytes: The most bytes that the database may have. Beyond that, the oldest predictions
            are removed.
    """

    cells: OutcomeCells
    layout: Outcomes
    server_id: str
    ttl: float
    max_bytes: int

    @classmethod
    def of(cls, baseline: Baseline, server_id: str, ttl: float, max_bytes: int) -> JoinOptions:
        """Return the options for the model of a baseline that has outcomes."""
        assert baseline.outcomes is not None
        cells = OutcomeCells.like(baseline.outputs, baseline.outcomes)
        return cls(cells, baseline.outcomes.empty(), server_id, ttl, max_bytes)


class Label(NamedTuple):
    """A label that can be joined.

    Attributes:
        key: Key of its prediction.
        outcome: The outcome as a number, see `OutcomeCells.outcome_number`.
        arrived: When it arrived, in seconds since 1970, UTC.
        is_foreign: Whether its id names another server.
    """

    key: PredictionKey
    outcome: float
    arrived: int
    is_foreign: bool = False


class _Pair(NamedTuple):
    second: int
    outputs: bytes
    outcome: float


class LabelJoin:
    """Adds records to the tables, in one transaction.

    Args:
        connection: A connection with an open transaction.
        options: How labels are joined.
    """

    def __init__(self, connection: sqlite3.Connection, options: JoinOptions) -> None:
        self._options = options
        self._names = [each.name for each in options.cells.outputs]
        self.tables = JoinTables(connection, options.layout)
        self._results: Counter[str] = Counter()
        self._paired: list[_Pair] = []
        self._withdrawn: list[_Pair] = []

    def add(self, contents: Iterable[bytes]) -> None:
        """Join records of a journal: predictions and labels."""
        labels: list[bytes] = []
        predictions: list[tuple[PredictionKey, bytes]] = []
        for content in cooperatively(contents):
            if is_outcome(content):
                labels.append(content)
            else:
                try:
                    made = decode_output(content)
                except msgspec.MsgspecError:
                    continue  # no label can belong to a damaged record, because its id is lost
                predictions.append((made.key, self._outputs(made.output)))
        self.add_predictions(predictions)
        for content in cooperatively(labels):
            self._add_record(content)

    def _outputs(self, output: Any) -> bytes:
        """Return the outputs of a prediction as bytes; empty if they are not valid."""
        if isinstance(output, dict):
            output = [output.get(name) for name in self._names]
        if not isinstance(output, list) or len(output) != len(self._names):
            return b""
        numbers = self._options.cells.output_numbers([self._value(each) for each in output])
        return b"" if numbers is None else np.array(numbers, dtype="<f8").tobytes()

    def _value(self, value: Any) -> Any:
        """Return a value of an output. A redacted one is gone, unless its cell names a class."""
        if type(value) is not Mark:
            return value
        return self._options.cells.category(value.cell)

    def add_predictions(self, predictions: Sequence[tuple[PredictionKey, bytes]]) -> None:
        """Keep predictions, and pair the labels that came before them."""
        for key, outputs in predictions:
            if not self.tables.add_prediction(key, outputs):
                continue
            early = self.tables.take_waiting(key)
            if early is not None:
                self._pair(key, outputs, early)

    def add_moved(self, key: PredictionKey, outputs: bytes, outcome: float | None) -> None:
        """Keep a prediction of other tables, with the outcome that was counted there."""
        self.tables.keep_prediction(key, outputs, outcome)
        early = self.tables.take_waiting(key)
        if early is not None:
            self.add_label(Label(key, early, key.second))

    def _add_record(self, content: bytes) -> None:
        try:
            record = decode_outcome(content)
        except msgspec.MsgspecError:
            self._results["invalid"] += 1
            return
        label = self._label(record)
        if label is None:
            self._results["invalid"] += 1
        else:
            self.add_label(label)

    def _label(self, record: OutcomeRecord) -> Label | None:
        """Return a label whose id and outcome are valid, or None."""
        parsed = PredictionKey.parse(record.prediction_id)
        outcome = self._options.cells.outcome_number(record.outcome)
        if parsed is None or math.isnan(outcome):
            return None
        server_id, key = parsed
        arrived = record.arrived_at // _NANOSECONDS
        return Label(key, outcome, arrived, server_id != self._options.server_id)

    def add_label(self, label: Label) -> None:
        """Join one label."""
        found = self.tables.prediction(label.key)
        if found is None:
            self._keep_or_give_up(label)
            return
        outputs, before = found
        if not outputs:
            self._results["invalid"] += 1
        elif before is None:
            self._pair(label.key, outputs, label.outcome)
        elif before == label.outcome:
            self._results["repeated"] += 1
        else:
            self._results["corrected"] += 1
            self._withdrawn.append(_Pair(label.key.second, outputs, before))
            self._count(label.key, outputs, label.outcome)

    def _pair(self, key: PredictionKey, outputs: bytes, outcome: float) -> None:
        if not outputs:
            self._results["invalid"] += 1
            return
        self._results["paired"] += 1
        self._count(key, outputs, outcome)

    def _count(self, key: PredictionKey, outputs: bytes, outcome: float) -> None:
        self.tables.set_outcome(key, outcome)
        self._paired.append(_Pair(key.second, outputs, outcome))

    def _keep_or_give_up(self, label: Label) -> None:
        """Let a label without a prediction wait, unless no prediction can come any more."""
        if label.is_foreign:
            self._results["foreign"] += 1
            return
        age = label.arrived - label.key.second
        if age > self._options.ttl or label.key.second <= self.tables.number("removed_until"):
            self._results["late"] += 1
            return
        before = self.tables.waiting(label.key)
        if before is None:
            self.tables.add_waiting(label.key, label.outcome, label.arrived)
        elif before == label.outcome:
            self._results["repeated"] += 1
        else:
            self._results["corrected"] += 1
            self.tables.replace_waiting(label.key, label.outcome)

    def finish(self, now: int) -> int:
        """Write the counts, and remove what has waited for too long.

        Args:
            now: Seconds since 1970, UTC.

        Returns:
            The number of predictions that were removed early to make room.
        """
        tables, options = self.tables, self._options
        if tables.clock_is_steady(now):
            tables.remove_predictions(now - int(options.ttl))
            self._results["unknown"] += tables.remove_waiting(now - _WAIT_SECONDS)
            tables.remove_days(now // DAY_SECONDS)
        self._results["unknown"] += tables.limit_waiting(_MOST_WAITING)
        removed = tables.limit_size(options.max_bytes)
        for name, number in self._results.items():
            tables.add_number(name, number)
        self._write(self._paired, "paired")
        self._write(self._withdrawn, "withdrawn")
        tables.write_numbers()
        return removed

    def _write(self, pairs: Sequence[_Pair], name: str) -> None:
        by_day: dict[int, list[_Pair]] = defaultdict(list)
        for pair in pairs:
            by_day[pair.second // DAY_SECONDS].append(pair)
        for day, its_pairs in by_day.items():
            self.tables.add_pairs(name, day, self._counted(its_pairs))

    def _counted(self, pairs: Sequence[_Pair]) -> Outcomes:
        width = self._options.cells.width
        outputs = np.frombuffer(b"".join(each.outputs for each in pairs), dtype="<f8")
        outcomes = np.array([each.outcome for each in pairs])
        return self._options.cells.count_numbers(outputs.reshape(-1, width), outcomes)
