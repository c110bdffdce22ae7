"""How the packages are laid out: imports run one way, and each module name occurs once."""

import ast
import graphlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boxkite

ROOT = Path(boxkite.__file__).parents[1]
FRAMEWORKS = {"flask", "werkzeug", "starlette", "fastapi", "boxkite_flask", "boxkite_starlette"}
COMMAND_LINE = {"click", "rich", "pyarrow"}

# Modules that need an extra. Nothing imports them unless that extra is asked for.
MAY_USE = {
    "boxkite.logs.reader.arrow_columns": {"pyarrow"},
    "boxkite.logs.reader.arrow_batches": {"pyarrow"},
}

# Each part of the core, and the parts that it may import. A part that is not listed may import all.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "system": set(),
    "error_reporter": set(),
    "settings": {"errors"},
    "signals": {"error_reporter"},
    "drawing": {"baseline"},
    "baseline": {"drawing", "errors", "error_reporter", "system"},
    "drift": {"baseline", "drawing", "errors"},
    "live": {"baseline", "drift", "error_reporter", "errors", "settings", "signals", "system"},
    "logs": {"baseline", "error_reporter", "errors", "live", "settings", "system"},
    "prometheus": {"baseline", "drift", "errors", "live", "system"},
    "report": {"baseline", "drawing", "drift", "errors", "live", "settings", "system"},
}


def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by the names of their modules."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


CORE = modules("boxkite")
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in CORE.items()}


def statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def imported(module: str) -> set[str]:
    """Return the full names of what a module imports, modules of ours as modules."""
    names = set()
    for node in statements(TREES[module]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
            continue
        assert node.level == 0, f"{module} imports relatively"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            names.add(whole if whole in CORE else node.module or "")
    return names


def part(module: str) -> str:
    return [*module.split("."), ""][1]


def test_the_core_imports_no_framework() -> None:
    wrong = {}
    for module in CORE:
        found = {name.split(".")[0] for name in imported(module)}
        allowed = COMMAND_LINE if part(module) == "cli" else MAY_USE.get(module, set())
        if extra := found & (FRAMEWORKS | COMMAND_LINE) - allowed:
            wrong[module] = extra
    assert wrong == {}


def test_each_part_imports_only_the_parts_below_it() -> None:
    wrong = {}
    for module in CORE:
        if part(module) not in MAY_IMPORT:
            continue
        parts = {part(name) for name in imported(module) if name.split(".")[0] == "boxkite"}
        if extra := parts - MAY_IMPORT[part(module)] - {part(module)}:
            wrong[module] = extra
    assert wrong == {}


def test_nothing_below_imports_the_command_line_or_the_names_of_0_0_5() -> None:
    allowed = {"cli": {"cli", "__main__"}, "monitoring": {"monitoring", "utils"}, "utils": set()}
    for top, from_within in allowed.items():
        importing = {part(module) for module in CORE if top in map(part, imported(module))}
        assert importing <= from_within, top


def test_there_is_no_circle() -> None:
    graph = {
        module: {name for name in imported(module) if name in CORE and name != "boxkite"} - {module}
        for module in CORE
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert sorted(order) == sorted(CORE)


def test_adapters_use_only_what_boxkite_exports() -> None:
    for package in ("boxkite_flask", "boxkite_starlette"):
        used = set()
        for path in modules(package).values():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in statements(tree):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names if alias.name.startswith("boxkite")]
                    assert set(names) <= {"boxkite"}, f"{path} imports {names}"
                elif (node.module or "").split(".")[0] == "boxkite":
                    if node.module == "boxkite.cli" and path.stem == "cli":
                        continue
                    assert node.module == "boxkite", f"{path} imports from {node.module}"
                    used |= {alias.name for alias in node.names}
            for expression in ast.walk(tree):
                match expression:
                    case ast.Attribute(value=ast.Name(id="boxkite"), attr=name):
                        used.add(name)
        assert used
        assert used - set(boxkite.__all__) == set()


def test_each_module_lists_its_public_names_and_defines_them() -> None:
    for module, tree in TREES.items():
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
        if module.endswith("__main__") or (not offered and len(tree.body) == 1):
            continue
        assert len(offered) == 1, module
        assert set(offered[0]) <= defined, module


def test_each_module_name_occurs_once() -> None:
    # The packages that hold the names of 0.0.5 keep the layout that its users import.
    fixed = {"monitoring", "utils"}
    names = Counter(path.stem for module, path in CORE.items() if part(module) not in fixed)
    repeated = {name for name, times in names.items() if times > 1} - {"__init__"}
    assert repeated <= {
        "baseline",
        "classic",
        "compare",
        "dashboard",
        "design_effect",
        "labelled",
        "reading",
        "rules",
    }
