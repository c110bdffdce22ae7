"""Counts the columns of lazy frames in their engine: Polars, DuckDB, PySpark, Dask and Ibis.

An engine answers questions (`questions.py`), each a small query that returns few rows. A column
(`engine_column.py`) gives the same answers as an array in memory, so fitting does not know the
difference.
"""
