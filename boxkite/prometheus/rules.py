"""The universal rule file: drift statistics, verdicts and alerts for every model at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template

from boxkite.baseline.text_writer import format_float
from boxkite.drift import Policy
from boxkite.errors import ConfigError

__all__ = ["render_rules"]

_HEADER = """\
# Drift statistics, verdicts and alerts for every model, version, feature and output that boxkite
# monitors. A new model or baseline needs no new rules. For Prometheus 2.42 and later.
#
# Live rows of a window are the difference of a counter's greatest and least sample in it. All
# series of a target come from one scrape, and exist from its start at 0: so the cells of a
# variable are exact and agree with each other, for the rows between the first and the last scrape
# of the window. `increase` would extrapolate each series by itself. A target that is gone, or
# missed scrapes, counts with the samples it left in the window.
#
# Where a target restarted in the window (its boxkite_predictions_total fell), all of its series
# take `increase` instead. That adds the rows of at most about one scrape interval at either end
# of the window; where it adds more to a lower bucket than to the next one, the bin is cut at 0.
# The other targets stay exact.
#
# Training rows are taken with `max`, so it does not matter how many replicas export them.
# Replicas of one model and version count together; versions never mix.

groups:
"""

_UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))

# A recorded series is seen for five minutes, so its rule runs well within them.
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 5, 120
_EVALUATIONS_A_WINDOW = 60


class _GroupTemplate(Template):
    delimiter = "@"  # PromQL and alert templates are full of dollars and braces


def render_rules(
    policy: Policy | None = None,
    *,
    windows: Sequence[str] | None = None,
    critical_windows: Mapping[str, str] | None = None,
    interval: str | None = None,
    runbook: str = "docs/runbook.md",
) -> str:
    """Return a Prometheus rule file, one group of rules a window.

    The statistics are those of `boxkite.drift`, from the series of the labelled exposition.

    Args:
        policy: the least effect and the rows that a verdict needs; the default if None. The
            services export the critical values of theirs, so give the same here.
        windows: how far back to look, as Prometheus durations; the policy's if None.
        critical_windows: for a window that is not the policy's, the one of the policy whose
            critical value to use; the policy's shortest by default.
        interval: between two evaluations; by default a sixtieth of the window, within 5 seconds
            and 2 minutes.
        runbook: path or URL that the alerts' `runbook_url` begins with.

    Raises:
        ConfigError: if a window or the interval is not a Prometheus duration such as 1h, no
            window is given, or a critical window is not the policy's.
    """
    policy = policy or Policy()
    chosen = list(dict.fromkeys(policy.windows if windows is None else windows))
    if not chosen:
        raise ConfigError("the rules need at least one window, as 1h")
    template = _GroupTemplate(
        resources.files(__package__).joinpath("rules_group.yaml").read_text("utf-8")
    )
    groups = []
    for window in chosen:
        seconds = _seconds(window)
        every = min(max(seconds // _EVALUATIONS_A_WINDOW, _SHORTEST_INTERVAL), _LONGEST_INTERVAL)
        if interval is not None:
            every = _seconds(interval)
        group = template.substitute(
            group=f"boxkite-{window}",
            window=window,
            interval=_spelled(every),
            critical_window=_quoted(_critical_window(window, policy, critical_windows or {})),
            min_effect=format_float(policy.min_effect),
            min_rows_a_cell=format_float(policy.min_rows_a_cell),
            pending=_spelled(max(1, seconds // 10)),
            feature_runbook=_quoted(f"{runbook}#boxkitefeaturedrift"),
            output_runbook=_quoted(f"{runbook}#boxkiteoutputdrift"),
        )
        groups.append(group)
    return _HEADER + "\n".join(groups)


def _critical_window(window: str, policy: Policy, chosen: Mapping[str, str]) -> str:
    shortest = min(policy.windows, key=lambda name: policy.windows[name])
    found = chosen.get(window, window if window in policy.windows else shortest)
    if found not in policy.windows:
        known = ", ".join(policy.windows)
        raise ConfigError(f"no critical value for the window {found!r}; the policy has {known}")
    return found


def _quoted(text: str) -> str:
    """Return text in double quotes, as both YAML and PromQL read it."""
    return json.dumps(text, ensure_ascii=False)


def _seconds(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    numbers = [int(number or 0) for number in match.groups()] if match else []
    seconds = sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=False))
    if not seconds:
        raise ConfigError(f"{duration!r} is not a Prometheus duration; give one such as 1h or 90s")
    return seconds


def _spelled(seconds: int) -> str:
    parts = []
    for unit, length in _UNITS.items():
        count, seconds = divmod(seconds, length)
        if count and unit not in "yw":
            parts.append(f"{count}{unit}")
    return "".join(parts)
