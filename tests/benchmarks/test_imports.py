"""The benchmarks import names that boxkite has, also inside of functions."""

import ast
import importlib
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = ("boxkite", "boxkite_flask", "boxkite_starlette")


def test_each_name_that_a_benchmark_imports_exists() -> None:
    imported = {
        (node.module, alias.name)
        for path in BENCHMARKS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.partition(".")[0] in OURS
        for alias in node.names
    }
    assert len(imported) > 50
    missing = [
        (module, name)
        for module, name in sorted(imported)
        if not hasattr(importlib.import_module(module), name)
    ]
    assert missing == []
