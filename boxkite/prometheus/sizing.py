"""What a fleet costs Prometheus: series, samples per second and processor time."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_series import PAIRED, WITHDRAWN, PairSeries
from boxkite.baseline.text_writer import Family
from boxkite.drift import Policy
from boxkite.error_reporter import STAGES
from boxkite.live.outcomes.joined_outcomes import JoinedOutcomes
from boxkite.prometheus.outcome_exposition import OutcomeExposition
from boxkite.prometheus.policy_series import PolicySeries
from boxkite.prometheus.recorded_series import (
    OF_ROWS,
    Recorded,
    amounts_of,
    counters_of,
    of_outcomes,
    of_variable,
    of_variation,
)
from boxkite.prometheus.rules.counting import is_summed
from boxkite.prometheus.rules.durations import parse_duration
from boxkite.prometheus.rules.quality_groups import QUALITY_WINDOWS
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.quality import QualityPolicy
from boxkite.variation import Variation

__all__ = ["Fleet", "Size"]

_LOG_SERIES = 4
_STEP_SECONDS = 300

# Measured by benchmarks/rules.py with 50 replicas and one variable of 20 bins, on Prometheus 2.42.
# A window reads each counter about three times in an evaluation, and a step about ten times.
_READS_A_WINDOW, _READS_A_STEP = 3.3, 10.2
_SECONDS_A_WINDOW_SAMPLE, _SECONDS_A_STEP_SAMPLE = 125e-9, 450e-9
_SECONDS_A_RECORDED_SAMPLE = 6e-6


@dataclass(frozen=True)
class Size:
    """What a fleet costs Prometheus.

    Attributes:
        series_a_replica: Series that one replica exports.
        exported: Series that all targets export.
        recorded: Series that the rules record, with one environment.
        samples_a_second: Samples that Prometheus stores in a second.
        processor_share: Share of one processor core that the rules take.
    """

    series_a_replica: int
    exported: int
    recorded: int
    samples_a_second: float
    processor_share: float


@dataclass(frozen=True)
class Fleet:
    """Replicas that serve one baseline.

    Attributes:
        baseline: What they serve.
        replicas: Number of replicas.
        windows: The windows of the rules on drift. The services are assumed to use the same ones.
        scrape_interval: Seconds between two scrapes of a target.
        quality_windows: The windows of the rules on quality, with the same assumption.
        takes_labels: Whether the services have the setting `OUTCOME_TTL`, if the baseline was
            fitted with outcomes.
    """

    baseline: Baseline
    replicas: int
    windows: Sequence[str] = ("1h", "1d")
    scrape_interval: float = 15.0
    quality_windows: Sequence[str] = QUALITY_WINDOWS
    takes_labels: bool = True

    def size(self, *, export_baseline: bool = True) -> Size:
        """Return the cost of the fleet.

        Args:
            export_baseline: Whether each replica exports the baseline, or one further target does
                so for all.
        """
        families = [*self.baseline.families(), *self.baseline.variation_families(self.windows)]
        of_baseline = _series(families)
        a_replica = self._live_series + of_baseline * export_baseline
        exported = self.replicas * a_replica + of_baseline * (not export_baseline)
        recorded, recorded_a_second = self._recorded
        return Size(
            series_a_replica=a_replica,
            exported=exported,
            recorded=recorded,
            samples_a_second=exported / self.scrape_interval + recorded_a_second,
            processor_share=self._counting_share + recorded_a_second * _SECONDS_A_RECORDED_SAMPLE,
        )

    @cached_property
    def _policy(self) -> Policy:
        """The default policy with the windows of the rules."""
        drift, quality = (
            {window: parse_duration(window) / 3600 for window in windows}
            for windows in (self.windows, self.quality_windows)
        )
        return Policy(windows=drift, quality=QualityPolicy(windows=quality))

    @cached_property
    def _live_series(self) -> int:
        """The number of series of one replica, without the baseline's."""
        variables = self.baseline.counted_variables
        # A histogram has a sum and a count too.
        counters = sum(counters_of(each) + 2 * each.is_ordered for each in variables)
        judged = sum(not self._policy.too_few_at_training(each) for each in variables)
        natural = sum(amounts_of(each) for _, each in self._variations())
        policy = _series(PolicySeries(self.baseline, self._policy).constant)
        predictions = 1
        return (
            counters
            + len(self.windows) * judged
            + natural
            + policy
            + predictions
            + len(STAGES)
            + _LOG_SERIES
            + self._label_series
        )

    @property
    def has_labels(self) -> bool:
        """Whether labels arrive in the services, and the baseline can judge them."""
        return self.takes_labels and self.baseline.outcomes is not None

    @property
    def _label_series(self) -> int:
        if not self.has_labels:
            return 0
        return _series(OutcomeExposition(self.baseline).families(JoinedOutcomes()))

    @property
    def _pairs(self) -> int:
        """The number of counters of labels that the rules read."""
        if not self.has_labels:
            return 0
        layouts = self.baseline.outcomes_by_segment
        return sum(
            _series(PairSeries(prefix, layouts, {}, "_total").families(layouts))
            for prefix in (PAIRED, WITHDRAWN)
        )

    @property
    def _has_steps(self) -> bool:
        """Whether the rules record steps, because a window is a sum of them."""
        return bool(self.quality_windows) or any(map(is_summed, self.windows))

    def _variations(self) -> Iterator[tuple[str, Variation]]:
        """Yield the natural variation of each variable and window that is known."""
        for variable in self.baseline.counted_variables:
            for window in self.windows:
                if window in variable.variation:
                    yield window, variable.variation[window]

    @cached_property
    def _recorded(self) -> tuple[int, float]:
        """The number of recorded series, and of samples that they get in a second."""
        parts = 1 + len(self.baseline.segment_labels)
        drift = _sum([*map(of_variable, self.baseline.counted_variables), *[OF_ROWS] * parts])
        quality = _sum(map(of_outcomes, self.baseline.outcomes_by_segment.values()))
        series, a_second = _evaluated(drift, self.windows, steps=self._has_steps)
        options = RuleOptions()
        for window, variation in self._variations():
            series += of_variation(variation)
            a_second += of_variation(variation) / options.seconds_between(window)
        if not self.quality_windows:
            return series, a_second
        if not self.has_labels:
            # Without labels, the rules still record quality at training and the policy.
            quality = Recorded(quality.once)
        more, more_a_second = _evaluated(quality, self.quality_windows, steps=True)
        return series + more, a_second + more_a_second

    @property
    def _counting_share(self) -> float:
        """The share of a processor that reading the counters takes."""
        options = RuleOptions()
        counters = self.replicas * sum(map(counters_of, self.baseline.counted_variables))
        share = 0.0
        for window in self.windows:
            if not is_summed(window):
                samples = counters * parse_duration(window) / self.scrape_interval
                seconds = samples * _READS_A_WINDOW * _SECONDS_A_WINDOW_SAMPLE
                share += seconds / options.seconds_between(window)
        in_steps = counters * self._has_steps
        in_steps += self._pairs * self.replicas * bool(self.quality_windows)
        samples = in_steps * _STEP_SECONDS / self.scrape_interval
        return share + samples * _READS_A_STEP * _SECONDS_A_STEP_SAMPLE / _STEP_SECONDS


def _series(families: Sequence[Family]) -> int:
    return sum(len(family.series) for family in families)


def _sum(recorded: Iterable[Recorded]) -> Recorded:
    return functools.reduce(Recorded.plus, recorded, Recorded())


def _evaluated(recorded: Recorded, windows: Sequence[str], *, steps: bool) -> tuple[int, float]:
    """Return the number of series that some windows record, and of samples in a second.

    Args:
        recorded: Number of series by how often they are evaluated.
        windows: Windows of the rules.
        steps: Whether the rules record steps.
    """
    options = RuleOptions()
    intervals = [options.seconds_between(window) for window in windows]
    step = recorded.step * steps
    series = recorded.once + len(windows) * recorded.window + step
    a_second = (
        recorded.once / min(intervals)
        + sum(recorded.window / every for every in intervals)
        + step / _STEP_SECONDS
    )
    return series, a_second
