import json
import math
from dataclasses import replace

import numpy as np
import pytest

from boxkite import Baseline, Policy, VariableDrift
from boxkite.baseline.tally import Tally
from boxkite.drift import (
    Comparison,
    Verdict,
    compare_counts,
    jensen_shannon,
    kolmogorov_smirnov,
    kullback_leibler,
    population_stability_index,
)
from boxkite.drift.rates import evidence, rate_critical

RESTED = VariableDrift("a", "feature", 10, 0, 0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.2, "ok", moved=0.01)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    values = [float(value) for value in range(100)]
    return Baseline.fit(
        {"x": [*values, None, None], "kind": ["a", "b"] * 51},
        {"score": [*values, 1.0, 2.0]},
        model="m",
        version="v",
        bins=4,
    )


def tallies(x: list[int], kind: list[int], score: list[int]) -> list[Tally]:
    cells = (np.array(each, dtype=np.int64) for each in (x, kind, score))
    return [Tally(next(cells), missing=3, invalid=2), Tally(next(cells)), Tally(next(cells))]


def test_each_variable_has_its_statistics_and_verdict(baseline: Baseline) -> None:
    counted = tallies([90, 10, 0, 0], [50, 55, 0], [26, 26, 26, 27])
    comparison = compare_counts(baseline, counted, 105, policy=Policy(), window="1d")
    assert (comparison.model, comparison.version, comparison.predictions) == ("m", "v", 105)
    x, kind, score = comparison
    trained = baseline.variables[0].counts
    assert trained[0] == 25
    expected = VariableDrift(
        name="x",
        role="feature",
        rows=100,
        missing=3,
        invalid=2,
        missing_difference=3 / 105 - 2 / 102,
        psi=population_stability_index(counted[0].cells, trained),
        kl=kullback_leibler(counted[0].cells, trained),
        js=jensen_shannon(counted[0].cells, trained),
        ks=kolmogorov_smirnov(counted[0].cells, trained),
        critical=Policy().critical("1d", 3, baseline.variables[0]) * (1 / 100 + 1 / 100),
        verdict="drift",
        moved=90.5 / 102 - 25.5 / 102,
        moved_rows=90 / 100 - 25 / 100,
        moved_cell="values from 0 to 24",
        effect="65 % of rows moved to values from 0 to 24, and the median fell by about 37, "
        "from 50 to 13",
        rows_needed=20,
        ks_critical=Policy().ks_critical("1d", 3) * math.sqrt(1 / 100 + 1 / 100),
        invalid_difference=2 / 105,
        outside_difference=0.0,
        missing_evidence=evidence(3, 105, 2, 102),
        outside_evidence=0.0,
        invalid_evidence=evidence(2, 105, 0, 102),
        rate_critical=rate_critical(Policy(), 3),
    )
    # Compare as text, where NaN equals NaN.
    assert repr(x) == repr(expected)
    assert (kind.name, kind.role, kind.verdict) == ("kind", "feature", "ok")
    assert kind.critical == Policy().critical("1d", 3, baseline.variables[1]) * (1 / 102 + 1 / 105)
    assert math.isnan(kind.ks)
    assert math.isnan(kind.ks_critical)
    assert (x.above, kind.above) == (("PSI", "K-S"), ())
    assert (score.name, score.role, score.verdict) == ("score", "output", "ok")


def test_windows_differ_only_in_their_critical_values(baseline: Baseline) -> None:
    counted = tallies([30, 20, 30, 20], [50, 50, 0], [25, 25, 25, 25])
    hour, day = (compare_counts(baseline, counted, 100, window=each) for each in ("1h", "1d"))
    for short, long in zip(hour, day, strict=True):
        assert short.critical > long.critical
        assert short.ks_critical > long.ks_critical or math.isnan(short.ks)
        # Compare as text, where NaN equals NaN.
        criticals = {"critical": short.critical, "ks_critical": short.ks_critical}
        assert repr(replace(long, **criticals)) == repr(short)


