"""The rule file as an object of the Prometheus operator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["RuleObject"]


@dataclass(frozen=True, kw_only=True)
class RuleObject:
    """A `PrometheusRule`, the Prometheus operator's object for a rule file.

    Attributes:
        name: Name of the object.
        namespace: Namespace of the object; None leaves it to kubectl.
        labels: Labels of the object. The operator's Prometheus selects rules by them.
    """

    name: str = "boxkite"
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def render(self, rules: str) -> str:
        """Return the object that holds a rule file."""
        comment, _, groups = rules.partition("groups:\n")
        content = "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))
        return f"{comment}{self._head()}  groups:\n{content}"

    def _head(self) -> str:
        lines = [
            "apiVersion: monitoring.coreos.com/v1",
            "kind: PrometheusRule",
            "metadata:",
            f"  name: {json.dumps(self.name)}",
        ]
        if self.namespace is not None:
            lines.append(f"  namespace: {json.dumps(self.namespace)}")
        if self.labels:
            lines.append("  labels:")
            lines += [f"    {name}: {json.dumps(text)}" for name, text in self.labels.items()]
        else:
            lines.insert(0, "# If your Prometheus selects rules by label, give those labels.")
        return "\n".join([*lines, "spec:\n"])
