"""Compares live counts with a baseline, variable by variable."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
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
    """Statistics and verdict of one variable.

    The verdict is `drift` if PSI or K-S exceeds its critical value and PSI is large enough to
    matter. Statistics and critical values are NaN if the variable has no live or no training rows.

    Attributes:
        name: Name of the variable.
        role: `feature`, `output` or `outcome`.
        rows: Live rows with a valid value.
        missing: Live rows without a value.
        invalid: Live rows whose value is not of the variable's kind.
        missing_difference: Live fraction of missing rows minus the training fraction.
        psi: Population stability index, in nats.
        kl: Kullback-Leibler divergence of live from training, in nats.
        js: Jensen-Shannon distance.
        ks: Kolmogorov-Smirnov distance; NaN for categories.
        critical: Critical value of PSI: chance alone rarely exceeds it.
        verdict: `insufficient`, `ok` or `drift`.
        unseen: Live rows with a category that training never saw.
        unseen_difference: Fraction of unseen rows among `rows`; NaN for numbers.
        invalid_difference: Live fraction of invalid rows. Training has no invalid rows.
        missing_evidence: Evidence in nats that the fraction of missing rows differs from training;
            see `boxkite.drift.rates`.
        unseen_evidence: Evidence in nats that there are more unseen rows than new categories
            explain.
        invalid_evidence: Evidence in nats that there are more invalid rows than at training.
        rate_critical: Critical value of the three kinds of evidence.
        changed_rates: Those of "missing", "unseen" and "invalid" whose evidence exceeds
            `rate_critical` and whose difference is at least 0.01.
        ks_critical: Critical value of K-S; NaN for categories, and if PSI has none.
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
        """Those of "PSI" and "K-S" that exceed their critical value, whether they matter or not.

        Empty if the verdict is `insufficient`.
        """
        if self.verdict == "insufficient":
            return ()
        pairs = {"PSI": (self.psi, self.critical), "K-S": (self.ks, self.ks_critical)}
        return tuple(name for name, (value, critical) in pairs.items() if value > critical)

    @property
    def multiple(self) -> float:
        """Distance from training as a multiple of the critical value; NaN if there is none.

        It is the greater of PSI ÷ its critical value and the square of (K-S ÷ its critical value).
        Without drift, both PSI and the square of K-S are proportional to 1/n + 1/m. So the two
        multiples are comparable, and grow at the same rate with more rows.
        """
        ratios = (_ratio(self.psi, self.critical), _ratio(self.ks, self.ks_critical) ** 2)
        return max((each for each in ratios if each == each), default=math.nan)


@dataclass(frozen=True)
class Comparison:
    """Result of `compare` and `Monitor.drift`: one entry per variable, in the model's order.

    Attributes:
        model: Model of the baseline.
        version: Version of the baseline.
        predictions: Number of rows compared, with or without values.
        variables: Statistics and verdict of each variable.
        counts: Each variable at training with its live counts, for pictures.
    """

    model: str
    version: str
    predictions: int
    variables: tuple[VariableDrift, ...]
    counts: tuple[tuple[Variable, Tally], ...] = field(default=(), repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """`drift` if any variable drifted, otherwise `ok` if any is ok, or `insufficient`."""
        verdicts = {each.verdict for each in self.variables}
        return "drift" if "drift" in verdicts else "ok" if "ok" in verdicts else "insufficient"

    @property
    def drifted(self) -> tuple[VariableDrift, ...]:
        """Variables that drifted, sorted by `VariableDrift.multiple`, greatest first."""
        found = [each for each in self.variables if each.verdict == "drift"]
        return tuple(sorted(found, key=lambda each: -each.multiple))

    def __iter__(self) -> Iterator[VariableDrift]:
        return iter(self.variables)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a dictionary that JSON can hold, with None in place of NaN."""
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
        """Return a table for notebooks, with the drifted variables first."""
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
    """Compare live counts with a baseline.

    Args:
        baseline: What the model was trained on.
        tallies: Live counts, one tally for each of `baseline.variables`, in that order.
        predictions: Number of rows counted.
        policy: False alarms to allow and smallest effect that matters; the default if None.
        window: Window of the policy whose share of the false alarms applies.
    """
    policy = policy or Policy()
    counts = tuple(zip(baseline.variables, tallies, strict=True))
    size = len(counts)
    ks_critical = policy.ks_critical(window, size) if size else math.nan
    chance = rate_critical(policy, size) if size else math.nan
    drifts = tuple(
        VariableDrift(
            name=variable.name,
            role=variable.role,
            rows=tally.rows,
            missing=tally.missing,
            invalid=tally.invalid,
            **_distances(
                variable, tally, policy, policy.critical(window, size, variable), ks_critical
            ),
            **_rates(variable, tally, chance),
        )
        for variable, tally in counts
    )
    return Comparison(baseline.model, baseline.version, predictions, drifts, counts)


def _distances(
    variable: Variable, tally: Tally, policy: Policy, critical: float, ks_critical: float
) -> dict[str, Any]:
    """Return the fields of `VariableDrift` on the statistics, and the verdict.

    Args:
        variable: Variable at training.
        tally: Its live counts.
        policy: Policy that judges.
        critical: Critical value of PSI, not yet scaled by the rows.
        ks_critical: Critical value of K-S, not yet scaled by the rows.
    """
    live, trained = tally.cells, variable.counts
    trained_rows = int(trained.sum())
    # Without rows, the smoothed fractions would still differ from training, but that is not drift.
    if not tally.rows or not trained_rows:
        names = ("psi", "kl", "js", "ks", "critical", "ks_critical")
        return {**dict.fromkeys(names, math.nan), "verdict": "insufficient"}
    psi = population_stability_index(live, trained)
    scale = 1 / trained_rows + 1 / tally.rows
    threshold = critical * scale
    ks = ks_threshold = math.nan
    if isinstance(variable, NumericVariable):
        ks = kolmogorov_smirnov(live, trained)
        ks_threshold = math.nan if math.isnan(critical) else ks_critical * math.sqrt(scale)
    return {
        "psi": psi,
        "kl": kullback_leibler(live, trained),
        "js": jensen_shannon(live, trained),
        "ks": ks,
        "critical": threshold,
        "ks_critical": ks_threshold,
        "verdict": policy.judge(psi, threshold, tally.rows, len(live), ks, ks_threshold),
    }


def _ratio(value: float, critical: float) -> float:
    return value / critical if critical else math.inf


def _rates(variable: Variable, tally: Tally, critical: float) -> dict[str, Any]:
    """Return the fields of `VariableDrift` on missing, unseen and invalid rows."""
    found = measure_rates(variable, tally)
    fields: dict[str, Any] = {"missing_difference": math.nan}
    for each in found:
        fields |= {f"{each.name}_difference": each.difference}
        fields |= {f"{each.name}_evidence": each.evidence}
    return {
        **fields,
        "unseen": int(tally.cells[-1]) if isinstance(variable, CategoryVariable) else 0,
        "rate_critical": critical,
        "changed_rates": tuple(each.name for each in found if each.changed(critical)),
    }
