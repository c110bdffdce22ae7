"""One cell of the grid: windows of one distribution and size, without drift and with each drift."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

import numpy as np
from counted import NumericCells, fit_cells
from distributions import DISTRIBUTIONS, Distribution, Floats
from drifts import DRIFTS, drifts_of
from full_sample import chi_square, kolmogorov_smirnov
from magnitudes import magnitude
from numpy.typing import NDArray

from boxkite.baseline.tally import Tally
from boxkite.drift import Policy
from boxkite.drift.allowance import Allowance, measure
from boxkite.drift.rates import measure_rates
from boxkite.drift.verdict import judge

__all__ = [
    "ANCHOR",
    "FREE",
    "POLICIES",
    "TRAINED",
    "UNSEEN",
    "Cell",
    "Size",
    "draw",
    "one_per_cent",
    "run",
]

TRAINED = 100_000
FREE = "none"
ANCHOR = "full sample"
UNSEEN = "unseen rows"
Scores: TypeAlias = dict[str, Floats]


class Size(NamedTuple):
    """How many windows of a number of live rows are drawn, and which rate they can show."""

    live: int
    baselines: int
    free: int
    """Windows without drift, of each baseline."""
    drifted: int
    """Windows of each drift, in all."""
    rate: float = 0.01


def one_per_cent(min_effect: float) -> Policy:
    """Return the policy that gives one variable's one window one per cent of false alarms."""
    share = Policy(windows={"1h": 1.0}).share("1h", 1)
    return Policy(false_alarms_per_month=0.01 / share, windows={"1h": 1.0}, min_effect=min_effect)


POLICIES = {
    "stated rate, effect floor": (Policy(), 10),
    "stated rate, no floor": (Policy(min_effect=0.0), 10),
    "1 %, effect floor": (one_per_cent(Policy().min_effect), 1),
    "1 %, no floor": (one_per_cent(0.0), 1),
}
"""The product's verdict as it comes, of a model with ten variables, and at one per cent."""


@dataclass(frozen=True)
class Cell:
    """What came out: by drift, the scores of each statistic over the windows.

    Attributes:
        distribution: its name.
        size: of the windows.
        magnitudes: of the drifts.
        scores: by drift and statistic; `FREE` are the windows without drift.
        verdicts: by drift and policy, the share of the windows with verdict drift; NaN where it is
            insufficient.
    """

    distribution: str
    size: Size
    magnitudes: dict[str, float]
    scores: dict[str, Scores]
    verdicts: dict[str, dict[str, float]]


def run(name: str, size: Size, seed: int, folder: Path) -> Cell:
    """Return a cell as a former run left it in the folder, or draw it and leave it there."""
    path = folder / f"{name} {size.live} {size.drifted} {size.rate}.cell"
    if path.exists():
        return cast(Cell, pickle.loads(path.read_bytes()))
    cell = draw(name, size, seed)
    path.write_bytes(pickle.dumps(cell))
    return cell


def draw(name: str, size: Size, seed: int) -> Cell:
    """Draw training rows and windows, and compute every statistic and verdict of each."""
    distribution = DISTRIBUTIONS[name]
    names = drifts_of(distribution)
    magnitudes = {each: magnitude(name, each, size.live, TRAINED, size.rate) for each in names}
    random = np.random.default_rng([seed, size.live])
    found: dict[str, list[Scores]] = {each: [] for each in (FREE, *names)}
    verdicts: dict[str, dict[str, list[str]]] = {
        each: {title: [] for title in POLICIES} for each in (FREE, *names)
    }
    allowances: dict[str, Allowance] = {}
    left = size.drifted
    for baseline in range(size.baselines):
        trained = _Trained(distribution, distribution.draw(TRAINED, random))
        allowances = allowances or trained.allowances()
        rows = [distribution.draw(size.live, random) for _ in range(size.free)]
        trained.judge(rows, allowances, verdicts[FREE])
        found[FREE].append(trained.scores(rows))
        chosen = rows[: -(-left // (size.baselines - baseline))]
        left -= len(chosen)
        for drift in names if chosen else ():
            change = DRIFTS[drift].change
            changed = [change(each, distribution, magnitudes[drift], random) for each in chosen]
            trained.judge(changed, allowances, verdicts[drift])
            found[drift].append(trained.scores(changed))
    scores = {drift: _joined(each) for drift, each in found.items()}
    shares = {
        drift: {title: _share(each) for title, each in by_title.items()}
        for drift, by_title in verdicts.items()
    }
    return Cell(name, size, magnitudes, scores, shares)


class _Trained:
    """One baseline, and the statistics of windows against it."""

    def __init__(self, distribution: Distribution, trained: Floats) -> None:
        self.categories = distribution.categories
        if self.categories:
            self.codes = np.bincount(trained.astype(np.int64), minlength=self.categories + 1)
        else:
            trained = np.sort(trained)
            self.trained = trained
        self.cells = fit_cells(distribution, trained)
        self.variable = self.cells.variable

    def scores(self, windows: list[Floats]) -> Scores:
        """Return the statistics of each window, greater for more drift."""
        if isinstance(self.cells, NumericCells):
            live = [np.sort(each) for each in windows]
            effective = [1 / (1 / len(each) + 1 / TRAINED) for each in live]
            distances = [kolmogorov_smirnov(each, self.trained) for each in live]
            return {ANCHOR: np.sqrt(effective) * distances, **self.cells.scores(live)}
        codes = self._codes(windows)
        return {
            ANCHOR: np.array([chi_square(each, self.codes) for each in codes]),
            UNSEEN: np.array([self._unseen(each) for each in self.cells.tally(codes)]),
            **self.cells.scores(codes),
        }

    def _unseen(self, counts: NDArray[np.int64]) -> float:
        """Return the evidence behind the alert on unseen categories."""
        rates = measure_rates(self.variable, Tally(counts))
        return next(each.evidence for each in rates if each.name == "unseen")

    def _codes(self, windows: list[Floats]) -> NDArray[np.int64]:
        number = self.categories + 1
        return np.array([np.bincount(each.astype(np.int64), minlength=number) for each in windows])

    def allowances(self) -> dict[str, Allowance]:
        """Return what chance explains under each policy. Baselines differ too little to matter."""
        return {
            title: policy.allowance("1h", variables, self.variable)
            for title, (policy, variables) in POLICIES.items()
        }

    def judge(
        self,
        windows: list[Floats],
        allowances: dict[str, Allowance],
        verdicts: dict[str, list[str]],
    ) -> None:
        """Add the verdict on each window under each policy."""
        if isinstance(self.cells, NumericCells):
            counts = self.cells.tally([np.sort(each) for each in windows])
        else:
            counts = self.cells.tally(self._codes(windows))
        for live in counts:
            found = measure(live, self.variable.counts, ordered=not self.categories)
            for title, (policy, _) in POLICIES.items():
                judged = judge(self.variable, found, allowances[title], policy)
                verdicts[title].append(judged.verdict)


def _joined(parts: list[Scores]) -> Scores:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _share(verdicts: list[str]) -> float:
    """Return the share of the judged windows with verdict drift."""
    judged = [each for each in verdicts if each != "insufficient"]
    return judged.count("drift") / len(judged) if judged else float("nan")
