"""A baseline beside live counts, variable by variable."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.notebook import Html, notebook_table, number
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Role, Variable
from boxkite.drawing.shapes import bars
from boxkite.drawing.svg import picture
from boxkite.drift.rates import measure_rates, rate_critical
from boxkite.drift.statistics import (
    jensen_shannon,
    kolmogorov_smirnov,
    kullback_leibler,
    population_stability_index,
)
from boxkite.drift.verdict import Policy, Verdict

__all__ = ["Comparison", "VariableDrift", "compare_counts"]


@dataclass(frozen=True)
class VariableDrift:
    """One variable's statistics and verdict.

    It drifts where PSI or K-S is above its critical value, and PSI is large enough to matter. The
    statistics and the critical values are NaN where it has no rows, live or trained.

    Attributes:
        name: of the variable.
        role: feature, output or outcome.
        rows: live rows in its cells.
        missing: live rows without a value.
        invalid: live rows whose value is not of its kind.
        missing_difference: the live fraction of missing rows minus the training fraction; NaN
            where nothing was served.
        psi: population stability index, in nats.
        kl: Kullback-Leibler divergence of live from training, in nats.
        js: Jensen-Shannon distance.
        ks: Kolmogorov-Smirnov distance; NaN for categories.
        critical: what PSI must exceed to be more than chance.
        verdict: insufficient, ok or drift.
        unseen: live rows of a category that training never saw.
        unseen_difference: their fraction of the rows in the cells; NaN for numbers. Training has
            none.
        invalid_difference: the live fraction of invalid rows; training has none.
        missing_evidence: in nats, that the fraction of missing rows is not that of training; see
            `boxkite.drift.rates`.
        unseen_evidence: that there are more unseen rows than new categories explain.
        invalid_evidence: that there are more invalid rows than at training.
        rate_critical: what the evidence must exceed to be more than chance.
        changed_rates: of "missing", "unseen" and "invalid" those whose evidence does, and whose
            difference is 0.01 or more.
        ks_critical: what K-S must exceed to be more than chance; NaN for categories, and where
            there is none for PSI.
    """

    name: str
    role: Role
    rows: int
    missing: int
    invalid: int
    missing_difference: float
    psi: float
    kl: float
    js: float
    ks: float
    critical: float
    verdict: Verdict
    unseen: int = 0
    unseen_difference: float = math.nan
    invalid_difference: float = math.nan
    missing_evidence: float = math.nan
    unseen_evidence: float = math.nan
    invalid_evidence: float = math.nan
    rate_critical: float = math.nan
    changed_rates: tuple[str, ...] = ()
    ks_critical: float = math.nan

    @property
    def above(self) -> tuple[str, ...]:
        """Of "PSI" and "K-S" what is above its critical value, whether it matters or not.

        None where there are too few rows to tell.
        """
        if self.verdict == "insufficient":
            return ()
        pairs = {"PSI": (self.psi, self.critical), "K-S": (self.ks, self.ks_critical)}
        return tuple(name for name, (value, critical) in pairs.items() if value > critical)

    @property
    def multiple(self) -> float:
        """How many times its critical value the variable is from training; NaN if it has none.

        The greater of PSI's multiple and the square of K-S's: like PSI, the square of K-S goes as
        1/n + 1/m by chance, so that rows make either multiple grow alike.
        """
        ratios = (_ratio(self.psi, self.critical), _ratio(self.ks, self.ks_critical) ** 2)
        return max((each for each in ratios if each == each), default=math.nan)


@dataclass(frozen=True)
class Comparison:
    """What `compare` and `Monitor.drift` return: a row for each variable, in the model's order.

    Attributes:
        model: the baseline's model.
        version: the baseline's version.
        predictions: rows compared, with and without values.
        variables: the statistics of each variable.
        counts: what they are of: each variable at training, and its live counts.
    """

    model: str
    version: str
    predictions: int
    variables: tuple[VariableDrift, ...]
    counts: tuple[tuple[Variable, Tally], ...] = field(default=(), repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """Drift if any variable drifted; insufficient if there is none to tell of; else ok."""
        verdicts = {each.verdict for each in self.variables}
        return "drift" if "drift" in verdicts else "ok" if "ok" in verdicts else "insufficient"

    @property
    def drifted(self) -> tuple[VariableDrift, ...]:
        """The variables with verdict drift, furthest above their critical value first."""
        found = [each for each in self.variables if each.verdict == "drift"]
        return tuple(sorted(found, key=lambda each: -each.multiple))

    def __iter__(self) -> Iterator[VariableDrift]:
        return iter(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it, `above` too; NaN becomes None."""
        return {
            "model": self.model,
            "version": self.version,
            "predictions": self.predictions,
            "variables": [
                {key: None if value != value else value for key, value in fields.items()}
                for fields in ({**asdict(each), "above": each.above} for each in self.variables)
            ],
            "verdict": self.verdict,
        }

    def _repr_html_(self) -> str:
        """Show the variables in a notebook, those that drifted first."""
        title = f"{self.verdict}: model {self.model}, {self.predictions:,} rows"
        pairs = sorted(
            itertools.zip_longest(self.variables, self.counts),
            key=lambda pair: pair[0].verdict != "drift",
        )
        rows = (_notebook_row(drift, counts) for drift, counts in pairs)
        drawn = "training (grey) and live"
        headings = ("variable", "verdict", "PSI", "critical", "K-S", "critical", drawn)
        return notebook_table(title, headings, rows, len(pairs))


