"""Each detector as its package is used: a reference and windows in, a score and an alarm out.

Every function imports its package by itself, as each runs in an environment of its own, with the
interpreter and the versions that the package asks for. It takes the reference, windows of equal
length as rows of an array, and whether values are codes of categories. It returns a score of each
window, greater for more drift, and whether the package's own default alarms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

__all__ = ["DETECTORS", "Verdicts"]

Array: TypeAlias = Any
Verdicts: TypeAlias = tuple[list[float], list[bool]]
SIGNIFICANT = 0.05
"""The p-value below which alibi-detect alarms if not told otherwise; frouros leaves it to users."""


def labels(codes: Array) -> list[str | None]:
    """Return codes as text, and NaN as None."""
    return [f"c{int(code)}" if code == code else None for code in codes]


def boxkite(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """The verdict, PSI or K-S, of a model with ten variables."""
    return _compared(
        reference, windows, categorical, lambda each: (_surprise(each), each.verdict == "drift")
    )


def boxkite_psi(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """PSI alone, at the whole share of numbers, too, and with the effect floor."""
    from boxkite.drift import Policy

    def judge(each: Any) -> tuple[float, bool]:
        return each.psi, "PSI" in each.above and each.psi > Policy().min_effect

    rate = _A_TENTH if categorical else 2 * _A_TENTH  # of which PSI has a half
    return _compared(reference, windows, categorical, judge, rate)


def boxkite_rates(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """The alerts on missing and on unseen rows."""

    def judge(each: Any) -> tuple[float, bool]:
        evidence = np.nanmax([each.missing_evidence, each.unseen_evidence])
        return float(evidence), bool(each.changed_rates)

    return _compared(reference, windows, categorical, judge)


def boxkite_without_floor(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """The verdict without an effect floor."""
    return _compared(
        reference, windows, categorical, lambda each: (_surprise(each), bool(each.above))
    )


def _surprise(each: Any) -> float:
    """Return the lesser p-value of PSI and K-S, as a logarithm without its sign.

    Chi-square's is Wilson and Hilferty's (1931), that of K-S the bound behind its critical value.
    """
    degrees = max(each.cells - 1, 1)
    spread = 2 / (9 * degrees)
    deviate = ((each.psi / each.scale / degrees) ** (1 / 3) - 1 + spread) / math.sqrt(spread)
    by_psi = -math.log(max(math.erfc(deviate / math.sqrt(2)) / 2, 1e-300))
    by_ks = 2 * each.ks**2 / each.scale - math.log(2)
    return max(by_psi, by_ks) if by_ks == by_ks else by_psi


_A_TENTH = 0.1
"""Of the false alarms of a model: those of one variable of ten."""


def _compared(
    reference: Array,
    windows: Array,
    categorical: bool,
    judge: Callable[[Any], tuple[float, bool]],
    false_alarms: float = _A_TENTH,
) -> Verdicts:
    from boxkite import Baseline
    from boxkite.drift import Policy, compare

    def table(values: Array) -> dict[str, Any]:
        return {"x": labels(values) if categorical else values}

    baseline = Baseline.fit(table(reference))
    policy = Policy(false_alarms_per_month=false_alarms)
    found = [compare(baseline, table(each), policy=policy) for each in windows]
    judged = [judge(_Row(each)) for each in found]
    return [score for score, _ in judged], [alarm for _, alarm in judged]


class _Row:
    """The one variable of a comparison, how many cells it has, and what chance scales by."""

    def __init__(self, comparison: Any) -> None:
        trained = comparison.counts[0][0].counts
        self.cells = len(trained)
        self._drift = comparison.variables[0]
        self.scale = 1 / int(trained.sum()) + 1 / max(self._drift.rows, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._drift, name)


def _pvalues(
    test: Callable[[Array], float], windows: Array, alarm: float = SIGNIFICANT
) -> Verdicts:
    found = [float(test(window)) for window in windows]
    return [-p if p == p else -1.0 for p in found], [p < alarm for p in found]


def evidently(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """The test that it chooses for a column, at its threshold, as its reports call it."""
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest

    def column(values: Array) -> Any:
        return pd.Series(labels(values) if categorical else values).dropna()

    trained, kind = column(reference), "cat" if categorical else "num"
    scores, alarms = [], []
    for window in windows:
        live = column(window)
        found = get_stattest(trained, live, kind, None)(trained, live, kind, None)
        scores.append(float(found.drift_score))  # a distance: the reference has over 1,000 rows
        alarms.append(bool(found.drifted))
    return scores, alarms


def alibi_detect(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """K-S of numbers, chi-square of categories."""
    from alibi_detect.cd import ChiSquareDrift, KSDrift

    if not categorical:
        detector = KSDrift(_present(reference)[:, None])
        return _pvalues(lambda rows: _alibi(detector, _present(rows)), windows)
    detector = ChiSquareDrift(reference[:, None].astype(int))
    return _pvalues(lambda rows: _alibi(detector, rows.astype(int)), windows)


def _present(rows: Array) -> Array:
    """Return the rows without NaN, with which scipy's tests answer nothing."""
    return rows[~np.isnan(rows)]


