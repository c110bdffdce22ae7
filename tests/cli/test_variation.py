"""`boxkite variation`: what a log teaches is what training with times teaches."""

import datetime as dt
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline
from boxkite.cli.commands import boxkite

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
HOURS = 14 * 24
ROWS = 120

WINDOWS = ("--window", "1h", "--window", "1d")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, arguments)


@pytest.fixture(scope="module")
def table() -> dict[str, list[float]]:
    """Two weeks of a wave that follows the day, and of noise that does not."""
    random = np.random.default_rng(4)
    hours = np.repeat(np.arange(HOURS), ROWS)
    phase = np.sin(2 * np.pi * hours / 24)
    seconds = hours * 3600 + np.tile(np.arange(ROWS) * 30, HOURS)
    return {
        "wave": random.normal(phase).tolist(),
        "noise": random.normal(size=len(hours)).tolist(),
        "seconds": seconds.tolist(),
    }


@pytest.fixture(scope="module")
def written(table: dict[str, list[float]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log of the rows, one file for each hour, and a baseline without times."""
    folder = tmp_path_factory.mktemp("variation")
    rows = list(zip(*table.values(), strict=True))
    for hour in range(HOURS):
        moment = START + dt.timedelta(hours=hour)
        lines = []
        for number, (wave, noise, seconds) in enumerate(rows[hour * ROWS : (hour + 1) * ROWS]):
            at = START + dt.timedelta(seconds=seconds)
            record = {
                "entity_id": f"{hour}-{number}",
                "created_at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
                "features": {"wave": wave, "noise": noise},
                "output": None,
            }
            lines.append(json.dumps(record) + "\n")
        day = folder / "log/models/predictions/m" / f"{moment:%Y-%m-%d}"
        day.mkdir(parents=True, exist_ok=True)
        (day / f"{moment:%H%M}_w1-pod.txt").write_text("".join(lines))
    features = {name: table[name] for name in ("wave", "noise")}
    Baseline.fit(features, bins=10).write(folder / "histogram.prom")
    return folder


@pytest.fixture
def log(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the log that a test may change, in the working directory."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "log"


def test_a_log_teaches_what_training_with_times_teaches(
    log: Path, table: dict[str, list[float]]
) -> None:
    features = {name: table[name] for name in ("wave", "noise")}
    times = [START.timestamp() + each for each in table["seconds"]]
    fitted = Baseline.fit(features, bins=10, time=times, windows=("1h", "1d"))
    result = run("variation", "histogram.prom", str(log), "-o", "varying.prom", *WINDOWS)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert Baseline.read("varying.prom") == fitted
    header, rule, *lines = [each.rstrip() for each in result.stdout.splitlines()]
    assert header.split() == ["variable", "1h", "1d"]
    assert set(rule) == {"─"}
    assert [re.split("  +", line) for line in lines[:2]] == [
        ["wave", "3 directions, 335 windows", "by chance alone"],
        ["noise", "by chance alone", "1 direction, 13 windows"],
    ]
    assert lines[2] == (
        f"natural variation of 2 of 2 variables, version {fitted.version}, written to varying.prom"
    )


@pytest.mark.usefixtures("log")
def test_segments_and_outcomes_are_kept(table: dict[str, list[float]]) -> None:
    features = {name: table[name] for name in ("wave", "noise")}
    outcome = (np.array(table["noise"]) > 0).astype(int)
    half = ["day" if each > 0 else "night" for each in table["wave"]]
    score = 1 / (1 + np.exp(-np.array(table["noise"])))
    trained = Baseline.fit(features, score, bins=10, outcome=outcome, segments={"half": half})
    trained.write("segmented.prom")
    assert run("variation", "segmented.prom", "log", "-o", "varying.prom", *WINDOWS).exit_code == 0
    learnt = Baseline.read("varying.prom")
    assert (learnt.outcomes, learnt.segments) == (trained.outcomes, trained.segments)
    assert [bool(each.variation) for each in learnt.features] == [True, True]


@pytest.mark.usefixtures("log")
def test_json_tells_how_each_variable_varies() -> None:
    result = run("variation", "histogram.prom", "log", *WINDOWS, "--json")
    document = json.loads(result.stdout)
    wave, noise = document["variables"]
    assert wave["windows"]["1h"]["directions"] >= 1
    assert noise["windows"]["1h"] == {
        "windows": HOURS - 1,  # they slide
        "rows": ROWS,
        "directions": 0,
        "varies_by_chance_alone": True,
    }
    assert document["version"] == Baseline.read("histogram.prom").version


def test_a_trend_of_the_log_is_told(log: Path) -> None:
    for hour, file in enumerate(sorted(log.rglob("*.txt"))):
        records = map(json.loads, file.read_text().splitlines())
        for_file = ""
        for each in records:
            each["features"]["noise"] += hour / HOURS
            for_file += json.dumps(each) + "\n"
        file.write_text(for_file)
    result = run("variation", "histogram.prom", str(log), *WINDOWS)
    assert "the last fifth of the log differs from the first: PSI " in result.stderr
    assert " in noise. If that is drift, select a part without it" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--since", "2027-01-01"),
            "has no predictions for these options. Check --endpoint, --since and --until",
        ),
        (("--window", "soon"), "'soon' is not the length of a window. Write 30m, 1h or 7d"),
        (("-o", "nowhere/x.prom"), "folder nowhere does not exist"),
    ],
)
@pytest.mark.usefixtures("log")
def test_mistakes_are_one_line_and_change_no_file(arguments: tuple[str, ...], message: str) -> None:
    before = Path("histogram.prom").read_text()
    result = run("variation", "histogram.prom", "log", *arguments)
    assert message in result.stderr
    assert result.exit_code == 2
    assert Path("histogram.prom").read_text() == before
