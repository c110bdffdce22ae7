"""Texts of alerts, as templates that Prometheus expands when an alert fires."""

from __future__ import annotations

from collections.abc import Sequence

from boxkite.prometheus.rules.label_sets import VARIABLE

__all__ = ["job_texts", "quality_texts", "service_texts", "window_texts"]

_CELL = ("gt", "le", "category")
_RATES = ("missing", "unseen", "outside", "invalid")
_IN_SEGMENT = "{{ with $labels.segment }} in segment {{ . }}{{ end }}"


def window_texts(window: str, environment: Sequence[str]) -> dict[str, str]:
    """Return the texts of alerts on data, by placeholder of the template.

    Args:
        window: The alerts' window.
        environment: Target labels that the rules group by.
    """
    chosen = f'window="{window}"'
    live = (*environment, *VARIABLE)

    def rate(name: str) -> str:
        series = f'100 * variable:boxkite_rate_rows:increase{{{chosen},rate="{name}",@}}'
        rows = "live_rows" if name in ("unseen", "outside") else "live_all_rows"
        all_rows = f"variable:boxkite_{rows}:sum{{{chosen},@}}"
        return _number(f"{series} / on () {all_rows}", live, "%.3g", times=2) + " %"

    trained = "100 * variable:boxkite_training_missing:max{@}"
    return {
        "where": _where(environment),
        "in_segment": _IN_SEGMENT,
        "most_moved": _most_moved(chosen, live),
        "distances": _distances(chosen, live),
        "live_rows": _number(f"variable:boxkite_live_rows:sum{{{chosen},@}}", live, "%.0f"),
        "all_rows": _number(f"variable:boxkite_live_all_rows:sum{{{chosen},@}}", live, "%.0f"),
        "missing_percent": rate("missing"),
        "unseen_percent": rate("unseen"),
        "outside_percent": rate("outside"),
        "invalid_percent": rate("invalid"),
        "missing_at_training": _number(
            f"{trained} / variable:boxkite_training_all_rows:sum{{@}}", VARIABLE, "%.3g", times=2
        )
        + " %",
    }


def quality_texts(window: str, environment: Sequence[str]) -> dict[str, str]:
    """Return the texts of alerts on quality, by placeholder of the template.

    Args:
        window: The alerts' window.
        environment: Target labels that the rules group by.
    """
    live, trained = (*environment, *VARIABLE, "statistic"), (*VARIABLE, "statistic")

    def now(name: str, form: str = "%.4g") -> str:
        return _number(f'model:boxkite_quality:{name}{{window="{window}",@}}', live, form)

    return {
        "where": _where(environment),
        "in_segment": _IN_SEGMENT,
        "value_now": now("value"),
        "low_now": now("low"),
        "high_now": now("high"),
        "rows_now": now("rows", "%.0f"),
        "value_at_training": _number(
            'model:boxkite_quality:training{category="",@}', trained, "%.4g"
        ),
    }


def service_texts(environment: Sequence[str]) -> dict[str, str]:
    """Return the texts of alerts on services, by placeholder of the template."""
    model = (*environment, "model_name")
    address = (*(name for name in environment if name not in ("job", "namespace")), "instance")
    versions, arguments = _selected(model)
    instance, of_instance = _selected((*address, "model_name"))
    return {
        "where": _where(environment),
        "replicas_by_version": (
            "{{ range printf `count by (model_version) "
            f"(boxkite_predictions_total{{{versions}}})` {arguments} | query "
            '| sortByLabel "model_version" }}version '
            "{{ .Labels.model_version }} on {{ .Value }}, {{ end }}in all."
        ),
        "jobs_of_instance": (
            "{{ range printf `count by (job) "
            f"(boxkite_predictions_total{{{instance}}})` {of_instance} | query "
            '| sortByLabel "job" }}{{ .Value }} in job {{ .Labels.job }}, {{ end }}in all.'
        ),
    }


def job_texts(environment: Sequence[str]) -> dict[str, str]:
    """Return the texts of alerts on jobs, by placeholder of the template."""
    live, model = (*environment, *VARIABLE), (*environment, "model_name")

    def value(series: str, statistic: str) -> str:
        name = f'boxkite_compare_{series}{{statistic="{statistic}",@}}'
        return _number(name, live, "%.3f")

    def moved(sign: str, words: str) -> str:
        query = _query(f"100 * abs(boxkite_compare_moved{{@}} {sign} 0)", live)
        cell = (
            '{{ .Value | printf "%.3g" }} % of rows moved ' + words + " {{ .Labels.moved_cell }}."
        )
        return f"{{{{ with {query} }}}}{{{{ with . | first }}}}{cell}{{{{ end }}}}{{{{ end }}}}"

    def percent(rate: str) -> str:
        name = f'100 * abs(boxkite_compare_statistic{{statistic="{rate}",@}})'
        return _number(name, live, "%.3g") + " %"

    of_statistic = (*live, "statistic")

    def quality(name: str, form: str = "%.4g") -> str:
        return _number(f"boxkite_quality_{name}{{@}}", of_statistic, form)

    rows = _number("boxkite_compare_variable_rows{@}", live, "%.0f")
    version = "model version {{ $labels.model_version }}."
    ks = _query('boxkite_compare_statistic{statistic="ks",@}', live)
    return {
        "where": _where(environment),
        "in_segment": _IN_SEGMENT,
        "most_moved": moved(">", "to") + moved("<", "away from"),
        "distances": (
            f"PSI is {value('statistic', 'psi')} (threshold {value('critical', 'psi')})"
            f"{{{{ with {ks} }}}}, K-S is {value('statistic', 'ks')} "
            f"(threshold {value('critical', 'ks')}){{{{ end }}}}, on {rows} rows of {version}"
        ),
        "rows": f"{rows} rows with a value, {version}",
        **{f"{rate}_percent": percent(rate) for rate in _RATES},
        "value_now": quality("value"),
        "low_now": quality("low"),
        "high_now": quality("high"),
        "rows_now": quality("rows", "%.0f"),
        "due": (
            f"{{{{ if $labels.command }}}}{_due('quality', model)}"
            f"{{{{ else }}}}{_due('compare', model)}{{{{ end }}}}."
        ),
    }


