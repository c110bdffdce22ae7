"""`boxkite report --labels`: quality beside drift, from a log or from a table."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import accuracy_score

from boxkite import Baseline, Policy
from boxkite.cli.commands import boxkite
from boxkite.cli.label_options import quality_options_of
from boxkite.quality import QualityPolicy

ROWS, DAYS = 1_200, 4
CARRIERS = np.array(["UA", "UA", "DL"])


def flights(rows: int, seed: int, *, wrong: str = "") -> pd.DataFrame:
    """Return scored flights. The scores of one carrier are the wrong way round."""
    random = np.random.default_rng(seed)
    carrier, score = CARRIERS[np.arange(rows) % 3], random.beta(1, 1.5, rows)
    chance = np.where(carrier == wrong, 1 - score, score)
    hours = pd.Timedelta("1h") * (np.arange(rows) * 24 * DAYS // rows)
    return pd.DataFrame(
        {
            "carrier": carrier,
            "distance": random.integers(100, 3000, rows),
            "score": score,
            "late": (random.random(rows) < chance).astype(int),
            "airport": np.array(["JFK", "EWR"])[np.arange(rows) % 2],
            "at": pd.Timestamp("2026-11-20", tz="UTC") + hours,
        }
    )


TRAINING, LIVE = flights(6_000, 1), flights(ROWS, 2, wrong="DL")
LABELLED = np.arange(ROWS) % 4 != 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a baseline, and the same flights as a log, as a table and as a folder of tables."""
    folder = tmp_path_factory.mktemp("flights")
    baseline = Baseline.fit(
        TRAINING[["carrier", "distance"]],
        TRAINING["score"],
        outcome=TRAINING["late"],
        segments={"carrier": None, "airport": TRAINING["airport"]},
        model="flights",
    )
    baseline.write(folder / "histogram.prom")
    table = LIVE.assign(entity_id=[f"id-{i}" for i in range(ROWS)])
    table.to_parquet(folder / "flights.parquet")
    (folder / "parts").mkdir()
    for part in (0, 1):
        table[part::2].to_parquet(folder / "parts" / f"{part}.parquet")
    ids = "server/2026-11-20T00:00:00Z/" + table["entity_id"]
    labels = pd.DataFrame({"prediction_id": ids, "late": LIVE["late"]})[LABELLED]
    labels.to_parquet(folder / "labels.parquet", index=False)
    write_log(folder / "log", baseline.version)
    return folder


def write_log(log: Path, version: str) -> None:
    rows = LIVE.assign(at=LIVE["at"].dt.strftime("%Y-%m-%dT%H:%M:%S.000000Z"))
    for day, part in rows.groupby(rows["at"].str[:10]):
        lines = [
            json.dumps(
                {
                    "entity_id": f"id-{number}",
                    "model": "flights",
                    "version": version,
                    "created_at": row["at"],
                    "features": {"carrier": row["carrier"], "distance": row["distance"]},
                    "output": row["score"],
                    "segments": {"airport": row["airport"]},
                }
            )
            for number, row in zip(part.index, part.to_dict("records"), strict=True)
        ]
        file = log / "models/predictions/flights" / str(day) / "1000_w-pod.txt"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(lines) + "\n")


@pytest.fixture(autouse=True)
def _in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(boxkite, list(arguments))


def report(rows: str, *options: str) -> tuple[dict[str, Any], str]:
    """Return the quality in the JSON of a report, and its page."""
    result = run("report", "histogram.prom", rows, *options, "--json")
    assert (result.stderr, result.exit_code) == ("", 1)
    found: dict[str, Any] = json.loads(result.stdout)
    return found["quality"], Path(found["file"]).read_text("utf-8")


BY_ID = ("--labels", "labels.parquet", "--label", "late")


def test_a_report_on_a_log_has_the_quality_that_outcomes_measures() -> None:
    found, page = report("log", *BY_ID)
    measured = run("outcomes", "histogram.prom", "log", *BY_ID[1:], "--json")
    assert found == json.loads(measured.stdout)
    assert (found["predictions"], found["labelled"], found["coverage"]) == (ROWS, 900, 0.75)
    assert next(iter(found["segments"])) == "carrier=DL"
    for shown in (
        'class="timeline"',
        'class="reliability"',
        "<caption>Confusion matrix</caption>",
        "<caption>Segments, the worst first</caption>",
        '<a href="#quality">quality <strong>worse</strong></a>',
        "900 of 1,200 predictions have a label (75 %)",
    ):
        assert page.count(shown) == 1
    assert page.count("75 % of predictions have a label</title>") == DAYS
    assert [text for text in ("<script", "<link", "src=", "url(") if text in page] == []


def test_the_same_rows_as_a_table_have_the_same_quality() -> None:
    of_log = report("log", *BY_ID)
    of_table = report("flights.parquet", *BY_ID, "--time", "at")
    assert of_table[0] == of_log[0]
    figure = re.compile(r"<figure>.*?</figure>")
    assert figure.findall(of_table[1]) == figure.findall(of_log[1])
    # Without the times of the rows, there are no days to show.
    assert 'class="timeline"' not in report("flights.parquet", *BY_ID)[1]


def test_the_outcomes_may_be_a_column_of_the_table() -> None:
    found, page = report("flights.parquet", "--label", "late", "--time", "at")
    assert (found["predictions"], found["labelled"]) == (ROWS, ROWS)
    expected = accuracy_score(LIVE["late"], LIVE["score"] > 0.5)
    assert found["statistics"][0]["value"] == expected
    assert page.count("100 % of predictions have a label</title>") == DAYS
    LIVE.assign(late=LIVE["late"].where(LABELLED)).to_parquet("partly.parquet")
    partly, _ = report("partly.parquet", "--label", "late")
    by_id, _ = report("flights.parquet", *BY_ID)
    assert partly["statistics"] == by_id["statistics"]
    assert partly["labels"] == {**by_id["labels"], "rows": ROWS, "incomplete": 300}


