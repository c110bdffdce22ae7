"""What finds drift, how soon and at what cost: boxkite's counts beside tests that see every row.

python benchmarks/detection             # everything
python benchmarks/detection grid        # distributions, drifts and sizes, beside K-S and chi-square
python benchmarks/detection --quick     # a small part of everything
"""

from __future__ import annotations

import argparse
import time

from grid import QUICK_SIZES, SIZES, print_grid


def grid(arguments: argparse.Namespace) -> None:
    """Print the grid."""
    print_grid(QUICK_SIZES if arguments.quick else SIZES, arguments.jobs)


PARTS = {"grid": grid}


def main() -> None:
    """Run the parts that are asked for, and say what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is given")
    parser.add_argument("--quick", action="store_true", help="a small part of the grid")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        began = time.monotonic()
        print(f"\n## {part}")
        PARTS[part](arguments)
        print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