def _alibi(detector: Any, rows: Array) -> float:
    return float(detector.predict(rows[:, None])["data"]["p_val"][0])


def nannyml(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """Jensen-Shannon, its default, in chunks as long as a window."""
    import pandas as pd
    from nannyml import UnivariateDriftCalculator

    def table(values: Array) -> Any:
        return pd.DataFrame({"x": labels(values) if categorical else values})

    calculator = UnivariateDriftCalculator(
        column_names=["x"],
        treat_as_categorical=["x"] if categorical else None,
        chunk_size=windows.shape[1],
    )
    calculator.fit(table(reference))
    found = calculator.calculate(table(windows.reshape(-1))).filter(period="analysis").to_df()
    method = found["x"]["jensen_shannon"]
    return method["value"].fillna(0.0).tolist(), method["alert"].astype(bool).tolist()


def whylogs(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """K-S of its sketches' quantiles, or chi-square of its frequent items."""
    import pandas as pd
    from whylogs import log
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    def view(values: Array) -> Any:
        return log(pd.DataFrame({"x": labels(values) if categorical else values})).view()

    trained = view(reference)
    scores, alarms = [], []
    for window in windows:
        found = calculate_drift_scores(view(window), trained, with_thresholds=True)["x"] or {}
        scores.append(-found.get("pvalue", 1.0))
        alarms.append(found.get("drift_category") == "DRIFT")
    return scores, alarms


def _frouros(name: str) -> Callable[[Array, Array, bool], Verdicts]:
    def detect(reference: Array, windows: Array, categorical: bool) -> Verdicts:
        from frouros.detectors import data_drift

        detector = getattr(data_drift, "ChiSquareTest" if categorical else name)()
        detector.fit(X=_present(reference))
        if name != "AndersonDarlingTest" or categorical:
            return _pvalues(lambda rows: detector.compare(X=_present(rows))[0].p_value, windows)
        found = [detector.compare(X=_present(rows))[0] for rows in windows]
        # Its p-value is capped at both ends: the statistic orders windows that share a p-value.
        return [each.statistic for each in found], [each.p_value < SIGNIFICANT for each in found]

    return detect


FIXED_LIMIT = 0.2


def boxkite_005(reference: Array, windows: Array, categorical: bool) -> Verdicts:
    """J-divergence of its histograms by PromQL: bins that training never saw drop out of the join,
    each count is raised by one, and above a fixed limit is drift.
    """
    del categorical  # it takes numbers, and decides by itself what is discrete
    from boxkite.utils.histogram import fast_histogram, is_discrete

    discrete = is_discrete(reference)
    trained = fast_histogram(reference, discrete=discrete)
    edges = [float(edge) for edge in trained if edge != "+Inf"]
    scores = []
    for window in windows:
        if discrete:
            live = fast_histogram(window, discrete=True)
        else:
            # While serving, values below the first edge count in the first bucket.
            within = np.where(window > edges[-1], np.inf, np.maximum(window, edges[0]))
            live = fast_histogram(within, discrete=False, bins=edges)
        scores.append(_j_divergence(live, trained))
    return scores, [score > FIXED_LIMIT for score in scores]


def _j_divergence(live: Mapping[str, int], trained: Mapping[str, int]) -> float:
    q = np.array(list(trained.values()), dtype=float) + 1
    p = np.array([live.get(key, 0) for key in trained], dtype=float) + 1
    p, q = p / (sum(live.values()) + len(p)), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


DETECTORS: dict[str, Callable[[Array, Array, bool], Verdicts]] = {
    "boxkite": boxkite,
    "boxkite, missing and unseen": boxkite_rates,
    "boxkite, without effect floor": boxkite_without_floor,
    "boxkite, PSI alone": boxkite_psi,
    "evidently": evidently,
    "alibi-detect": alibi_detect,
    "nannyml": nannyml,
    "whylogs": whylogs,
    "frouros K-S": _frouros("KSTest"),
    "frouros Anderson-Darling": _frouros("AndersonDarlingTest"),
    "boxkite 0.0.5": boxkite_005,
}
