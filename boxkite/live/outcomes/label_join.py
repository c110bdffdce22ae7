"""Join labels with predictions inside one transaction of the database."""

from __future__ import annotations

import math
import operator
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.live.outcomes.join_tables import JoinTables, TimedOutcome
from boxkite.live.outcomes.outcome_database import DamagedDatabaseError
from boxkite.live.outcomes.outcome_record import (
    OutcomeRecord,
    PredictionKey,
    decode_outcome,
    is_outcome,
)
from boxkite.live.outcomes.prediction_reader import KeptPrediction, PredictionReader
from boxkite.quality import Outcomes
from boxkite.system.cooperation import cooperatively

__all__ = ["DAY_SECONDS", "JoinOptions", "Label", "LabelJoin"]

DAY_SECONDS = 86_400
_NANOSECONDS = 1_000_000_000
_FLOAT_BYTES = 8
_WAIT_SECONDS = 3600
_MOST_WAITING = 100_000


@dataclass(frozen=True)
class JoinOptions:
    """How labels are joined.

    Attributes:
        cells: Counts outputs and outcomes.
        reader: Reads predictions.
        layout: Outcomes without rows.
        segments: Label of each segment, by segment column.
        server_id: First part of the prediction ids of this service.
        ttl: For how many seconds a prediction is kept.
        max_bytes: The most bytes that the database may have. Beyond that, the oldest predictions
            are removed.
    """

    cells: OutcomeCells
    reader: PredictionReader
    layout: Outcomes
    segments: tuple[tuple[str, ...], ...]
    server_id: str
    ttl: float
    max_bytes: int

    @classmethod
    def of(cls, baseline: Baseline, server_id: str, ttl: float, max_bytes: int) -> JoinOptions:
        """Return the options for the model of a baseline that has outcomes."""
        assert baseline.outcomes is not None
        cells = OutcomeCells.like(baseline.outputs, baseline.outcomes)
        return cls(
            cells,
            PredictionReader(baseline, cells),
            baseline.outcomes.empty(),
            tuple(column.labels for column in baseline.segments),
            server_id,
            ttl,
            max_bytes,
        )

    def check(self, prediction: KeptPrediction) -> None:
        """Check a prediction that was read from the database.

        Raises:
            DamagedDatabaseError: If it cannot be one of this model.
        """
        outputs, segments = prediction.outputs, prediction.segments
        fits = len(outputs) in (0, _FLOAT_BYTES * self.cells.width)
        fits &= len(segments) == len(self.segments)
        if not fits or any(map(operator.ge, segments, map(len, self.segments))):
            raise DamagedDatabaseError("it holds a prediction of another model")


class Label(NamedTuple):
    """A label that can be joined.

    Attributes:
        key: Key of its prediction.
        outcome: Its outcome.
        result: What it counts as if its prediction never comes: `foreign` if its id names another
            server, else `unknown`.
    """

    key: PredictionKey
    outcome: TimedOutcome
    result: str = "unknown"


class _Pair(NamedTuple):
    prediction: KeptPrediction
    outcome: float


