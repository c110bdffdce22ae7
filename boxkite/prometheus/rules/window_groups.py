"""The groups of one window: its recorded series and its alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.rates import EVALUATIONS_A_MONTH, rate_critical
from boxkite.prometheus.rules.annotations import window_texts
from boxkite.prometheus.rules.counting import counts_of, is_summed
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.expressions import evidence, scaled
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.prometheus.rules.thresholds import (
    at_design_effect,
    design_effect,
    exported_quantile,
    ks_quantile,
    psi_quantile,
)

__all__ = ["WindowGroups"]

_MONTH = 30 * 86_400


@dataclass(frozen=True)
class WindowGroups:
    """The groups of rules on one window.

    Attributes:
        window: A window of the policy.
        policy: The policy that the rules keep to.
        options: Everything that does not change a verdict.
        baseline_interval: Time between two evaluations of the group that this one reads.
        exported: Another window, whose exported quantile is used as it is, and its share of the
            false alarms; None for the quantile that suits the policy.
    """

    window: str
    policy: Policy
    options: RuleOptions
    baseline_interval: str
    exported: tuple[str, float] | None = None

    def records(self) -> str:
        """Return the group of recorded series."""
        rows = self._series("variable:boxkite_live_rows:sum")
        steps = (
            ",\n  # and boxkite-5m, whose last step may be 5m old" if is_summed(self.window) else ""
        )
        return render_group(
            "window.yaml",
            self.options,
            window=self.window,
            interval=format_duration(self.options.seconds_between(self.window)),
            baseline_interval=self.baseline_interval,
            reads_steps=steps,
            enough_rows=at_design_effect(rows, self.policy, "/"),
            least_rows_a_cell=format_float(self.policy.min_rows_a_cell),
            design_effect=design_effect(self.policy),
            rate_critical_of_one_variable=format_float(self._rate_critical_of_one_variable()),
            p=self._series("cell:boxkite_live_rows:fraction"),
            q="cell:boxkite_training_rows:fraction",
            **counts_of(self.window),
            **self._quantiles(),
            **self._evidence(rows),
        )

    def alerts(self) -> str:
        """Return the group of alerts, which is empty if the options leave all of them out."""
        seconds = parse_duration(self.window)
        return render_group(
            "window_alerts.yaml",
            self.options,
            window=self.window,
            interval=format_duration(self.options.seconds_between(self.window)),
            pending=format_duration(max(1, seconds // 10)),
            min_rate=format_float(self.policy.min_rate),
            **window_texts(self.window, self.options.environment),
        )

    def _series(self, name: str, rate: str | None = None) -> str:
        matchers = f'window="{self.window}"' + (f', rate="{rate}"' if rate else "")
        return f"{name}{{{matchers}}}"

    def _quantiles(self) -> dict[str, str]:
        if self.exported is None:
            share = self.policy.share_of_all(self.window)
            quantile = psi_quantile(self.window, self.policy)
        else:
            source, share = self.exported
            quantile = exported_quantile(source)
        return {
            "quantile": at_design_effect(quantile, self.policy),
            "ks_quantile": ks_quantile(share, self.policy),
        }

    def _rate_critical_of_one_variable(self) -> float:
        evaluations = max(EVALUATIONS_A_MONTH, _MONTH / self.options.seconds_between(self.window))
        # The rules multiply by the services' own design effect.
        return rate_critical(replace(self.policy, design_effect=1.0), 1, evaluations)

    def _evidence(self, rows: str) -> dict[str, str]:
        all_rows = self._series("variable:boxkite_live_all_rows:sum")
        trained = "variable:boxkite_training_rows:sum"
        all_trained = "variable:boxkite_training_all_rows:sum"
        missing, invalid, unseen = (
            self._series("variable:boxkite_rate_rows:increase", rate)
            for rate in ("missing", "invalid", "unseen")
        )
        return {
            "missing_evidence": evidence(
                missing, all_rows, "variable:boxkite_training_missing:max", all_trained
            ),
            "invalid_evidence": evidence(invalid, all_rows, f"(0 * {all_trained})", all_trained),
            "unseen": unseen,
            "unseen_evidence": evidence(
                scaled(unseen, rows, trained),
                scaled(rows, rows, trained),
                "variable:boxkite_training_unseen:sum",
                trained,
            ),
        }
