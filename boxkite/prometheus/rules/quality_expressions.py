"""PromQL for statistics of quality, as in `boxkite.quality`."""

from __future__ import annotations

import math

from boxkite.baseline.category_variable import OTHER, UNSEEN
from boxkite.baseline.text_writer import format_float
from boxkite.quality.intervals import NORMAL_95
from boxkite.quality.students_t import MOST_DEGREES

__all__ = ["quality_expressions", "training_expressions"]

_Z, _Z2 = format_float(NORMAL_95), format_float(NORMAL_95**2)
_TWO_Z = format_float(2 * NORMAL_95)
# The mean of |X| for a normal X, in standard deviations.
_MEAN_DISTANCE = format_float(math.sqrt(2 / math.pi))
_HIGHER, _LOWER = "accuracy|precision|recall|f1|auc|macro_.+", "log_loss|brier|mae|rmse"
_ZERO = "bias"

_PAIRS = "cell:boxkite_outcome_pairs:sum"
_BELOW = "cell:boxkite_outcome_below:sum"
_FRACTION = "model:boxkite_quality:fraction"


def quality_expressions(window: str, source: str) -> dict[str, str]:
    """Return templates of PromQL for a window, by placeholder of the template.

    Args:
        window: A window of the rules.
        source: The services' window whose policy and natural variation apply; usually the same
            window.
    """
    own = f'window="{window}"'
    return {
        "z": _Z,
        "any_class": "(?s)(.+)",
        "losses": "variable:boxkite_outcome_losses:sum",
        "squares": "variable:boxkite_outcome_loss_squares:sum",
        "classes": "variable:boxkite_output_classes:max",
        **_counts(own),
        **_statistics(own),
        **_calibration(own),
        **_verdicts(own, f'window="{source}"'),
        **_estimates(window, own),
    }


def _variation(part: str, source: str | None = None, statistics: str | None = None) -> str:
    """Return a template of PromQL for one number of the variation between windows of training.

    Args:
        part: A field of `StatisticVariation`.
        source: A window of the services; None for all.
        statistics: A regular expression that selects statistics; None for all.
    """
    chosen = [f'part="{part}"']
    chosen += [f'window="{source}"'] if source else []
    chosen += [f'statistic=~"{statistics}"'] if statistics else []
    series = f"boxkite_baseline_quality_variation{{{', '.join(chosen)}}}"
    return f"max by (@variable, statistic, window) (last_over_time({series}[5m]))"


def training_expressions() -> dict[str, str]:
    """Return templates of PromQL for the group that reads the baseline."""
    directions = {"higher": _HIGHER, "lower": _LOWER, "zero": _ZERO}
    return {
        "two_z": _TWO_Z,
        "variation_variance": _variation("variance"),
        "variation_chance": _variation("chance"),
        **{
            f"variation_mean_{name}": _variation("mean", statistics=statistics)
            for name, statistics in directions.items()
        },
    }


def _counts(own: str) -> dict[str, str]:
    one_class = f"{OTHER}|{UNSEEN}"
    of_classes = "and on (@variable) variable:boxkite_output_classes:max"
    names = ("predicted", "positives", "true_positives", "rows")
    return {
        **{name: f"variable:boxkite_outcome_{name}:sum{{{own}}}" for name in names},
        "class_true_positives": (
            f'variable:boxkite_outcome_true_positives:sum{{{own}, category!=""}}'
        ),
        "pairs": f"{_PAIRS}{{{own}}}",
        "positive_pairs": f'{_PAIRS}{{{own}, outcome_cell="1"}}',
        "negative_pairs": f'{_PAIRS}{{{own}, outcome_cell="0"}}',
        "below_positives": f'{_BELOW}{{{own}, outcome_cell="1"}}',
        "below_negatives": f'{_BELOW}{{{own}, outcome_cell="0"}}',
        "pairs_predicted": f'({_PAIRS}{{{own}, output_cell!~"{one_class}"}} {of_classes})',
        "pairs_actual": f'({_PAIRS}{{{own}, outcome_cell!~"{one_class}"}} {of_classes})',
    }


def _statistics(own: str) -> dict[str, str]:
    rows = f"model:boxkite_quality:rows{{{own}}}"
    total = "model:boxkite_quality:total"
    auc = f"variable:boxkite_quality:auc{{{own}}}"
    auc_half = f"variable:boxkite_quality:auc_half{{{own}}}"
    low, high = "model:boxkite_quality:wilson_low", "model:boxkite_quality:wilson_high"
    classes, model = 'category!=""', 'category=""'
    return {
        "auc": auc,
        "total": f"{total}{{{own}}}",
        "statistic_rows": rows,
        "class_rows": f'model:boxkite_quality:rows{{{own}, category!=""}}',
        "classes_present": (
            f'count by (@live) (model:boxkite_quality:rows{{{own}, statistic="f1", category!=""}} '
            "> 0)"
        ),
        "wilson_low": _wilson(own, rows, "-"),
        "wilson_high": _wilson(own, rows, "+"),
        "class_value": _with_f1(_FRACTION, own, classes),
        "class_low": _with_f1(low, own, classes),
        "class_high": _with_f1(high, own, classes),
        "model_value": _with_f1(_FRACTION, own, model),
        "model_low": _with_f1(low, own, model),
        "model_high": _with_f1(high, own, model),
        "means": f'({total}{{{own}, statistic!="rmse"}} / ({rows} > 1))',
        "mean_square": f'({total}{{{own}, statistic="rmse"}} / ({rows} > 1))',
        # On the logit scale, the interval is the logit of the area plus or minus a half.
        "auc_low": f"{auc} / ({auc} + (1 - {auc}) * exp({auc_half}))",
        "auc_high": f"{auc} / ({auc} + (1 - {auc}) * exp(-1 * {auc_half}))",
    }