class LabelJoin:
    """Adds records to the tables, in one transaction.

    Args:
        connection: A connection with an open transaction.
        options: How labels are joined.
    """

    def __init__(self, connection: sqlite3.Connection, options: JoinOptions) -> None:
        self._options = options
        self.tables = JoinTables(connection, options.layout)
        self._results: Counter[str] = Counter()
        self._paired: list[_Pair] = []
        self._withdrawn: list[_Pair] = []

    def add(self, contents: Iterable[bytes]) -> None:
        """Join records of a journal: predictions and labels."""
        labels: list[bytes] = []
        others: list[bytes] = []
        for content in contents:
            (labels if is_outcome(content) else others).append(content)
        # It makes no difference whether a label or its prediction comes first.
        for prediction in cooperatively(self._options.reader.read(others)):
            self.add_prediction(prediction)
        for content in cooperatively(labels):
            self._add_record(content)

    def add_prediction(self, prediction: KeptPrediction) -> None:
        """Keep a prediction, and pair the label that came before it."""
        if self.tables.add_prediction(prediction):
            early = self.tables.take_waiting(prediction.key)
            if early is not None:
                self._pair(prediction, early)

    def add_moved(self, prediction: KeptPrediction, outcome: TimedOutcome | None) -> None:
        """Keep a prediction of other tables, with the outcome that was counted there."""
        self.tables.keep_prediction(prediction, outcome)
        early = self.tables.take_waiting(prediction.key)
        if early is not None:
            self.add_label(Label(prediction.key, early))

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
        number = self._options.cells.outcome_number(record.outcome)
        if parsed is None or math.isnan(number):
            return None
        server_id, key = parsed
        outcome = TimedOutcome(number, record.arrived_at)
        is_own = server_id == self._options.server_id
        return Label(key, outcome, "unknown" if is_own else "foreign")

    def add_label(self, label: Label) -> None:
        """Join one label.

        Several workers receive labels, and their journals are joined in any order. So the label
        that arrived last is right, not the one that is joined last.
        """
        found = self.tables.prediction(label.key)
        if found is None:
            self._keep_or_give_up(label)
            return
        prediction, before = found
        self._options.check(prediction)
        if before is None:
            self._pair(prediction, label.outcome)
            return
        if not self._is_newer(label, before):
            return
        if before.number == label.outcome.number:
            self.tables.set_outcome(label.key, label.outcome)
        else:
            self._withdrawn.append(_Pair(prediction, before.number))
            self._count(prediction, label.outcome)

    def _is_newer(self, label: Label, before: TimedOutcome) -> bool:
        """Count a further label of a prediction, and return whether it arrived after the other."""
        same = before.number == label.outcome.number
        self._results["repeated" if same else "corrected"] += 1
        return label.outcome.arrived >= before.arrived

    def _pair(self, prediction: KeptPrediction, outcome: TimedOutcome) -> None:
        """Count the first label of a prediction."""
        if not prediction.outputs:
            self._results["invalid"] += 1
            return
        self._results["paired"] += 1
        self._count(prediction, outcome)

    def _count(self, prediction: KeptPrediction, outcome: TimedOutcome) -> None:
        self.tables.set_outcome(prediction.key, outcome)
        self._paired.append(_Pair(prediction, outcome.number))

    def _keep_or_give_up(self, label: Label) -> None:
        """Let a label without a prediction wait, unless no prediction can come any more.

        This includes labels that name another server: the service may have had another `SERVER_ID`
        when it made the prediction, which may still stand in the journal of a dead worker.
        """
        age = label.outcome.arrived // _NANOSECONDS - label.key.second
        if age > self._options.ttl or label.key.second <= self.tables.number("removed_until"):
            self._results["foreign" if label.result == "foreign" else "late"] += 1
            return
        before = self.tables.waiting(label.key)
        if before is None:
            self.tables.add_waiting(label.key, label.outcome, label.result)
        elif self._is_newer(label, before):
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
            # A label that arrived in time may stand in the journal of another worker until later.
            tables.remove_predictions(now - int(options.ttl) - _WAIT_SECONDS)
            self._results.update(tables.remove_waiting(now - _WAIT_SECONDS))
            tables.pairs.remove_days(now // DAY_SECONDS)
        self._results.update(tables.limit_waiting(_MOST_WAITING))
        removed = tables.limit_size(options.max_bytes)
        for name, number in self._results.items():
            tables.add_number(name, number)
        self._write("paired", self._paired)
        self._write("withdrawn", self._withdrawn)
        tables.write_numbers()
        return removed

    def _write(self, name: str, pairs: Sequence[_Pair]) -> None:
        by_day: dict[int, list[_Pair]] = defaultdict(list)
        by_segment: dict[str, list[_Pair]] = defaultdict(list)
        for pair in pairs:
            by_day[pair.prediction.key.second // DAY_SECONDS].append(pair)
            for labels, place in zip(self._options.segments, pair.prediction.segments, strict=True):
                by_segment[labels[place]].append(pair)
        for day, its_pairs in by_day.items():
            self.tables.pairs.add_to_day(name, day, self._counted(its_pairs))
        if pairs:
            by_segment[""] = list(pairs)
        for segment, its_pairs in by_segment.items():
            self.tables.pairs.add(name, segment, self._counted(its_pairs))

    def _counted(self, pairs: Sequence[_Pair]) -> Outcomes:
        cells = self._options.cells
        outputs = np.frombuffer(b"".join(each.prediction.outputs for each in pairs), dtype="<f8")
        outcomes = np.array([each.outcome for each in pairs])
        return cells.count_numbers(outputs.reshape(-1, cells.width), outcomes)
