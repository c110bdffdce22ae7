"""Imports run one way: adapters -> boxkite -> monitor -> live, prometheus, drift -> baseline."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import boxkite

ROOT = Path(boxkite.__file__).parents[1]
FRAMEWORKS = {"flask", "werkzeug", "starlette", "fastapi", "boxkite_flask", "boxkite_starlette"}
COMMAND_LINE = {"click", "rich", "pyarrow"}

# Modules that are imported only by who has the extra that they need.
MAY_USE = {"boxkite.logs.columns": {"pyarrow"}, "boxkite.logs.reading": {"pyarrow"}}

# Each part of the core, and the parts that it may import.
MAY_IMPORT = {
    "errors": set(),
    "cooperation": set(),
    "late": set(),
    "identity": set(),
    "trouble": set(),
    "setting_values": {"errors"},
    "config": {"errors", "setting_values"},
    "context": {"errors", "identity"},
    "signals": {"trouble"},
    "baseline": {"errors"},
    "drift": {"baseline", "errors"},
    "report": {"baseline", "drift", "errors"},
    "prometheus": {"baseline", "cooperation", "drift", "errors"},
    "live": {"baseline", "cooperation", "late", "trouble"},
    "logs": {"baseline", "config", "cooperation", "errors", "identity", "late", "live", "trouble"},
}


def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by the names of their modules."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


CORE = modules("boxkite")


def statements(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def imported(path: Path) -> set[str]:
    """Return the full names of what a file imports, modules of ours as modules."""
    names = set()
    for node in statements(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
            continue
        assert node.level == 0, f"{path} imports relatively"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            names.add(whole if whole in CORE else node.module or "")
    return names


def part(module: str) -> str:
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_no_framework(module: str) -> None:
    found = {name.split(".")[0] for name in imported(CORE[module])}
    allowed = COMMAND_LINE if part(module) == "cli" else MAY_USE.get(module, set())
    assert found & (FRAMEWORKS | COMMAND_LINE) <= allowed


@pytest.mark.parametrize("module", [each for each in CORE if part(each) in MAY_IMPORT])
def test_each_part_imports_only_what_is_below_it(module: str) -> None:
    ours = {name for name in imported(CORE[module]) if name.split(".")[0] == "boxkite"}
    assert {part(name) for name in ours} <= MAY_IMPORT[part(module)] | {part(module)}


@pytest.mark.parametrize(
    ("top", "from_within"),
    [("cli", {"cli", "__main__"}), ("monitoring", {"monitoring", "utils"}), ("utils", set())],
)
def test_nothing_below_imports_the_command_line_or_the_old_names(
    top: str, from_within: set[str]
) -> None:
    importing = {part(module) for module, path in CORE.items() if top in map(part, imported(path))}
    assert importing <= from_within


def test_there_is_no_circle() -> None:
    graph = {
        module: {name for name in imported(path) if name in CORE and name != "boxkite"} - {module}
        for module, path in CORE.items()
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert sorted(order) == sorted(CORE)


@pytest.mark.parametrize("package", ["boxkite_flask", "boxkite_starlette"])
def test_adapters_use_only_what_boxkite_exports(package: str) -> None:
    used = set()
    for path in modules(package).values():
        for node in statements(path):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("boxkite")]
                assert set(names) <= {"boxkite"}, f"{path} imports {names}"
            elif (node.module or "").split(".")[0] == "boxkite":
                if node.module == "boxkite.cli" and path.stem == "cli":
                    continue
                assert node.module == "boxkite", f"{path} imports from {node.module}"
                used |= {alias.name for alias in node.names}
        for expression in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match expression:
                case ast.Attribute(value=ast.Name(id="boxkite"), attr=name):
                    used.add(name)
    assert used
    assert used - set(boxkite.__all__) == set()


@pytest.mark.parametrize("module", [name for name in CORE if not name.endswith("__main__")])
def test_each_module_says_what_it_offers_and_has_it(module: str) -> None:
    tree = ast.parse(CORE[module].read_text(encoding="utf-8"))
    offered = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    defined = {
        name.id if isinstance(name, ast.Name) else getattr(name, "name", "")
        for node in tree.body
        for name in ast.walk(node)
        if isinstance(name, ast.Name | ast.ClassDef | ast.FunctionDef | ast.alias)
    }
    if offered or len(tree.body) > 1:
        assert len(offered) == 1
        assert set(offered[0]) <= defined
