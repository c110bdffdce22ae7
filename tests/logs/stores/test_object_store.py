"""Test object stores against real servers and against broken ones."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.partition import parse_path
from boxkite.logs.pruning import Pruned, prune
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores import open_store

CONTEXT = LogContext(
    sink="", server_id="", endpoint_id="e", logger_id="w", replica_id="r", model="", version=""
)
FAULTS = ["reset", "lost", 500, 503, None]


def batch_of(number: int, minute: int) -> Batch:
    record = LogRecord(
        prediction_id="",
        entity_id=str(number),
        server_id="",
        endpoint_id="e",
        model="",
        version="",
        created_at=f"2026-11-23T14:{minute:02}:00.000000Z",
        features=[number],
        output=1,
    )
    return Batch(CONTEXT, [record])


@pytest.mark.parametrize("prefix", ["", "/a", "/a b/é%20+/c/"])
def test_a_file_is_read_as_it_was_put_and_never_put_again(prefix, bucket):
    store = open_store(bucket + prefix)
    assert store.put_new("a/b.txt", [b"one"])
    assert store.put_new("a/empty", [b""])
    assert not store.put_new("a/b.txt", [b"two"])
    assert store.read("a/b.txt") == b"one"
    assert store.read("a/empty") == b""
    found = list(store.list(""))
    assert [each[:2] for each in found] == [("a/b.txt", 3), ("a/empty", 0)]
    assert "" not in {each.etag for each in found}


def test_stores_with_different_prefixes_do_not_see_each_other(bucket):
    one, other = open_store(f"{bucket}/one"), open_store(f"{bucket}/on")
    one.put_new("a", [b"1"])
    assert list(other.list("")) == []
    assert [path for path, *_ in open_store(bucket).list("")] == ["one/a"]


def test_files_are_listed_by_path_without_hidden_ones(bucket):
    store = open_store(f"{bucket}/p")
    paths = ["a-b", "a.txt", "a/b", "a/c/d", "a0", "b/-1", "b/1.txt"]
    for path in [*reversed(paths), ".hidden", "a/.hidden", ".a/b"]:
        store.put_new(path, [b""])
    assert [path for path, *_ in store.list("")] == paths
    assert [path for path, *_ in store.list("a")] == ["a/b", "a/c/d"]
    assert list(store.list("nothing")) == []


def test_a_removed_file_is_gone(bucket):
    store = open_store(bucket)
    store.put_new("a/b", [b"1"])
    store.remove("a/b")
    store.remove("a/b")
    assert list(store.list("")) == []
    with pytest.raises(FileNotFoundError):
        store.read("a/b")


@pytest.mark.parametrize("path", ["", "..", "../a", "a/../../b", "/a", "a//b", "a/"])
def test_a_path_that_leads_out_of_the_store_is_refused(path, bucket):
    store = open_store(f"{bucket}/p")
    for action in (store.read, store.remove, lambda path: store.put_new(path, [b""])):
        with pytest.raises(ValueError, match="not a path of a file"):
            action(path)


def test_a_missing_bucket_is_an_error(bucket):
    store = open_store(f"{bucket}-missing/p")
    for action in (
        lambda: store.put_new("a", [b""]),
        lambda: store.read("a"),
        lambda: list(store.list("")),
    ):
        with pytest.raises(OSError, match="-missing"):
            action()


@pytest.mark.slow
def test_more_than_one_page_of_files_is_listed_and_pruned(bucket):
    store = open_store(bucket)
    start = datetime(2026, 11, 23, tzinfo=UTC)
    for number in range(1100):
        moment = start + timedelta(minutes=number)
        store.put_new(f"models/predictions/e/{moment:%Y-%m-%d/%H%M}_w-r.txt", [b"x"])
    assert len(list(store.list("models"))) == 1100
    assert prune(store, start + timedelta(minutes=1050)) == Pruned(1050, 1050)
    assert len(list(store.list("models"))) == 50


def test_a_server_that_is_down_is_an_error_within_bounded_time(bucket, server, monkeypatch):
    for name, value in server.variables(1).items():
        monkeypatch.setenv(name, value)
    store = open_store(bucket)
    for action in (lambda: store.put_new("a", [b""]), lambda: list(store.list(""))):
        with pytest.raises(OSError, match=r"127\.0\.0\.1:1/") as caught:
            action()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("good", [0, 1, 2])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_is_put_once_whichever_request_fails(fault, good, bucket, server, start_proxy):
    proxy = start_proxy(server)
    proxy.faults = [None] * good + [fault]
    sink = FilesSink(open_store(bucket), "remote")
    try:
        sink.deliver(batch_of(1, 5))
    except OSError:
        sink.deliver(batch_of(1, 5))
    assert [path for path, *_ in open_store(bucket).list("")] == [
        "models/predictions/e/2026-11-23/1405_w-r.txt"
    ]
    assert len(proxy.requests) > 1 or fault is None


def delivered(bucket: str) -> list[bytes]:
    store = open_store(bucket)
    return sorted(store.read(path) for path, *_ in store.list(""))


def lines_of(*batches: Batch) -> list[bytes]:
    return sorted(batch.line(0) for batch in batches)


def test_a_store_that_ignores_conditions_overwrites_nothing(s3_server, start_proxy):
    proxy = start_proxy(s3_server)
    proxy.ignores_conditions = True
    bucket = f"s3://{s3_server.new_bucket()}"
    assert not open_store(bucket).keeps_existing_files()
    batches = [batch_of(number, 5) for number in range(4)]
    for batch in batches:
        FilesSink(open_store(bucket), "s3").deliver(batch)
    sink = FilesSink(open_store(bucket), "s3")
    late = batch_of(9, 5)
    for _ in range(2):  # what was delivered is not delivered again
        sink.deliver(late)
    assert delivered(bucket) == lines_of(*batches, late)
    assert all(parse_path(path) for path, *_ in open_store(bucket).list(""))


def test_a_store_that_does_not_know_conditions_is_written_without(s3_server, start_proxy):
    proxy = start_proxy(s3_server)
    proxy.broken = lambda _, __, headers: (
        501 if "If-None-Match" in map(str.title, headers) else None
    )
    bucket = f"s3://{s3_server.new_bucket()}"
    batches = [batch_of(number, 5) for number in range(3)]
    for batch in batches:
        FilesSink(open_store(bucket), "s3").deliver(batch)
    assert delivered(bucket) == lines_of(*batches)


def test_credentials_that_may_only_write_deliver_a_minute_that_has_a_file(s3_server, start_proxy):
    proxy = start_proxy(s3_server)
    bucket = f"s3://{s3_server.new_bucket()}"
    FilesSink(open_store(bucket), "s3").deliver(batch_of(1, 5))
    proxy.broken = lambda method, *_: 403 if method != "PUT" else None
    FilesSink(open_store(bucket), "s3").deliver(batch_of(2, 5))
    proxy.broken = lambda *_: None
    assert delivered(bucket) == lines_of(batch_of(1, 5), batch_of(2, 5))


def test_credentials_that_may_not_write_the_probe_give_names_that_cannot_clash(
    s3_server, start_proxy
):
    proxy = start_proxy(s3_server)
    proxy.broken = lambda _, path, __: 403 if ".boxkite-probe" in path else None
    bucket = f"s3://{s3_server.new_bucket()}"
    FilesSink(open_store(bucket), "s3").deliver(batch_of(1, 5))
    assert delivered(bucket) == lines_of(batch_of(1, 5))
    assert [path for path, *_ in open_store(bucket).list("")] != [
        "models/predictions/e/2026-11-23/1405_w-r.txt"
    ]


def test_a_store_that_calls_every_name_taken_is_an_error_of_few_requests(s3_server, start_proxy):
    proxy = start_proxy(s3_server)
    proxy.broken = lambda method, *_: 412 if method == "PUT" else 404
    bucket = f"s3://{s3_server.new_bucket()}"
    sink = FilesSink(open_store(bucket), "s3")
    for _ in range(3):
        proxy.requests.clear()
        with pytest.raises(OSError, match="refuses the new name 'models/predictions/e/"):
            sink.deliver(batch_of(1, 5))
        assert len(proxy.requests) < 50


def test_whether_a_store_honours_conditions_is_asked_once(bucket, server, start_proxy):
    proxy = start_proxy(server)
    store = open_store(bucket)
    assert [store.keeps_existing_files() for _ in range(3)] == [True] * 3
    assert len(proxy.requests) == (2 if server.scheme == "s3" else 0)
    proxy.requests.clear()
    assert open_store(bucket).keeps_existing_files()
    assert len(proxy.requests) == (1 if server.scheme == "s3" else 0)
    assert list(store.list("")) == []


def test_a_large_file_is_read_bit_by_bit(bucket):
    store = open_store(bucket)
    content = bytes(range(256)) * 20_000
    store.put_new("a", [content])
    with store.open("a") as file:
        assert file.read(1000) + file.read() == content
    with pytest.raises(FileNotFoundError):
        store.open("b")


@pytest.mark.parametrize("fault", [403, 401])
def test_a_denied_request_is_a_permission_error(fault, bucket, server, start_proxy):
    proxy = start_proxy(server)
    proxy.faults = [fault]
    with pytest.raises(PermissionError, match=bucket):
        open_store(bucket).put_new("a", [b""])


@pytest.mark.slow
def test_two_sinks_with_one_name_lose_and_overwrite_nothing_if_requests_fail_at_random(
    bucket, server, start_proxy
):
    proxy = start_proxy(server)
    chance = random.Random(1)
    sinks = [FilesSink(open_store(bucket), "remote") for _ in range(2)]
    failures = 0
    for number in range(60):
        while True:
            proxy.faults = chance.choices(FAULTS, weights=[1, 1, 1, 1, 2], k=8)
            try:
                sinks[number % 2].deliver(batch_of(number, number % 7))
                break
            except OSError:
                failures += 1
    proxy.faults = []
    store = open_store(bucket)
    contents = [store.read(path) for path, *_ in store.list("")]
    expected = []
    for number in range(60):
        FilesSink(memory := Remembering(), "remote").deliver(batch_of(number, number % 7))
        expected += memory.contents
    assert sorted(contents) == sorted(expected)
    assert failures > 0


class Remembering:
    """A store that keeps the contents in memory."""

    def keeps_existing_files(self):
        return True

    def __init__(self):
        self.contents = []

    def put_new(self, path, pieces):  # noqa: ARG002
        self.contents.append(b"".join(pieces))
        return True


@pytest.mark.slow
def test_files_in_azure_survive_a_restart_of_the_server(azure_server, monkeypatch):
    for name, value in azure_server.variables(azure_server.port).items():
        monkeypatch.setenv(name, value)
    url = f"az://{azure_server.new_bucket()}/p"
    sink = FilesSink(open_store(url), "az")
    sink.deliver(batch_of(1, 1))
    azure_server.stop()
    try:
        with pytest.raises(OSError, match="az://"):
            sink.deliver(batch_of(2, 1))
    finally:
        azure_server.start()
    sink.deliver(batch_of(2, 1))
    FilesSink(open_store(url), "az").deliver(batch_of(1, 1))
    assert [path for path, *_ in open_store(url).list("")] == [
        "models/predictions/e/2026-11-23/1401_w-r-2.txt",
        "models/predictions/e/2026-11-23/1401_w-r.txt",
    ]


@pytest.mark.slow
def test_a_wrong_key_is_a_permission_error_that_does_not_show_the_key(azure_server, monkeypatch):
    for name, value in azure_server.variables(azure_server.port).items():
        monkeypatch.setenv(name, value)
    url = f"az://{azure_server.new_bucket()}"
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    with pytest.raises(PermissionError) as caught:
        open_store(url).put_new("a", [b""])
    assert "c2VjcmV0" not in str(caught.value)


def test_puts_to_google_are_conditional(s3_server, start_proxy, monkeypatch):
    # No server for this one runs here: what is asked is compared with Google's description.
    proxy = start_proxy(s3_server)
    proxy.faults = [412]
    account = {
        "gcs_base_url": f"http://127.0.0.1:{proxy.port}",
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    monkeypatch.setenv("GOOGLE_BASE_URL", account["gcs_base_url"])
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    assert not open_store("gs://bucket/prefix").put_new("a/b.txt", [b"one"])
    ((method, path, headers),) = proxy.requests
    assert (method, unquote(path)) == ("PUT", "/bucket/prefix/a/b.txt")
    assert headers["x-goog-if-generation-match"] == "0"


def test_a_process_forked_after_the_first_use_is_refused_and_does_not_hang(bucket):
    program = """
import os, sys
from boxkite.logs.stores import open_store
url = sys.argv[1]
constructed = open_store(url)
def forked(what):
    child = os.fork()
    if not child:
        try:
            print(what, constructed.put_new(what, [b""]), flush=True)
        except OSError as error:
            print(what, error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
forked("before")
print("own", constructed.put_new("own", [b""]), flush=True)
forked("after")
"""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, bucket],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert result.stdout == (
        "before True\nown True\nafter The parent of this forked process has already used an object "
        "store, and its threads do not exist here. Use object stores only after the fork.\n"
    )
