"""The journal and the log hold the baseline's variables and nothing else of a request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Settings
from boxkite.live.identity import Identity
from boxkite.live.recorder import Named

MARK = "personal-7c1e"
BASELINE = Baseline.fit(
    {"age": np.arange(100.0), "town": ["Aix", "Ulm"] * 50}, {"late": np.arange(100.0)}, bins=4
)
NO_OUTPUT = Baseline.fit({"age": np.arange(100.0), "town": ["Aix", "Ulm"] * 50}, bins=4)
NOTHING = Baseline("default", "none", 0, ())
WHOLE = Named(features=False, output=False)


@pytest.fixture
def recorded(tmp_path: Path, records: Any) -> Callable[..., Any]:
    """Give a function that takes predictions; it returns the log's record and the monitor."""

    def take(
        features: Any,
        output: Any,
        baseline: Baseline = BASELINE,
        named: Named | None = None,
        **settings: Any,
    ) -> tuple[Any, Any, Monitor]:
        given = Settings(state_dir=str(tmp_path), baseline="", **settings)
        monitor = Monitor(baseline, records, settings=given, registry=None)
        named = Named(features=True, output=True) if named is None else named
        monitor.recorder.take_all(Identity.new("server"), features, output, None, "view", named)
        kept = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
        if not settings.get("log_unknown"):
            assert MARK.encode() not in kept
        return records[0].features, records[0].output, monitor

    return take


ROWS: list[tuple[Any, Any]] = [
    ({"age": 5.0, "town": "Ulm", "ssn": MARK}, {"age": 5.0, "town": "Ulm"}),
    ({"age": 5.0, "ssn": MARK}, {"age": 5.0}),
    ({"age": 5.0, "town": {"name": "Ulm", "owner": MARK}},
     {"age": 5.0, "town": {"unsupported": "dict"}}),
    ([5.0, [MARK]], {"age": 5.0, "town": {"unsupported": "list"}}),
    ([5.0, (MARK,)], {"age": 5.0, "town": {"unsupported": "tuple"}}),
    ([5.0, {MARK}], {"age": 5.0, "town": {"unsupported": "set"}}),
    ([5.0, np.array([MARK])], {"age": 5.0, "town": {"unsupported": "ndarray"}}),
    ({"age": {MARK: MARK}, "town": "Ulm", "more": {"deep": [MARK]}},
     {"age": {"unsupported": "dict"}, "town": "Ulm"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "logged"), ROWS)
def test_only_variables_of_the_baseline_are_written(
    given: Any, logged: Any, recorded: Callable[..., Any]
) -> None:
    features, output, monitor = recorded(given, {"late": 7.0, "echo": given})
    assert (features, output) == (logged, 7.0)
    assert "echo" in monitor.unknown_fields
    assert [each.rows + each.missing + each.invalid for each in monitor.drift()] == [1, 1, 1]


def test_rows_of_a_batch_lose_unknown_fields_too(recorded: Callable[..., Any]) -> None:
    rows = [{"age": 5.0, "town": "Ulm", "ssn": MARK}] * 2
    features, _, monitor = recorded(rows, [{"late": 1.0, "ssn": MARK}] * 2)
    assert features == {"age": 5.0, "town": "Ulm"}
    assert monitor.unknown_fields == {"ssn": 4}


@pytest.mark.parametrize("given", [given for given, _ in ROWS])
def test_unknown_fields_change_no_count(
    given: Any, recorded: Callable[..., Any], records: Any, tmp_path: Path
) -> None:
    first = recorded(given, 1.0)[2].drift().as_dict()
    (tmp_path / "kept").mkdir()
    settings = Settings(state_dir=str(tmp_path / "kept"), log_unknown=True)
    monitor = Monitor(BASELINE, records, settings=settings, registry=None)
    monitor.log_prediction(given, 1.0)
    assert monitor.drift().as_dict() == first


def test_unknown_fields_are_logged_if_that_is_asked_for(recorded: Callable[..., Any]) -> None:
    given = {"age": 5.0, "town": {"name": "Ulm", "owner": MARK}, "ssn": MARK}
    features, output, monitor = recorded(
        given, {"late": 7.0, "echo": [MARK]}, log_unknown=True, named=WHOLE
    )
    assert (features, output) == (given, {"late": 7.0, "echo": [MARK]})
    assert monitor.unknown_fields == {}


@pytest.mark.parametrize("given", [{"ssn": MARK}, [MARK], [[MARK]], [{"ssn": MARK}]])
def test_without_a_baseline_a_whole_body_is_counted_and_not_logged(
    given: Any, recorded: Callable[..., Any]
) -> None:
    features, output, monitor = recorded(given, MARK, NOTHING, WHOLE)
    assert (features, output) == ({}, None)
    assert monitor.drift().predictions == monitor.row_count(given)


def test_without_a_baseline_parts_that_the_code_names_are_logged(
    recorded: Callable[..., Any],
) -> None:
    features, output, _ = recorded({"age": [5]}, {"p": 0.5}, NOTHING)
    assert (features, output) == ({"age": [5]}, {"p": 0.5})


def test_an_output_that_the_baseline_lacks_is_logged_if_the_code_names_it(
    recorded: Callable[..., Any],
) -> None:
    features, output, _ = recorded([5.0, "Ulm"], {"p": 0.5}, NO_OUTPUT)
    assert (features, output) == ({"age": 5.0, "town": "Ulm"}, {"p": 0.5})


def test_an_output_that_the_baseline_lacks_is_not_logged_as_a_whole_answer(
    recorded: Callable[..., Any],
) -> None:
    features, output, _ = recorded([5.0, "Ulm"], {"p": MARK}, NO_OUTPUT, WHOLE)
    assert (features, output) == ({"age": 5.0, "town": "Ulm"}, None)
