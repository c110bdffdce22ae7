"""`boxkite init` writes whole services, whose manifests Kubernetes would take."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from boxkite.cli.commands import boxkite
from boxkite.settings import Settings

SCHEMAS = Path(__file__).parents[1] / "prometheus"
EXAMPLES = Path(__file__).parents[2] / "examples" / "services"
PREFIXES = {"flask": "FLASK_BOXKITE_", "fastapi": "BOXKITE_"}
GENERATED = {"monitoring/boxkite.json", "monitoring/prometheus-rule.yaml"}


def init(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(boxkite, ["init", *arguments])
    return result.exit_code, result.stderr


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module", params=PREFIXES)
def framework(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def folder(framework: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(framework) / "delivery"
    assert init(str(path), "--framework", framework) == (0, "")
    return path


def manifest(folder: Path, name: str) -> Any:
    return yaml.safe_load((folder / name).read_text("utf-8"))


@pytest.mark.parametrize("name", ["deployment", "service"])
def test_kubernetes_takes_the_manifests(folder: Path, name: str) -> None:
    content = manifest(folder, f"kubernetes/{name}.yaml")
    kubernetes_validate.validate(content, kubernetes_validate.latest_version(), strict=True)


def test_the_schema_refuses_what_kubernetes_would(folder: Path) -> None:
    content = manifest(folder, "kubernetes/deployment.yaml")
    content["spec"]["template"]["spec"]["readOnlyRootFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(content, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("kubernetes/service-monitor.yaml", "service_monitor_schema.json"),
        ("monitoring/prometheus-rule.yaml", "prometheus_rule_schema.json"),
    ],
)
def test_the_prometheus_operator_takes_its_objects(folder: Path, name: str, schema: str) -> None:
    text = (folder / name).read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads((SCHEMAS / schema).read_text()))
    # The operator puts a rule object into one ConfigMap, to which it allows half a mebibyte.
    assert len(text.encode()) < 512 * 1024


def test_every_file_that_kustomize_reads_is_there_and_none_is_left_out(folder: Path) -> None:
    for part in ("kubernetes", "monitoring"):
        content = manifest(folder, f"{part}/kustomization.yaml")
        assert content["kind"] == "Kustomization"
        made = [file for each in content.get("configMapGenerator", []) for file in each["files"]]
        present = {path.name for path in (folder / part).iterdir()} - {"kustomization.yaml"}
        assert {*content["resources"], *made} == present
    dashboard = CliRunner().invoke(boxkite, ["dashboard"]).stdout
    assert (folder / "monitoring/boxkite.json").read_text("utf-8") == dashboard


def test_the_objects_select_each_other(folder: Path) -> None:
    deployment, service, monitor, kustomization = (
        manifest(folder, f"kubernetes/{name}.yaml")
        for name in ("deployment", "service", "service-monitor", "kustomization")
    )
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    port, endpoint = service["spec"]["ports"][0], monitor["spec"]["endpoints"][0]
    assert (endpoint["port"], port["targetPort"]) == (port["name"], container["ports"][0]["name"])
    assert [each["name"] for each in kustomization["images"]] == [container["image"]]


def test_the_pod_is_hardened_and_its_state_is_on_a_volume(folder: Path) -> None:
    pod = manifest(folder, "kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    security = pod["securityContext"]
    assert security["runAsNonRoot"]
    assert security["fsGroup"] == security["runAsGroup"]
    dockerfile = (folder / "Dockerfile").read_text()
    assert f"USER {security['runAsUser']}:{security['runAsGroup']}" in dockerfile
    (mount,) = container["volumeMounts"]
    assert f"STATE_DIR={mount['mountPath']}\n" in dockerfile
    assert [each["name"] for each in pod["volumes"] if "emptyDir" in each] == [mount["name"]]


def test_every_setting_that_the_files_name_exists(folder: Path, framework: str) -> None:
    written = files(folder)
    text = "".join(written[name] for name in written.keys() - GENERATED)
    named = re.findall(r"\b((?:FLASK_)?BOXKITE_)([A-Z_]+)\b", text)
    assert {prefix for prefix, _ in named} == {PREFIXES[framework]}
    assert {name for _, name in named} <= {
        each.name.upper() for each in dataclasses.fields(Settings)
    }


def test_the_image_holds_each_file_that_the_service_needs(folder: Path) -> None:
    dockerfile = (folder / "Dockerfile").read_text().replace("\\\n", "")
    copied = {
        file
        for line in dockerfile.splitlines()
        if line.startswith("COPY ")
        for file in line.split()[1:-1]
    }
    made = {"model.json", "histogram.prom"}
    assert copied - made == {"app.py", "model.py", "requirements.txt", "wheels"}
    assert made <= copied
    ignored = (folder / ".dockerignore").read_text().split()
    assert not copied & set(ignored)
    for name in ("app.py", "model.py", "train.py"):
        ast.parse((folder / name).read_text())


def test_no_field_of_the_template_remains(folder: Path) -> None:
    written = files(folder)
    assert [name for name in written.keys() - GENERATED if "{{" in written[name]] == []


def test_the_examples_are_what_the_command_writes(folder: Path, framework: str) -> None:
    written = {name: text for name, text in files(folder).items() if name not in GENERATED}
    command = f"boxkite init examples/services/{framework} --framework {framework} --name delivery"
    assert files(EXAMPLES / framework) == written, f"remove the folder, and run: {command}"


def test_existing_files_stay_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    (tmp_path / "train.py").symlink_to("nowhere")
    code, message = init(str(tmp_path), "--framework", "flask", "--name", "delivery")
    assert code == 2
    assert message == (
        f"boxkite: '{tmp_path}' has app.py, train.py already, and nothing is overwritten: name "
        "another folder\n"
    )
    assert sorted(os.listdir(tmp_path)) == ["app.py", "train.py"]
    assert (tmp_path / "app.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["Delivery", "my_model", "1st", "a" * 47, "a-", ""])
def test_a_name_that_kubernetes_refuses_is_refused(tmp_path: Path, name: str) -> None:
    code, message = init(str(tmp_path / "x"), "--framework", "flask", f"--name={name}")
    if name:
        assert (code, f"{name!r} cannot name Kubernetes objects" in message) == (2, True)
        assert not (tmp_path / "x").exists()
    else:
        assert code == 0  # an empty name is none, so that of the folder is taken


def test_the_framework_must_be_given(tmp_path: Path) -> None:
    code, message = init(str(tmp_path))
    assert code == 2
    choices = "Choose from: flask, fastapi See boxkite init --help"
    assert message == f"boxkite: Missing option '--framework'. {choices}\n"


def test_the_name_is_that_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "churn").mkdir()
    monkeypatch.chdir(tmp_path / "churn")
    assert init(".", "--framework", "fastapi") == (0, "")
    assert manifest(Path(), "kubernetes/service.yaml")["metadata"]["name"] == "churn"
