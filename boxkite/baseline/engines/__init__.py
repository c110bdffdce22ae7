"""Counts the columns of lazy frames in their engine: Polars, DuckDB, PySpark, Dask and Ibis.

An engine answers questions (`questions.py`). Each question is a query that returns few rows. A
column (`engine_column.py`) gives the same answers as an array in memory, so the code that fits a
baseline is the same for both.
"""
