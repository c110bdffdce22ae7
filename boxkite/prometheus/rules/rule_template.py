"""Fill in a group of rules from a Prometheus file with placeholders."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources

from boxkite.prometheus.rules.label_sets import LabelSets, Placeholders
from boxkite.prometheus.rules.rule_options import RuleOptions

__all__ = ["render_group"]

# An empty line ends a rule. The next one begins with its comment, if it has one.
_BETWEEN_RULES = re.compile(r"\n\n(?=      (?:#|- ))")
_ALERT = re.compile(
    r"- alert: (?P<name>\w+)\n +labels: \{severity: (?P<level>@?\w+)(?P<others>[^}]*)\}"
)


def render_group(file: str, options: RuleOptions, **values: str) -> str:
    """Return a group of the rule file, or an empty string if the options leave out all its rules.

    Args:
        file: Name of a template. A placeholder `@name` stands for a value, or for a list of
            labels. A value of several lines gets the indent of the line that it stands on.
        options: Changes alerts, and the labels that rules group by.
        values: Values of the placeholders, which may contain lists of labels themselves.
    """
    labels = LabelSets(options.environment)
    values = {name: labels.fill(text) for name, text in values.items()}
    text = (
        resources.files("boxkite.prometheus.rules").joinpath("templates", file).read_text("utf-8")
    )
    head, first, rest = text.partition("    rules:\n")
    rules = [
        _with_options(rule, options, values) for rule in _BETWEEN_RULES.split(rest.rstrip("\n"))
    ]
    wanted = "\n\n".join(filter(None, rules))
    if not wanted:
        return ""
    group = _fill_lines(f"{head}{first}{wanted}\n", values)
    return Placeholders(group).substitute(values, **labels.placeholders())


def _fill_lines(text: str, values: Mapping[str, str]) -> str:
    """Fill in the placeholders that have a line to themselves."""

    def fill(match: re.Match[str]) -> str:
        indent, name = match.groups()
        if name not in values:
            return match.group()
        return indent + values[name].replace("\n", f"\n{indent}")

    return re.sub(r"^( *)@(\w+)(?=[,\s]*$)", fill, text, flags=re.MULTILINE)


def _with_options(rule: str, options: RuleOptions, values: Mapping[str, str]) -> str:
    """Apply the options to a rule. Return an empty string if they leave it out."""
    match = _ALERT.search(rule)
    if match is None:
        return rule
    name = match["name"]
    if not options.has(name):
        return ""
    # The two groups of alerts on data share a template, so their level is a placeholder.
    level = Placeholders(match["level"]).substitute(values)
    labels = [f"severity: {_quoted(options.severity(name, level))}{match['others']}"]
    labels += [f"{label}: {_quoted(text)}" for label, text in options.alert_labels.items()]
    head = match.group().partition("labels:")[0]
    rule = f"{rule[: match.start()]}{head}labels: {{{', '.join(labels)}}}{rule[match.end() :]}"
    if options.runbook is None:
        return rule
    return f"{rule}\n          runbook_url: {_quoted(f'{options.runbook}#{name.lower()}')}"


def _quoted(text: str) -> str:
    """Return a user's text as a YAML string in which `@` is not a placeholder."""
    return json.dumps(text, ensure_ascii=False).replace("@", "@@")
