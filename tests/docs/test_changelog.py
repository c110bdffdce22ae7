"""The changelog keeps to its format, and names what exists."""

import re
from dataclasses import fields
from pathlib import Path

from boxkite import Settings
from boxkite.cli.commands import boxkite
from boxkite.prometheus.rules import render_rules

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def test_each_release_groups_its_changes_by_kind() -> None:
    releases = re.split(r"^## \[", CHANGELOG, flags=re.MULTILINE)[1:]
    for release in releases:
        kinds = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert len(set(kinds)) == len(kinds)
        assert set(kinds) <= set(KINDS)


def test_each_change_is_one_sentence() -> None:
    changes = re.findall(r"^- (.+(?:\n  .+)*)", CHANGELOG, re.MULTILINE)
    assert len(changes) > 50
    assert [each for each in changes if not re.fullmatch(r"(?:[^.]|\.(?!\s))+\.", each)] == []
    assert len(set(changes)) == len(changes)


def test_alerts_settings_and_options_that_are_new_exist() -> None:
    added = CHANGELOG.split("### Added\n")[1].split("\n### ")[0]
    code = re.findall(r"`([^`\n]+)`", added)
    alerts = {each for each in code if re.fullmatch(r"Boxkite[A-Z]\w+", each)}
    settings = {each for each in code if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", each)}
    options = {each for text in code for each in re.findall(r"--[a-z][\w-]*", text)}
    assert min(len(alerts), len(settings), len(options)) > 4
    rules = render_rules()
    assert {each for each in alerts if f"alert: {each}\n" not in rules} == set()
    assert settings <= {each.name.upper() for each in fields(Settings)}
    commands = boxkite.commands.values()
    known = {option for each in commands for given in each.params for option in given.opts}
    assert options <= known
