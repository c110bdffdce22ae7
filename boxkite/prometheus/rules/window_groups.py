"""The groups of rules for one window: its recorded series and its alerts."""

from __future__ import annotations

from dataclasses import dataclass

from boxkite.drift.rates import EVALUATIONS_A_MONTH, EXPECTED_OUTSIDE
from boxkite.prometheus.rules.alert_conditions import Level, alert_conditions
from boxkite.prometheus.rules.annotations import window_texts
from boxkite.prometheus.rules.counting import counts_of, is_summed
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.expressions import evidence, scaled
from boxkite.prometheus.rules.floors import size_expressions
from boxkite.prometheus.rules.natural_variation import variation_expressions
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.prometheus.rules.thresholds import psi_quantile, rate_threshold

__all__ = ["WindowGroups"]

_MONTH = 30 * 86_400


@dataclass(frozen=True)
class WindowGroups:
    """The groups of rules on one window.

    Attributes:
        window: How far back to look.
        source: The window of the services whose policy is used; usually the same.
        is_longest: Whether no other window of the rules is longer.
        options: Everything that does not change a verdict.
        baseline_interval: Time between two evaluations of the group that this one reads.
    """

    window: str
    source: str
    is_longest: bool
    options: RuleOptions
    baseline_interval: str

    def records(self) -> str:
        """Return the group of recorded series that verdicts need."""
        rows = self._series("variable:boxkite_live_rows:sum")
        steps = ""
        if is_summed(self.window):
            steps = ",\n  # and boxkite-steps, whose last step may be 5m old"
        return self._rendered(
            "window.yaml",
            reads_steps=steps,
            ks_exceeds=self._exceeds("ks"),
            score_exceeds=(
                "max by (@live) (abs("
                + self._series("variable:boxkite_drift:score")
                + ") > bool "
                + self._series("variable:boxkite_drift:score_critical")
                + ")"
            ),
            **counts_of(self.window),
            **size_expressions(self.window),
            quantile=psi_quantile(self.source),
            **variation_expressions(self.window, self.source),
            **self._evidence(rows),
        )

    def details(self) -> str:
        """Return the group of recorded series that no verdict needs."""
        return self._rendered(
            "window_details.yaml",
            rate_threshold=rate_threshold(self.source, self._evaluations_a_month()),
            **size_expressions(self.window),
            **variation_expressions(self.window, self.source),
        )

    def alerts(self) -> list[str]:
        """Return a group of alerts for each severity; empty if the options leave out all alerts.

        Without natural variation, a short window would take mornings for drift. So it raises alerts
        on rates alone, and the longest window judges drift.
        """
        varying_as = None if self.is_longest else self.source
        levels: tuple[Level, ...] = ("warning", "critical")
        return [
            self._rendered(
                "window_alerts.yaml",
                level=level,
                pending=format_duration(max(1, parse_duration(self.window) // 10)),
                **alert_conditions(self.window, level, varying_as=varying_as),
                **window_texts(self.window, self.options.environment),
            )
            for level in levels
        ]

    def _rendered(self, file: str, **values: str) -> str:
        return render_group(
            file,
            self.options,
            window=self.window,
            interval=format_duration(self.options.seconds_between(self.window)),
            baseline_interval=self.baseline_interval,
            p=self._series("cell:boxkite_live_rows:fraction"),
            q="cell:boxkite_training_rows:fraction",
            **values,
        )

    def _exceeds(self, statistic: str) -> str:
        series = self._series(f"variable:boxkite_drift:{statistic}")
        critical = self._series(f"variable:boxkite_drift:{statistic}_critical")
        return f"({series} > bool {critical})"

    def _series(self, name: str, rate: str | None = None) -> str:
        matchers = f'window="{self.window}"' + (f', rate="{rate}"' if rate else "")
        return f"{name}{{{matchers}}}"

    def _evaluations_a_month(self) -> float:
        return max(EVALUATIONS_A_MONTH, _MONTH / self.options.seconds_between(self.window))

    def _evidence(self, rows: str) -> dict[str, str]:
        all_rows = self._series("variable:boxkite_live_all_rows:sum")
        trained = "variable:boxkite_training_rows:sum"
        all_trained = "variable:boxkite_training_all_rows:sum"
        missing, invalid, unseen, outside = (
            self._series("variable:boxkite_rate_rows:increase", rate)
            for rate in ("missing", "invalid", "unseen", "outside")
        )
        return {
            "missing_evidence": evidence(
                missing, all_rows, "variable:boxkite_training_missing:max", all_trained
            ),
            "invalid_evidence": evidence(invalid, all_rows, f"(0 * {all_trained})", all_trained),
            "outside": outside,
            "outside_evidence": evidence(
                outside, rows, f"(0 * {trained} + {EXPECTED_OUTSIDE})", trained
            ),
            "unseen": unseen,
            "unseen_evidence": evidence(
                scaled(unseen, rows, trained),
                scaled(rows, rows, trained),
                "variable:boxkite_training_unseen:sum",
                trained,
            ),
        }
