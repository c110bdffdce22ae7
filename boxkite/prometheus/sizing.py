"""What a fleet costs Prometheus: series, samples per second and processor time."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
from boxkite.system.cached_property import cached_property
from boxkite.variation import Variation

__all__ = ["Fleet", "Size"]

_LOG_SERIES = 4
_STEP_SECONDS = 300

# Fitted to what benchmarks/fleet.py measured with Prometheus 2.42. A window reads each counter
# about three times in an evaluation, and a step about ten times.
_READS_A_WINDOW, _READS_A_STEP = 3.3, 10.2
_SECONDS_A_WINDOW_SAMPLE, _SECONDS_A_STEP_SAMPLE = 150e-9, 450e-9
# A window of a day or a week is a sum of recorded steps.
_SECONDS_A_SUMMED_STEP = 600e-9
_SECONDS_A_RECORDED_SAMPLE = 80e-6
# The rules take this even if nothing exports a series that they read.
_SHARE_OF_NO_FLEET = 0.002


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
        recorded = self._recorded
        return Size(
            series_a_replica=a_replica,
            exported=exported,
            recorded=recorded.series,
            samples_a_second=exported / self.scrape_interval + recorded.samples_a_second,
            processor_share=_SHARE_OF_NO_FLEET + self._counting_share + recorded.processor_share,
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
    def _recorded(self) -> _Evaluated:
        """What the rules record, and what that costs."""
        parts = 1 + len(self.baseline.segment_labels)
        drift = _sum([*map(of_variable, self.baseline.counted_variables), *[OF_ROWS] * parts])
        found = _evaluated(drift, self.windows, steps=self._has_steps)
        options = RuleOptions()
        for window, variation in self._variations():
            series = of_variation(variation)
            found = found.plus(_Evaluated(series, series / options.seconds_between(window)))
        if not self.quality_windows:
            return found
        quality = _sum(map(of_outcomes, self.baseline.outcomes_by_segment.values()))
        if not self.has_labels:
            # Without labels, the rules still record quality at training and the policy.
            quality = Recorded(quality.once)
        return found.plus(_evaluated(quality, self.quality_windows, steps=True))

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


class _Evaluated(NamedTuple):
    """What the rules record for some windows.

    Attributes:
        series: Number of recorded series.
        samples_a_second: Samples that they get in a second.
        summed_a_second: Samples of steps that the windows add up in a second.
    """

    series: int
    samples_a_second: float
    summed_a_second: float = 0.0

    @property
    def processor_share(self) -> float:
        """The share of a processor that recording and adding up take."""
        recording = self.samples_a_second * _SECONDS_A_RECORDED_SAMPLE
        return recording + self.summed_a_second * _SECONDS_A_SUMMED_STEP

    def plus(self, other: _Evaluated) -> _Evaluated:
        """Return the sum of both."""
        return _Evaluated(
            self.series + other.series,
            self.samples_a_second + other.samples_a_second,
            self.summed_a_second + other.summed_a_second,
        )


def _evaluated(recorded: Recorded, windows: Sequence[str], *, steps: bool) -> _Evaluated:
    """Return what the rules record for some windows.

    Args:
        recorded: Number of series by how often they are evaluated.
        windows: Windows of the rules.
        steps: Whether the rules record steps.
    """
    options = RuleOptions()
    intervals = {window: options.seconds_between(window) for window in windows}
    step = recorded.step * steps
    return _Evaluated(
        recorded.once + len(windows) * recorded.window + step,
        recorded.once / min(intervals.values())
        + sum(recorded.window / every for every in intervals.values())
        + step / _STEP_SECONDS,
        sum(
            step * parse_duration(window) / _STEP_SECONDS / every
            for window, every in intervals.items()
            if is_summed(window)
        ),
    )
