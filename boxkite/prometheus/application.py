"""The metrics that the application itself has in prometheus-client's registry."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["application_registry"]


def application_registry(registry: CollectorRegistry | None) -> CollectorRegistry | None:
    """Return the registry whose metrics go into the same answer.

    With `PROMETHEUS_MULTIPROC_DIR` set, prometheus-client keeps the default registry's metrics in
    files of all processes: then those are read in its place.

    Args:
        registry: that was chosen; None for none.
    """
    if registry is not REGISTRY or "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return registry
    of_all_processes = CollectorRegistry()
    MultiProcessCollector(of_all_processes)  # type: ignore[no-untyped-call]
    return of_all_processes
