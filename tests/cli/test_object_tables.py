"""Commands read tables in object stores as they read local folders."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline, compare
from boxkite.cli.commands import boxkite
from boxkite.logs.stores.store_url import open_store
from tests.logs.stores.conftest import KEY

FRAME = pl.DataFrame({"x": [i / 7 for i in range(300)], "score": [i % 11 / 11 for i in range(300)]})


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def training(bucket: str, tmp_path: Path) -> str:
    """Fill a bucket with a folder of Parquet, and return the bucket's URL."""
    store = open_store(bucket)
    for number, part in enumerate((FRAME.head(200), FRAME.tail(100))):
        part.write_parquet(tmp_path / "part")
        content = (tmp_path / "part").read_bytes()
        assert store.put_new(f"training/dt={number}/part-{number}.parquet", [content])
    assert store.put_new("training/_SUCCESS.txt", [b""])
    assert store.put_new("other/part-9.parquet", [b"not read"])
    return bucket


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


def test_a_bucket_gives_the_bytes_of_the_same_rows_in_memory(training: str) -> None:
    expected = Baseline.fit(FRAME, "score")
    for name in ("training", "training/", "training/**/part-*.parquet", "tr*/dt=[01]/*.parquet"):
        result = run("baseline", f"{training}/{name}", "--output", "score")
        assert result.exit_code == 0, result.output
        assert Path("histogram.prom").read_text() == expected.as_text()
    one = run("baseline", f"{training}/training/dt=1/part-1.parquet", "--output", "score")
    assert one.exit_code == 0, one.output
    assert Baseline.read("histogram.prom") == Baseline.fit(FRAME.tail(100), "score")


def test_a_glob_or_file_in_a_bucket_is_compared_as_a_table(training: str) -> None:
    baseline = Baseline.fit(FRAME, "score")
    baseline.write("histogram.prom")
    for name, rows in (("*/part-*", FRAME), ("dt=0/part-0.parquet", FRAME.head(200))):
        result = run("compare", "histogram.prom", f"{training}/training/{name}", "--json")
        assert result.exit_code in (0, 1), result.output
        assert json.loads(result.output) == compare(baseline, rows).as_dict()


def test_what_a_bucket_lacks_is_an_error_of_one_line_without_secrets(training: str) -> None:
    for source, message in (
        (f"{training}/none", "it does not exist"),
        (f"{training}-none/training", "it does not exist"),
        (f"{training}/training/none*.parquet", "it has no file that ends in .parquet"),
        (f"{training}/other", "part-9.parquet"),
    ):
        result = run("baseline", source)
        assert result.exit_code == 2, result.output
        assert result.output.startswith(f"boxkite: cannot read {source}: ")
        assert message in result.output
        assert result.output.count("\n") == 1
        assert "secret" not in result.output
        assert KEY not in result.output


URLS = [
    ("s3://key:hush@bucket with space/x", "boxkite: cannot read s3://…@bucket with space/x: "),
    ("s3://bucket/x?secret_key=hush&unknown=1", "boxkite: cannot read s3://bucket/x?…: "),
    ("az://container/x", "boxkite: cannot read az://container/x: Set AZURE_STORAGE_ACCOUNT_NAME"),
]


@pytest.mark.parametrize(("url", "message"), URLS)
def test_a_url_that_cannot_be_used_is_an_error_without_its_password(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    result = run("baseline", url)
    assert result.exit_code == 2
    assert message in result.output
    assert "hush" not in result.output
