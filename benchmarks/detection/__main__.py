"""What finds drift, how soon and at what cost: boxkite's counts beside tests that see every row.

python benchmarks/detection             # everything
python benchmarks/detection grid        # distributions, drifts and sizes, beside K-S and chi-square
python benchmarks/detection rivals      # detectors from elsewhere, on the same windows
python benchmarks/detection costs       # what a window costs them, in time and memory
python benchmarks/detection --quick     # a small part of everything

Other packages get a virtual environment each, made on first use; `--folder` keeps them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # environments.py, which others use too

from grid import QUICK_SIZES, SIZES, print_grid
from rivals import QUICK_WINDOWS, WINDOWS, print_costs, print_rivals


def grid(arguments: argparse.Namespace) -> None:
    """Print the grid."""
    print_grid(QUICK_SIZES if arguments.quick else SIZES, arguments.jobs)


def rivals(arguments: argparse.Namespace) -> None:
    """Print what each detector finds."""
    print_rivals(arguments.folder, QUICK_WINDOWS if arguments.quick else WINDOWS)


def costs(arguments: argparse.Namespace) -> None:
    """Print what each detector costs."""
    print_costs(arguments.folder, [1_000] if arguments.quick else [1_000, 100_000, 1_000_000])


PARTS = {"grid": grid, "rivals": rivals, "costs": costs}


def main() -> None:
    """Run the parts that are asked for, and say what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is given")
    parser.add_argument("--quick", action="store_true", help="a small part of the grid")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, help="of the environments; a temporary one if none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        arguments.folder = arguments.folder or Path(temporary)
        for part in arguments.parts or PARTS:
            began = time.monotonic()
            print(f"\n## {part}")
            PARTS[part](arguments)
            print(f"\n{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
