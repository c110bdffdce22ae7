"""The groups of one window: its recorded series and its alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.drift.rates import EVALUATIONS_A_MONTH, EXPECTED_OUTSIDE, rate_critical
from boxkite.prometheus.rules.alert_conditions import Level, alert_conditions
from boxkite.prometheus.rules.annotations import window_texts
from boxkite.prometheus.rules.counting import counts_of, is_summed
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.expressions import evidence, scaled
from boxkite.prometheus.rules.floors import size_expressions
from boxkite.prometheus.rules.natural_variation import variation_expressions
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.prometheus.rules.thresholds import exported_quantile, ks_quantile, psi_quantile

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
        """Return the group of recorded series that verdicts need."""
        rows = self._series("variable:boxkite_live_rows:sum")
        steps = (
            ",\n  # and boxkite-5m, whose last step may be 5m old" if is_summed(self.window) else ""
        )
        return self._rendered(
            "window.yaml",
            reads_steps=steps,
            enough_rows=rows,
            least_rows_a_cell=format_float(self.policy.min_rows_a_cell),
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
            **self._thresholds(),
            **self._evidence(rows),
        )

    def details(self) -> str:
        """Return the group of recorded series that no verdict needs."""
        return self._rendered(
            "window_details.yaml",
            rate_critical_of_one_variable=format_float(self._rate_critical_of_one_variable()),
            **size_expressions(self.window),
        )

    def alerts(self) -> list[str]:
        """Return a group of alerts for each severity, empty if the options leave all of them out.

        Without natural variation, a short window would take mornings for drift. So it raises alerts
        on rates alone, and the longest window judges drift.
        """
        is_longest = self.window == max(self.policy.windows, key=parse_duration)
        varying_as = None if is_longest else self._source
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

    @property
    def _source(self) -> str:
        """The window of the services whose policy and natural variation is used."""
        return self.window if self.exported is None else self.exported[0]

    def _exceeds(self, statistic: str) -> str:
        series = self._series(f"variable:boxkite_drift:{statistic}")
        critical = self._series(f"variable:boxkite_drift:{statistic}_critical")
        return f"({series} > bool {critical})"

    def _series(self, name: str, rate: str | None = None) -> str:
        matchers = f'window="{self.window}"' + (f', rate="{rate}"' if rate else "")
        return f"{name}{{{matchers}}}"

    def _thresholds(self) -> dict[str, str]:
        """Return what chance and natural variation explain."""
        if self.exported is None:
            share = self.policy.share_of_all(self.window)
            quantile = psi_quantile(self.window, self.policy)
        else:
            source, share = self.exported
            quantile = exported_quantile(source)
        return {
            "quantile": quantile,
            **variation_expressions(self.window, self._source, share, ks_quantile(share)),
        }

    def _rate_critical_of_one_variable(self) -> float:
        evaluations = max(EVALUATIONS_A_MONTH, _MONTH / self.options.seconds_between(self.window))
        # The rules multiply by the design effect.
        return rate_critical(replace(self.policy, design_effect=1.0), 1, evaluations)

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
