"""Answers a scrape: format by `Accept`, gzip by `Accept-Encoding`, series by `name[]`."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import Family, render_parts
from boxkite.cooperation import cooperatively
from boxkite.prometheus.application import ChosenMetrics

__all__ = ["Exposition", "Scrape", "Scraper"]

_GZIP_LEVEL = 1
_MIN_GZIP_BYTES = 1024


class Exposition(Protocol):
    """One way to show counts as series.

    Attributes:
        static: the families that never change, those of the baseline.
    """

    static: list[Family]

    def families(
        self,
        tallies: Sequence[Tally],
        predictions: int,
        errors: Mapping[str, int],
        log: Mapping[str, int],
    ) -> list[Family]:
        """Return the live families."""


@dataclass(frozen=True)
class Scrape:
    """The answer to a scrape.

    Attributes:
        body: the series as bytes.
        content_type: of the format that was chosen; Prometheus 3 insists on it.
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


class Scraper:
    """Renders one exposition, and the application's own metrics with it.

    Args:
        exposition: whose static families are rendered once, for the first scrape in a format.
        registry: of the application's metrics; None for none.
        report: called with the error when the application's metrics cannot be had.
    """

    def __init__(
        self,
        exposition: Exposition,
        registry: CollectorRegistry | None,
        report: Callable[[Exception], Any],
    ) -> None:
        self._exposition = exposition
        self._registry = registry
        self._report = report
        self._static: dict[bool, bytes] = {}

    def scrape(
        self,
        tallies: Sequence[Tally],
        predictions: int,
        errors: Mapping[str, int],
        log: Mapping[str, int],
        *,
        accept: str = "",
        accept_encoding: str = "",
        names: Collection[str] = (),
    ) -> Scrape:
        """Return the answer to one scrape.

        Args:
            tallies: the counts of each variable.
            predictions: how many were counted.
            errors: failures of monitoring by stage.
            log: records of the log by outcome.
            accept: the request's `Accept`.
            accept_encoding: the request's `Accept-Encoding`.
            names: of samples or metrics; only those are shown, all if there are none.
        """
        encoder, content_type = choose_encoder(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        live = self._exposition.families(tallies, predictions, errors, log)
        if names:
            live = [family.only(names) for family in [*self._exposition.static, *live]]
        if not names and openmetrics not in self._static:
            self._static[openmetrics] = b"".join(_rendered(self._exposition.static, openmetrics))
        parts = [b"" if names else self._static[openmetrics], *_rendered(live, openmetrics)]
        parts.append(self._of_application(encoder, names).removesuffix(b"# EOF\n"))
        parts.append(b"# EOF\n" if openmetrics else b"")
        body = b"".join(parts)
        if len(body) >= _MIN_GZIP_BYTES and _takes_gzip(accept_encoding):
            return Scrape(gzip.compress(body, _GZIP_LEVEL), content_type, "gzip")
        return Scrape(body, content_type)

    def _of_application(
        self, encoder: Callable[[Collector], bytes], names: Collection[str]
    ) -> bytes:
        """Return the application's metrics; a collector that fails costs only those."""
        if self._registry is None:
            return b""
        try:
            if names:
                return encoder(ChosenMetrics(self._registry, names))
            return encoder(self._registry)
        except Exception as error:  # noqa: BLE001 - collectors are the application's code
            self._report(error)
            return b""


def _rendered(families: Iterable[Family], openmetrics: bool) -> Iterator[bytes]:
    for part in cooperatively(render_parts(families, openmetrics=openmetrics)):
        yield part.encode()


def _takes_gzip(accept_encoding: str) -> bool:
    for coding in accept_encoding.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
