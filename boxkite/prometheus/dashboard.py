"""A Grafana dashboard on top of the recording rules: one for every model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from boxkite.prometheus.dashboard_panels import (
    errors,
    furthest,
    how_it_went,
    how_many_drifted,
    log_pending,
    log_records,
    other_statistics,
    predictions,
    predictions_by_target,
    rates,
    rates_changed,
    ratios,
    ratios_over_time,
    training_beside_live,
)
from boxkite.prometheus.rules.durations import parse_duration

__all__ = ["render_dashboard"]

_SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
# Of variables of another type, but written for all: Grafana's schema has no place for them.
_OF_INTERVALS = ("auto", "auto_count", "auto_min")
_OF_MODEL = 'model_name="$model_name"'
_OF_ROLE = f'{_OF_MODEL}, model_version="$model_version", variable_role="$variable_role"'


def render_dashboard(windows: Sequence[str] = ("1h", "1d")) -> str:
    """Return the dashboard as Grafana's JSON, for its version 11 and later.

    Args:
        windows: of the recording rules, to choose from.

    Raises:
        ConfigError: if a window is not a Prometheus duration such as 1h.
    """
    for each in windows:
        parse_duration(each)
    dashboard = (
        build.Dashboard("boxkite: drift of models")
        .uid("boxkite")
        .tags(["boxkite", "drift", "machine learning"])
        .description("What models meet, beside what they were trained on.")
        .time("now-24h", "now")
        .refresh("1m")
        .readonly()
    )
    for each_variable in _variables(windows):
        dashboard = dashboard.with_variable(each_variable)
    ids = itertools.count(1)
    for title, panels in _ROWS:
        dashboard = dashboard.with_row(build.Row(title).id(next(ids)))
        for panel in panels:
            dashboard = dashboard.with_panel(panel().id(next(ids)).datasource(_SOURCE))
    content = json.loads(JSONEncoder().encode(dashboard.build()))
    for variable in content["templating"]["list"]:
        for name in _OF_INTERVALS:
            variable.pop(name, None)
    return json.dumps(content, sort_keys=True, indent=2) + "\n"


_ROWS = (
    (
        "Overview of $model_name $model_version",
        (
            how_many_drifted,
            predictions,
            ratios_over_time,
            furthest,
            ratios,
            rates_changed,
        ),
    ),
    (
        "$variable_role $variable over $window",
        (training_beside_live, how_it_went, other_statistics, rates),
    ),
    ("Log and engine", (log_records, log_pending, errors, predictions_by_target)),
)


def _variables(windows: Sequence[str]) -> list[Builder[model.VariableModel]]:
    chosen = model.VariableOption(text=windows[0], value=windows[0], selected=True)
    return [
        build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _labels("model_name", "boxkite_baseline_rows"),
        _labels("model_version", f"boxkite_baseline_rows{{{_OF_MODEL}}}"),
        _labels(
            "variable_role",
            f'boxkite_baseline_variable_info{{{_OF_MODEL}, model_version="$model_version"}}',
        ),
        _labels("variable", f"boxkite_baseline_variable_info{{{_OF_ROLE}}}"),
        build.CustomVariable("window").values(",".join(windows)).current(chosen),
    ]


def _labels(name: str, series: str) -> build.QueryVariable:
    """Return a variable whose values are those of a label of its name."""
    return (
        build.QueryVariable(name)
        .datasource(_SOURCE)
        .query(f"label_values({series}, {name})")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