def test_without_a_critical_value_for_psi_ks_has_one() -> None:
    baseline = Baseline.fit({"x": [float(value % 2) for value in range(8)]})
    (few,) = compare_counts(baseline, [Tally(np.array([100, 900]))], 1000)
    assert (few.verdict, few.reason) == ("insufficient", "8 training rows, 10 needed")
    assert (few.above, few.ks, math.isnan(few.critical)) == ((), 0.4, True)
    assert few.ks_critical == Policy().ks_critical("1h", 1) * math.sqrt(1 / 8 + 1 / 1000)
    assert few.multiple == pytest.approx((few.ks / few.ks_critical) ** 2)


def test_above_lists_each_statistic_above_its_critical_value_whether_it_matters_or_not() -> None:
    by_ks = replace(RESTED, ks=0.15, ks_critical=0.1)
    assert [each.above for each in (RESTED, by_ks, replace(by_ks, psi=0.3))] == [
        (), ("K-S",), ("PSI", "K-S"),
    ]  # fmt: skip
    assert replace(by_ks, psi=0.3, verdict="insufficient").above == ()


def test_multiple_is_the_greater_of_psi_and_the_square_of_ks() -> None:
    by_ks = replace(RESTED, ks=0.3, ks_critical=0.1)
    assert [each.multiple for each in (RESTED, by_ks, replace(by_ks, psi=4.0))] == [
        0.5, pytest.approx(9.0), 20.0,
    ]  # fmt: skip


def test_without_rows_every_statistic_is_nan(baseline: Baseline) -> None:
    nothing = compare_counts(baseline, tallies([0] * 4, [0] * 3, [0] * 4), 0)
    assert nothing.verdict == "insufficient"
    for each in nothing:
        assert each.verdict == "insufficient"
        numbers = [each.psi, each.kl, each.js, each.ks, each.critical, each.ks_critical]
        assert all(map(math.isnan, numbers))
    x, kind, _ = nothing
    assert x.missing_difference == 3 / 5 - 2 / 102
    assert math.isnan(kind.missing_difference)


def test_a_variable_without_training_values_has_no_statistic() -> None:
    with pytest.warns(match="has no value in any row"):
        baseline = Baseline.fit({"never": [None] * 10})
    cells = np.array([50] * len(baseline.variables[0].counts), dtype=np.int64)
    (never,) = compare_counts(baseline, [Tally(cells)], 50)
    assert (never.verdict, never.missing_difference) == ("insufficient", -1.0)
    assert math.isnan(never.psi)


def test_too_few_tallies_are_refused(baseline: Baseline) -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare_counts(baseline, tallies([0] * 4, [0] * 3, [0] * 4)[:2], 0)


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["ok", "drift", "insufficient"], "drift"),
        (["ok", "insufficient"], "ok"),
        (["insufficient"], "insufficient"),
        ([], "insufficient"),
    ],
)
def test_the_verdict_on_the_model_is_the_worst_of_its_variables(
    verdicts: list[Verdict], verdict: Verdict
) -> None:
    variables = tuple(replace(RESTED, verdict=each) for each in verdicts)
    assert Comparison("m", "v", 10, variables).verdict == verdict


DRIFTED = replace(RESTED, verdict="drift", psi=0.1, critical=0.05)
"""Its size is twice the floor of PSI."""


@pytest.mark.parametrize(
    ("drift", "size", "severity"),
    [
        (RESTED, 2.0, ""),
        (DRIFTED, 2.0, "warning"),
        (replace(DRIFTED, psi=0.25), 5.0, "warning"),
        (replace(DRIFTED, psi=0.26), 5.2, "critical"),
        (replace(DRIFTED, moved=0.06), 3.0, "warning"),
        (replace(DRIFTED, moved=-0.2), 10.0, "critical"),
        (replace(DRIFTED, min_effect=0.5), 0.5, "warning"),
        (
            replace(RESTED, psi=0.0, missing_difference=-0.04, changed_rates=("missing",)),
            4,
            "warning",
        ),
        (replace(RESTED, invalid_difference=0.3, changed_rates=("invalid",)), 30.0, "critical"),
        (replace(RESTED, unseen_difference=0.3), 2.0, ""),
        (replace(RESTED, verdict="insufficient", reason="41 rows, 100 needed"), 0.0, ""),
        (replace(DRIFTED, min_effect=0.0, min_moved=0.0), math.inf, "critical"),
        (replace(RESTED, min_effect=math.inf, min_moved=math.inf, min_rate=math.inf), 0.0, ""),
    ],
)
def test_severity_follows_size(drift: VariableDrift, size: float, severity: str) -> None:
    assert (drift.size, drift.severity) == (pytest.approx(size), severity)


