"""What a fleet costs Prometheus: series, samples per second and processor time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.drift import Policy
from boxkite.error_reporter import STAGES
from boxkite.prometheus.rules.counting import is_summed
from boxkite.prometheus.rules.durations import parse_duration
from boxkite.prometheus.rules.rule_options import RuleOptions
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
        windows: The windows of the rules, which are taken to be those of the services.
        scrape_interval: Seconds between two scrapes of a target.
    """

    baseline: Baseline
    replicas: int
    windows: Sequence[str] = ("1h", "1d")
    scrape_interval: float = 15.0

    def size(self, *, export_baseline: bool = True) -> Size:
        """Return the cost of the fleet.

        Args:
            export_baseline: Whether each replica exports the baseline, or one further target does
                so for all.
        """
        families = [*self.baseline.families(), *self.baseline.variation_families(self.windows)]
        of_baseline = sum(len(family.series) for family in families)
        live = self._live_series()
        a_replica = live + of_baseline * export_baseline
        exported = self.replicas * a_replica + of_baseline * (not export_baseline)
        once, of_window, of_step = (
            sum(count(each) for each in self.baseline.counted_variables)
            for count in (_recorded_once, _recorded_of_window, _recorded_of_step)
        )
        natural = self._recorded_of_variation()
        options = RuleOptions()
        intervals = {window: options.seconds_between(window) for window in self.windows}
        summed = [window for window in self.windows if is_summed(window)]
        recorded_a_second = once / min(intervals.values()) + sum(
            (of_window + natural[window]) / every for window, every in intervals.items()
        )
        if summed:
            recorded_a_second += of_step / _STEP_SECONDS
        return Size(
            series_a_replica=a_replica,
            exported=exported,
            recorded=once
            + of_window * len(self.windows)
            + sum(natural.values())
            + of_step * bool(summed),
            samples_a_second=exported / self.scrape_interval + recorded_a_second,
            processor_share=self._counting_share() + recorded_a_second * _SECONDS_A_RECORDED_SAMPLE,
        )

    def _live_series(self) -> int:
        """Return the number of series of one replica, without the baseline's."""
        windows = len(self.windows)
        of_variables = sum(
            _counters(each) + 2 * each.is_ordered + 1 + windows * _is_judged(each)
            for each in self.baseline.counted_variables
        )
        natural = sum(_amounts(each) for _, each in self._variations())
        shares = windows * (1 + len(self.baseline.segment_labels))
        return of_variables + natural + shares + 2 + len(STAGES) + _LOG_SERIES

    def _variations(self) -> Iterator[tuple[str, Variation]]:
        """Yield the natural variation of each variable and window that is known."""
        for variable in self.baseline.counted_variables:
            for window in self.windows:
                if window in variable.variation:
                    yield window, variable.variation[window]

    def _recorded_of_variation(self) -> dict[str, int]:
        """Return the series that natural variation adds, by window."""
        recorded = dict.fromkeys(self.windows, 0)
        for window, each in self._variations():
            directions, cells = each.directions.shape
            # Once: the rows of a window and the weights. In each environment: the variation as it
            # is exported and for the rows of the window, the scores, the excess, their thresholds,
            # and the deviation of each cell.
            recorded[window] += 1 + directions * cells + 2 * _amounts(each) + 2 * directions
            recorded[window] += cells + 2
        return recorded

    def _counting_share(self) -> float:
        """Return the share of a processor that reading the counters takes."""
        counters = self.replicas * sum(_counters(each) for each in self.baseline.counted_variables)
        options = RuleOptions()
        share = 0.0
        for window in self.windows:
            if not is_summed(window):
                samples = counters * parse_duration(window) / self.scrape_interval
                seconds = samples * _READS_A_WINDOW * _SECONDS_A_WINDOW_SAMPLE
                share += seconds / options.seconds_between(window)
        if any(map(is_summed, self.windows)):
            samples = counters * _STEP_SECONDS / self.scrape_interval
            share += samples * _READS_A_STEP * _SECONDS_A_STEP_SAMPLE / _STEP_SECONDS
        return share


def _amounts(variation: Variation) -> int:
    """Return the amounts of natural variation: one a direction, of the rest, K-S and a cell."""
    amounts = (*variation.along, variation.rest, variation.distance, variation.excess)
    return sum(each is not None for each in amounts)


def _counters(variable: Variable) -> int:
    """Return the counters of a variable that the rules read: its cells and its rates."""
    rates = 3 if isinstance(variable, NumericVariable) else 2  # missing, invalid, and outside
    return len(variable.counts) + _buckets_beside_cells(variable) + rates


def _is_judged(variable: Variable) -> bool:
    """Return whether PSI judges the variable, so that it has a critical value in each window."""
    return not Policy().too_few_at_training(variable)


def _buckets_beside_cells(variable: Variable) -> int:
    """Return the buckets of ordered categories. The cells of a number are its buckets."""
    is_both = variable.is_ordered and isinstance(variable, CategoryVariable)
    return len(variable.counts) if is_both else 0


def _recorded_once(variable: Variable) -> int:
    cells = len(variable.counts)
    unseen = isinstance(variable, CategoryVariable)
    return (3 if variable.is_ordered else 2) * cells + 7 + unseen


def _recorded_of_window(variable: Variable) -> int:
    """Return the series of one window, with the threshold that is recorded once for each."""
    cells = len(variable.counts)
    return (3 * cells + 22 if variable.is_ordered else 2 * cells + 20) + 1


def _recorded_of_step(variable: Variable) -> int:
    return _counters(variable)
