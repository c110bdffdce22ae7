"""Alarms on real traffic: public tables, a stationary week, bursts and a grid of faults.

python benchmarks/field            # everything
python benchmarks/field tables     # public tables, inside training and after it
python benchmarks/field flights    # even days are training, odd days are tried
python benchmarks/field week       # alarms in a month of a week that repeats
python benchmarks/field shifts     # how soon shifts are found in that week
python benchmarks/field bursts     # alarms in a month of rows that come in bursts
python benchmarks/field faults     # hours until the alert
python benchmarks/field picture    # draw docs/images/flights-alarms.svg

Other packages get a virtual environment each, made on first use; `--folder` keeps them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # environments.py, which others use too

from bursts import print_bursts
from fault_grid import print_faults
from flight_days import print_even_and_odd_days, print_first_weeks
from flights_picture import draw_flights
from other_packages import PACKAGES
from real_tables import print_tables
from sources import TABLES
from stationary_week import print_shifts, print_week


def tables(arguments: argparse.Namespace) -> None:
    """Print what is called drift in public tables."""
    print_tables(arguments.folder, arguments.tables, arguments.packages)


def flights(arguments: argparse.Namespace) -> None:
    """Print what is found on odd days, and in the weeks from April on."""
    print_even_and_odd_days(arguments.folder)
    print_first_weeks(arguments.folder)


def week(arguments: argparse.Namespace) -> None:
    """Print alarms in a stationary week."""
    print_week([1000] if arguments.quick else [100, 1000, 10_000], arguments.months)


def shifts(arguments: argparse.Namespace) -> None:
    """Print how soon shifts are found in a stationary week."""
    print_shifts(10 if arguments.quick else 40)


def bursts(arguments: argparse.Namespace) -> None:
    """Print alarms of rows that depend on each other."""
    print_bursts([1000] if arguments.quick else [1000, 10_000], arguments.months)


def faults(arguments: argparse.Namespace) -> None:
    """Print hours until the alert."""
    print_faults(*(([500], 3) if arguments.quick else (arguments.rows, 10)))


def picture(arguments: argparse.Namespace) -> None:
    """Draw the days of a year of flights."""
    draw_flights(arguments.folder)


PARTS = {
    "tables": tables,
    "flights": flights,
    "week": week,
    "shifts": shifts,
    "bursts": bursts,
    "faults": faults,
    "picture": picture,
}


def main() -> None:
    """Run the parts that are asked for, and say how long each took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all if none is given")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--packages", nargs="*", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--months", type=int, default=2, help="of the week and of bursts")
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 500, 5000], help="of faults")
    parser.add_argument("--folder", type=Path, help="where downloads are kept; else temporary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        arguments.folder = arguments.folder or Path(temporary)
        for part in arguments.parts or PARTS:
            began = time.monotonic()
            sys.stdout.write(f"\n## {part}\n\n")
            PARTS[part](arguments)
            sys.stdout.write(f"\n{time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
