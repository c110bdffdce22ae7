"""The result for one variable: its statistics, its rates, its verdict, and all of them in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from boxkite.baseline.distribution import Role
from boxkite.drift.variable_policy import DEFAULT_FLOORS, Floors
from boxkite.drift.verdict import Severity, Verdict, severity_of

__all__ = ["DriftTest", "Status", "VariableDrift"]

Status: TypeAlias = Literal["insufficient", "ok", "drift", "changed rate"]


class DriftTest(NamedTuple):
    """A statistic and its threshold.

    Attributes:
        value: Value of the statistic; NaN if the variable has none of this name.
        threshold: Its critical value; NaN if it cannot judge this many rows.
    """

    value: float
    threshold: float = math.nan


@dataclass(frozen=True)
class VariableDrift:
    """Statistics and verdict of one variable.

    The verdict is `drift` if PSI, K-S, a score or the excess of one cell exceeds its critical
    value, and if the difference is large enough to matter. Statistics and critical values are NaN
    if the variable has no live or no training rows.

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
        ks: Kolmogorov-Smirnov distance; NaN for unordered categories.
        critical: Critical value of PSI: chance alone rarely exceeds it.
        verdict: `insufficient`, `ok` or `drift`.
        reason: Why there is not enough data, such as "41 rows, 100 needed". Empty if there is
            enough, and if the column is absent, because that counts as a changed rate.
        moved: Live fraction minus training fraction of the cell where they differ most. Both are
            smoothed, so that a few rows are not judged as a large difference.
        moved_rows: The same difference as counted, without smoothing.
        moved_cell: The cell of `moved` in words: "0", "values above 9", "'ATL'"; empty without
            rows.
        effect: What changed most, in words (`boxkite.drift.effect`); empty without rows.
        rows_needed: Live rows from which on all tests can judge the variable; 0 if training has too
            few rows for them.
        unseen: Live rows with a category that training never saw.
        outside: Live rows with a number below the minimum or above the maximum of training.
        unseen_difference: Fraction of unseen rows among `rows`; NaN for numbers.
        outside_difference: Fraction of outside rows among `rows`; NaN for categories.
        invalid_difference: Live fraction of invalid rows. Training has no invalid rows.
        missing_evidence: Evidence in nats that the fraction of missing rows differs from training;
            see `boxkite.drift.rates`.
        unseen_evidence: Evidence in nats that there are more unseen rows than expected without
            drift.
        outside_evidence: Evidence in nats that there are more outside rows than chance explains.
        invalid_evidence: Evidence in nats that there are more invalid rows than at training.
        rate_critical: Critical value of the four kinds of evidence.
        changed_rates: Names of the rates ("missing", "unseen", "outside", "invalid") whose evidence
            exceeds `rate_critical` and whose difference matters.
        ks_critical: Critical value of K-S; NaN for unordered categories.
        scores: Score along each direction of natural variation; empty if none was learnt. The
            squares are a part of PSI, so `critical` includes them.
        score_criticals: Critical value of the absolute value of each score.
        excess: Greatest deviation of one cell above training, outside the directions; NaN if
            natural variation is not known.
        excess_critical: Critical value of the excess.
        absent: Whether the compared table lacks this column. If so, the rate of missing rows counts
            as changed, however few rows there are.
        min_effect: Smallest PSI that matters.
        min_moved: Smallest fraction of moved rows that matters.
        min_rate: Smallest difference of a rate that matters.
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
    reason: str = ""
    moved: float = math.nan
    moved_rows: float = math.nan
    moved_cell: str = ""
    effect: str = ""
    rows_needed: int = 0
    unseen: int = 0
    outside: int = 0
    unseen_difference: float = math.nan
    outside_difference: float = math.nan
    invalid_difference: float = math.nan
    missing_evidence: float = math.nan
    unseen_evidence: float = math.nan
    outside_evidence: float = math.nan
    invalid_evidence: float = math.nan
    rate_critical: float = math.nan
    changed_rates: tuple[str, ...] = ()
    ks_critical: float = math.nan
    scores: tuple[float, ...] = ()
    score_criticals: tuple[float, ...] = ()
    excess: float = math.nan
    excess_critical: float = math.nan
    absent: bool = False
    min_effect: float = DEFAULT_FLOORS.effect
    min_moved: float = DEFAULT_FLOORS.moved
    min_rate: float = DEFAULT_FLOORS.rate

    @property
    def seen(self) -> int:
        """Live rows, with and without a valid value."""
        return self.rows + self.missing + self.invalid

    @property
    def has_changed(self) -> bool:
        """Whether the variable drifted or one of its rates changed."""
        return self.verdict == "drift" or bool(self.changed_rates)

    @property
    def status(self) -> Status:
        """The verdict, or `changed rate` if the variable did not drift but a rate changed."""
        return "changed rate" if self.changed_rates and self.verdict != "drift" else self.verdict

    @property
    def size(self) -> float:
        """Size of the difference as a multiple of the floor that it exceeds most; 0 without rows.

        It takes PSI, the moved rows, and the changed rates into account. Tables and pages sort by
        it.
        """
        floors = self._floors
        sizes = [abs(getattr(self, f"{rate}_difference")) for rate in self.changed_rates]
        multiples = [each / self.min_rate if self.min_rate else math.inf for each in sizes]
        if not math.isnan(self.psi) and self.verdict != "insufficient":
            multiples.append(floors.multiple(self.psi, abs(self.moved)))
        return max(multiples, default=0.0)

    @property
    def severities(self) -> dict[str, Severity]:
        """Severity of each change: of `drift`, and of each changed rate."""
        sizes = {
            rate: abs(getattr(self, f"{rate}_difference")) / (self.min_rate or math.nan)
            for rate in self.changed_rates
        }
        if self.verdict == "drift":
            sizes["drift"] = self._floors.multiple(self.psi, abs(self.moved))
        return {name: severity_of(size) for name, size in sizes.items()}

    @property
    def severity(self) -> Severity:
        """`critical` above five times the floor, otherwise `warning`; empty without a change."""
        return severity_of(self.size) if self.has_changed else ""

    @property
    def below_floor(self) -> str:
        """Remark on a difference that is more than chance but too small to matter, or empty."""
        if self.verdict != "ok" or not self.above:
            return ""
        if not self._floors.raises_alerts:
            return "more than chance explains, but the policy raises no alert for it"
        # The smoothed fraction is the one that is below the floor. The plain one may be above it.
        return (
            f"more than chance explains, but too small to matter: PSI {self.psi:.3g} is not above "
            f"{self.min_effect:g}, and {_percent(abs(self.moved))} of rows moved, less than "
            f"{_percent(self.min_moved)}"
        )

    @property
    def findings(self) -> tuple[str, ...]:
        """Drift, changed rates, the lack of data, and small changes, each in words."""
        drift = self.effect if self.verdict == "drift" else ""
        return tuple(filter(None, (drift, *self.rate_changes, self.reason, self.below_floor)))

    @property
    def rate_changes(self) -> tuple[str, ...]:
        """A sentence for each changed rate, with the rate and its value at training."""
        seen = max(self.seen, 1)
        before = _percent(self.missing / seen - self.missing_difference)
        absence = "the column is absent, so " if self.absent else ""
        texts = {
            "missing": f"{absence}{_percent(self.missing / seen)} of rows have no value",
            "unseen": f"{_percent(self.unseen_difference)} of rows have a category that training "
            f"never saw",
            "outside": f"{_percent(self.outside_difference)} of rows lie outside the range of "
            f"training",
            "invalid": f"{_percent(self.invalid / seen)} of rows have an invalid value",
        }
        return tuple(
            f"{texts[rate]} ({before if rate == 'missing' else '0 %'} at training)"
            for rate in self.changed_rates
        )

    @property
    def above(self) -> tuple[str, ...]:
        """Statistics that exceed their critical value, even if the difference does not matter.

        They are called "PSI", "K-S", "one cell", and "direction 1" to "direction 3". Empty if the
        verdict is `insufficient`.
        """
        if self.verdict == "insufficient":
            return ()
        return tuple(name for name, each in self.tests.items() if each.value > each.threshold)

    @property
    def tests(self) -> dict[str, DriftTest]:
        """Each statistic with its threshold, by the names of `above`.

        A threshold is NaN if the statistic cannot judge: K-S never exceeds 1, and the others need
        enough rows.
        """
        found = {"PSI": DriftTest(self.psi, self.critical)}
        found["one cell"] = DriftTest(self.excess, self.excess_critical)
        for i, pair in enumerate(zip(self.scores, self.score_criticals, strict=True), 1):
            found[f"direction {i}"] = DriftTest(abs(pair[0]), pair[1])
        if self.rows < self.rows_needed:
            found = {name: DriftTest(each.value) for name, each in found.items()}
        ks_threshold = self.ks_critical if self.ks_critical < 1 else math.nan
        return {"PSI": found.pop("PSI"), "K-S": DriftTest(self.ks, ks_threshold), **found}

    @property
    def multiple(self) -> float:
        """Distance from training as a multiple of the critical value; NaN if there is none.

        It is the greatest of PSI ÷ its critical value and the squares of (K-S ÷ its critical
        value), of scores and of the excess. Without drift, all of these are proportional to
        1/n + 1/m. So the multiples are comparable, and grow at the same rate with more rows.
        """
        pairs = [(self.ks, self.ks_critical), (self.excess, self.excess_critical)]
        pairs += zip(self.scores, self.score_criticals, strict=True)
        ratios = [_ratio(self.psi, self.critical), *(_ratio(*each) ** 2 for each in pairs)]
        return max((each for each in ratios if each == each), default=math.nan)

    @property
    def order(self) -> tuple[bool, float, float]:
        """Key that sorts changes first, then by size, then by how unlikely chance is."""
        unlikely = 0.0 if math.isnan(self.multiple) else self.multiple
        return not self.has_changed, -self.size, -unlikely

    @property
    def _floors(self) -> Floors:
        return Floors(self.min_effect, self.min_moved, self.min_rate)


def _percent(fraction: float) -> str:
    # A difference of fractions can be off by one rounding, and "-0 %" would look wrong.
    return f"{100 * max(fraction, 0.0):.3g} %" if fraction > 1e-12 else "0 %"


def _ratio(value: float, critical: float) -> float:
    return value / critical if critical else math.inf
