"""Test compaction in an object store."""

import datetime as dt
import functools
import json
from collections.abc import Callable

import pytest

from boxkite.errors import ConfigError
from boxkite.logs.compaction.compactor import Compactor
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores import open_store
from tests.logs.stores.conftest import FaultyProxy, Moto, ObjectServer

DAY = dt.date(2026, 11, 23)
FOLDER = "models/predictions/flights/2026-11-23"


def lines(*ids: str) -> bytes:
    records = (
        {"entity_id": each, "created_at": f"2026-11-23T09:00:00.{ord(each):06d}Z"} for each in ids
    )
    return "".join(json.dumps(each) + "\n" for each in records).encode()


def read(url: str) -> list[str]:
    return [each.entity_id for _, each in LogReader.open(url).predictions()]


def _lose_answer(name: str, method: str, path: str, _: dict[str, str]) -> object:
    return "lost" if method == "PUT" and name in path else None


def test_a_compaction_in_a_bucket_whose_answers_are_lost_can_be_run_again(
    s3_server: Moto, start_proxy: Callable[[ObjectServer], FaultyProxy]
) -> None:
    proxy = start_proxy(s3_server)
    url = f"s3://{s3_server.new_bucket()}/log"
    store = open_store(url)
    store.put_new(f"{FOLDER}/0900_w-r.txt", [lines("b", "a")])
    store.put_new(f"{FOLDER}/0900_w-r-2.txt", [lines("a", "c")])
    assert store.keeps_existing_files()
    for name, order in (("/part-", "acb"), ("/_manifest-", "abc")):
        proxy.broken = functools.partial(_lose_answer, name)  # type: ignore[assignment]
        with pytest.raises(OSError, match="error sending request"):
            list(Compactor(store, print).compact(DAY, delete=True))
        proxy.broken = lambda *_: None
        assert read(url) == list(order)
    (found,) = Compactor(store, print).compact(DAY, delete=True)
    assert (found.predictions, found.files, found.deleted) == (3, 1, 2)
    store.put_new(f"{FOLDER}/0900_late-r.txt", [lines("a", "d")])
    assert read(url) == ["a", "b", "c", "d"]
    (found,) = Compactor(store, print).compact(DAY, delete=True)
    assert (found.predictions, found.deleted) == (4, 1)
    assert len(list(store.list(""))) == 2


def test_lines_stay_if_the_service_ignores_conditions(
    s3_server: Moto, start_proxy: Callable[[ObjectServer], FaultyProxy]
) -> None:
    start_proxy(s3_server).ignores_conditions = True
    url = f"s3://{s3_server.new_bucket()}/log"
    store = open_store(url)
    store.put_new(f"{FOLDER}/0900_w-r.txt", [lines("b", "a")])
    with pytest.raises(ConfigError, match="ignores conditional puts"):
        list(Compactor(store, print).compact(DAY, delete=True))
    assert [each.predictions for each in Compactor(store, print).compact(DAY)] == [2]
    assert read(url) == ["a", "b"]
