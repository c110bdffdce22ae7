"""The application's own metrics, from prometheus-client's registry."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["ChosenMetrics", "application_registry"]


def application_registry(registry: CollectorRegistry | None) -> CollectorRegistry | None:
    """Return the registry whose metrics appear beside boxkite's series.

    If `PROMETHEUS_MULTIPROC_DIR` is set, prometheus-client keeps the metrics of all processes in
    files. In that case the files are read in place of the default registry.

    Args:
        registry: The chosen registry; None for none.
    """
    if registry is not REGISTRY or "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return registry
    of_all_processes = CollectorRegistry()
    MultiProcessCollector(of_all_processes)  # type: ignore[no-untyped-call]
    return of_all_processes


class ChosenMetrics(Collector):
    """Collects only the samples of a registry that a scrape asks for.

    Args:
        registry: All metrics.
        names: Names of the samples or metrics to keep.
    """

    def __init__(self, registry: CollectorRegistry, names: Collection[str]) -> None:
        self._registry = registry
        self._names = names

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics with the chosen samples."""
        for metric in self._registry.collect():
            whole = metric.name in self._names
            samples = [each for each in metric.samples if whole or each.name in self._names]
            if samples:
                chosen = Metric(metric.name, metric.documentation, metric.type, metric.unit)
                chosen.samples = samples
                yield chosen