def _due(job: str, model: Sequence[str]) -> str:
    interval = _query(f"boxkite_{job}_interval_seconds{{@}}", model)
    return f"{{{{ with {interval} }}}}{{{{ . | first | value | humanizeDuration }}}}{{{{ end }}}}"


def _where(environment: Sequence[str]) -> str:
    """Return a template that names the environment, such as " (namespace shop, job flights)"."""
    if not environment:
        return ""
    # Each label brings its own comma. The last label ends the list, because every target has it.
    *others, last = environment
    parts = [f"{{{{ with $labels.{name} }}}}{name} {{{{ . }}}}, {{{{ end }}}}" for name in others]
    return f" ({''.join(parts)}{{{{ with $labels.{last} }}}}{last} {{{{ . }}}}{{{{ end }}}})"


def _most_moved(chosen: str, live: Sequence[str]) -> str:
    """Return a template that names the cell whose share of the rows changed most."""
    selected, arguments = _selected(live)
    trained, of_training = _selected(VARIABLE)
    difference = (
        f"topk(1, abs(cell:boxkite_live_rows:fraction{{{chosen},{selected}}}"
        f" - on (@cell) group_left () cell:boxkite_training_rows:fraction{{{trained}}}))"
    )
    cell = " ".join(f"$cell.Labels.{name}" for name in _CELL)
    matching = ",".join(f"{name}=%q" for name in _CELL)

    def share(rows: str, all_rows: str, matchers: str, values: str) -> str:
        # Rules judge smoothed fractions. People read the plain ones.
        query = (
            f"printf `100 * {rows}{{{matchers},{matching}}} / on () {all_rows}{{{matchers}}}` "
            f"{values} {cell} {values} | query"
        )
        return f'{{{{ with {query} }}}}{{{{ . | first | value | printf "%.3g" }}}}{{{{ end }}}} %'

    live_share = share(
        "cell:boxkite_live_rows:increase",
        "variable:boxkite_live_rows:sum",
        f"{chosen},{selected}",
        arguments,
    )
    training_share = share(
        "cell:boxkite_training_rows:max",
        "variable:boxkite_training_rows:sum",
        trained,
        of_training,
    )
    return (
        f"{{{{ with printf `{difference}` {arguments} {of_training} | query }}}}"
        "{{ $cell := . | first }}"
        "{{ if $cell.Labels.category }}the category {{ $cell.Labels.category }} makes"
        '{{ else if eq $cell.Labels.gt "-Inf" }}values up to {{ $cell.Labels.le }} make'
        '{{ else if eq $cell.Labels.le "+Inf" }}values above {{ $cell.Labels.gt }} make'
        "{{ else }}values above {{ $cell.Labels.gt }} and up to {{ $cell.Labels.le }} make"
        f"{{{{ end }}}} up {live_share} of rows, and {training_share} at training."
        "{{ end }}"
    )


def _distances(chosen: str, live: Sequence[str]) -> str:
    """Return a template for PSI and, for numbers, K-S, each with its threshold."""

    def threshold(name: str) -> str:
        number = _number(f"variable:boxkite_drift:{name}{{{chosen},@}}", live, "%.3f")
        return f"(threshold {number})"

    query = _query(f"variable:boxkite_drift:ks{{{chosen},@}}", live)
    rows = _number(f"variable:boxkite_live_rows:sum{{{chosen},@}}", live, "%.0f")
    return (
        f'PSI is {{{{ $value | printf "%.3f" }}}} {threshold("critical")}'
        f'{{{{ with {query} }}}}, K-S is {{{{ . | first | value | printf "%.3f" }}}} '
        f"{threshold('ks_critical')}{{{{ end }}}}, on {rows} rows of model version "
        "{{ $labels.model_version }}."
    )


def _number(expression: str, labels: Sequence[str], form: str, times: int = 1) -> str:
    """Return a template for the value of an expression that the alert's own labels select.

    Args:
        expression: PromQL in which `@` stands for the matchers of the labels.
        labels: Labels that select the series.
        form: Format of the number.
        times: How often `@` occurs.
    """
    query = _query(expression, labels, times)
    return f'{{{{ with {query} }}}}{{{{ . | first | value | printf "{form}" }}}}{{{{ end }}}}'


def _query(expression: str, labels: Sequence[str], times: int = 1) -> str:
    selected, arguments = _selected(labels)
    values = " ".join([arguments] * times)
    return f"printf `{expression.replace('@', selected)}` {values} | query"


def _selected(labels: Sequence[str]) -> tuple[str, str]:
    """Return matchers with %q for each label, and the alert's labels as arguments.

    A label that the alert lacks matches series that lack it too.
    """
    matchers = ",".join(f"{label}=%q" for label in labels)
    return matchers, " ".join(f"$labels.{label}" for label in labels)
