"""One cell of the grid: windows of one distribution and size, without drift and with each drift."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
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
from boxkite.drift.allowance import Allowance, Statistics
from boxkite.drift.rates import measure_rates
from boxkite.drift.verdict import judge
from boxkite.variation.deviation import smoothed_fractions

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
MOVED = "moved rows"
"""Greatest difference of one cell's fraction, which the product's verdict looks at."""
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


def one_per_cent(policy: Policy) -> Policy:
    """Return the policy that gives the one window of one variable 1 % of false alarms."""
    share = Policy(windows={"1h": 1.0}).share("1h", 1)
    return replace(policy, false_alarms_per_month=0.01 / share, windows={"1h": 1.0})


NO_FLOOR = Policy(min_effect=0.0)
POLICIES = {
    "stated rate, effect floor": (Policy(), 10),
    "stated rate, no floor": (NO_FLOOR, 10),
    "1 %, effect floor": (one_per_cent(Policy()), 1),
    "1 %, no floor": (one_per_cent(NO_FLOOR), 1),
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
    path = folder / f"{name} {size.live} {size.drifted}.cell"
    if path.exists():
        return cast(Cell, pickle.loads(path.read_bytes()))
    cell = draw(name, size, seed)
    path.write_bytes(pickle.dumps(cell))
    return cell


def draw(name: str, size: Size, seed: int) -> Cell:
    """Draw training rows and windows, and compute every statistic of each."""
    distribution = DISTRIBUTIONS[name]
    names = drifts_of(distribution)
    magnitudes = {each: magnitude(name, each, size.live, TRAINED, size.rate) for each in names}
    random = np.random.default_rng([seed, size.live])
    found: dict[str, list[Scores]] = {each: [] for each in (FREE, *names)}
    criticals: dict[str, tuple[float, float]] = {}
    left = size.drifted
    for baseline in range(size.baselines):
        measure = _Measure(distribution, distribution.draw(TRAINED, random))
        criticals = criticals or measure.criticals()
        rows = [distribution.draw(size.live, random) for _ in range(size.free)]
        found[FREE].append(measure.scores(rows))
        chosen = rows[: -(-left // (size.baselines - baseline))]
        left -= len(chosen)
        for drift in names if chosen else ():
            change = DRIFTS[drift].change
            changed = [change(each, distribution, magnitudes[drift], random) for each in chosen]
            found[drift].append(measure.scores(changed))
    scores = {drift: _joined(each) for drift, each in found.items()}
    verdicts = {
        drift: {title: _share(each, title, criticals[title], size, measure) for title in POLICIES}
        for drift, each in scores.items()
    }
    return Cell(name, size, magnitudes, scores, verdicts)


class _Measure:
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
        self.product = "20 bins of equal mass" if not self.categories else "50 categories"

    def scores(self, windows: list[Floats]) -> Scores:
        """Return the statistics of each window, greater for more drift."""
        if isinstance(self.cells, NumericCells):
            live = [np.sort(each) for each in windows]
            effective = [1 / (1 / len(each) + 1 / TRAINED) for each in live]
            distances = [kolmogorov_smirnov(each, self.trained) for each in live]
            edges = self.variable.edges
            counts = np.array(
                [np.bincount(np.searchsorted(edges, e), minlength=len(edges) + 1) for e in live]
            )
            return {
                ANCHOR: np.sqrt(effective) * distances,
                MOVED: self._moved(counts),
                **self.cells.scores(live),
            }
        number = self.categories + 1
        codes = np.array([np.bincount(each.astype(np.int64), minlength=number) for each in windows])
        cells = self.cells.tally(codes)
        return {
            ANCHOR: np.array([chi_square(each, self.codes) for each in codes]),
            MOVED: self._moved(cells),
            UNSEEN: np.array([self._unseen(each) for each in cells]),
            **self.cells.scores(codes),
        }

    def _moved(self, counts: NDArray[np.int64]) -> Floats:
        trained = smoothed_fractions(self.variable.counts)
        return np.asarray(np.abs(smoothed_fractions(counts) - trained).max(axis=1))

    def _unseen(self, counts: NDArray[np.int64]) -> float:
        """Return the evidence behind the alert on unseen categories."""
        rates = measure_rates(self.variable, Tally(counts))
        return next(each.evidence for each in rates if each.name == "unseen")

    def criticals(self) -> dict[str, tuple[float, float]]:
        """Return the critical values of PSI and K-S under each policy, to be scaled by the rows."""
        return {
            title: (
                policy.critical("1h", variables, self.variable),
                policy.ks_critical("1h", variables),
            )
            for title, (policy, variables) in POLICIES.items()
        }


def _joined(parts: list[Scores]) -> Scores:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _share(
    scores: Scores, title: str, criticals: tuple[float, float], size: Size, measure: _Measure
) -> float:
    """Return the share of the windows with verdict drift."""
    policy, _ = POLICIES[title]
    scale = 1 / size.live + 1 / TRAINED
    found = scores[f"PSI, {measure.product}"] * scale
    distances = scores.get(f"K-S, {measure.product}", np.full(len(found), np.nan)) * np.sqrt(scale)
    critical, ks_critical = criticals[0] * scale, criticals[1] * np.sqrt(scale)
    # A chance of 1 makes the quantiles the critical values themselves.
    allowance = Allowance(critical, 0.0, ks_critical)
    triples = zip(found.tolist(), distances.tolist(), scores[MOVED].tolist(), strict=True)
    verdicts = [
        judge(
            measure.variable,
            Statistics(psi, (), psi, ks, 1.0, size.live, moved=moved),
            allowance,
            policy,
        ).verdict
        for psi, ks, moved in triples
    ]
    judged = [each for each in verdicts if each != "insufficient"]
    return judged.count("drift") / len(judged) if judged else float("nan")
