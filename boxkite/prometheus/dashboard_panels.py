"""The panels of the dashboard, each with its queries."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import barchart, histogram, timeseries
from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = [
    "errors",
    "furthest",
    "how_it_went",
    "how_many_drifted",
    "log_pending",
    "log_records",
    "other_statistics",
    "predictions",
    "predictions_by_target",
    "rates",
    "rates_changed",
    "ratios",
    "ratios_over_time",
    "training_beside_live",
]

_VERSION = 'model_name="$model_name", model_version="$model_version"'
_WINDOW = f'{_VERSION}, window="$window"'
_VARIABLE = f'{_VERSION}, variable_role="$variable_role", variable="$variable"'
_VARIABLE_WINDOW = f'{_VARIABLE}, window="$window"'
_PSI, _PSI_CRITICAL, _KS, _KS_CRITICAL = (
    f"variable:boxkite_drift:{name}{{{_WINDOW}}}"
    for name in ("psi", "critical", "ks", "ks_critical")
)
_BY_PSI, _BY_KS = f"{_PSI} / {_PSI_CRITICAL}", f"({_KS} / {_KS_CRITICAL}) ^ 2"
_RATIO = f"{_BY_PSI} > {_BY_KS} or {_BY_KS} or {_BY_PSI}"  # the greater; categories have no K-S
_MULTIPLE = "PSI over its critical value, or K-S over its own, squared: the greater one."
_MOST = 15
_NAME = "{{variable_role}} {{variable}}"
_WIDTH, _HEIGHT = 12, 8
_LARGE = "1e+308"  # sorts after every edge, as a text of +Inf would not


def how_many_drifted() -> timeseries.Panel:
    """How many variables have drifted."""
    return _over_time("Variables with drift").with_target(
        _query(f"sum(variable:boxkite_drift:verdict{{{_WINDOW}}})", "drift")
    )


def predictions() -> timeseries.Panel:
    """How many predictions are made."""
    query = f"sum(rate(boxkite_predictions_total{{{_VERSION}}}[$__rate_interval]))"
    return _over_time("Predictions", "reqps").with_target(_query(query, "predictions"))


def ratios_over_time() -> timeseries.Panel:
    """How far the worst variables are from training, as a multiple of what is critical."""
    return (
        _over_time("Distance as a multiple of what is critical")
        .description(f"{_MULTIPLE} Above 1 is more than chance gives.")
        .thresholds(_limit(1))
        .thresholds_style(
            build_common.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.LINE)
        )
        .with_target(_query(f"topk({_MOST}, {_RATIO})", _NAME))
    )


def furthest() -> barchart.Panel:
    """The variables that are furthest from training now."""
    return (
        _bars("Furthest from training now")
        .description(_MULTIPLE)
        .x_field("variable")
        .orientation(common.VizOrientation.HORIZONTAL)
        .with_target(_now(f"sort_desc(topk({_MOST}, {_RATIO}))", "A"))
        .with_transformation(_only("variable", "Value"))
    )


def ratios() -> histogram.Panel:
    """How the variables are spread over the multiples."""
    return (
        histogram.Panel()
        .title("Variables by distance as a multiple of what is critical")
        .description(_MULTIPLE)
        .span(_WIDTH)
        .height(_HEIGHT)
        .combine(True)
        .with_target(_now(_RATIO, "A"))
    )


def rates_changed() -> timeseries.Panel:
    """The greatest differences of missing, unseen and invalid fractions."""
    panel = _over_time("Missing, unseen and invalid beside training", "percentunit")
    for name in ("missing", "unseen", "invalid"):
        query = f'topk(5, variable:boxkite_rate:difference{{{_WINDOW}, rate="{name}"}})'
        panel = panel.with_target(_query(query, f"{name}: {_NAME}", name))
    return panel


def training_beside_live() -> barchart.Panel:
    """The two distributions of one variable, cell by cell."""
    trained = f"cell:boxkite_training_rows:fraction{{{_VARIABLE}}}"
    live = f"cell:boxkite_live_rows:fraction{{{_VARIABLE_WINDOW}}}"
    return (
        _bars("Training beside live")
        .description("The fraction of the rows in each bin (from, to] or category.")
        .unit("percentunit")
        .x_field("cell")
        .with_target(_now(f"sum by (cell, edge) ({_celled(trained)})", "A"))
        .with_target(_now(f"sum by (cell) ({_celled(live)})", "B"))
        .with_transformation(_transformed("joinByField", byField="cell", mode="outer"))
        .with_transformation(_sorted_by("Value #A", descending=True))  # categories
        .with_transformation(
            _transformed(
                "convertFieldType",
                fields={},
                conversions=[{"targetField": "edge", "destinationType": "number"}],
            )
        )
        .with_transformation(_sorted_by("edge", descending=False))  # bins
        .with_transformation(
            _transformed(
                "organize",
                excludeByName={"Time": True, "Time 1": True, "Time 2": True, "edge": True},
                renameByName={"Value #A": "training", "Value #B": "live"},
            )
        )
    )


def how_it_went() -> timeseries.Panel:
    """PSI and K-S of one variable, and the critical value of each."""
    panel = _over_time("PSI and K-S, and the critical value of each").description(
        "Drift is PSI above its critical value and the effect floor, or above the floor and K-S "
        "above its critical value."
    )
    for name in ("psi", "critical", "ks", "ks_critical"):
        query = f"variable:boxkite_drift:{name}{{{_VARIABLE_WINDOW}}}"
        panel = panel.with_target(_query(query, name, name))
    return panel


def other_statistics() -> timeseries.Panel:
    """The other statistics of one variable."""
    panel = _over_time("Jensen-Shannon and Kullback-Leibler")
    for name in ("js", "kl"):
        query = f"variable:boxkite_drift:{name}{{{_VARIABLE_WINDOW}}}"
        panel = panel.with_target(_query(query, name, name))
    return panel


def rates() -> timeseries.Panel:
    """What of one variable is missing, unseen or invalid beyond training."""
    panel = _over_time("Missing, unseen and invalid beside training", "percentunit")
    for name in ("missing", "unseen", "invalid"):
        query = f'variable:boxkite_rate:difference{{{_VARIABLE_WINDOW}, rate="{name}"}}'
        panel = panel.with_target(_query(query, name, name))
    return panel


def log_records() -> timeseries.Panel:
    """What became of the records of the prediction log."""
    rate = f"rate(boxkite_log_records_total{{{_VERSION}}}[$__rate_interval])"
    return _over_time("Log: records", "cps").with_target(
        _query(f"sum by (sink, outcome) ({rate})", "{{sink}} {{outcome}}")
    )


def log_pending() -> timeseries.Panel:
    """What waits for the sink."""
    return _over_time("Log: records that wait").with_target(
        _query(f"sum by (sink) (boxkite_log_pending_records{{{_VERSION}}})", "{{sink}}")
    )


def errors() -> timeseries.Panel:
    """Where monitoring failed."""
    rate = f"rate(boxkite_errors_total{{{_VERSION}}}[$__rate_interval])"
    return _over_time("Errors of monitoring", "cps").with_target(
        _query(f"sum by (failed_stage) ({rate})", "{{failed_stage}}")
    )


def predictions_by_target() -> timeseries.Panel:
    """How many predictions each target makes."""
    rate = f"rate(boxkite_predictions_total{{{_VERSION}}}[$__rate_interval])"
    return _over_time("Predictions by target", "reqps").with_target(
        _query(f"sum by (instance) ({rate})", "{{instance}}")
    )


def _over_time(title: str, unit: str = "short") -> timeseries.Panel:
    panel = timeseries.Panel().title(title).unit(unit).span(_WIDTH).height(_HEIGHT)
    return panel.min(0) if unit != "percentunit" else panel


def _bars(title: str) -> barchart.Panel:
    return barchart.Panel().title(title).span(_WIDTH).height(_HEIGHT)


def _query(expression: str, legend: str, name: str = "A") -> Dataquery:
    return Dataquery().expr(expression).legend_format(legend).ref_id(name).range()


def _now(expression: str, name: str) -> Dataquery:
    """Return a query for a table of the values at the end of the time that is shown."""
    return Dataquery().expr(expression).ref_id(name).instant().format(PromQueryFormat.TABLE)


def _celled(series: str) -> str:
    """Return PromQL that names each cell: a bin as (from, to], or a category; edges are sorted."""
    bins, categories = (series.replace("}", f', category{sign}""}}') for sign in ("=", "!="))
    edges = f'label_replace({bins}, "edge", "$1", "le", "(.+)")'
    ends = f'label_replace({edges}, "edge", "{_LARGE}", "le", "[+]Inf")'
    joined = f'label_join({ends}, "cell", ", ", "gt", "le")'
    return (
        f'label_replace({joined}, "cell", "($1]", "cell", "(.*)") '
        f'or label_replace({categories}, "cell", "$1", "category", "(?s)(.+)")'
    )


def _limit(value: float) -> build.ThresholdsConfig:
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps(
            [
                model.Threshold(value=None, color="green"),
                model.Threshold(value=value, color="red"),
            ]
        )
    )


def _transformed(name: str, **options: Any) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(id_val=name, options=options)


def _sorted_by(field: str, *, descending: bool) -> model.DataTransformerConfig:
    return _transformed("sortBy", sort=[{"field": field, "desc": descending}])


def _only(*fields: str) -> model.DataTransformerConfig:
    return _transformed("filterFieldsByName", include={"names": list(fields)})
