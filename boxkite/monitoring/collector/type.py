"""What a collector is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client import registry as prometheus_registry

__all__ = ["Collector"]


class Collector(prometheus_registry.Collector):
    """A source of metrics; inherit from it to bring a baseline from elsewhere.

    It may also be registered in a `CollectorRegistry` of prometheus-client.
    """

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        raise NotImplementedError
