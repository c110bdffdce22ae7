"""Broken files fail `boxkite compare`: exit code, JUnit, and a line with the rate."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline
from boxkite.cli.commands import boxkite

ROWS = 400


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {"amount": random.gamma(2, 50, ROWS).round(2), "race": random.choice(["a", "b"], ROWS)}
    )


def text(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(amount=[f"{each} EUR" for each in rows["amount"]])


def dropped(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="race")


def renamed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns={"race": "Race"})


def missing(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(race=rows["race"].where(np.arange(ROWS) % 20 == 0))


def new_category(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(race=rows["race"].where(np.arange(ROWS) % 5 > 0, "c"))


def two_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[:2].drop(columns="race")


def compared(rows: pd.DataFrame) -> Result:
    Baseline.fit(table()).write("histogram.prom")
    rows.to_csv("rows.csv", index=False)
    arguments = ["compare", "histogram.prom", "rows.csv", "--junit", "junit.xml"]
    return CliRunner().invoke(boxkite, arguments)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("change", "line", "summary"),
    [
        (
            dropped,
            "race: the column is absent, so 100 % of rows have no value (0 % at training)",
            "1 changed rate, 1 ok",
        ),
        (
            renamed,
            "race: the column is absent, so 100 % of rows have no value (0 % at training)",
            "1 changed rate, 1 ok",
        ),
        (missing, "race: 95 % of rows have no value (0 % at training)", "1 changed rate, 1 ok"),
        (
            text,
            "amount: 100 % of rows have an invalid value (0 % at training)",
            "1 changed rate, 1 ok",
        ),
        (
            new_category,
            "race: 20 % of rows have a category that training never saw (0 % at training)",
            "1 drift, 1 ok",
        ),
        (
            two_rows,
            "race: the column is absent, so 100 % of rows have no value (0 % at training)",
            "1 changed rate, 1 not enough data",
        ),
    ],
)
def test_a_broken_file_fails(change: object, line: str, summary: str) -> None:
    assert callable(change)
    result = compared(change(table()))
    assert result.exit_code == 1
    *printed, last = result.stdout.splitlines()
    assert [each for each in printed if each.startswith("changed")] == [f"changed rate: {line}"]
    assert last == summary
    suite = ET.parse("junit.xml").getroot()
    (failure,) = suite.iter("failure")
    assert suite.get("failures") == "1"
    assert line.partition(": ")[2] in str(failure.get("message"))
    assert failure.get("type") == "critical"


def test_rows_without_any_output_are_not_scored_yet() -> None:
    rows = table()
    Baseline.fit(rows[["amount"]], rows[["race"]]).write("histogram.prom")
    rows[["amount"]].to_csv("rows.csv", index=False)
    result = CliRunner().invoke(boxkite, ["compare", "histogram.prom", "rows.csv"])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 ok, 1 not enough data")


def test_rows_like_training_pass() -> None:
    result = compared(table())
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "2 ok")


def test_too_few_rows_for_any_verdict_have_an_exit_code_of_their_own() -> None:
    result = compared(table()[:2])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (3, "2 not enough data")
