"""Compares live counts with a baseline, variable by variable."""

from __future__ import annotations

import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.notebook import Html, notebook_table, number
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Role, Variable
from boxkite.drawing.shapes import bars
from boxkite.drawing.svg import picture
from boxkite.drift.allowance import Allowance, measure
from boxkite.drift.rates import measure_rates, rate_critical
from boxkite.drift.statistics import (
    jensen_shannon,
    kullback_leibler,
    population_stability_index,
)
from boxkite.drift.verdict import Policy, Verdict
from boxkite.variation import Variation

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
        scores: Score along each direction in which training varies by itself; empty if none was
            learnt. Their squares are a part of PSI, and `critical` has that part added.
        score_criticals: Critical value of each score's size.
        absent: Whether the compared table has no such column. Then the rate of missing rows counts
            as changed, however few rows there are.
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
    scores: tuple[float, ...] = ()
    score_criticals: tuple[float, ...] = ()
    absent: bool = False

    @property
    def has_changed(self) -> bool:
        """Whether the variable drifted or one of its rates changed."""
        return self.verdict == "drift" or bool(self.changed_rates)

    @property
    def rate_changes(self) -> tuple[str, ...]:
        """A sentence for each changed rate, with the rate and its value at training."""
        seen = max(self.rows + self.missing + self.invalid, 1)
        before = _percent(self.missing / seen - self.missing_difference)
        texts = {
            "missing": "the column is absent"
            if self.absent
            else f"{_percent(self.missing / seen)} of rows have no value",
            "unseen": f"{_percent(self.unseen_difference)} of rows have a category that training "
            f"never saw",
            "invalid": f"{_percent(self.invalid / seen)} of rows have an invalid value",
        }
        return tuple(
            f"{texts[rate]} ({before if rate == 'missing' else '0 %'} at training)"
            for rate in self.changed_rates
        )

    @property
    def above(self) -> tuple[str, ...]:
        """Statistics that exceed their critical value, whether they matter or not.

        They are called "PSI", "K-S", and "direction 1" to "direction 3". Empty if the verdict is
        `insufficient`.
        """
        if self.verdict == "insufficient":
            return ()
        pairs = {"PSI": (self.psi, self.critical), "K-S": (self.ks, self.ks_critical)}
        for i, pair in enumerate(zip(self.scores, self.score_criticals, strict=True), 1):
            pairs[f"direction {i}"] = (abs(pair[0]), pair[1])
        return tuple(name for name, (value, critical) in pairs.items() if value > critical)

    @property
    def multiple(self) -> float:
        """Distance from training as a multiple of the critical value; NaN if there is none.

        It is the greater of PSI ÷ its critical value and the square of (K-S ÷ its critical value).
        Without drift, both PSI and the square of K-S are proportional to 1/n + 1/m. So the two
        multiples are comparable, and grow at the same rate with more rows.
        """
        pairs = [(self.ks, self.ks_critical)]
        pairs += zip(self.scores, self.score_criticals, strict=True)
        ratios = [_ratio(self.psi, self.critical), *(_ratio(*each) ** 2 for each in pairs)]
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
        """`drift` if any variable drifted or has a changed rate, otherwise `ok` if any is ok.

        `insufficient` if there is not enough data for any verdict.
        """
        if any(each.has_changed for each in self.variables):
            return "drift"
        return "ok" if any(each.verdict == "ok" for each in self.variables) else "insufficient"

    @property
    def summary(self) -> str:
        """Number of variables by verdict: "3 drift, 2 changed rates, 4 ok, 1 not enough data"."""
        verdicts = Counter(
            "changed rates" if each.has_changed and each.verdict != "drift" else each.verdict
            for each in self.variables
        )
        rates = verdicts["changed rates"]
        parts = {
            "drift": verdicts["drift"],
            "changed rate" if rates == 1 else "changed rates": rates,
            "ok": verdicts["ok"],
            "not enough data": verdicts["insufficient"],
        }
        return ", ".join(f"{number} {name}" for name, number in parts.items() if number)

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
                for fields in (
                    {**asdict(each), "above": each.above, "rate_changes": each.rate_changes}
                    for each in self.variables
                )
            ],
            "summary": self.summary,
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
    window: str | None = None,
) -> Comparison:
    """Compare live counts with a baseline.

    Args:
        baseline: What the model was trained on.
        tallies: Live counts, one tally for each of `baseline.variables`, in that order.
        predictions: Number of rows counted.
        policy: False alarms to allow and smallest effect that matters; the default if None.
        window: Window of the policy that the rows come from. It decides the share of the false
            alarms, and the natural variation to allow for. None if the rows are not a window of
            time: the share of the policy's first window then applies, and rows count as
            independent.
    """
    policy = policy or Policy()
    counts = tuple(zip(baseline.variables, tallies, strict=True))
    size = len(counts)
    natural, window = window is not None, window or next(iter(policy.windows))
    chance = rate_critical(policy, size) if size else math.nan
    drifts = tuple(
        VariableDrift(
            name=variable.name,
            role=variable.role,
            rows=tally.rows,
            missing=tally.missing,
            invalid=tally.invalid,
            **_distances(
                variable,
                tally,
                policy,
                policy.allowance(window, size, variable, natural=natural),
                policy.natural_variation(window, variable) if natural else None,
            ),
            **_rates(variable, tally, chance),
        )
        for variable, tally in counts
    )
    return Comparison(baseline.model, baseline.version, predictions, drifts, counts)


def _distances(
    variable: Variable,
    tally: Tally,
    policy: Policy,
    allowance: Allowance,
    variation: Variation | None,
) -> dict[str, Any]:
    """Return the fields of `VariableDrift` on the statistics, and the verdict.

    Args:
        variable: Variable at training.
        tally: Its live counts.
        policy: Policy that judges.
        allowance: What chance and natural variation allow.
        variation: Natural variation that the allowance is for.
    """
    live, trained = tally.cells, variable.counts
    # Without rows, the smoothed fractions would still differ from training, but that is not drift.
    if not tally.rows or not trained.sum():
        names = ("psi", "kl", "js", "ks", "critical", "ks_critical")
        return {**dict.fromkeys(names, math.nan), "verdict": "insufficient"}
    ordered = isinstance(variable, NumericVariable)
    found = measure(live, trained, variation, ordered=ordered)
    psi = population_stability_index(live, trained)
    critical = allowance.rest_limit(found)
    if found.scores:  # The rest exceeds its limit if PSI exceeds this.
        critical += sum(score**2 for score in found.scores)
    ks_critical = allowance.distance_limit(found)
    score_criticals = tuple(math.sqrt(each) for each in allowance.score_limits(found))
    unusual = any(map(operator.gt, map(abs, found.scores), score_criticals))
    return {
        "psi": psi,
        "kl": kullback_leibler(live, trained),
        "js": jensen_shannon(live, trained),
        "ks": found.distance,
        "critical": critical,
        "ks_critical": ks_critical,
        "scores": found.scores,
        "score_criticals": score_criticals,
        "verdict": policy.judge(
            psi, critical, tally.rows, len(live), found.distance, ks_critical, unusual=unusual
        ),
    }


def _percent(fraction: float) -> str:
    # A difference of fractions can be off by one rounding, and "-0 %" would look wrong.
    return f"{100 * max(fraction, 0.0):.3g} %" if fraction > 1e-12 else "0 %"


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
