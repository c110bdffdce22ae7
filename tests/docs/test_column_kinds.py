"""The code of the page on column kinds prints what the page shows."""

import re
from pathlib import Path
from typing import Any

import pytest

from boxkite import Baseline, compare

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "column-kinds.md").read_text()


def test_the_example_prints_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    (printed,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert capsys.readouterr().out == printed
    _, zone, size, *_ = names["baseline"].variables
    assert size.categories[:4] == ("S", "M", "L", "XL")
    assert set("1234567") < set(zone.categories)


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        *[(value, True) for value in (3.5, True, "3.5", "1e3", "2026-11-30T12:00:00Z")],
        *[(value, False) for value in ("4.92 EUR", "1,234", "true", "")],
    ],
)
def test_a_value_of_a_numeric_column_is_valid_as_the_page_says(value: Any, is_valid: bool) -> None:
    baseline = Baseline.fit({"distance": [1.0, 2.0, 3.0] * 50})
    (distance,) = compare(baseline, {"distance": [value] * 10})
    assert (distance.rows, distance.invalid) == ((10, 0) if is_valid else (0, 10))
    assert not isinstance(value, str) or f'"{value}"' in PAGE or value == ""
