"""`boxkite baseline --classes`: outputs that are class probabilities."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from boxkite import Baseline
from boxkite.cli.commands import boxkite

RANDOM = np.random.default_rng(7)
PROBABILITIES = pd.DataFrame(RANDOM.dirichlet([2, 1, 1], 200), columns=["a", "b", "c"])


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A table with a feature and the probabilities of three classes."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"petal": RANDOM.normal(size=200)}).join(PROBABILITIES)
    table.to_parquet("rows.parquet")
    return table


def test_the_winner_is_an_output_beside_the_classes(rows: pd.DataFrame) -> None:
    options = ["--output", "a", "--output", "b", "--output", "c", "--classes"]
    result = CliRunner().invoke(boxkite, ["baseline", "rows.parquet", *options])
    assert (result.exit_code, result.stderr) == (0, "")
    expected = Baseline.fit(rows[["petal"]], PROBABILITIES, classes=["a", "b", "c"])
    assert Baseline.read("histogram.prom") == expected
    assert [each.name for each in expected.outputs] == ["a", "b", "c", "class"]


@pytest.mark.parametrize("options", [[], ["--output", "a"]], ids=["no output", "one"])
def test_classes_without_their_probabilities_are_refused(
    rows: pd.DataFrame, options: list[str]
) -> None:
    assert len(rows) == 200
    result = CliRunner().invoke(boxkite, ["baseline", "rows.parquet", "--classes", *options])
    assert (result.exit_code, result.stdout, result.stderr) == (
        2,
        "",
        (
            "boxkite: class probabilities need at least 2 output columns, but there are "
            f"{len(options) // 2}. Leave out classes\n"
        ),
    )
    assert not Path("histogram.prom").exists()
