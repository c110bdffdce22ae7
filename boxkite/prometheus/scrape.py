"""Answers scrapes: `Accept` chooses the format, `Accept-Encoding` gzip, `name[]` the series."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import Family, render_parts
from boxkite.prometheus.application import ChosenMetrics
from boxkite.prometheus.sharing import SharedWork
from boxkite.system.cooperation import cooperatively

__all__ = ["Exposition", "ModelSeries", "Scrape", "Scraper", "joined"]

_GZIP_LEVEL = 1
_MIN_GZIP_BYTES = 1024


class Exposition(Protocol):
    """A form in which counts are shown as series: labelled or classic.

    Attributes:
        static: The families that never change.
    """

    static: list[Family]

    def families(
        self,
        tallies: Sequence[Tally],
        predictions: int,
        errors: Mapping[str, int],
        log: Mapping[str, int],
    ) -> list[Family]:
        """Return the families with live counts.

        Args:
            tallies: Counts of each variable, in the order of the baseline.
            predictions: Number of predictions counted.
            errors: Failures of monitoring by stage.
            log: Records of the log by outcome.
        """
        ...


@dataclass(frozen=True)
class Scrape:
    """The answer to a scrape.

    Attributes:
        body: The series as bytes.
        content_type: Media type of the format. Prometheus 3 refuses a scrape without it.
        content_encoding: "gzip" or None.
    """

    body: bytes
    content_type: str
    content_encoding: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that go with the body."""
        headers = {"Content-Type": self.content_type, "Vary": "Accept, Accept-Encoding"}
        if self.content_encoding:
            headers["Content-Encoding"] = self.content_encoding
        return headers


@dataclass(frozen=True)
class ModelSeries:
    """The series of one model.

    Attributes:
        static: The families that never change.
        live: Returns the families with the current counts.
    """

    static: Sequence[Family]
    live: Callable[[], Sequence[Family]]


class Scraper:
    """Renders the series of several models together with the application's own metrics.

    Each family occurs once, with the samples of all models. Static families are rendered once for
    each format, because a large baseline has many and they never change.

    Args:
        models: The series of each model.
        registry: The application's metrics; None for none.
        report: Takes the error if the application's metrics cannot be collected.
    """

    def __init__(
        self,
        models: Sequence[ModelSeries],
        registry: CollectorRegistry | None,
        report: Callable[[Exception], Any],
    ) -> None:
        self._models = models
        self._registry = registry
        self._report = report
        self._static: dict[bool, bytes] = {}
        self._scrapes: SharedWork[Scrape] = SharedWork()

    def scrape(
        self, *, accept: str = "", accept_encoding: str = "", names: Sequence[str] = ()
    ) -> Scrape:
        """Return the answer to one scrape. Scrapes that wait for the same answer share it.

        Args:
            accept: The request's `Accept`.
            accept_encoding: The request's `Accept-Encoding`.
            names: Names of the samples or metrics to show; all if empty.
        """
        # A request may have thousands of names, and each series looks its own name up.
        chosen = frozenset(names)
        key = (accept, accept_encoding, chosen)
        return self._scrapes.result(key, lambda: self._answer(accept, accept_encoding, chosen))

    def _answer(self, accept: str, accept_encoding: str, names: Collection[str]) -> Scrape:
        encoder, content_type = choose_encoder(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        live = joined([model.live() for model in self._models])
        if names:
            live = [family.only(names) for family in [*self._static_families(), *live]]
        elif openmetrics not in self._static:
            rendered = _rendered(self._static_families(), openmetrics)
            self._static[openmetrics] = b"".join(rendered)
        parts = [b"" if names else self._static[openmetrics], *_rendered(live, openmetrics)]
        parts.append(self._of_application(encoder, names).removesuffix(b"# EOF\n"))
        parts.append(b"# EOF\n" if openmetrics else b"")
        body = b"".join(parts)
        if len(body) >= _MIN_GZIP_BYTES and _takes_gzip(accept_encoding):
            return Scrape(gzip.compress(body, _GZIP_LEVEL), content_type, "gzip")
        return Scrape(body, content_type)

    def _static_families(self) -> Sequence[Family]:
        return joined([model.static for model in self._models])

    def _of_application(
        self, encoder: Callable[[Collector], bytes], names: Collection[str]
    ) -> bytes:
        """Return the application's metrics, or nothing if one of its collectors fails."""
        if self._registry is None:
            return b""
        try:
            if names:
                return encoder(ChosenMetrics(self._registry, names))
            return encoder(self._registry)
        except Exception as error:  # noqa: BLE001 - collectors are the application's code
            self._report(error)
            return b""


def joined(models: Sequence[Sequence[Family]]) -> Sequence[Family]:
    """Return the families of several models, with families of the same name merged."""
    if len(models) == 1:
        return models[0]
    by_name: dict[str, list[Family]] = {}
    for family in chain.from_iterable(models):
        by_name.setdefault(family.name, []).append(family)
    return [
        replace(
            same[0],
            series=[series for family in same for series in family.series],
            values=[value for family in same for value in family.values],
        )
        for same in by_name.values()
    ]


def _rendered(families: Iterable[Family], openmetrics: bool) -> Iterator[bytes]:
    for part in cooperatively(render_parts(families, openmetrics=openmetrics)):
        yield part.encode()


def _takes_gzip(accept_encoding: str) -> bool:
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
