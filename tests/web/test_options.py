"""The options of `Boxkite`: their types list every setting, and no unknown one passes."""

from dataclasses import fields

import pytest

from boxkite import ConfigError, Settings
from boxkite.web.options import Options
from boxkite_flask import Boxkite


def test_the_options_are_the_settings_and_five_objects() -> None:
    options = list(Options.__annotations__)
    assert len(options) == len(set(options))
    objects = {"baseline", "log", "registry", "policy", "authorize"}
    assert set(options) == {each.name for each in fields(Settings)} | objects


@pytest.mark.parametrize(
    ("given", "nearest"),
    [("basline", "baseline"), ("authorise", "authorize"), ("metric_path", "metrics_path")],
)
def test_an_unknown_option_is_refused_with_the_nearest_one(given: str, nearest: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Boxkite(**{given: None})  # type: ignore[arg-type]
    assert str(refused.value) == f"unknown setting {given}; did you mean {nearest}?"