def test_a_table_in_an_engine_is_joined_too() -> None:
    found, _ = report("parts", *BY_ID, "--no-segments")
    in_memory, _ = report("flights.parquet", *BY_ID, "--no-segments")
    values = [[each["value"] for each in one["statistics"]] for one in (found, in_memory)]
    assert values[0] == pytest.approx(values[1])
    assert "segments" not in found


@pytest.mark.parametrize("rows", ["log", "flights.parquet"])
def test_segment_chooses_what_quality_is_divided_by(rows: str) -> None:
    found, _ = report(rows, *BY_ID, "--segment", "airport")
    assert sorted(found["segments"]) == [
        f"airport={name}" for name in ("EWR", "JFK", "__missing__", "__other__")
    ]
    everything, _ = report(rows, *BY_ID)
    assert found["statistics"] == everything["statistics"]
    assert found["segments"].items() <= everything["segments"].items()


def test_worse_quality_exits_with_1_although_nothing_drifts() -> None:
    drift = run("report", "histogram.prom", "flights.parquet")
    assert drift.exit_code == 0
    both = run("report", "histogram.prom", "flights.parquet", "--label", "late")
    assert both.exit_code == 1
    words = " Quality is worse than at training: accuracy, "
    assert both.stdout.startswith(drift.stdout.partition(" Written")[0] + words)
    assert "900" not in both.stdout
    assert "Worse in 3 segments: carrier=DL, airport=" in both.stdout
    fine = run("report", "histogram.prom", "flights.parquet", "--label", "late", "--min-drop=1",
               "--min-increase=99")  # fmt: skip
    assert fine.exit_code == 0


def test_ids_of_other_types_and_with_slashes_match() -> None:
    number = np.arange(ROWS)
    LIVE.assign(nr=number).to_parquet("numbered.parquet")
    labels = LIVE[["late"]].assign(nr=np.where(LABELLED, number, np.nan))
    labels[LABELLED].to_csv("numbered.csv", index=False)  # with 1.0 for 1
    options = ("--labels", "numbered.csv", "--label", "late", "--id", "nr")
    assert report("numbered.parquet", *options)[0]["labelled"] == 900
    text = [f"{i % 7}/{i // 7}" for i in range(ROWS)]
    LIVE.assign(nr=text).to_parquet("numbered.parquet")
    LIVE[["late"]].assign(nr=text).to_csv("numbered.csv", index=False)
    assert report("numbered.parquet", *options)[0]["labels"]["corrected"] == 0


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ("log", ("--labels", "labels.parquet"), "--labels needs --label, the column of the true"),
        ("log", ("--label", "late"), "log is a log, which has no outcomes: pass --labels too"),
        ("log", ("--id", "nr"), "--id names a column of labels: pass --labels too"),
        ("log", ("--threshold", "0.4"), "--threshold needs outcomes: pass --label too"),
        ("log", (*BY_ID, "--time", "at"), "which knows the time of each prediction: leave out"),
        ("log", (*BY_ID, "--threshold", "0.4"), "but the baseline was fitted with 0.5"),
        ("log", (*BY_ID, "--only", "score", "-o", "x.svg"), "--only draws one variable and no"),
        ("log", (*BY_ID, "--segment", "plane"),
         "--segment plane: the baseline has segments of carrier, airport. Fit it with --segment"),
        ("log", (*BY_ID, "--id", "nr"),
         "labels.parquet has no column 'nr'; it has 'prediction_id', 'late'. Name the column of ids"
        ),
        ("flights.parquet", (*BY_ID, "--id", "prediction_id"),
         "flights.parquet has no column 'prediction_id'; it has 'carrier', "),
        ("flights.parquet", (*BY_ID, "--time", "when"),
         "flights.parquet has no column 'when', which the quality needs; it has 'carrier', "),
        ("flights.parquet", ("--label", "airport"),
         ("column 'airport' of flights.parquet has no outcome of this model. An outcome is 0 or 1, "
          "but the first one is 'JFK'. Convert the column, or name another one with --label")),
        ("twice.parquet", BY_ID,
         "2 rows of twice.parquet have the id 'id-0' in column 'entity_id', so a label does not"),
        ("log", ("--labels", "others.parquet", "--label", "late"),
         ("none of the 2 labels of others.parquet belongs to a prediction in log; the first label "
          "is for 'a'. Check --id, --since and --until")),
        ("log", ("--labels", "texts.parquet", "--label", "late"),
         "column 'late' of texts.parquet has no outcome of this model. An outcome is 0 or 1, but"),
    ],
)  # fmt: skip
def test_a_mistake_exits_with_2_and_says_what_to_do(
    rows: str, options: tuple[str, ...], message: str
) -> None:
    table = pd.read_parquet("flights.parquet")
    pd.concat([table, table[:1]]).to_parquet("twice.parquet")
    pd.DataFrame({"entity_id": ["a", "b"], "late": [0, 1]}).to_parquet("others.parquet")
    words = pd.DataFrame({"entity_id": ["id-0", "id-1"], "late": ["yes", "no"]})
    words.to_parquet("texts.parquet")
    result = run("report", "histogram.prom", rows, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_quality_policy_of_a_service_sets_the_options() -> None:
    policy = Policy(quality=QualityPolicy(min_drop=0.2, min_increase=0.3, min_rows=7))
    options = {"min_drop": 0.2, "min_increase": 0.3, "min_rows": 7}
    assert quality_options_of(policy.quality) == options
