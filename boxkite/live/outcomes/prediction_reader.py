"""Read what the join needs of each prediction in a journal."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.live.mark import Mark
from boxkite.live.outcomes.outcome_record import (
    PredictionKey,
    PredictionRow,
    decode_row,
    decode_row_without_features,
)
from boxkite.live.segment_places import segment_places, with_given
from boxkite.system.cooperation import cooperatively

__all__ = ["KeptPrediction", "PredictionReader"]


class KeptPrediction(NamedTuple):
    """A prediction as it is kept for the join.

    Attributes:
        key: Its key.
        outputs: Its outputs as little-endian floats, see `OutcomeCells.output_numbers`. Empty if
            they are not valid.
        segments: For each segment column, the index of its value, as one byte.
    """

    key: PredictionKey
    outputs: bytes
    segments: bytes = b""


class PredictionReader:
    """Converts predictions of a journal to the form in which they are kept.

    Args:
        baseline: The baseline of the model.
        cells: Converts the outputs.
    """

    def __init__(self, baseline: Baseline, cells: OutcomeCells) -> None:
        self._cells = cells
        self._outputs = [each.name for each in cells.outputs]
        self._features = [each.name for each in baseline.features]
        self._columns = baseline.segments
        # Decoding the features would take most of the time, and without segments nothing needs
        # them.
        needs_features = any(each.is_feature for each in self._columns)
        self._decode = decode_row if needs_features else decode_row_without_features

    def read(self, contents: Iterable[bytes]) -> list[KeptPrediction]:
        """Return the predictions. Damaged records are left out, because nobody has their id."""
        rows: list[PredictionRow] = []
        for content in cooperatively(contents):
            try:
                rows.append(self._decode(content))
            except (msgspec.MsgspecError, RecursionError):
                continue
        segments = self._segments(rows)
        return [
            KeptPrediction(row.key, self._output_bytes(row.output), its_segments)
            for row, its_segments in zip(cooperatively(rows), segments, strict=True)
        ]

    def _output_bytes(self, output: Any) -> bytes:
        if isinstance(output, dict):
            output = [output.get(name) for name in self._outputs]
        if not isinstance(output, list) or len(output) != len(self._outputs):
            return b""
        numbers = self._cells.output_numbers([self._value(each) for each in output])
        return b"" if numbers is None else np.array(numbers, dtype="<f8").tobytes()

    def _value(self, value: Any) -> Any:
        """Return a value of an output. A redacted one is gone, unless its cell names a class."""
        return self._cells.category(value.cell) if type(value) is Mark else value

    def _segments(self, rows: list[PredictionRow]) -> list[bytes]:
        if not self._columns or not rows:
            return [b""] * len(rows)
        given = [row.segments for row in rows]
        places = [
            segment_places(column, with_given(column.name, self._own(column.name, rows), given))
            for column in self._columns
        ]
        return [row.tobytes() for row in np.column_stack(places).astype(np.uint8)]

    def _own(self, name: str, rows: list[PredictionRow]) -> list[Any]:
        """Return the values of the feature with the name of a segment column; None if absent."""
        if name not in self._features:
            return [None] * len(rows)
        place, width = self._features.index(name), len(self._features)
        return [_feature(row.features, name, place, width) for row in rows]


def _feature(features: Any, name: str, place: int, width: int) -> Any:
    if isinstance(features, list):
        return features[place] if len(features) == width else None
    return features.get(name) if isinstance(features, dict) else None
