"""Converts natural variation to and from the structs that become JSON in `histogram.prom`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec
import numpy as np

from boxkite.baseline.time_windows import seconds_of
from boxkite.errors import BaselineError
from boxkite.variation import Spread, Variation
from boxkite.variation.learning import MOST_DIRECTIONS

__all__ = ["StoredVariation", "restore_variation", "store_variation"]

_Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Degrees: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class StoredSpread(msgspec.Struct, forbid_unknown_fields=True):
    """A `Spread` as JSON, with the same field names."""

    scale: _Amount
    numerator: _Degrees
    denominator: _Degrees
    windows: Annotated[int, msgspec.Meta(ge=2, le=10**9)]
    greatest: _Amount


class StoredVariation(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A `Variation` as JSON, with the same field names."""

    windows: Annotated[int, msgspec.Meta(ge=2, le=10**9)]
    rows: Annotated[float, msgspec.Meta(gt=0, le=2.0**63)]
    directions: list[list[Annotated[float, msgspec.Meta(ge=-1, le=1)]]] = []
    along: list[StoredSpread] = []
    rest: StoredSpread | None = None
    distance: StoredSpread | None = None
    excess: StoredSpread | None = None


def store_variation(variation: Variation) -> StoredVariation:
    """Return a variation in the form that becomes JSON."""
    return StoredVariation(
        variation.windows,
        variation.rows,
        variation.directions.tolist(),
        [_stored_spread(each) for each in variation.along],
        _stored_spread(variation.rest) if variation.rest else None,
        _stored_spread(variation.distance) if variation.distance else None,
        _stored_spread(variation.excess) if variation.excess else None,
    )


def _stored_spread(spread: Spread) -> StoredSpread:
    return StoredSpread(*dataclasses.astuple(spread))


def restore_variation(
    stored: Mapping[str, StoredVariation], cells: int, name: str
) -> dict[str, Variation]:
    """Return the natural variation of a variable by the length of the window.

    Args:
        stored: what was stored of each window.
        cells: number of the variable's cells.
        name: the variable, for messages.

    Raises:
        BaselineError: if the directions do not fit the variable.
    """
    found: dict[str, Variation] = {}
    for window, each in stored.items():
        seconds_of(window)  # Raises if the name is not a length.
        number = len(each.directions)
        if number > MOST_DIRECTIONS or number != len(each.along):
            raise BaselineError(f"the natural variation of {name} has {number} directions")
        if any(len(direction) != cells for direction in each.directions):
            raise BaselineError(
                f"a direction of {name} does not have one weight for each of {cells} cells"
            )
        found[window] = Variation(
            each.windows,
            each.rows,
            np.array(each.directions, dtype=np.float64).reshape(number, cells),
            tuple(_spread(along) for along in each.along),
            _spread(each.rest) if each.rest else None,
            _spread(each.distance) if each.distance else None,
            _spread(each.excess) if each.excess else None,
        )
    return found


def _spread(stored: StoredSpread) -> Spread:
    return Spread(**msgspec.structs.asdict(stored))
