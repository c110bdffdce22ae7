"""PromQL that several rules share."""

from __future__ import annotations

__all__ = ["evidence", "scaled"]

# A logarithm that is multiplied by zero must be finite, because 0 * -Inf is NaN.
_TINY = "1e-300"


def evidence(live: str, live_rows: str, trained: str, trained_rows: str) -> str:
    """Return a template of PromQL for `boxkite.drift.rates.evidence`.

    The result is absent if either side has no rows.

    Args:
        live: Live rows of the kind that is counted.
        live_rows: All live rows.
        trained: Training rows of the kind.
        trained_rows: All training rows.
    """
    both = f"clamp_min({live} + on (@variable) group_left () {trained}, {_TINY})"
    rows = f"({live_rows} + on (@variable) group_left () {trained_rows})"
    return (
        f"{live}\n"
        "* on (@live) ln(\n"
        f"  clamp_min({live}, {_TINY}) * on (@live) {rows}\n"
        f"  / on (@live) ({both} * on (@live) ({live_rows} > 0))\n"
        ")\n"
        "+ on (@live)\n"
        f"{trained}\n"
        "* on (@variable) group_right () ln(\n"
        f"  clamp_min({trained}, {_TINY}) * on (@variable) group_right () {rows}\n"
        f"  / on (@live) ({both} * on (@variable) group_left () ({trained_rows} > 0))\n"
        ")"
    )


def scaled(counts: str, live_rows: str, trained_rows: str) -> str:
    """Return a template of PromQL for live counts, scaled down to at most the training rows."""
    ratio = f"clamp_max({trained_rows} / on (@variable) group_right () {live_rows}, 1)"
    return f"({counts} * on (@live) {ratio})"
