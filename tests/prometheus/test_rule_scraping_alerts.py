"""When the alerts on scraping and on policies fire, and what they say, judged by promtool."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import yaml

from boxkite import Baseline, Policy, VariablePolicy
from boxkite.prometheus.rules import render_rules
from boxkite.quality import QualityPolicy
from boxkite.settings import Settings

MODEL = 'model_name="m",model_version="v"'
TARGET = 'job="j",instance="a"'


def rules_of(*groups: str, windows: Sequence[str] = ("1h", "1d")) -> str:
    """Return some groups alone: promtool goes through hours of them in no time."""
    content = yaml.safe_load(render_rules(windows=windows))["groups"]
    return yaml.safe_dump({"groups": [each for each in content if each["name"] in groups]})


def said(summary: str, *description: str) -> dict[str, str]:
    return {"summary": summary, "description": " ".join(description)}


def predictions(values: str, target: str = TARGET) -> dict[str, str]:
    return {"series": f"boxkite_predictions_total{{{MODEL},{target}}}", "values": values}


def started(values: str, target: str = TARGET) -> dict[str, str]:
    return {"series": f"process_start_time_seconds{{{target}}}", "values": values}


RARE = said(
    "Model m (job j): Prometheus scrapes it too rarely",
    "A replica was scraped 6 times in 1h. The rules need a scrape every 2m; with fewer, no drift",
    "alert can fire. First, lower scrape_interval of this job, and check that scrapes do not fail.",
)
FALLING = said(
    "Model m (job j): counters fall, so its rows are counted several times",
    "The counters of one target fell 15 times in 30 minutes, and the process did not restart as",
    "often. Several replicas, or several workers without a shared STATE_DIR, answer scrapes at one",
    "address. First, scrape each replica at its own address, or set STATE_DIR.",
)


def twice(*jobs: str) -> dict[str, str]:
    return said(
        "Model m: a is scraped more than once",
        "Prometheus has the counters of this target under several sets of labels:",
        f"{', '.join(jobs)}, in all.",
        "Two jobs raise each alert twice; two targets of one job count each row twice. First,",
        "remove one of the scrape configurations or monitors that select it.",
    )


CASES: dict[str, tuple[str, list[dict[str, str]], Mapping[str, str] | None]] = {
    "a scrape every ten minutes": (
        "BoxkiteScrapedTooRarely",
        [predictions(" ".join(["1", *["_"] * 9]) + " " + " ".join(["1 _x9"] * 20))],
        RARE,
    ),
    "a scrape a minute": ("BoxkiteScrapedTooRarely", [predictions("0+1x200")], None),
    "a new target": ("BoxkiteScrapedTooRarely", [predictions("_x130 0+1x70")], None),
    "a target that went": ("BoxkiteScrapedTooRarely", [predictions("0+1x130 stale")], None),
    "replicas behind one address, told apart by their start": (
        "BoxkiteCountersFall",
        [predictions("10 500 " * 100), started("100 900 " * 100)],
        FALLING,
    ),
    "workers behind one address, whose start is not known": (
        "BoxkiteCountersFall",
        [predictions("10 500 " * 100)],
        FALLING,
    ),
    "a service that restarts again and again": (
        "BoxkiteCountersFall",
        [
            predictions(" ".join(f"{50 - number % 5 * -10}" for number in range(200))),
            started(" ".join(str(1000 * (number // 5)) for number in range(200))),
        ],
        None,
    ),
    "one restart": ("BoxkiteCountersFall", [predictions("0+10x100 0+10x100")], None),
    "one target in two jobs": (
        "BoxkiteScrapedTwice",
        [predictions("0+1x200"), predictions("0+1x200", 'job="k",instance="a"')],
        twice("1 in job j", "1 in job k"),
    ),
    "one target twice in a job": (
        "BoxkiteScrapedTwice",
        [
            predictions("0+1x200", f'{TARGET},endpoint="http"'),
            predictions("0+1x200", f'{TARGET},endpoint="metrics"'),
        ],
        twice("2 in job j"),
    ),
    "two clusters with the same addresses": (
        "BoxkiteScrapedTwice",
        [
            predictions("0+1x200", f'{TARGET},cluster="eu"'),
            predictions("0+1x200", f'{TARGET},cluster="us"'),
        ],
        None,
    ),
    "two replicas": (
        "BoxkiteScrapedTwice",
        [predictions("0+1x200"), predictions("0+1x200", 'job="j",instance="b"')],
        None,
    ),
}


@pytest.mark.parametrize(("name", "series", "text"), list(CASES.values()), ids=list(CASES))
def test_mistakes_of_scraping_are_told(
    bench: Any, name: str, series: list[dict[str, str]], text: Mapping[str, str] | None
) -> None:
    labels = {"model_name": "m", "severity": "warning"}
    labels |= {"instance": "a"} if name == "BoxkiteScrapedTwice" else {"job": "j"}
    alerts = [{"exp_labels": labels, "exp_annotations": text}] if text else []
    tests = [{"alertname": name, "eval_time": "185m", "exp_alerts": alerts}]
    bench.run_series(rules_of("boxkite-scraping"), series, "1m", alert_rule_test=tests)


@pytest.fixture(scope="module")
def small() -> Baseline:
    random = np.random.default_rng(3)
    return Baseline.fit({"x": random.normal(size=2000)}, model="m", version="v", bins=6)


@pytest.fixture(scope="module")
def labelled() -> Baseline:
    """A baseline with outcomes and a segment, whose thresholds differ from those of the whole."""
    random = np.random.default_rng(3)
    score = random.random(4000)
    return Baseline.fit(
        {"x": random.normal(size=4000), "country": random.choice(["NO", "SE"], 4000)},
        {"score": score},
        outcome=(random.random(4000) < score).astype(int),
        segments=["country"],
        model="m",
        version="v",
        bins=6,
    )


NO_WINDOW = said(
    "Model m (job models): the rules cannot follow its policy, because of the windows of the rules",
    "The services export no thresholds for a window of these rules, so there is no verdict on",
    "drift in it. First, give the services the windows of the rules, with",
    'Policy(windows={"1h": 1, "6h": 6}), or print rules for the windows of the services.',
)
NO_QUALITY_WINDOW = said(
    "Model m (job models): the rules cannot follow its policy, because of the quality windows of "
    "the rules",
    "The services export no thresholds of quality for a window of these rules, so there is no",
    "verdict on quality in it. First, give the services the windows of the rules, with",
    'QualityPolicy(windows={"1d": 24, "7d": 168}), or print rules for the windows of the services.',
)
UNEVEN = said(
    "Model m (job models): the rules cannot follow its policy, because of the policies of the "
    "replicas",
    "Replicas have different policies, so the rules use the greatest of their thresholds and find",
    "less than they could. First, give all replicas the same policy; a rollout may still be under",
    "way.",
)
POLICY = ("boxkite_drift_share", "boxkite_quality_critical", "boxkite_policy_hash")
A_DAY = Policy(quality=QualityPolicy(windows={"1d": 24.0}))


@pytest.mark.parametrize(
    ("outcomes", "policies", "windows", "setting", "text"),
    [
        (False, [Policy()], ["1h", "1d"], "", {}),
        (False, [Policy()], ["1d"], "", {}),
        (False, [Policy(false_alarms_per_month=0.1, min_effect=0.2)], ["1h", "1d"], "", {}),
        (False, [A_DAY], ["1h", "1d"], "", {}),  # quality is not judged without outcomes
        (False, [Policy()], ["1h", "6h"], "the windows of the rules", NO_WINDOW),
        (True, [Policy(), Policy()], ["1h", "1d"], "", {}),
        (True, [A_DAY], ["1h", "1d"], "the quality windows of the rules", NO_QUALITY_WINDOW),
        *(
            (True, [Policy(), other], ["1h", "1d"], "the policies of the replicas", UNEVEN)
            for other in (
                Policy(false_alarms_per_month=0.1),
                Policy(variables={"x": VariablePolicy(min_rate=0.1)}),
                Policy(quality=QualityPolicy(min_rows=100)),
            )
        ),
    ],
)
def test_a_policy_that_the_rules_cannot_follow_is_told(
    bench: Any,
    small: Baseline,
    labelled: Baseline,
    outcomes: bool,
    policies: Sequence[Policy],
    windows: Sequence[str],
    setting: str,
    text: dict[str, str],
) -> None:
    replicas = [bench.replica(labelled if outcomes else small, policy) for policy in policies]
    for replica in replicas:
        replica.scrape()
        read = {each: now for each, now in replica.scrapes[0].items() if each.startswith(POLICY)}
        replica.scrapes = [read] * 75  # an idle service, without what these rules do not read
    alert = {
        "exp_labels": {
            "job": "models",
            "model_name": "m",
            "model_version": "v",
            "setting": setting,
            "severity": "warning",
        },
        "exp_annotations": text,
    }
    tests = [
        {
            "alertname": "BoxkitePolicyDiffers",
            "eval_time": "70m",
            "exp_alerts": [alert] if setting else [],
        }
    ]
    groups = ("boxkite-baseline", "boxkite-quality-baseline", "boxkite-scraping")
    chosen = rules_of(*groups, windows=windows)
    bench.run_series(chosen, bench.input_series(replicas), "1m", alert_rule_test=tests)


@pytest.mark.parametrize("exported", [True, False])
def test_one_target_may_export_the_baseline_for_all_replicas(
    bench: Any, small: Baseline, exported: bool
) -> None:
    settings = Settings(export_baseline=False)
    replicas = [bench.replica(small, settings=settings) for _ in range(2)]
    reference = bench.replica(small)
    rows = [{"x": value} for value in np.random.default_rng(4).normal(1, 1, 400).tolist()]
    for row in rows:
        reference.monitor.log_prediction(row)
    for replica in replicas:
        replica.scrape()
    for number, replica in enumerate(replicas):
        for row in rows[number::2]:
            replica.monitor.log_prediction(row)
        for _ in range(35):
            replica.scrape()
    assert not any("boxkite_baseline" in series for series in replicas[0].scrapes[-1])
    series = bench.input_series(replicas)
    if exported:
        lines = small.as_text().splitlines()
        pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        series += [
            {"series": f'{name.removesuffix("}")},job="baselines"}}', "values": f"{value}x35"}
            for name, _, value in pairs
        ]
    drift = reference.monitor.drift()
    tests = bench.expected(small, drift, "1h", "4m") if exported else []
    missing = [
        {
            "exp_labels": {
                "job": "models",
                "model_name": "m",
                "model_version": "v",
                "severity": "warning",
            },
            "exp_annotations": said(
                "Model m (job models): no target exports baseline v",
                "2 replicas serve this baseline, but Prometheus scrapes it from no target, so",
                "their drift is not seen. First, check that the target that exports",
                "histogram.prom is up and has this version, or remove EXPORT_BASELINE=false.",
            ),
        }
    ]
    alerts = [
        {
            "alertname": "BoxkiteBaselineNotExported",
            "eval_time": "20m",
            "exp_alerts": [] if exported else missing,
        },
        {"alertname": "BoxkiteBaselinesDiffer", "eval_time": "20m", "exp_alerts": []},
        {"alertname": "BoxkiteNoBaseline", "eval_time": "20m", "exp_alerts": []},
    ]
    bench.run_series(render_rules(), series, "40s", promql_expr_test=tests, alert_rule_test=alerts)
