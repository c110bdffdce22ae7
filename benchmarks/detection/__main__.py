"""What finds drift, how soon and at what cost: boxkite's counts beside tests that see every row.

python benchmarks/detection             # everything
python benchmarks/detection grid        # distributions, drifts and sizes, beside K-S and chi-square
python benchmarks/detection rivals      # detectors from elsewhere, on the same windows
python benchmarks/detection costs       # what a window costs them, in time and memory
python benchmarks/detection missing     # shares of missing rows
python benchmarks/detection ordered     # steps up of ordered categories
python benchmarks/detection flights     # the months of a year of flights
python benchmarks/detection streams     # delay in rows, beside detectors of streams
python benchmarks/detection --quick     # a small part of everything

Other packages get a virtual environment each, made on first use; `--folder` keeps them,
and the cells of the grid that are done, so that a run that was ended can go on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # environments.py, which others use too

from detectors import DETECTORS
from grid import QUICK_SIZES, SIZES, print_grid
from missing import print_missing
from months_of_flights import print_flights
from ordered_steps import print_ordered_steps
from rivals import QUICK_WINDOWS, WINDOWS, print_costs, print_rivals
from streams import print_streams


def grid(arguments: argparse.Namespace) -> None:
    """Print the grid."""
    sizes = QUICK_SIZES if arguments.quick else SIZES
    chosen = [size for size in sizes if size.live <= (arguments.most_rows or size.live)]
    print_grid(chosen, arguments.jobs, arguments.folder)


def rivals(arguments: argparse.Namespace) -> None:
    """Print what each detector finds."""
    sizes = QUICK_WINDOWS if arguments.quick else WINDOWS
    print_rivals(arguments.folder, sizes, arguments.detectors)


def costs(arguments: argparse.Namespace) -> None:
    """Print what each detector costs."""
    rows = [1_000] if arguments.quick else [1_000, 100_000, 1_000_000]
    print_costs(arguments.folder, rows, arguments.detectors)


def missing(arguments: argparse.Namespace) -> None:
    """Print what is found of missing rows."""
    print_missing([1_000] if arguments.quick else [100, 1_000, 10_000, 100_000, 1_000_000])


def ordered(arguments: argparse.Namespace) -> None:
    """Print what the order of categories adds."""
    print_ordered_steps(20 if arguments.quick else 200)


def flights(arguments: argparse.Namespace) -> None:
    """Print what is found in months of flights."""
    print_flights(*((60, 4) if arguments.quick else (400, 40)))


def streams(arguments: argparse.Namespace) -> None:
    """Print the delay."""
    print_streams(arguments.folder, *((10, 1) if arguments.quick else (100, 5)))


PARTS = {
    "grid": grid,
    "missing": missing,
    "ordered": ordered,
    "flights": flights,
    "streams": streams,
    "rivals": rivals,
    "costs": costs,
}


def main() -> None:
    """Run the parts that are asked for, and say what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is given")
    parser.add_argument("--quick", action="store_true", help="a small part of the grid")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=list(DETECTORS))
    parser.add_argument("--most-rows", type=int, help="the largest windows of the grid")
    parser.add_argument("--folder", type=Path, help="of environments and cells; else temporary")
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
