"""The layout of a checkout in numbers, read from its files without running them."""

from __future__ import annotations

import ast
import io
import statistics
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["layout"]

PACKAGES = ("boxkite", "boxkite_flask", "boxkite_starlette")
# Their layout is that of boxkite 0.0.5, whose users import it.
FIXED = {"monitoring", "utils"}
# Instructions to tools are no explanation.
PRAGMAS = ("noqa", "type:", "pyright:", "pragma")


def layout(checkout: Path) -> dict[str, str]:
    """Return each measure by its name."""
    product = [path for package in PACKAGES for path in sorted((checkout / package).rglob("*.py"))]
    core = checkout / "boxkite"
    lengths = sorted(length for path in product for length in _function_lengths(path))
    lines = _lines(product)
    readers = [path for path in product if _is_reader(path)]
    return {
        "modules in boxkite/ itself": f"{len(list(core.glob('*.py')))}",
        "module names that occur twice": _repeated(core),
        "lines of live/": f"{_lines((core / 'live').rglob('*.py')):,}",
        "lines of system/": f"{_lines((core / 'system').rglob('*.py')):,}",
        "lines of the readers of histogram.prom": f"{_lines(readers):,}",
        "lines of the product": f"{lines:,}",
        "lines of the tests": f"{_lines((checkout / 'tests').rglob('*.py')):,}",
        "comments per hundred lines": f"{100 * sum(map(_comments, product)) / lines:.1f}",
        "lines of a function, median": f"{statistics.median(lengths):g}",
        "lines of a function, 90th percentile": f"{lengths[len(lengths) * 9 // 10]}",
        "files over 300 lines": f"{sum(_lines([path]) > 300 for path in product)}",
    }


def _lines(paths: Iterable[Path]) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in paths)


def _is_reader(path: Path) -> bool:
    return "reader" in path.stem and path.parent.name in ("baseline", "classic")


def _repeated(core: Path) -> str:
    stems = Counter(
        path.stem
        for path in core.rglob("*.py")
        if not path.stem.startswith("__") and not FIXED & set(path.relative_to(core).parts)
    )
    return f"{sum(times > 1 for times in stems.values())}"


def _comments(path: Path) -> int:
    """Count the comments of a file. One that runs over several lines counts once a line."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return sum(
        token.type == tokenize.COMMENT and not token.string.lstrip("# ").startswith(PRAGMAS)
        for token in tokens
    )


def _function_lengths(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1