def test_changes_come_first_and_the_largest_before_the_most_certain() -> None:
    large = replace(DRIFTED, name="large", psi=0.2, critical=0.19)
    certain = replace(DRIFTED, name="certain", critical=0.01)
    likely = replace(DRIFTED, name="likely", critical=0.09)
    rate = replace(RESTED, name="rate", missing_difference=0.03, changed_rates=("missing",))
    calm = replace(RESTED, name="calm", psi=0.9)
    few = replace(RESTED, name="few", verdict="insufficient")
    comparison = Comparison("m", "v", 10, (few, likely, calm, certain, large, rate))
    names = [each.name for each in comparison.by_size]
    assert names == ["large", "rate", "certain", "likely", "calm", "few"]
    assert [each.name for each in comparison.drifted] == ["large", "certain", "likely"]


@pytest.mark.parametrize(
    ("drifted", "others", "severity"),
    [
        (0, 5, ""),
        (1, 5, "warning"),
        (1, 0, "warning"),
        (2, 18, "critical"),
        (2, 19, "warning"),
        (3, 27, "critical"),
    ],
)
def test_many_drifted_variables_are_critical(drifted: int, others: int, severity: str) -> None:
    variables = (*[DRIFTED] * drifted, *[RESTED] * others)
    assert Comparison("m", "v", 10, variables).severity == severity


def test_the_findings_say_everything_once() -> None:
    found = replace(
        DRIFTED, effect="50 % of rows moved to 0", missing=5, missing_difference=1 / 3,
        changed_rates=("missing",),
    )  # fmt: skip
    assert found.findings == (
        "50 % of rows moved to 0",
        "33.3 % of rows have no value (0 % at training)",
    )


def test_as_dict_is_plain_json_without_nan() -> None:
    category = replace(
        RESTED, ks=math.nan, verdict="drift", moved_rows=0.012, moved_cell="0", min_effect=0.0,
        effect="1.2 % of rows moved to 0",
        min_moved=0.0, min_rate=math.inf, scores=(1.0, math.nan), score_criticals=(2.0, math.inf),
    )  # fmt: skip
    content = Comparison("m", "v", 10, (category,)).as_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == {
        "model": "m",
        "version": "v",
        "predictions": 10,
        "verdict": "drift",
        "variables": [
            {
                "name": "a",
                "role": "feature",
                "rows": 10,
                "missing": 0,
                "invalid": 0,
                "missing_difference": 0.0,
                "psi": 0.1,
                "kl": 0.1,
                "js": 0.1,
                "ks": None,
                "critical": 0.2,
                "verdict": "drift",
                "reason": "",
                "moved": 0.01,
                "moved_rows": 0.012,
                "excess": None,
                "excess_critical": None,
                "moved_cell": "0",
                "rows_needed": 0,
                "status": "drift",
                "effect": "1.2 % of rows moved to 0",
                "size": None,
                "severity": "critical",
                "unseen": 0,
                "outside": 0,
                "unseen_difference": None,
                "outside_difference": None,
                "invalid_difference": None,
                "missing_evidence": None,
                "unseen_evidence": None,
                "outside_evidence": None,
                "invalid_evidence": None,
                "rate_critical": None,
                "changed_rates": [],
                "rate_changes": [],
                "ks_critical": None,
                "scores": [1.0, None],
                "score_criticals": [2.0, None],
                "absent": False,
                "above": [],
                "below_floor": "",
                "min_effect": 0.0,
                "min_moved": 0.0,
                "min_rate": None,
            }
        ],
        "summary": "1 drift",
        "severity": "critical",
    }
