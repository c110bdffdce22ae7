"""Runs the demonstration: `python -m demo`, from the folder examples/."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from flights import FEATURES, load_flights
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from train import january
from train import main as train

from boxkite import Baseline, Comparison, compare
from demo.alerting import Alerting, alerting_service, message
from demo.picture import save_picture, save_report
from demo.replay import columns, replay, shuffled
from demo.services import DRIFT_PATH, ServiceError, flask_service, prometheus_service
from demo.statistics import Recorded, query, recorded_statistics
from demo.tables import agreement, side_by_side

WINDOW = "60s"
WINDOW_SECONDS = 45
# On a busy machine the service answers fewer flights. They must fit into the window, with time
# left for the scrape and the rules.
REPLAY_SECONDS = 20.0
SETTLING_SECONDS = 3
NOTIFICATION_SECONDS = 90

console = Console(width=None if sys.stdout.isatty() else 80)


def progress_bar() -> Progress:
    """Return a bar for the long steps."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def send(address: str, flights: pd.DataFrame, what: str) -> pd.DataFrame:
    """Send flights through the service for some seconds, and return the rows with the answers."""
    with progress_bar() as progress:
        task = progress.add_task(what, total=len(flights))
        answers = replay(address, flights[FEATURES], lambda: progress.advance(task), REPLAY_SECONDS)
        progress.update(task, total=progress.tasks[task].completed)
    return columns(flights, FEATURES, answers)


def await_rows(prometheus: str, rows: int, what: str) -> None:
    """Wait until the window of Prometheus holds exactly this number of predictions."""
    expression = f'max(variable:boxkite_live_rows:sum{{window="{WINDOW}",variable="distance"}})'
    deadline = time.monotonic() + 2 * WINDOW_SECONDS
    with console.status(what):
        while time.monotonic() < deadline:
            found = query(prometheus, expression)
            if found and found[0][1] == rows:
                return
            time.sleep(0.5)
    raise ServiceError(
        f"Prometheus saw {found[0][1] if found else 0:,.0f} predictions in its window of {WINDOW}, "
        f"and not {rows:,}. Is another process sending flights to the service?"
    )


def stretch(
    service: str,
    prometheus: str | None,
    baseline: Baseline,
    flights: pd.DataFrame,
    name: str,
    picture: Path | None = None,
) -> tuple[Comparison, bool]:
    """Replay one stretch of flights, print both verdicts, and return whether they agree."""
    if prometheus:
        await_rows(prometheus, 0, f"waiting until the last {WINDOW} hold no flights")
    rows = send(service, flights, f"{name}, for {REPLAY_SECONDS:.0f} seconds")
    comparison = compare(baseline, rows)
    recorded: Mapping[str, Recorded] = {}
    if prometheus:
        await_rows(prometheus, len(rows), "waiting for Prometheus to evaluate the rules")
        # The groups of rules are evaluated at different times. After this, all have seen all rows.
        time.sleep(SETTLING_SECONDS)
        recorded = recorded_statistics(prometheus, WINDOW, time.time())
    table = side_by_side(comparison, recorded, name)
    console.print(table)
    if picture:
        save_picture(table, picture, f"boxkite: January's model, flights of {name}")
    drifted = ", ".join(each.name for each in comparison.drifted)
    console.print(f"[bold]{comparison.verdict}[/]{': ' if drifted else ''}{drifted}")
    agree = not recorded or agreement(comparison, recorded)
    if recorded:
        said = "agree to the last digit" if agree else "DO NOT AGREE"
        console.print(f"Python and Prometheus {said}.\n")
    return comparison, agree


def main() -> int:
    """Run the demonstration, and return 0 if everything came out as expected."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="for all it writes")
    parser.add_argument("--flights", type=int, default=2000, help="a stretch")
    parser.add_argument("--picture", type=Path, help="an SVG to draw July's table into")
    parser.add_argument("--serve", action="store_true", help="go on with July until Ctrl-C")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)

    console.print(
        "This takes less than three minutes. A model of flight delays is trained on January. "
        "It then\nserves flights of January, which it should find normal, and of July, which it "
        "should not.\n",
        soft_wrap=True,
    )
    console.rule("1. train on January's flights, and write histogram.prom")
    train(folder / "model.skops", folder / "histogram.prom")
    baseline = Baseline.read(folder / "histogram.prom")
    like, july = january()[1], load_flights(7)

    console.rule("2. serve the model under gunicorn, and scrape it")
    with (
        flask_service(folder) as service,
        alerting_service(folder) as alerting,
        prometheus_service(
            folder, service, WINDOW, alerting.address if alerting else None
        ) as prometheus,
    ):
        console.print(f"service     {service}/metrics")
        console.print(f"drift page  {service}{DRIFT_PATH}")
        console.print(f"Prometheus  {prometheus or 'is not installed: continuing without it'}")
        if arguments.serve:
            serve(service, july)
            return 0
        console.rule("3. flights of January that the model has not seen")
        calm, calm_agrees = stretch(
            service, prometheus, baseline, shuffled(like, arguments.flights), "like January"
        )
        console.rule("4. flights of July")
        moved, moved_agrees = stretch(
            service,
            prometheus,
            baseline,
            shuffled(july, arguments.flights),
            "July",
            arguments.picture,
        )
        notified = not (prometheus and alerting) or notification(alerting)
    written = folder / "july.html"
    save_report(baseline, moved, written, "in July")
    as_expected = calm.verdict == "ok" and moved.verdict == "drift"
    if not as_expected:
        console.print("expected ok for January and drift for July", style="bold red")
    next_steps(written)
    return 0 if as_expected and calm_agrees and moved_agrees and notified else 1


def notification(alerting: Alerting) -> bool:
    """Print the notification of July's drift; returns whether one came."""
    console.rule("5. the notification that Alertmanager sends")
    with console.status("waiting for Alertmanager"):
        found = alerting.firing(NOTIFICATION_SECONDS)
    if found is None:
        console.print("expected a notification, and none came", style="bold red")
        return False
    console.print(Panel(Text(message(found)), title="as a chat or a mail shows it"))
    return True


def next_steps(report: Path) -> None:
    """Print what to do after the demonstration."""
    console.rule("6. see why, and go on")
    console.print(f"July's report, to open in a browser: {report}", soft_wrap=True)
    console.print("make demo-serve: keep the service running, with its drift page and Prometheus")
    console.print(".venv/bin/boxkite init myservice --framework flask: begin a service of yours")
    console.print("docs/start/flask.md, docs/start/fastapi.md: from an empty folder to an alert")


def serve(service: str, flights: pd.DataFrame) -> None:
    """Send flights until interrupted."""
    console.print("sending flights of July; end it with Ctrl-C")
    try:
        while True:
            send(service, shuffled(flights, 1000), "July")
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("ended")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServiceError as error:
        sys.exit(f"demo: {error}")