def _notebook_row(drift: VariableDrift, counts: tuple[Variable, Tally] | None) -> list[str | Html]:
    numbers: list[str | Html] = [
        drift.name,
        drift.verdict,
        number(drift.psi),
        number(drift.critical),
        number(drift.ks),
        number(drift.ks_critical),
    ]
    if counts is None:
        return numbers
    variable, tally = counts
    label = f"{drift.name}: training and live distribution"
    return [*numbers, Html(picture(bars(variable, tally.cells), variable.kind, label))]


def compare_counts(
    baseline: Baseline,
    tallies: Sequence[Tally],
    predictions: int,
    *,
    policy: Policy | None = None,
    window: str = "1h",
) -> Comparison:
    """Compare counts with the baseline whose cells they are in.

    Args:
        baseline: what the model was trained on.
        tallies: one for each of `baseline.variables`, in that order.
        predictions: how many rows were counted.
        policy: the false alarms allowed and the least effect; the default if None.
        window: the policy's window whose share of the false alarms applies.
    """
    policy = policy or Policy()
    count = len(baseline.variables)
    ks_critical = policy.ks_critical(window, count) if count else math.nan
    rows = [
        _compare(variable, tally, policy, policy.critical(window, count, variable), ks_critical)
        for variable, tally in zip(baseline.variables, tallies, strict=True)
    ]
    chance = rate_critical(policy, count) if count else math.nan
    judged = [
        replace(drift, **_rate_fields(variable, tally, chance))
        for drift, variable, tally in zip(rows, baseline.variables, tallies, strict=True)
    ]
    counts = tuple(zip(baseline.variables, tallies, strict=True))
    return Comparison(baseline.model, baseline.version, predictions, tuple(judged), counts)


def _compare(
    variable: Variable, tally: Tally, policy: Policy, critical: float, ks_critical: float
) -> VariableDrift:
    live, trained = tally.cells, variable.counts
    rows, trained_rows = tally.rows, int(trained.sum())
    seen = rows + tally.missing + tally.invalid
    psi = kl = js = ks = threshold = ks_threshold = math.nan
    verdict: Verdict = "insufficient"
    if rows and trained_rows:  # no rows are no drift, though the smoothed fractions differ
        psi = population_stability_index(live, trained)
        kl = kullback_leibler(live, trained)
        js = jensen_shannon(live, trained)
        scale = 1 / trained_rows + 1 / rows
        threshold = critical * scale
        if isinstance(variable, NumericVariable):
            ks = kolmogorov_smirnov(live, trained)
            ks_threshold = ks_critical * math.sqrt(scale) if critical == critical else math.nan
        verdict = policy.judge(psi, threshold, rows, len(live), ks, ks_threshold)
    return VariableDrift(
        name=variable.name,
        role=variable.role,
        rows=rows,
        missing=tally.missing,
        invalid=tally.invalid,
        missing_difference=(
            tally.missing / seen - variable.missing / variable.rows if seen else math.nan
        ),
        psi=psi,
        kl=kl,
        js=js,
        ks=ks,
        critical=threshold,
        verdict=verdict,
        ks_critical=ks_threshold,
    )


def _ratio(value: float, critical: float) -> float:
    return value / critical if critical else math.inf


def _rate_fields(variable: Variable, tally: Tally, critical: float) -> dict[str, Any]:
    """Return the fields of `VariableDrift` on missing, unseen and invalid rows."""
    found = measure_rates(variable, tally)
    unseen = int(tally.cells[-1]) if isinstance(variable, CategoryVariable) else 0
    changed = tuple(each.name for each in found if each.changed(critical))
    fields = {"unseen": unseen, "rate_critical": critical, "changed_rates": changed}
    evidence = {f"{each.name}_evidence": each.evidence for each in found}
    differences = {f"{each.name}_difference": each.difference for each in found}
    return {**fields, **evidence, **differences}
