"""What the arguments of `render_rules` change in the rule file."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from boxkite import ConfigError
from boxkite.prometheus.rules import RuleObject, RuleOptions, render_rules
from boxkite.prometheus.rules.rule_options import ALERTS


def group_lines(window: str, **arguments: Any) -> set[str]:
    """Return the lines of a window's groups."""
    rules = render_rules(windows=[window], **arguments)
    return {line.strip() for line in rules.partition(f"name: boxkite-{window}")[2].splitlines()}


@pytest.mark.parametrize(
    ("window", "interval", "pending"),
    [
        ("30s", "5s", "3s"),
        ("10m", "10s", "1m"),
        ("1h", "1m", "6m"),
        ("1d", "2m", "2h24m"),
    ],
)
def test_evaluations_and_waiting_follow_the_window(
    window: str, interval: str, pending: str
) -> None:
    expected = {f"interval: {interval}", f"for: {pending}", f"keep_firing_for: {window}"}
    assert expected <= group_lines(window)


def test_an_interval_given_is_that_of_every_group_but_the_steps_the_services_and_the_jobs() -> None:
    rules = render_rules(options=RuleOptions(interval="90s"))
    drift, quality = ["1m30s", "5m", *["1m30s"] * 8], ["1m30s", "5m", *["1m30s"] * 10, "2m"]
    every = [*drift, *quality, *["1m"] * 5]
    assert re.findall("^    interval: (.+)", rules, re.MULTILINE) == every


def test_the_header_says_what_is_promised() -> None:
    rules = render_rules(windows=["30m", "6h"])
    assert rules.split("#\n")[1] == (
        "# The services export their policy: how many false alarms they allow, and which "
        "differences matter.\n"
        "# Without drift, one model in one environment raises at most that many false alarms of "
        "drift, one a\n"
        "# month by default, over all of its variables and the windows 30m and 6h. Alerts on rates "
        "add\n"
        "# at most one per cent of that.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"windows": []}, "the rules need at least one window, such as 1h"),
        ({"windows": ["1 h"]}, "'1 h' is not a Prometheus duration; write one such as 1h or 90s"),
        ({"windows": ["0s"]}, "'0s' is not a Prometheus duration; write one such as 1h or 90s"),
        ({"windows": [""]}, "'' is not a Prometheus duration; write one such as 1h or 90s"),
        (
            {"windows": ["1d", "1h"]},
            "give each window once, the shortest first, not 1d, 1h",
        ),
        (
            {"options": RuleOptions(interval="soon")},
            "'soon' is not a Prometheus duration; write one such as 1h or 90s",
        ),
        (
            {"options": RuleOptions(interval="5m")},
            (
                "the interval 5m is too long, because Prometheus forgets a value after 5m. "
                "Use 2m or less"
            ),
        ),
        (
            {"options": RuleOptions(scrape_interval="10m")},
            (
                "a scrape every 10m is too rare for the window 1h: no alert could fire. Scrape "
                "every 120 seconds or more often"
            ),
        ),
        (
            {"options": RuleOptions(interval="2m"), "windows": ["1m"]},
            "the interval 2m is longer than the window 1m. Use a shorter one",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        render_rules(**arguments)
    assert str(raised.value) == message


def test_the_runbook_has_a_section_for_every_alert() -> None:
    options = RuleOptions(runbook='https://example.org/@ü"')
    rules = render_rules(windows=["1h"], options=options)
    alerts = re.findall("alert: (.+)", rules)
    links = re.findall("runbook_url: (.+)", rules)
    assert links == [f'"https://example.org/@ü\\"#{alert.lower()}"' for alert in alerts]
    runbook = (Path(__file__).parents[2] / "docs" / "production" / "runbook.md").read_text()
    assert re.findall("^## (Boxkite.+)", runbook, flags=re.MULTILINE) == list(dict.fromkeys(alerts))


def test_every_alert_says_what_a_person_needs() -> None:
    groups = yaml.safe_load(render_rules())["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    # Severities times alerts on data, for two windows and for jobs; quality likewise; labels;
    # services; jobs that stopped.
    assert len(alerts) == 2 * 6 * (2 + 1) + 2 * (2 + 1) + 2 + 12 + 1
    for alert in alerts:
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert "keep_firing_for" in alert
        assert set(alert["annotations"]) == {"summary", "description"}


def test_the_object_for_the_operator_holds_the_same_groups(promtool: str, tmp_path: Path) -> None:
    rules = render_rules()
    found = yaml.safe_load(RuleObject().render(rules))
    assert found == {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "boxkite"},
        "spec": yaml.safe_load(rules),
    }
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(found["spec"]))
    command = [promtool, "check", "rules", tmp_path / "spec.yaml"]
    assert subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "labels", [{}, {"release": "prometheus", "app.kubernetes.io/part-of": "boxkite"}]
)
def test_the_object_is_what_the_operator_accepts(labels: dict[str, str]) -> None:
    options = RuleOptions(alert_labels={"team": "ml: 1"}, runbook="https://x/", interval="30s")
    rules = render_rules(windows=["30m", "6h", "1w"], options=options)
    schema = json.loads(Path(__file__).with_name("prometheus_rule_schema.json").read_text())
    named = RuleObject(name="drift", namespace="monitoring", labels=labels)
    for rule_object in (RuleObject(labels=labels), named):
        content = yaml.safe_load(rule_object.render(rules))
        jsonschema.validate(content, schema)
        assert content["metadata"].get("labels", {}) == labels


