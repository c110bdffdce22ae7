"""The hash by which a rule notices that replicas have different policies."""

from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import pytest

from boxkite import Policy, VariablePolicy
from boxkite.prometheus.policy_hash import policy_hash
from boxkite.quality import QualityPolicy

QUALITY: dict[str, Any] = {
    "false_alarms_per_month": 2,
    "min_drop": 0.5,
    "min_increase": 0.5,
    "min_rows": 51,
    "windows": {"1d": 24.0},
}
CHANGES: dict[str, list[Any]] = {
    "false_alarms_per_month": [2.0],
    "min_effect": [0.5],
    "min_moved": [0.5],
    "min_rate": [0.5],
    "min_rows_a_cell": [6.0],
    "windows": [{"1h": 1.0}, {"1h": 1.0, "1d": 25.0}],
    "design_effect": [2.0],
    "variables": [
        {"x": None},
        {"x": VariablePolicy()},
        *({"x": VariablePolicy(**{each.name: 0.3})} for each in fields(VariablePolicy)),
    ],
    "quality": [replace(QualityPolicy(), **{name: value}) for name, value in QUALITY.items()],
}


def test_each_value_of_a_policy_changes_its_hash() -> None:
    assert {each.name for each in fields(Policy)} == set(CHANGES)
    assert {each.name for each in fields(QualityPolicy)} == set(QUALITY)
    changed = [
        replace(Policy(), **{name: value}) for name, values in CHANGES.items() for value in values
    ]
    assert len({policy_hash(each) for each in (Policy(), *changed)}) == 1 + len(changed)


@pytest.mark.parametrize(
    "same",
    [
        Policy(false_alarms_per_month=1, min_rows_a_cell=5),
        Policy(windows=MappingProxyType({"1d": 24, "1h": 1})),
        Policy(quality=QualityPolicy(min_rows=50)),
    ],
)
def test_a_policy_that_is_written_in_another_way_has_the_same_hash(same: Policy) -> None:
    assert policy_hash(same) == policy_hash(Policy()) == 1_861_861_473
