"""How the packages are laid out: imports run one way, and each module name occurs once."""

import ast
import graphlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boxkite
import boxkite.adapters

ROOT = Path(boxkite.__file__).parents[1]
FRAMEWORKS = {"flask", "werkzeug", "starlette", "fastapi", "boxkite_flask", "boxkite_starlette"}
COMMAND_LINE = {"click", "rich", "pyarrow"}

# Modules that need an extra. Nothing imports them unless that extra is asked for.
MAY_USE = {
    "boxkite.baseline.table_forms": {"pyarrow"},
    "boxkite.logs.compaction.arrow_numbers": {"pyarrow"},
    "boxkite.logs.compaction.line_rows": {"pyarrow"},
    "boxkite.logs.compaction.part_writer": {"pyarrow"},
    "boxkite.logs.compaction.row_layout": {"pyarrow"},
    "boxkite.logs.reader.arrow_columns": {"pyarrow"},
    "boxkite.logs.reader.arrow_batches": {"pyarrow"},
    "boxkite.logs.reader.compacted_rows": {"pyarrow"},
}

# Each part of the core, and the parts that it may import. A part that is not listed may import all.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "system": set(),
    "error_reporter": {"system"},
    "number_range": {"errors"},
    "settings": {"errors", "system"},
    "signals": {"error_reporter"},
    "drawing": set(),
    "variation": set(),
    "quality": {"drawing", "number_range", "variation"},
    "baseline": {"drawing", "errors", "error_reporter", "quality", "system", "variation"},
    "drift": {
        "baseline",
        "drawing",
        "errors",
        "number_range",
        "quality",
        "system",
        "variation",
    },
    "rows": {"baseline", "error_reporter"},
    "live": {
        "rows",
        "baseline",
        "drift",
        "error_reporter",
        "errors",
        "quality",
        "settings",
        "signals",
        "system",
    },
    "logs": {
        "baseline",
        "error_reporter",
        "errors",
        "live",
        "settings",
        "signals",
        "system",
    },
    "prometheus": {
        "baseline",
        "drift",
        "error_reporter",
        "errors",
        "live",
        "quality",
        "system",
        "variation",
    },
    "report": {"baseline", "drawing", "drift", "errors", "live", "settings", "system"},
}


# The packages that hold the names of 0.0.5 keep the layout that its users import.
NAMES_OF_0_0_5 = {"monitoring", "utils"}

# `Baseline` reads and writes the files of 0.0.5 too, and `Monitor` shows its series.
USES_CLASSIC = {
    "boxkite.baseline.training_distributions",
    "boxkite.baseline.histogram_file",
    "boxkite.monitor",
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
        if module in USES_CLASSIC:
            parts.discard("classic")
        if extra := parts - MAY_IMPORT[part(module)] - {part(module)}:
            wrong[module] = extra
    assert wrong == {}


def test_nothing_below_imports_the_command_line_or_the_names_of_0_0_5() -> None:
    allowed = {"cli": {"cli", "__main__"}, "monitoring": {"monitoring", "utils"}, "utils": set()}
    for top, from_within in allowed.items():
        importing = {part(module) for module in CORE if top in map(part, imported(module))}
        assert importing <= from_within, top


def test_classic_is_used_in_two_places_only() -> None:
    importing = {module for module in CORE if "classic" in map(part, imported(module))}
    assert {each for each in importing if part(each) not in NAMES_OF_0_0_5 | {"classic"}} == (
        USES_CLASSIC
    )


def test_the_packages_of_0_0_5_hold_names_only() -> None:
    for module, tree in TREES.items():
        if part(module) in NAMES_OF_0_0_5:
            kinds = {type(node) for node in tree.body}
            assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign}, module
            assert {part(name) for name in imported(module)} <= {"classic"}, module


def test_there_is_no_circle() -> None:
    graph = {
        module: {name for name in imported(module) if name in CORE and name != "boxkite"} - {module}
        for module in CORE
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert sorted(order) == sorted(CORE)


def test_adapters_use_only_public_names() -> None:
    public = {"boxkite": set(boxkite.__all__), "boxkite.adapters": set(boxkite.adapters.__all__)}
    for package in ("boxkite_flask", "boxkite_starlette"):
        used: dict[str, set[str]] = {"boxkite": set(), "boxkite.adapters": set()}
        for path in modules(package).values():
            for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names if alias.name.startswith("boxkite")]
                    assert names == [], f"{path} imports {names}"
                elif (node.module or "").split(".")[0] == "boxkite":
                    if node.module == "boxkite.cli" and path.stem == "cli":
                        continue
                    assert node.module in public, f"{path} imports from {node.module}"
                    used[node.module] |= {alias.name for alias in node.names}
        assert used["boxkite.adapters"]
        assert {name: names - public[name] for name, names in used.items()} == {
            "boxkite": set(),
            "boxkite.adapters": set(),
        }


def test_users_meet_few_names() -> None:
    assert len(boxkite.__all__) <= 16


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
    names = Counter(
        path.stem for module, path in CORE.items() if part(module) not in NAMES_OF_0_0_5
    )
    repeated = {name for name, times in names.items() if times > 1} - {"__init__"}
    assert repeated == set()


def test_every_path_that_ci_leaves_out_exists() -> None:
    ignored = re.findall(r"--ignore=(\S+?)[\s\"']", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert len(ignored) > 10
    assert [path for path in ignored if not (ROOT / path).exists()] == []
