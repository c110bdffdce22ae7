"""`boxkite outcomes`: joins a log with labels, counts every case, and judges quality."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import accuracy_score, roc_auc_score

from boxkite import Baseline
from boxkite.cli.commands import boxkite

RANDOM = np.random.default_rng(3)
ROWS = 1_000
FOLDER = Path("log/models/predictions/flights/2026-11-23")


def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
    scores = RANDOM.beta(1, 1.5, rows)
    return scores, (RANDOM.random(rows) < scores).astype(int)


TRAINING = sample(5_000)
SCORES, OUTCOMES = sample(ROWS)


def prediction_id(number: int) -> str:
    return f"server/2026-11-23T10:00:00Z/id-{number}"


def write_log(outputs: list[Any], **fields: Any) -> None:
    """Write predictions to a log, one per id, and the first of them twice."""
    common = {"model": "flights", "version": "1", "created_at": "2026-11-23T10:00:01.000000Z"}
    lines = [
        json.dumps({**common, "entity_id": f"id-{i}", "output": each, **fields})
        for i, each in enumerate(outputs)
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"1000_w{len(list(FOLDER.iterdir()))}-pod.txt"
    (FOLDER / name).write_text("\n".join([*lines, lines[0]]) + "\n")


def labels(number: int = ROWS) -> pd.DataFrame:
    ids = [prediction_id(i) for i in range(number)]
    return pd.DataFrame({"prediction_id": ids, "late": OUTCOMES[:number]})


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scores, outcomes = TRAINING
    Baseline.fit(
        {"x": np.arange(len(scores)) % 5}, scores, model="flights", version="1", outcome=outcomes
    ).write("histogram.prom")
    write_log(SCORES.tolist())


def run(*options: str, baseline: str = "histogram.prom", file: str = "labels.parquet") -> Result:
    return CliRunner().invoke(
        boxkite, ["outcomes", baseline, "log", file, "--label", "late", *options]
    )


def document(*options: str, **files: str) -> dict[str, Any]:
    result = run("--json", *options, **files)
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_quality_equals_scikit_learns_on_the_joined_rows() -> None:
    labels().to_parquet("labels.parquet")
    found = document()
    values = {each["name"]: each for each in found["statistics"]}
    assert values["accuracy"]["value"] == accuracy_score(OUTCOMES, SCORES > 0.5)
    assert values["auc"]["value"] == pytest.approx(roc_auc_score(OUTCOMES, SCORES), abs=0.005)
    assert (found["predictions"], found["labelled"], found["coverage"]) == (ROWS, ROWS, 1.0)
    assert {each["name"] for each in found["estimated"]} == {
        "accuracy",
        "precision",
        "recall",
        "f1",
    }
    assert found["verdict"] == "ok"
    assert run().exit_code == 0


def test_an_html_file_shows_the_same_quality_without_any_other_file() -> None:
    labels().to_parquet("labels.parquet")
    assert run("--html", "quality.html").exit_code == 0
    page = Path("quality.html").read_text("utf-8")
    assert "Quality is not worse than at training." in page
    assert page.count("<svg") == 1  # the reliability curve
    assert "<caption>Confusion matrix</caption>" in page
    assert "predictions have a label (" in page
    assert [text for text in ("<script", "<link", "src=", "url(") if text in page] == []


def test_each_case_of_a_label_is_counted_and_printed() -> None:
    rows = [
        *labels(600).itertuples(index=False, name=None),
        (prediction_id(0), OUTCOMES[0]),  # repeated
        ("id-1", 1 - OUTCOMES[1]),  # corrected, by its entity id
        ("id-2", 1 - OUTCOMES[2]),
        ("id-2", OUTCOMES[2]),  # corrected twice
        (None, 1),
        (prediction_id(700), None),
        ("never-made", 0),
        ("other", 1),
        (prediction_id(601), 3),  # neither 0 nor 1
    ]
    pd.DataFrame(rows, columns=["prediction_id", "late"]).to_parquet("labels.parquet")
    common = {"entity_id": "other", "created_at": "2026-11-23T10:00:01.000000Z", "output": 0.1}
    (FOLDER / "1000_other-pod.txt").write_text(json.dumps(common | {"version": "2"}) + "\n")
    found = document()
    assert found["labels"] == {
        "rows": 609,
        "repeated": 1,
        "corrected": 3,
        "incomplete": 2,
        "other_models": 1,
        "unknown": 1,
    }
    assert (found["labelled"], found["rows"], found["unpaired"]) == (601, 600, 1)
    expected = OUTCOMES[:600].copy()
    expected[1] = 1 - expected[1]
    accuracy = found["statistics"][0]
    assert accuracy["value"] == accuracy_score(expected, SCORES[:600] > 0.5)
    printed = run().stdout
    for line in (
        "601 of 1,000 predictions have a label (60.1 %)",
        "predictions left out, because the output or the label is missing or invalid: 1",
        "labels that repeat an earlier one: 1",
        "labels that a later one replaced: 3",
        "labels without an id or an outcome: 2",
        "labels of another model or version: 1",
        "labels without a matching prediction: 1",
    ):
        assert line in printed


def test_the_latest_label_counts_also_if_it_comes_first() -> None:
    table = labels()
    table["at"] = "2026-11-25"
    wrong = table.assign(late=1 - table["late"], at="2026-11-24")
    pd.concat([table, wrong]).to_csv("labels.csv", index=False)
    found = document("--labelled-at", "at", file="labels.csv")
    assert found["statistics"][0]["value"] == accuracy_score(OUTCOMES, SCORES > 0.5)
    found = document(file="labels.csv")
    assert found["statistics"][0]["value"] == accuracy_score(1 - OUTCOMES, SCORES > 0.5)


def test_a_loss_of_quality_exits_with_1_and_says_what_it_is() -> None:
    labels().assign(late=lambda table: np.roll(table["late"], 1)).to_parquet("labels.parquet")
    result = run()
    assert result.exit_code == 1
    assert "worse: accuracy: 0." in result.stdout
    assert " at training: worse by 0." in result.stdout
    assert result.stdout.splitlines()[-1].endswith("ok") or "worse" in result.stdout


def test_not_enough_data_exits_with_3() -> None:
    labels(20).to_parquet("labels.parquet")
    result = run()
    assert result.exit_code == 3
    assert "it has 20 rows, but needs 50" in result.stdout
    Baseline.fit({"x": range(5)}, SCORES[:5], model="flights", version="1").write("bare.prom")
    result = run(baseline="bare.prom")
    assert result.exit_code == 3
    assert "the baseline has no outcomes: fit it with outcome=" in result.stdout


def test_a_model_of_classes_is_measured_by_class_and_by_probability() -> None:
    scores, outcomes = TRAINING
    Baseline.fit(
        {"x": np.arange(len(scores)) % 5},
        {"no": 1 - scores, "yes": scores},
        classes=True,
        outcome=np.where(outcomes, "yes", "no"),
        model="flights",
        version="1",
    ).write("classes.prom")
    for file in FOLDER.iterdir():
        file.unlink()
    write_log([{"no": 1 - s, "yes": s, "class": "yes" if s > 0.5 else "no"} for s in SCORES])
    labels().assign(late=np.where(OUTCOMES, "yes", "no")).to_parquet("labels.parquet")
    found = document(baseline="classes.prom")
    values = {(each["category"], each["name"]): each["value"] for each in found["statistics"]}
    assert values["", "accuracy"] == accuracy_score(OUTCOMES, SCORES > 0.5)
    assert values["yes", "auc"] == pytest.approx(roc_auc_score(OUTCOMES, SCORES), abs=0.005)


def test_a_number_is_measured_by_its_errors() -> None:
    actual = SCORES * 10
    Baseline.fit(
        {"x": np.arange(ROWS) % 5}, actual + 1, model="flights", version="1", outcome=actual
    ).write("numbers.prom")
    for file in FOLDER.iterdir():
        file.unlink()
    write_log((actual + 1.5).tolist())
    labels().assign(late=actual).to_parquet("labels.parquet")
    found = document(baseline="numbers.prom")
    values = {each["name"]: each["value"] for each in found["statistics"]}
    assert values == pytest.approx({"mae": 1.5, "rmse": 1.5, "bias": 1.5})
    assert found["verdict"] == "worse"


def test_the_baseline_command_takes_outcomes() -> None:
    scores, outcomes = TRAINING
    table = {"x": np.arange(len(scores)) % 5, "output": scores, "late": outcomes}
    pd.DataFrame(table).to_csv("train.csv", index=False)
    options = ["--output", "output", "--outcome", "late", "--model", "flights", "--version", "1"]
    result = CliRunner().invoke(boxkite, ["baseline", "train.csv", *options, "-o", "new.prom"])
    assert (result.stderr, result.exit_code) == ("", 0)
    assert Baseline.read("new.prom") == Baseline.read("histogram.prom")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--id", "nr"), "labels.parquet has no column 'nr'; it has 'prediction_id', 'late'"),
        (("--label", "early"), "has no column 'early'; it has prediction_id, late"),
        (("--threshold", "0.4"), "--threshold is 0.4, but the baseline was fitted with 0.5"),
        (("--since", "2026-11-24"), "log has no predictions of model 'flights', version '1'"),
    ],
)
def test_a_mistake_exits_with_2(options: tuple[str, ...], message: str) -> None:
    labels().to_parquet("labels.parquet")
    result = run(*options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_metrics_of_a_segment_say_what_the_exit_code_says() -> None:
    scores, outcomes = TRAINING
    carriers = np.array(["AA", "UA"])[np.arange(len(scores)) % 2]
    Baseline.fit(
        {"carrier": carriers}, scores, model="flights", version="1",
        outcome=outcomes, segments=["carrier"],
    ).write("segments.prom")  # fmt: skip
    for file in FOLDER.iterdir():
        file.unlink()
    write_log(SCORES.tolist()[:500], features={"carrier": "AA"})
    rows = labels(500)
    rows["late"] = 1 - rows["late"]
    rows.to_parquet("labels.parquet")
    result = run("--metrics", "quality.prom", baseline="segments.prom")
    assert result.exit_code == 1
    found = Path("quality.prom").read_text()
    model = 'model_name="flights",model_version="1"'
    for part in (model, f'{model},segment="carrier=AA"'):
        assert f'boxkite_quality_model_verdict{{{part},verdict="worse"}} 1\n' in found
    unlabelled = f'{model},segment="carrier=UA"'
    assert f'boxkite_quality_model_verdict{{{unlabelled},verdict="insufficient"}} 1\n' in found
    assert f"boxkite_quality_predictions{{{unlabelled}}} 0\n" in found
    output = f'{model},variable_role="output",variable="output",segment="carrier=AA"'
    assert f'boxkite_quality_rows{{{output},statistic="accuracy"}} 500\n' in found
