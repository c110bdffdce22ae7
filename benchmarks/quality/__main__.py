"""Quality of a classifier of late flights: estimates, false alarms, and how soon losses are found.

python benchmarks/quality              # everything
python benchmarks/quality estimates    # estimated against measured by week, beside NannyML's CBPE
python benchmarks/quality alarms       # false alarms without a change
python benchmarks/quality losses       # days until a drop of accuracy is found
python benchmarks/quality months       # false alarms of the alert in Prometheus, without a change
python benchmarks/quality hours        # hours until the alert, after a drop of accuracy

NannyML gets a virtual environment, made on first use; `--folder` keeps it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # environments.py, which others use too

from estimates import print_estimates
from late_flights import LateFlights
from lost_accuracy import print_alarms, print_losses
from sliding_alert import print_hours, print_months

PARTS = ("estimates", "alarms", "losses", "months", "hours")


def main() -> None:
    """Print the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/quality-benchmark"))
    parser.add_argument("--baselines", type=int, default=300, help="of `months`; one month each")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown part {min(unknown)!r}; choose from {', '.join(PARTS)}")
    parts = arguments.parts or PARTS
    if {"estimates", "alarms", "losses"} & set(parts):
        flights = LateFlights.load()
        if "estimates" in parts:
            print_estimates(flights, arguments.folder)
        if "alarms" in parts:
            print_alarms(flights)
        if "losses" in parts:
            print_losses(flights)
    if "months" in parts:
        print_months(arguments.baselines)
    if "hours" in parts:
        print_hours()


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    main()
