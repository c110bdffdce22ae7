"""The universal rule file: drift statistics, verdicts and alerts for every model at once."""

from boxkite.prometheus.rules.prometheus_rule import RuleObject
from boxkite.prometheus.rules.rule_file import render_rules
from boxkite.prometheus.rules.rule_options import RuleOptions

__all__ = ["RuleObject", "RuleOptions", "render_rules"]
