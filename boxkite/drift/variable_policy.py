"""The smallest differences of one variable that matter, and the size of a difference as a multiple.

A difference matters if PSI exceeds the effect floor, or if enough rows moved into or out of one
cell. How certain the difference is does not count here. PSI is a sum over all cells, and hardly
notices a fault that moves a few rows into a cell that was large before. The moved rows reveal such
a fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from boxkite.number_range import FRACTION, NOT_NEGATIVE_OR_INFINITE

__all__ = ["DEFAULT_FLOORS", "FLOOR_RANGES", "NO_ALERT", "Floors", "VariablePolicy"]

FLOOR_RANGES = {
    "min_effect": NOT_NEGATIVE_OR_INFINITE,
    "min_moved": FRACTION,
    "min_rate": FRACTION,
}
"""What each floor may be. PSI has no upper limit, so infinity is how to judge by rows alone."""


@dataclass(frozen=True)
class VariablePolicy:
    """The floors of one variable. None stands for the floor of the policy.

    Attributes:
        min_effect: Smallest PSI that matters, in nats.
        min_moved: Smallest fraction of rows that matters if it moves into or out of one cell.
        min_rate: Smallest difference of a rate that matters.

    Raises:
        ConfigError: If a value is out of range. The message names it.
    """

    min_effect: float | None = None
    min_moved: float | None = None
    min_rate: float | None = None

    def __post_init__(self) -> None:
        for name, allowed in FLOOR_RANGES.items():
            value = getattr(self, name)
            if value is not None:
                allowed.check(f"`{name}`", value)


class Floors(NamedTuple):
    """The smallest differences of one variable that matter.

    All are infinite if the policy raises no alert for the variable.

    Attributes:
        effect: PSI, in nats.
        moved: Fraction of all rows that moved into or out of one cell.
        rate: Difference of the rate of missing, invalid, unseen or outside rows.
    """

    effect: float
    moved: float
    rate: float

    @property
    def raises_alerts(self) -> bool:
        """Whether any difference can matter."""
        return self != NO_ALERT

    @property
    def least_psi(self) -> float:
        """Smallest PSI for which the critical value must hold.

        A smaller PSI matters only if enough rows also moved. Chance seldom does both: it raises PSI
        in rare cells, and moves many rows only in common ones. In simulations it does both at most
        0.3 times as often as the share allows (docs/explained/statistics.md).
        """
        return min(self.effect, DEFAULT_FLOORS.effect * (self.moved / DEFAULT_FLOORS.moved) ** 2)

    def multiple(self, psi: float, moved: float) -> float:
        """Return the size of a difference as a multiple of the floor that it exceeds most.

        A floor of 0 gives no measure of size, so it is left out.
        """
        sizes = [
            found / floor for found, floor in ((psi, self.effect), (moved, self.moved)) if floor
        ]
        return max(sizes, default=math.inf)

    def exceeded(self, psi: float, moved: float) -> bool:
        """Return whether a difference matters."""
        return psi > self.effect or moved >= self.moved


DEFAULT_FLOORS = Floors(effect=0.05, moved=0.02, rate=0.01)
"""The floors of the default policy."""

NO_ALERT = Floors(math.inf, math.inf, math.inf)
"""The floors of a variable that raises no alert."""
