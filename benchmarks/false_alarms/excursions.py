"""How many alarms a window's length brings, by the chance that PSI is above at one evaluation.

Near its critical value x the root of the statistic, with d degrees of freedom, moves like Brownian
motion of variance 2 b a window and drift -b sqrt(y) towards smaller values. y is (x - d + 1)^2 / x,
and b how often a window's rows change in its length: 1 in even traffic, less where the baseline's
own error, which stays, is a part. Its excess over x is exponential with rate sqrt(y). An alarm
starts when the statistic has been above at each evaluation of a tenth of the window.
"""

from __future__ import annotations

import numpy as np

__all__ = ["print_excursions"]

DRAWS = 1_000_000
EVALUATIONS = {
    "1h": (60, 6),
    "1d": (720, 72),
    "1d, in steps of 5m": (288, 28),
    "1d, at full hours": (24, 3),
}
"""A window, and while an alert is pending. The rules sum a day in steps; signals come hourly."""

PRODUCTS = [1, 2, 5, 8, 10, 12, 15, 20, 30, 40, 60, 90]


def print_excursions() -> None:
    """Print alarms a window by the chance of being above, over b y."""
    print("| b y | " + " | ".join(map(str, PRODUCTS)) + " |")
    print("|---|" + "---:|" * len(PRODUCTS))
    random = np.random.default_rng(2013)
    for window, evaluations in EVALUATIONS.items():
        cells = [f"{alarms(each, *evaluations, random):.2f}" for each in PRODUCTS]
        print(f"| {window} | " + " | ".join(cells) + " |")


def alarms(product: float, evaluations: int, pending: int, random: np.random.Generator) -> float:
    """Return the alarms in a window for each unit of the chance of being above.

    It is stationary: as many runs reach a length as are of that length or more, less those that
    are longer, at each evaluation. Only b y matters; b is 1 here.
    """
    drift, spread = np.sqrt(product) / evaluations, np.sqrt(2 / evaluations)
    excess = random.exponential(1 / np.sqrt(product), DRAWS)
    reached = []
    for _ in range(pending + 1):
        excess = excess + random.normal(-drift, spread, len(excess))
        excess = excess[excess > 0]
        reached.append(len(excess) / DRAWS)
    return evaluations * (reached[-2] - reached[-1])