def _wilson(own: str, rows: str, sign: str) -> str:
    """Return PromQL for one end of the score interval of fractions (Wilson 1927)."""
    fraction = f"{_FRACTION}{{{own}}}"
    half = f"{_Z} * sqrt({rows} * {fraction} * (1 - {fraction}) + {_Z2} / 4)"
    return f"clamp_min(({rows} * {fraction} + {_Z2} / 2 {sign} {half}) / ({rows} + {_Z2}), 0)"


def _with_f1(series: str, *matchers: str) -> str:
    """Return PromQL for fractions, or ends of their intervals, with F1 = 2J / (1 + J)."""
    chosen = ", ".join(matchers)
    f1 = f'{series}{{{chosen}, statistic="f1"}}'
    return f'{series}{{{chosen}, statistic!="f1"}}\nor\n2 * {f1} / (1 + {f1})'


def _calibration(own: str) -> dict[str, str]:
    statistic = '"statistic", "calibration_error", "", ""'
    rows = f'(model:boxkite_quality:rows{{{own}, statistic="calibration_error"}} > 0)'
    variance = f"cell:boxkite_quality:variance{{{own}}}"
    distance = (
        f"abs(cell:boxkite_outcome_outputs:sum{{{own}}} - on (@live, output_cell) "
        f'{_PAIRS}{{{own}, outcome_cell="1"}})'
    )
    error = f"sum by (@live) ({distance}) / on (@live) {rows}"
    # Joining with the rows drops the label of the window, which the rule sets again.
    return {
        "calibration_error": f"label_replace({error}, {statistic})",
        "calibration_half": f"{_Z} * sqrt(sum by (@live) ({variance})) / on (@live) {rows}",
        "calibration_noise": (
            f"{_MEAN_DISTANCE} * sum by (@live) (sqrt({variance})) / on (@live) {rows}"
        ),
    }


def _verdicts(own: str, of_source: str) -> dict[str, str]:
    critical = f"model:boxkite_quality_critical:max{{{of_source}}}"
    source = of_source.partition('"')[2].rstrip('"')

    def judged(statistics: str) -> str:
        value = f'model:boxkite_quality:value{{{own}, statistic=~"{statistics}"}}'
        return f"({value} and on (@live, statistic) {critical})"

    return {
        "critical": critical,
        "judged_higher": judged(_HIGHER),
        "judged_lower": judged(_LOWER),
        "judged_zero": judged(_ZERO),
        **{
            name: f'model:boxkite_quality:{name}{{category=""}}'
            for name in ("training", "training_rows", "training_row_variance")
        },
        "row_variance": (
            f"(((model:boxkite_quality:high{{{own}}} - model:boxkite_quality:low{{{own}}}) "
            f"/ {_TWO_Z}) ^ 2 * model:boxkite_quality:rows{{{own}}})"
        ),
        "natural": f"model:boxkite_quality:natural{{{of_source}}}",
        "usual": f"model:boxkite_quality:usual{{{of_source}}}",
        "variation_variance": _variation("variance", source),
        "variation_windows": _variation("windows", source),
        "variation_worst": _variation("worst", source),
        "most_degrees": format_float(MOST_DEGREES),
        **{
            name: f"model:boxkite_quality:{name}{{{own}}}"
            for name in ("chance", "degrees", "chance_threshold", "loss")
        },
    }


def _estimates(window: str, own: str) -> dict[str, str]:
    scores = "bucket:boxkite_value:increase5m"
    rate, predicted = "cell:boxkite_outcome_rate:max", "cell:boxkite_outcome_predicted:max"
    counted = f"cell:boxkite_outcome_predictions:sum{{{own}}}"

    def up_to(matchers: str) -> str:
        return (
            f'(sum_over_time({scores}{{variable_role="output"{matchers}}}[{window}:5m]) '
            f"and on (@variable) {rate})"
        )

    def expected(weight: str) -> str:
        return f"sum by (@live) ({counted} * on (@variable, output_cell) group_left () ({weight}))"

    return {
        "scores_up_to": up_to(""),
        "all_scores": up_to(', le="+Inf"'),
        "score_bins": '(0 * cell:boxkite_training_rows:max{variable_role="output", gt!=""})',
        "expected_tp": expected(f"{rate} * {predicted}"),
        "expected_fn": expected(f"{rate} * (1 - {predicted})"),
        "expected_predicted": expected(predicted),
        "expected_rows": f"sum by (@live) ({counted})",
    }