def test_no_group_has_more_rules_than_mimir_and_grafana_cloud_allow() -> None:
    groups = yaml.safe_load(render_rules(windows=["30m", "6h", "1w"]))["groups"]
    sizes = {each["name"]: len(each["rules"]) for each in groups}
    assert max(sizes.values()) <= 20, sizes


def test_severities_labels_and_runbook_are_those_that_are_given() -> None:
    options = RuleOptions(
        alert_labels={"team": 'ml "a" @home'},
        severities={"critical": "page", "BoxkiteNoBaseline": "info"},
        runbook="https://x/y",
        without=frozenset({"BoxkiteScrapedTwice"}),
    )
    groups = yaml.safe_load(render_rules(options=options))["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert {each["alert"] for each in alerts} == set(ALERTS) - {"BoxkiteScrapedTwice"}
    assert {each["labels"]["team"] for each in alerts} == {'ml "a" @home'}
    severities = {(each["alert"], each["labels"]["severity"]) for each in alerts}
    for name in ("BoxkiteFeatureDrift", "BoxkiteOutputDrift", "BoxkiteMissingValues"):
        assert {level for each, level in severities if each == name} == {"warning", "page"}
    assert ("BoxkiteNoBaseline", "info") in severities
    for each in alerts:
        assert each["annotations"]["runbook_url"] == f"https://x/y#{each['alert'].lower()}"


def test_rules_without_alerts_only_record() -> None:
    groups = yaml.safe_load(render_rules(options=RuleOptions(alerts=False)))["groups"]
    assert [each["name"] for each in groups] == [
        "boxkite-baseline", "boxkite-steps", "boxkite-1h", "boxkite-1h-details", "boxkite-1d",
        "boxkite-1d-details",
        "boxkite-quality-baseline", "boxkite-quality-steps", "boxkite-quality-1d",
        "boxkite-quality-1d-statistics", "boxkite-quality-1d-verdicts", "boxkite-quality-7d",
        "boxkite-quality-7d-statistics", "boxkite-quality-7d-verdicts",
    ]  # fmt: skip
    assert all("record" in rule for group in groups for rule in group["rules"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"without": frozenset({"BoxkiteDrift"})},
            "'BoxkiteDrift'. Did you mean BoxkiteOutputDrift",
        ),
        ({"severities": {"critcal": "x"}}, "'critcal'. Did you mean critical"),
        (
            {"severities": {"page": "x"}},
            f"'page'. Give one of {', '.join(ALERTS)}, warning, critical",
        ),
    ],
)
def test_a_name_that_is_no_alert_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^there is no alert or severity {message}"):
        RuleOptions(**arguments)


def test_every_section_of_the_runbook_starts_with_what_an_engineer_on_call_needs() -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "production" / "runbook.md").read_text()
    _, *sections = re.split("^## (?=Boxkite)", runbook, flags=re.MULTILINE)
    assert len(sections) == len(ALERTS)
    for section in sections:
        lines = section.split("\n")[2:6]
        starts = [re.match(r"- \*\*(.+?)\*\*", line)[1] for line in lines]
        assert starts == ["Wait until morning?", "Query", "Command", "Look at"], section[:60]


def test_the_queries_of_the_runbook_are_promql(promtool: str, tmp_path: Path) -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "production" / "runbook.md").read_text()
    queries = [
        query
        for line in re.findall(r"^- \*\*Query\*\*: (.+)", runbook, flags=re.MULTILINE)
        for query in re.findall("`(.+?)`", line)
    ]
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    content = {"groups": [{"name": "runbook", "rules": rules}]}
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump(content))
    command = [promtool, "check", "rules", tmp_path / "queries.yaml"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
