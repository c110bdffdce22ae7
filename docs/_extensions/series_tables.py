"""Tables of the series that boxkite exports and records, made from the series themselves.

`.. exported-series::` scrapes a small monitor that uses every feature, and shows one row for each
metric with its labels and HELP text. The page therefore never differs from the code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sphinx.application import Sphinx

from boxkite import Baseline, Monitor, Policy, Settings, VariablePolicy

COMMON = {"model_name", "model_version"}


def scrape() -> Iterator[Metric]:
    """Yield every metric of a monitor that uses every feature."""
    random = np.random.default_rng(1)
    minutes = np.arange(20 * 24 * 60)
    features = {
        "distance": random.normal(np.sin(minutes * 2 * np.pi / 1440)),
        "vehicle": random.choice(["bike", "car"], len(minutes)),
    }
    baseline = Baseline.fit(
        features,
        {"score": random.random(len(minutes))},
        time=minutes * 60.0,
        outcome=random.integers(0, 2, len(minutes)),
        segments=["vehicle"],
    )
    policy = Policy(
        design_effect=2,
        min_rows_a_cell=6,
        variables={"distance": VariablePolicy(min_moved=0.1, min_rate=0.1)},
    )
    with tempfile.TemporaryDirectory() as folder:
        monitor = Monitor(
            baseline, registry=None, policy=policy, settings=Settings(state_dir=folder)
        )
        try:
            monitor.export()  # a monitor that is scraped only once reports that it looks like a job
            text = monitor.export().body.decode()
        finally:
            monitor.close()
    yield from text_string_to_metric_families(text)


def describe(metric: Metric) -> tuple[str, str, str, str]:
    """Return the name, type, labels and meaning of a metric."""
    names = dict.fromkeys(sample.name for sample in metric.samples)
    base, *others = names
    labels = {label for sample in metric.samples for label in sample.labels} - COMMON
    shown = ", ".join([base, *(name.removeprefix(metric.name) for name in others)])
    kind = "untyped" if metric.type == "unknown" else metric.type
    return shown, kind, ", ".join(sorted(labels)), metric.documentation


class ExportedSeries(Directive):
    """Show a table of the series of a service."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return [table(["series", "type", "further labels", "meaning"], map(describe, scrape()))]


def table(head: list[str], rows: Iterator[tuple[str, ...]]) -> nodes.table:
    """Return a table. All columns but the last hold code."""
    result = nodes.table(classes=["series"])
    group = nodes.tgroup(cols=len(head))
    result += group
    group += [nodes.colspec(colwidth=1) for _ in head]
    body = nodes.tbody()
    group += [nodes.thead("", row(nodes.Text(each) for each in head)), body]
    for *codes, meaning in rows:
        cells: list[nodes.Node] = []
        for each in codes:
            parts = [nodes.literal(text=part) for part in each.split(", ") if part]
            cells.append(nodes.inline("", "", *spaced(parts)))
        body += row([*cells, nodes.Text(meaning)])
    return result


def row(cells: object) -> nodes.row:
    """Return a row with a paragraph in each cell."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", each)) for each in cells))


def spaced(parts: list[nodes.literal]) -> Iterator[nodes.Node]:
    """Yield the parts with a space between them."""
    for index, part in enumerate(parts):
        if index:
            yield nodes.Text(" ")
        yield part


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("exported-series", ExportedSeries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
