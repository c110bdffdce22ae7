"""`--segment` of the commands, with their exit codes and all forms of output."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline
from boxkite.cli.commands import boxkite

pytestmark = pytest.mark.filterwarnings("ignore:some segments have too few")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


def table(seed: int, *, shift: float = 0.0, rows: int = 4000) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    country = rng.choice(["DE", "FR"], rows, p=[0.9, 0.1])
    plan = rng.choice(["a", "b"], rows)
    return {
        "country": country,
        "plan": plan,
        "x": rng.normal(size=rows) + shift * (country == "FR"),
        "score": rng.random(rows),
    }


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, columns in {"train": table(1), "live": table(2, shift=1.2), "fine": table(3)}.items():
        pa.parquet.write_table(pa.table(columns), f"{name}.parquet")
    columns = ("--segment", "country", "--drop", "country", "--segment", "plan")
    result = run("baseline", "train.parquet", "--output", "score", *columns)
    assert result.exit_code == 0, result.output
    assert "8 segments add 440 live series to each replica" in result.output


def test_baseline_and_show_have_the_segments() -> None:
    baseline = Baseline.read("histogram.prom")
    assert [each.name for each in baseline.features] == ["plan", "x"]
    assert [(each.name, each.is_feature) for each in baseline.segments] == [
        ("country", False),
        ("plan", True),
    ]
    assert "country      no            4" in run("show", "histogram.prom").output
    document = json.loads(run("show", "histogram.prom", "--json").output)
    assert document["segments"]["country=FR"]["rows"] == baseline.segment("country=FR").rows
    options = ("--like", "histogram.prom", "-o", "part.prom", "--output", "score")
    assert run("baseline", "fine.parquet", *options).exit_code == 0
    assert run("merge", "histogram.prom", "part.prom", "-o", "all.prom").exit_code == 0
    assert Baseline.read("all.prom").segment("country=DE").rows > 7000


def test_compare_shows_the_worst_segment_first_and_counts_it() -> None:
    options = ("--min-effect", "0.2", "--min-moved", "0.1")
    files = ("--junit", "j.xml", "--metrics", "m.prom")
    found = run("compare", "histogram.prom", "live.parquet", *options, *files)
    assert found.exit_code == 1
    lines = [each for each in found.output.splitlines() if " in " in each]
    assert lines[0].startswith("drift in country=FR: x: ")
    assert "changes in 1 of 8 segments" in found.output
    assert 'classname="feature in country=FR" name="x"' in Path("j.xml").read_text()
    assert 'segment="country=FR",variable_role="feature",variable="x"' in Path("m.prom").read_text()
    document = json.loads(
        run("compare", "histogram.prom", "live.parquet", *options, "--json").output
    )
    assert next(iter(document["segments"])) == "country=FR"
    for less in (("--no-segments",), ("--segment", "plan")):
        assert run("compare", "histogram.prom", "live.parquet", *options, *less).exit_code == 0
    assert run("compare", "histogram.prom", "fine.parquet").exit_code == 0
    wrong = run("compare", "histogram.prom", "fine.parquet", "--segment", "land")
    assert wrong.exit_code == 2
    assert "the baseline has segments of country, plan" in wrong.output


def write_log(columns: dict[str, Any], version: str) -> None:
    folder = Path("log/models/predictions/e/2026-11-22")
    folder.mkdir(parents=True)
    rows = zip(*(columns[name].tolist() for name in ("country", "plan", "x", "score")), strict=True)
    lines = [
        json.dumps(
            {
                "entity_id": str(number),
                "created_at": "2026-11-22T23:59:00.000000Z",
                "model": "default",
                "version": version,
                "features": {"plan": plan, "x": x},
                "output": score,
                "segments": {"country": country},
            }
        )
        for number, (country, plan, x, score) in enumerate(rows)
    ]
    (folder / "2359_w-pod.txt").write_text("\n".join(lines) + "\n")


def test_a_log_is_compared_by_segment() -> None:
    columns = table(4, shift=1.2)
    write_log(columns, "1")
    pa.parquet.write_table(pa.table(columns), "rows.parquet")
    arguments = ("--json", "--min-effect", "0.2", "--min-moved", "0.1")
    logged = json.loads(run("compare", "histogram.prom", "log", *arguments).output)
    assert logged == json.loads(run("compare", "histogram.prom", "rows.parquet", *arguments).output)
    assert logged["segments"]["country=FR"]["verdict"] == "drift"


def test_outcomes_are_measured_by_segment() -> None:
    segments = {"country": "country", "plan": None}
    training, live = table(5), table(6)
    rng = np.random.default_rng(7)
    truth = (rng.random(4000) < training["score"]).astype(int)
    baseline = Baseline.fit(training, "score", segments=segments, outcome=truth)
    baseline.write("histogram.prom")
    write_log(live, baseline.version)
    # In one country, and only there, the outcome no longer has to do with the score.
    french = live["country"] == "FR"
    actual = np.where(french, rng.random(4000) < 0.5, rng.random(4000) < live["score"]).astype(int)
    labels = {"entity_id": [str(i) for i in range(4000)], "late": actual}
    pa.parquet.write_table(pa.table(labels), "labels.parquet")
    arguments = ("outcomes", "histogram.prom", "log", "labels.parquet", "--label", "late")
    found = run(*arguments, "--min-drop", "0.1", "--min-increase", "0.5")
    assert found.exit_code == 1, found.output
    assert "worse in 1 of 8 segments" in found.output
    json_found = run(*arguments, "--min-drop", "0.1", "--min-increase", "0.5", "--json")
    document = json.loads(json_found.output)
    assert document["verdict"] == "worse"
    label, worst = next(iter(document["segments"].items()))
    assert (label, worst["rows"], worst["labelled"]) == ("country=FR", french.sum(), french.sum())
    accuracy = next(each for each in worst["statistics"] if each["name"] == "accuracy")
    expected = ((live["score"] > 0.5) == (actual == 1))[french].mean()
    assert accuracy["value"] == pytest.approx(expected)
    ok = document["segments"]["country=DE"]
    assert ok["verdict"] == "ok"
    rows = [document["segments"][f"plan={each}"]["rows"] for each in ("a", "b")]
    assert sum(rows) == document["rows"] == 4000
