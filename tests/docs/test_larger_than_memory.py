"""The page on data larger than memory gives the file that a fit in memory gives."""

import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from boxkite import Baseline
from boxkite.cli.commands import boxkite

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "larger-than-memory.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_gives_the_file_of_a_fit_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(1)
    whole = pl.DataFrame({"x": random.normal(size=900), "score": random.random(900)})
    for folder in ("training", "july"):
        Path(folder).mkdir()
        whole.head(500).write_parquet(f"{folder}/0.parquet")
        whole.tail(400).write_parquet(f"{folder}/1.parquet")
    expected = Baseline.fit(whole, "score").as_text()
    (python,), (shell,) = blocks("python"), blocks("sh")
    exec(python, {})
    assert capsys.readouterr().out == "ok\n"
    assert Path("histogram.prom").read_text() == expected
    Path("histogram.prom").unlink()
    for command in shell.splitlines()[1:]:  # without pip
        result = CliRunner().invoke(boxkite, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
    assert Path("histogram.prom").read_text() == expected
