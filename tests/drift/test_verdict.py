import numpy as np
import pytest
from scipy.stats import chi2

from boxkite.drift import Policy, Verdict, population_stability_index


@pytest.mark.parametrize(
    ("psi", "threshold", "rows", "cells", "verdict"),
    [
        (0.3, 0.2, 1000, 20, "drift"),
        (0.2, 0.2, 1000, 20, "ok"),
        (0.1, 0.2, 1000, 20, "ok"),
        (0.04, 0.01, 1_000_000, 20, "ok"),
        (0.05, 0.01, 1_000_000, 20, "ok"),
        (9.9, 0.2, 99, 20, "insufficient"),
        (9.9, 0.2, 100, 20, "drift"),
        (9.9, 0.2, 0, 20, "insufficient"),
        (0.0, 0.0, 1000, 1, "insufficient"),
    ],
)
def test_drift_is_above_chance_and_matters(
    psi: float, threshold: float, rows: int, cells: int, verdict: Verdict
) -> None:
    assert Policy().judge(psi, threshold, rows, cells) == verdict


@pytest.mark.parametrize(
    ("policy", "window", "variables", "share"),
    [
        (Policy(), "1h", 1, 1 / 2 / 720),
        (Policy(), "1d", 1, 1 / 2 / 30),
        (Policy(), "1h", 25, 1 / 2 / 720 / 25),
        (Policy(false_alarms_per_month=0.1, windows={"6h": 6.0}), "6h", 10, 0.1 / 120 / 10),
        (Policy(false_alarms_per_month=1000.0), "1d", 1, 0.5),
    ],
)
def test_the_months_false_alarms_are_shared_over_windows_and_variables(
    policy: Policy, window: str, variables: int, share: float
) -> None:
    assert policy.share(window, variables) == pytest.approx(share, rel=1e-15)
    assert policy.critical(window, variables, 20) == pytest.approx(chi2.isf(share, 19), rel=1e-9)


def test_one_cell_has_no_critical_value() -> None:
    assert Policy().critical("1h", 5, 1) == 0.0


@pytest.mark.parametrize(("trained", "served"), [(20_000, 500), (2_000, 2_000), (500, 50_000)])
def test_psi_without_drift_passes_the_critical_value_as_often_as_stated(
    trained: int, served: int
) -> None:
    policy = Policy(false_alarms_per_month=72.0, windows={"1h": 1.0})
    random = np.random.default_rng(12)
    cells = np.full(20, 1 / 20)
    critical = policy.critical("1h", 1, 20) * (1 / trained + 1 / served)
    alarms = [
        population_stability_index(
            random.multinomial(served, cells), random.multinomial(trained, cells)
        )
        > critical
        for _ in range(4000)
    ]
    # 0.1 stated; three standard errors of 4,000 draws are 0.014.
    assert np.mean(alarms) == pytest.approx(policy.share("1h", 1), abs=0.015)
