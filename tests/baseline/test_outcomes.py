"""Outcomes of training: counted by `fit`, kept in `histogram.prom`, shown as series."""

import functools
import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite import Baseline, BaselineError, BaselineWarning
from boxkite.baseline.json_line import digest_of
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import measure

RANDOM = np.random.default_rng(1)
ROWS = 4000
SCORES = RANDOM.beta(2, 5, ROWS)
OUTCOMES = (RANDOM.random(ROWS) < SCORES).astype(int)
FEATURES = {"x": np.arange(ROWS) % 9}
TIMES = np.linspace(0, 40 * 86_400, ROWS)
CLASSES = {"a": SCORES, "b": (1 - SCORES) / 2, "c": (1 - SCORES) / 2}


def fitted(**options: Any) -> Baseline:
    return Baseline.fit(FEATURES, {"score": SCORES}, **options)


@functools.cache
def kinds() -> dict[str, Baseline]:
    labels = np.where(OUTCOMES, "a", "c")
    return {
        "score": fitted(outcome=OUTCOMES, threshold=0.3, time=TIMES),
        "number": fitted(outcome=SCORES * 2),
        "class": Baseline.fit(FEATURES, labels, outcome=labels[::-1]),
        "classes": Baseline.fit(FEATURES, CLASSES, classes=True, outcome=labels, time=TIMES),
    }


def test_every_kind_survives_the_file_and_is_counted_again_in_the_same_cells() -> None:
    for kind, baseline in kinds().items():
        again = Baseline.from_text(baseline.as_text())
        assert again.outcomes == baseline.outcomes, kind
        assert again.outcomes is not None
        assert again == baseline
        assert measure(again.outcomes)[0].name in ("accuracy", "mae")
    variation = kinds()["score"].outcomes
    assert variation is not None
    assert next(each.statistic for each in variation.variation["1d"]) == "accuracy"
    assert variation.variation.keys() == {"1d"}  # 5 weeks are too few, and hours too short.


def test_a_baseline_without_outcomes_keeps_its_bytes() -> None:
    text = fitted(version="1").as_text()
    assert "outcome" not in text
    assert Baseline.from_text(text).outcomes is None


def test_fit_puts_an_edge_at_the_threshold() -> None:
    edges = fitted(outcome=OUTCOMES, threshold=0.31).outputs[0].edges
    assert 0.31 in edges
    assert edges.tolist() == sorted({*fitted().outputs[0].edges.tolist(), 0.31})
    assert fitted(outcome=SCORES).outputs[0].edges.tolist() == fitted().outputs[0].edges.tolist()


def test_a_column_of_the_features_can_be_the_outcome() -> None:
    rows = pd.DataFrame({"x": FEATURES["x"], "late": OUTCOMES == 1})
    baseline = Baseline.fit(rows, {"score": SCORES}, outcome="late")
    assert [each.name for each in baseline.features] == ["x"]
    assert baseline == fitted(outcome=OUTCOMES)


def test_the_series_hold_all_pairs_and_sums() -> None:
    baseline = fitted(outcome=OUTCOMES)
    text = baseline.as_text()
    pairs = re.findall(r'\nboxkite_baseline_outcome_pairs\{.*outcome_cell="(.)"\} (\d+)', text)
    found = {cell: sum(int(n) for each, n in pairs if each == cell) for cell in "01"}
    assert found == {"0": ROWS - OUTCOMES.sum(), "1": OUTCOMES.sum()}
    assert 'variable="score",output_cell="0.5",outcome_cell="1"}' in text
    assert 'variable="score",output_cell="+Inf",outcome_cell="1"}' in text
    brier = float(re.findall(r'outcome_losses\{.*loss="brier"\} (\S+)', text)[0])
    assert brier == pytest.approx(((SCORES - OUTCOMES) ** 2).sum())
    below = re.findall(
        r'\nboxkite_baseline_outcome_below\{.*cell="0.5",outcome_cell="1"\} (\d+)', text
    )
    assert baseline.outcomes is not None
    edges = baseline.outcomes.pairs[0].edges
    lower = edges[edges < 0.5].max()
    assert list(map(int, below)) == [OUTCOMES[lower >= SCORES].sum()]
    assert "_below{" not in fitted(outcome=SCORES).as_text()
    sums = re.findall(r"\nboxkite_baseline_outcome_outputs\{.*\} (\S+)", text)
    assert sum(map(float, sums)) == pytest.approx(SCORES.sum())


