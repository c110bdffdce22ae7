"""Writes the metrics of collectors as text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics

__all__ = ["MetricEncoder"]


class MetricEncoder:
    """Encodes the metrics of collectors.

    If `PROMETHEUS_MULTIPROC_DIR` is set, the application's metrics of all processes come first.

    Args:
        collectors: objects with a method `collect`.
    """

    PROMETHEUS = staticmethod(generate_latest)
    OPEN_METRICS = staticmethod(openmetrics.generate_latest)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportUnknownArgumentType]

    def __init__(self, collectors: Iterable[Any]) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        multiprocess = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        # The multiprocess collector already has the metrics of this process, so registering these
        # again would show them twice.
        if multiprocess:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        for each in collectors:
            if not (multiprocess and isinstance(each, MetricWrapperBase)):
                self._registry.register(each)

    def as_text(
        self,
        names: Iterable[str] | None = None,
        encoder: Callable[[Any], bytes] | None = None,
    ) -> bytes:
        """Return the metrics as text.

        Args:
            names: names of the samples to show. By default all are shown.
            encoder: `PROMETHEUS` (the default) or `OPEN_METRICS`.
        """
        chosen = self._registry.restricted_registry(names) if names else self._registry
        return (encoder or generate_latest)(chosen)

    def as_http(
        self,
        params: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, str]:
        """Return the body and the content type of an HTTP response.

        Args:
            params: query parameters of the request. `name[]` selects the samples to show.
            headers: headers of the request. `Accept` selects the format.
        """
        encoder, content_type = choose_encoder((headers or {}).get("Accept", ""))
        return self.as_text((params or {}).get("name[]"), encoder), content_type
