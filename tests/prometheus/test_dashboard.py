"""The dashboard fits Grafana's own schema and uses no deprecated panel."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import boxkite.prometheus

DASHBOARD = Path(boxkite.prometheus.__file__).with_name("dashboard.json")
SCHEMA = Path(__file__).with_name("dashboard_schema.ts")
PACKAGES = ("@grafana/schema@11.6.0", "ts-json-schema-generator@2.10.0")


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return content


def selectors_of(query: str) -> list[str]:
    return re.findall(r"\w\{(.*?)\}", query)


def test_it_has_four_rows_of_panels_that_do_not_overlap() -> None:
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
            "timeseries",
        ],
        "$variable_role $variable over $window": [
            "barchart", "timeseries", "timeseries", "timeseries",
        ],
        "Quality in the labels of the last $quality_window": ["timeseries"] * 5,
        "Log and monitoring": ["timeseries"] * 4,
    }  # fmt: skip
    assert len(places) == 20


def test_each_panel_has_a_number_of_its_own_and_each_query_of_a_panel_a_name() -> None:
    panels = dashboard()["panels"]
    assert [each["id"] for each in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        names = [each["refId"] for each in panel.get("targets", [])]
        assert len(set(names)) == len(names)


def test_each_variable_narrows_the_choice_of_the_next() -> None:
    variables = dashboard()["templating"]["list"]
    names = [each["name"] for each in variables]
    assert names == [
        "datasource", "cluster", "namespace", "job",
        "model_name", "model_version", "window", "variable_role", "variable", "statistic",
        "quality_window",
    ]  # fmt: skip
    used = {each["name"]: set(re.findall(r"\$(\w+)", each["query"])) for each in variables}
    for place, name in enumerate(names):
        assert used[name] <= set(names[:place])


def test_each_query_is_about_the_chosen_model_and_services() -> None:
    queries = [
        target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])
    ]
    selectors = [each for query in queries for each in selectors_of(query)]
    assert len(selectors) > len(queries) > 20
    model = 'model_name="$model_name", model_version="$model_version"'
    services = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"'
    for each in selectors:
        assert each.startswith((f"{services}, {model}", model))
    # The baseline's series may come from another target than the services' own.
    of_every_service = [
        query for query in queries if any(each.startswith(model) for each in selectors_of(query))
    ]
    names = ("cell:boxkite_training_rows:fraction", "model:boxkite_quality:training")
    assert len(of_every_service) == len(names)
    for query, name in zip(of_every_service, names, strict=True):
        assert name in query


def test_no_query_adds_the_rows_of_segments_to_those_of_all_rows() -> None:
    queries = [
        target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])
    ]
    recorded = re.compile(r"(?:variable|cell|model):boxkite_\w+:\w+\{(.*?)\}")
    selectors = [each for query in queries for each in recorded.findall(query)]
    assert len(selectors) > 30
    assert [each for each in selectors if "segment=" not in each and "segment!=" not in each] == []


@pytest.fixture(scope="module")
def schema(
    npm_programs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """JSON schema of Grafana's types."""
    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(SCHEMA, folder)
    (folder / "node_modules").symlink_to(npm_programs(*PACKAGES))
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": {"moduleResolution": "node", "target": "es2022"}})
    )
    generate = folder / "node_modules/.bin/ts-json-schema-generator"
    options = ("--path", SCHEMA.name, "--type", "Checked", "--tsconfig", "tsconfig.json")
    command = [generate, *options, "--no-type-check"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
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
