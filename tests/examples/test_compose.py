"""The files for docker compose fit together. docker is not needed to tell."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from boxkite.cli.commands import boxkite


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture
def compose(examples: Path) -> Path:
    """The folder of the files for docker compose."""
    return examples / "compose"


def test_every_file_that_is_mounted_is_there(compose: Path) -> None:
    content = read(compose / "compose.yaml")
    mounted = [
        volume.split(":")[0]
        for service in content["services"].values()
        for volume in service.get("volumes", [])
    ]
    volumes = {each for each in mounted if not each.startswith(".")}
    assert volumes == set(content["volumes"])
    assert [
        each for each in mounted if each.startswith(".") and not (compose / each).exists()
    ] == []
    build = content["services"]["flights"]["build"]
    assert (compose / build["context"] / build["dockerfile"]).is_file()


def test_prometheus_takes_its_file_with_the_rules_that_the_commands_write(
    compose: Path, promtool: str, tmp_path: Path
) -> None:
    _, _, script = shlex.split(read(compose / "compose.yaml")["services"]["rules"]["command"])
    for command in script.split(" && "):
        _, *arguments, _, target = command.split()
        result = CliRunner().invoke(boxkite, arguments)
        assert (result.stderr, result.exit_code) == ("", 0)
        (tmp_path / Path(target).name).write_text(result.stdout)
    configuration = (compose / "prometheus.yml").read_text().replace("/made", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(configuration)
    check = [promtool, "check", "config", tmp_path / "prometheus.yml"]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "boxkite.json", "boxkite.rules.yml", "prometheus.yml",
    ]  # fmt: skip


def test_each_service_is_asked_where_it_is(compose: Path) -> None:
    services = read(compose / "compose.yaml")["services"]
    listening = {
        f"{name}:{service['ports'][0].split(':')[1]}"
        for name, service in services.items()
        if "ports" in service
    }
    prometheus = read(compose / "prometheus.yml")
    source = read(compose / "grafana/datasources/prometheus.yaml")["datasources"][0]
    asked = {
        *prometheus["scrape_configs"][0]["static_configs"][0]["targets"],
        *prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"],
        source["url"].removeprefix("http://"),
    }
    assert listening - asked == {"grafana:3000"}
    assert asked <= listening
    (provider,) = read(compose / "grafana/dashboards/boxkite.yaml")["providers"]
    assert f"made:{provider['options']['path']}:ro" in services["grafana"]["volumes"]
