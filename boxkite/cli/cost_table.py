"""The table of what a fleet costs Prometheus, for `boxkite rules --estimate`."""

from __future__ import annotations

from dataclasses import replace

from boxkite.prometheus.sizing import Fleet

__all__ = ["cost_table"]

_NOTE = (
    "Each segment counts as if it had rows. The share of a core is about what Prometheus 2.42 took "
    "in benchmarks/fleet.py, for one environment. Give the right column by EXPORT_BASELINE=false; "
    "see docs/production/prometheus.md."
)


def cost_table(fleet: Fleet) -> str:
    """Return the cost of a fleet, with and without the baseline on each replica.

    Without labels and without segments, the cost would be lower. So the table also has the series
    of a replica without each of them.
    """
    each, once = (fleet.size(export_baseline=exported) for exported in (True, False))
    lines = [
        ("series a replica", f"{each.series_a_replica:,}", f"{once.series_a_replica:,}"),
        *((f"  without {name}", *_series(other)) for name, other in _smaller(fleet).items()),
        ("series of all targets", f"{each.exported:,}", f"{once.exported:,}"),
        ("recorded series", f"{each.recorded:,}", f"{once.recorded:,}"),
        ("samples a second", f"{each.samples_a_second:,.0f}", f"{once.samples_a_second:,.0f}"),
        ("share of a core", f"{each.processor_share:.1%}", f"{once.processor_share:.1%}"),
    ]
    head = [("", "each exports", "one target"), ("", "the baseline", "exports it")]
    table = [f"{name:33} {left:>13} {right:>13}".rstrip() for name, left, right in [*head, *lines]]
    return "\n".join([f"{_fleet(fleet)}:", "", *table, "", _NOTE])


def _fleet(fleet: Fleet) -> str:
    """Return what the fleet is."""
    segments = len(fleet.baseline.segment_labels)
    parts = [f"{fleet.replicas:,} replicas", f"{len(fleet.baseline.variables):,} variables"]
    parts += [f"{segments:,} segments"] if segments else []
    parts += [f"a scrape every {fleet.scrape_interval:g} s"]
    parts += [f"windows {' and '.join(fleet.windows)}"]
    if fleet.has_labels:
        windows = " and ".join(fleet.quality_windows) or "none"
        parts += [f"labels, windows of quality {windows}"]
    return ", ".join(parts)


def _smaller(fleet: Fleet) -> dict[str, Fleet]:
    """Return the fleet without what it has, by the name of that."""
    whole = replace(fleet.baseline, segments=())
    found: dict[str, Fleet] = {}
    if fleet.has_labels:
        found["labels (OUTCOME_TTL=0)"] = replace(fleet, takes_labels=False)
    if fleet.baseline.segments:
        found["segments"] = replace(fleet, baseline=whole)
    if len(found) > 1:
        found["both"] = replace(fleet, baseline=whole, takes_labels=False)
    return found


def _series(fleet: Fleet) -> tuple[str, str]:
    each, once = (
        fleet.size(export_baseline=exported).series_a_replica for exported in (True, False)
    )
    return f"{each:,}", f"{once:,}"