def test_parts_with_the_same_cells_merge() -> None:
    edges = {"score": [0.2, 0.4, 0.6], "x": [3, 6]}
    half = ROWS // 2
    whole, *parts = (
        Baseline.fit(
            {"x": FEATURES["x"][part]},
            {"score": SCORES[part]},
            bins=edges,
            outcome=OUTCOMES[part],
        )
        for part in (slice(None), slice(half), slice(half, None))
    )
    merged = parts[0].merge(parts[1]).outcomes
    assert merged is not None
    assert whole.outcomes is not None
    assert merged.pairs[0].counts.tolist() == whole.outcomes.pairs[0].counts.tolist()
    without = Baseline.fit(
        FEATURES, {"score": SCORES}, bins={**edges, "score": [0.2, 0.4, 0.5, 0.6]}
    )
    with pytest.warns(BaselineWarning, match="the merged baseline has no outcomes"):
        assert parts[0].merge(without).outcomes is None


@pytest.mark.parametrize(
    ("output", "outcome", "message"),
    [
        ({"score": SCORES}, ["yes", "no"] * (ROWS // 2), "must be 0 or 1, or a number, not 'yes'"),
        (
            {"score": SCORES},
            OUTCOMES[:-1],
            "the outcome has 3,999 rows, but output 'score' has 4,0",
        ),
        (CLASSES, OUTCOMES, "this one has 3. If they are class probabilities, pass classes="),
        (None, OUTCOMES, "outcome= needs the model's output"),
        ({"score": SCORES}, "late", "outcome= names the column 'late', which does not exist"),
    ],
)
def test_an_outcome_that_does_not_fit_says_why(output: Any, outcome: Any, message: str) -> None:
    with pytest.raises(BaselineError, match=re.escape(message)):
        Baseline.fit(FEATURES, output, outcome=outcome)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"kind":"score","counts":[[', '"kind":"score","counts":[[1,2],[', "counts"),
        ('"kind":"score"', '"kind":"class"', "no output of the kind 'class'"),
        ('"pairs":[{"output":"score"', '"pairs":[{"output":"other"', "name 'other'"),
        ('"threshold":0.3', '"threshold":0.7001', "counts"),
        ('"output_sums":[', '"output_sums":[1.0,', "one sum for each bin"),
        ('"variation":{"1d":[{"output"', '"variation":{"day":[{"output"', "not the length"),
    ],
)
def test_damaged_outcomes_are_refused(old: str, new: str, message: str) -> None:
    text = kinds()["score"].as_text()
    line = text.splitlines()[-1]
    content = line.partition('"content":')[2][:-1]
    assert content.count(old) >= 1
    head, _, tail = content.rpartition(old)
    changed = head + new + tail
    json.loads(changed)
    damaged = line.replace(content, changed).replace(digest_of(content), digest_of(changed))
    with pytest.raises(BaselineError, match=re.escape(message)):
        Baseline.from_text(text.replace(line, damaged))


def test_the_file_of_a_text_is_read_back(tmp_path: Path) -> None:
    fitted(outcome=OUTCOMES).write(tmp_path / "histogram.prom")
    assert Baseline.read(tmp_path / "histogram.prom") == fitted(outcome=OUTCOMES)


VALUES: list[Any] = [0, 1, True, False, 0.0, 1.0, "0", "1.0", "true", "yes", 2, "", None, math.nan]
VALUES += [math.inf, np.float32(1), np.bool_(False), np.int8(1), Decimal("0.5"), [1], {}, b"1", "a"]


@pytest.mark.parametrize("kind", ["score", "number", "class", "classes"])
def test_a_single_value_counts_as_in_a_column(kind: str) -> None:
    """A service converts one value at a time, and training whole columns."""
    baseline = kinds()[kind]
    assert baseline.outcomes is not None
    cells = OutcomeCells.like(baseline.outputs, baseline.outcomes)
    row = ["a"] if kind == "class" else [0.25, 0.5, 0.25][: cells.width]
    numbers = cells.output_numbers(row)
    assert numbers is not None
    outcome = "a" if kind.startswith("class") else 1
    for value in VALUES:
        if isinstance(value, list | dict):  # training refuses them
            assert math.isnan(cells.outcome_number(value))
            assert cells.output_numbers([value] * cells.width) is None
            continue
        whole = cells.count([[each] for each in row], [value])
        single = cells.count_numbers(np.array([numbers]), np.array([cells.outcome_number(value)]))
        assert single == whole, (kind, value)
        counted = cells.count([[value]] * cells.width, [outcome]).rows
        assert (cells.output_numbers([value] * cells.width) is None) == (not counted), (kind, value)


def test_outcomes_of_numbers_hold_errors_of_both_signs() -> None:
    outcomes = fitted(outcome=SCORES * 2).outcomes
    assert outcomes is not None
    losses = outcomes.pairs[0].losses
    assert losses["overestimate"] == (0, 0)
    assert losses["underestimate"].total == pytest.approx(SCORES.sum())
