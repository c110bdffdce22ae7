"""Reads the recorded drift statistics back from Prometheus."""

from __future__ import annotations

import json
import math
import urllib.parse
import urllib.request
from dataclasses import dataclass

__all__ = ["Recorded", "query", "recorded_statistics"]


@dataclass(frozen=True)
class Recorded:
    """What Prometheus says of one variable.

    Attributes:
        rows: live rows in its cells within the window.
        psi: population stability index.
        critical: what PSI must exceed to be more than chance.
        ks: Kolmogorov-Smirnov distance; NaN for categories.
        ks_critical: what it must exceed to be more than chance.
        verdict: ok, drift or insufficient.
    """

    rows: float
    psi: float
    critical: float
    ks: float
    ks_critical: float
    verdict: str


def query(
    address: str, expression: str, moment: float | None = None
) -> list[tuple[dict[str, str], float]]:
    """Return the labels and the value of each series at a moment, now by default."""
    times = {} if moment is None else {"time": f"{moment:.3f}"}
    parameters = urllib.parse.urlencode({"query": expression, **times})
    with urllib.request.urlopen(f"{address}/api/v1/query?{parameters}", timeout=10) as response:
        result = json.load(response)["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in result]


def recorded_statistics(address: str, window: str, moment: float) -> dict[str, Recorded]:
    """Return the statistics of each variable by name, as they stood at a moment."""

    def by_variable(name: str) -> dict[str, float]:
        series = query(address, f'{name}{{window="{window}"}}', moment)
        return {labels["variable"]: value for labels, value in series}

    rows = by_variable("variable:boxkite_live_rows:sum")
    psi = by_variable("variable:boxkite_drift:psi")
    critical = by_variable("variable:boxkite_drift:critical")
    ks = by_variable("variable:boxkite_drift:ks")
    ks_critical = by_variable("variable:boxkite_drift:ks_critical")
    verdicts = by_variable("variable:boxkite_drift:verdict")
    words = {None: "insufficient", 0.0: "ok", 1.0: "drift"}
    return {
        name: Recorded(
            count,
            psi.get(name, math.nan),
            critical.get(name, math.nan),
            ks.get(name, math.nan),
            ks_critical.get(name, math.nan),
            words[verdicts.get(name)],
        )
        for name, count in rows.items()
    }
