"""The demonstration's table, in a process of its own, since its modules are no package's."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from rich.console import Console

from boxkite import Baseline, compare
from demo.statistics import Recorded
from demo.tables import agreement, side_by_side

delays = [float(delay) for delay in range(2000)]
baseline = Baseline.fit({{"arrival_delay": delays, "dest": ["a", "b"] * 1000}})
comparison = compare(baseline, {{"arrival_delay": [5.0] * {rows}, "dest": ["a", None] * {half}}})
recorded = {{
    each.name: Recorded(
        each.rows, each.psi + {error}, each.critical, each.ks, each.ks_critical, each.verdict
    )
    for each in comparison
}}
Console(width=80).print(side_by_side(comparison, recorded, "July"))
print(agreement(comparison, recorded))
"""


def printed(examples: Path, **values: float) -> list[str]:
    """The lines of the table and the word on agreement."""
    script = SCRIPT.format(**values)
    output = subprocess.check_output([sys.executable, "-c", script], cwd=examples, text=True)
    return [line.rstrip() for line in output.splitlines()]


def test_the_table_fits_80_columns_with_every_digit(examples: Path) -> None:
    assert printed(examples, rows=1000, half=500, error=0) == [
        "July",
        "                       PSI    PSI      PSI    K-S    K-S      K-S verdict",
        "variable       rows Python  Prom. critical Python  Prom. critical Python  Prom.",
        "─" * 79,
        "arrival_delay 1,000 7.1498 7.1498   0.0851 0.9500 0.9500   0.0878 drift   drift",
        "dest            500 3.4471 3.4471   0.0567      -      -        - drift   drift",
        "True",
    ]


def test_too_few_rows_fit_as_well(examples: Path) -> None:
    lines = printed(examples, rows=2, half=1, error=0)
    assert max(map(len, lines)) <= 80
    assert lines[4].endswith("too few too few")


@pytest.mark.parametrize(("error", "agree"), [(1e-9, "True"), (1e-3, "False")])
def test_a_difference_in_a_printed_digit_is_no_agreement(
    error: float, agree: str, examples: Path
) -> None:
    assert printed(examples, rows=1000, half=500, error=error)[-1] == agree
