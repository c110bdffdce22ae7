"""How hard the code is to enter: its layout in numbers, and the calls behind a request.

Give one checkout, or two to see them beside each other. A checkout with a `.venv` is traced with
that environment's Python:

    python benchmarks/structure . /path/to/another/checkout
    python benchmarks/structure . --calls "flask request"    # the tree of calls of one path
    python benchmarks/structure . --files scrape             # its files, with their calls
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from layout import layout

PATHS = ("flask request", "starlette request", "fold", "batch", "scrape")
TRACES = Path(__file__).with_name("traces.py")


def traced(checkout: Path, path: str) -> dict[str, object]:
    """Return what one path calls in a checkout, found in a process of its own."""
    python = checkout / ".venv/bin/python"
    command = [str(python if python.exists() else sys.executable), str(TRACES), path]
    environment = {"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise SystemExit(f"{checkout}: {path}: {result.stderr}")
    found: dict[str, object] = json.loads(result.stdout)
    return found


def figures(checkout: Path) -> dict[str, str]:
    """Return the lines of the table for one checkout."""
    found = layout(checkout)
    for path in PATHS:
        trace = traced(checkout, path)
        text = "{calls} calls, {files} files, {changes} changes of file".format(**trace)
        found[f"{path}"] = text
    return found


def main() -> None:
    """Print the table, or the tree of calls of one path."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="+", type=Path)
    parser.add_argument("--calls", metavar="PATH", choices=PATHS, help=", ".join(PATHS))
    parser.add_argument("--files", metavar="PATH", choices=PATHS, help="the same paths")
    arguments = parser.parse_args()
    checkouts = [each.resolve() for each in arguments.checkouts]
    for path, part in ((arguments.calls, "tree"), (arguments.files, "order")):
        if path:
            for checkout in checkouts:
                sys.stdout.write(f"{traced(checkout, path)[part]}\n\n")
            return
    columns = [figures(checkout) for checkout in checkouts]
    heads = " | ".join(each.name for each in checkouts)
    sys.stdout.write(f"| measure | {heads} |\n|---|{'---:|' * len(columns)}\n")
    for measure in columns[0]:
        cells = " | ".join(column[measure] for column in columns)
        sys.stdout.write(f"| {measure} | {cells} |\n")


if __name__ == "__main__":
    main()
