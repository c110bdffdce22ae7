"""Tables keep numbers whole at 80 columns and escape names."""

import io

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from boxkite import Baseline, Comparison, VariableDrift
from boxkite.cli.tables import baseline_table, comparison_table
from boxkite.drawing.printable import one_line

LONG = "a_feature_with_a_very_long_name_that_somebody_gave_to_a_column"


def printed(table: Table, width: int = 80) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=None).print(table)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def drift(name: str, rows: int, psi: float) -> VariableDrift:
    return VariableDrift(
        name=name, role="feature", rows=rows, missing=rows, invalid=0, missing_difference=0.0,
        psi=psi, kl=psi, js=psi, ks=0.0123, critical=1 / 3, ks_critical=0.1, verdict="insufficient",
    )  # fmt: skip


def test_numbers_stay_whole_at_80_columns_while_names_wrap() -> None:
    variables = (drift(LONG, 123_456_789, 12.34567), drift("short", 0, np.nan))
    assert printed(comparison_table(Comparison("m", "v", 0, variables))) == [
        "variable          rows     missing     PSI critical    K-S critical verdict",
        "─" * 80,
        "a_feature_ 123,456,789 123,456,789 12.3457   0.3333 0.0123   0.1000 insufficient",
        "with_a_ver",
        "y_long_nam",
        "e_that_som",
        "ebody_gave",
        "_to_a_colu",
        "mn",
        "short                0           0       -   0.3333 0.0123   0.1000 insufficient",
    ]


def test_ranges_stay_whole_at_80_columns() -> None:
    baseline = Baseline.fit(
        {LONG: [-1.23456789e-100, 2.3456789e100], "c": ["x" * 1000, "[bold]\n"]}, [1, 2]
    )
    assert printed(baseline_table(baseline)) == [
        "variable                    kind      missing  cells  range or categories",
        "─" * 80,
        "a_feature_with_a_very_long  numeric         0      2  -1.23457e-100 to",
        "_name_that_somebody_gave_t                            2.34568e+100",
        "o_a_column",
        r"c                           category        0      3  [bold]\n,",
        "                                                      xxxxxxxxxxxxxxxxxxxxxxxxx…",
        "                                                      __unseen__",
        "output (output)             numeric         0      2  1 to 2",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("größe 🚀 日本", "größe 🚀 日本"),
        ("two\nlines\r\t\0", r"two\nlines\r\t\x00"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202eabc\ud800", r"\u202eabc\ud800"),
        ("[red]", "[red]"),
    ],
)
def test_unprintable_characters_are_escaped(text: str, shown: str) -> None:
    assert one_line(text) == shown
