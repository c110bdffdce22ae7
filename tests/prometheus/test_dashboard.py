"""The dashboard is what Grafana's own schema says, and has no panel that is deprecated."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from boxkite.errors import ConfigError
from boxkite.prometheus.dashboard import render_dashboard

SCHEMA = Path(__file__).with_name("dashboard_schema.ts")
PACKAGES = ("@grafana/schema@11.6.0", "ts-json-schema-generator@2.10.0")


def dashboard(*windows: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(render_dashboard(windows or ("1h", "1d")))
    return content


def test_it_has_three_rows_of_panels_that_do_not_overlap() -> None:
    rows: dict[str, list[str]] = {}
    places = set()
    for panel in dashboard()["panels"]:
        if panel["type"] == "row":
            rows[panel["title"]] = []
            continue
        rows[list(rows)[-1]].append(panel["type"])
        places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert rows == {
        "Overview of $model_name $model_version": [
            "timeseries", "timeseries", "timeseries", "barchart", "histogram", "timeseries",
        ],
        "$variable_role $variable over $window": [
            "barchart", "timeseries", "timeseries", "timeseries",
        ],
        "Log and engine": ["timeseries"] * 4,
    }  # fmt: skip
    assert len(places) == 14


def test_each_panel_has_a_number_of_its_own_and_each_query_of_a_panel_a_name() -> None:
    panels = dashboard()["panels"]
    assert [each["id"] for each in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        names = [each["refId"] for each in panel.get("targets", [])]
        assert len(set(names)) == len(names)


def test_variables_are_of_the_model_and_its_windows() -> None:
    variables = dashboard("30m", "6h")["templating"]["list"]
    assert [each["name"] for each in variables] == [
        "datasource", "model_name", "model_version", "variable_role", "variable", "window",
    ]  # fmt: skip
    assert variables[-1]["query"] == "30m,6h"
    assert variables[-1]["current"] == {"selected": True, "text": "30m", "value": "30m"}


def test_a_window_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError) as error:
        render_dashboard(["week"])
    assert str(error.value) == (
        "'week' is not a Prometheus duration; give one such as 1h or 90s"
    )  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Grafana's types as a JSON schema."""

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"the test needs npm install {' '.join(PACKAGES)}: {done.stderr[-300:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
        return done.stdout

    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(SCHEMA, folder)
    run(shutil.which("npm") or "npm", "install", "--no-audit", "--no-fund", *PACKAGES)
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": {"moduleResolution": "node", "target": "es2022"}})
    )
    generate = folder / "node_modules/.bin/ts-json-schema-generator"
    options = ("--path", SCHEMA.name, "--type", "Checked", "--tsconfig", "tsconfig.json")
    found: dict[str, Any] = json.loads(run(generate, *options, "--no-type-check"))
    return found


@pytest.mark.slow
def test_it_fits_grafanas_own_schema(schema: dict[str, Any]) -> None:
    content = dashboard()
    checked = defaultdict(list)
    for panel in content["panels"]:
        if panel["type"] != "row":
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
            checked[panel["type"]].append({"options": panel.get("options", {}), "custom": custom})
    validator = jsonschema.Draft7Validator(schema)
    found = [
        (list(error.path), error.message)
        for error in validator.iter_errors({"dashboard": content, **checked})
    ]
    assert found == []
