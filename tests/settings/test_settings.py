"""Settings: the table, the places that values come from, and the values that are refused."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest

from boxkite import ConfigError, Settings
from boxkite.settings import converters, from_environment, resolve

NAMES = [row.name for row in dataclasses.fields(Settings)]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"BOXKITE_{name.upper()}", raising=False)
    monkeypatch.delenv("BEDROCK_SERVER_ID", raising=False)


def test_the_defaults_are_those_of_the_table() -> None:
    assert dataclasses.asdict(resolve([])) == {
        "baseline": "/artefact/histogram.prom",
        "model": None,
        "version": None,
        "exposition": "labelled",
        "metrics_path": "/metrics",
        "metrics_token": None,
        "drift_path": None,
        "max_rows": 10_000,
        "body_max_bytes": 1_048_576,
        "export_baseline": True,
        "design_effect": 1.0,
        "log": "file:",
        "log_ttl": 2_592_000.0,
        "log_sample": 1.0,
        "log_request_body": False,
        "log_redact": (),
        "log_unknown": False,
        "log_file_minutes": 1,
        "log_compression": None,
        "log_record_max_bytes": 1_048_576,
        "endpoint_id": "unknown-endpoint",
        "replica_id": "",
        "logger_id": "",
        "server_id": "unknown-server",
        "outcome_ttl": 0.0,
        "state_dir": None,
        "state_max_bytes": 268_435_456,
        "state_sync_seconds": 0.0,
        "enabled": True,
    }


def test_every_setting_has_a_meaning() -> None:
    assert [row.name for row in dataclasses.fields(Settings) if not row.metadata["meaning"]] == []


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("baseline", "a.prom", "a.prom"),
        ("baseline", Path("/a/b.prom"), "/a/b.prom"),
        ("baseline", "", ""),
        ("model", "arrivals", "arrivals"),
        ("model", "", None),
        ("version", "7", "7"),
        ("version", 7, "7"),
        ("version", -7, "-7"),
        ("exposition", "classic", "classic"),
        ("metrics_path", "/m", "/m"),
        ("metrics_path", "", ""),
        ("metrics_token", "secret", "secret"),
        ("metrics_token", 12345, "12345"),
        ("metrics_token", "", None),
        ("server_id", "south-1", "south-1"),
        ("state_dir", Path("/state"), "/state"),
        ("state_dir", "", None),
        ("state_max_bytes", "1000", 1000),
        ("state_max_bytes", 1000, 1000),
        ("design_effect", "6.1", 6.1),
        ("design_effect", 1, 1.0),
        ("enabled", False, False),
        ("enabled", "no", False),
        ("enabled", " OFF ", False),
        ("enabled", "0", False),
        ("enabled", 1, True),
        ("enabled", "yes", True),
        ("enabled", "On", True),
    ],
)
def test_a_value_is_taken_in_the_type_of_its_setting(name: str, given: Any, value: Any) -> None:
    for settings in (
        resolve([], {name: given}),
        resolve([({f"X_{name.upper()}": given}, "X_")]),
        Settings(**{name: given}),
    ):
        assert getattr(settings, name) == value
        assert settings == dataclasses.replace(Settings(), **{name: value})


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("BASELINE", 1.5, '1.5, which is not text; quote it, as in "1.10"'),
        ("MODEL", True, 'True, which is not text; quote it, as in "1.10"'),
        ("VERSION", 1.1, '1.1, which is not text; quote it, as in "1.10"'),
        ("VERSION", ["1"], "['1'], which is not text; quote it, as in \"1.10\""),
        ("METRICS_TOKEN", 123.5, 'not text; quote it, as in "1.10"'),
        ("EXPOSITION", "Classic", "'Classic'; use labelled or classic"),
        ("EXPOSITION", "", "''; use labelled or classic"),
        ("METRICS_PATH", "metrics", "'metrics'; a path must start with /"),
        ("SERVER_ID", "a\nb", "'a\\nb'; use printable ASCII, because it goes into a header"),
        ("SERVER_ID", "süd", "'süd'; use printable ASCII, because it goes into a header"),
        ("STATE_MAX_BYTES", "1e6", "'1e6'; use a whole number above 0"),
        ("STATE_MAX_BYTES", 0, "0; use a whole number above 0"),
        ("STATE_MAX_BYTES", -1, "-1; use a whole number above 0"),
        ("STATE_MAX_BYTES", 1.5, "1.5; use a whole number above 0"),
        ("STATE_MAX_BYTES", True, "True; use a whole number above 0"),
        ("DESIGN_EFFECT", "0.9", "'0.9'; use a number of at least 1"),
        ("DESIGN_EFFECT", "inf", "'inf'; use a number of at least 1"),
        ("DESIGN_EFFECT", "often", "'often'; use a number of at least 1"),
        ("DESIGN_EFFECT", True, "True; use a number of at least 1"),
        ("ENABLED", "maybe", "'maybe'; use true or false"),
        ("ENABLED", 2, "2; use true or false"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_with_its_key(
    name: str, given: Any, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve([({f"X_{name}": given}, "X_")])
    assert str(caught.value) == f"X_{name} is {reason}"
    for build in (Settings, lambda **values: resolve([], values)):
        with pytest.raises(ConfigError) as caught:
            build(**{name.lower(): given})
        assert str(caught.value) == f"{name.lower()} is {reason}"


def test_an_argument_wins_over_the_layers_in_their_order_and_they_over_bedrock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = {"A_SERVER_ID": "first"}, {"B_SERVER_ID": "second"}
    monkeypatch.setenv("BEDROCK_SERVER_ID", "bedrock")
    layers: list[Any] = [(first, "A_"), (second, "B_")]
    assert resolve(layers, {"server_id": "argument"}).server_id == "argument"
    assert resolve(layers, {"server_id": None}).server_id == "first"
    assert resolve(layers[1:]).server_id == "second"
    assert resolve([]).server_id == "bedrock"
    monkeypatch.delenv("BEDROCK_SERVER_ID")
    assert resolve([]).server_id == "unknown-server"


def test_the_environment_is_read_by_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXKITE_MODEL", "arrivals")
    monkeypatch.setenv("BOXKITE_ENABLED", "false")
    assert from_environment({"version": "7"}) == Settings(
        model="arrivals", version="7", enabled=False
    )


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("BOXKITE_BASELIN", "BOXKITE_BASELINE"),
        ("BOXKITE_METRIC_PATH", "BOXKITE_METRICS_PATH"),
        ("BOXKITE_TOKEN", "BOXKITE_METRICS_TOKEN"),
        ("BOXKITE_model", "BOXKITE_MODEL"),
        ("BOXKITE_SERVERID", "BOXKITE_SERVER_ID"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, key: str, nearest: str
) -> None:
    monkeypatch.setenv(key, "1")
    with pytest.raises(ConfigError) as caught:
        from_environment()
    assert str(caught.value) == f"unknown setting {key}; did you mean {nearest}?"


def test_an_unknown_argument_is_an_error_that_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve([], {"modle": "arrivals"})
    assert str(caught.value) == "unknown setting modle; did you mean model?"


@pytest.mark.parametrize(
    "key",
    [
        "BOXKITE_SERVICE_HOST",
        "BOXKITE_SERVICE_PORT",
        "BOXKITE_SERVICE_PORT_HTTP",
        "BOXKITE_PORT",
        "BOXKITE_PORT_8000_TCP",
        "BOXKITE_PORT_8000_TCP_ADDR",
        "BOXKITE_DEMO_SERVICE_HOST",
        "BOXKITE_DEMO_PORT_8000_TCP_PROTO",
    ],
)
def test_what_kubernetes_sets_for_a_service_of_that_name_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(key, "tcp://10.0.0.1:8000")
    assert from_environment() == Settings()


def test_other_keys_and_keys_that_are_no_text_are_passed_over() -> None:
    assert resolve([({"DEBUG": 1, 7: 8, "boxkite_x": 1}, "BOXKITE_")]) == Settings()  # type: ignore[dict-item]


def test_a_long_text_is_no_duration_and_takes_no_time() -> None:
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"^window is '1 {39}…'; use seconds"):
        converters.as_duration("window", f"1{' ' * 60_000}x")
    # Before, 16,000 spaces took 4 seconds, and twice as many four times as long.
    assert time.process_time() - started < 1.0


def test_secrets_are_not_in_the_text_of_settings() -> None:
    settings = Settings(metrics_token="s3cret", baseline="https://host/x?sig=s3cret")
    assert "s3cret" not in repr(settings)
