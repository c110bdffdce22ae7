"""Test messages and connections of the forward protocol. msgpack from PyPI decodes them."""

import datetime as dt
import math
import socket
import threading

import msgpack
import numpy as np
import pytest

from boxkite.logs.forward import ForwardConnection, event, message, packed_forward

NOW = 1_700_000_000_123_456_789


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (np.array([1.5, 2.5], dtype="float32"), [1.5, 2.5]),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        ([np.int8(1), {"a": np.array([[1], [2]])}], [1, {"a": [[1], [2]]}]),
        (dt.datetime(2013, 7, 1, 12, tzinfo=dt.UTC), "2013-07-01T12:00:00+00:00"),
        ({1: "a"}, {"1": "a"}),
        (2**70, float(2**70)),
        (math.inf, math.inf),
        (b"\xff", b"\xff"),
        ("\ud800", "\\ud800"),
        (None, None),
        (object(), {"unsupported": "object"}),
    ],
)
def test_a_value_is_sent_in_its_plain_form(value, sent):
    _, record = msgpack.unpackb(event(NOW, {"value": value}), strict_map_key=False)
    assert record == {"value": sent}
    assert repr(record["value"]) == repr(sent)


def test_the_time_is_an_event_time():
    time, _ = msgpack.unpackb(event(NOW, {}))
    assert time == msgpack.ExtType(0, b"\x65\x53\xf1\x00\x07\x5b\xcd\x15")


def test_the_time_may_be_whole_seconds():
    assert msgpack.unpackb(event(NOW, {}, nanoseconds=False)) == [1_700_000_000, {}]


def test_a_chunk_holds_the_entries_one_after_another():
    entries = [event(NOW, {"n": n}, nanoseconds=False) for n in range(2)]
    tag, packed, option = msgpack.unpackb(packed_forward("a.b", entries, "chunk"))
    assert (tag, packed, option) == ("a.b", b"".join(entries), {"size": 2, "chunk": "chunk"})


def test_a_message_is_tag_time_and_record():
    entry = event(NOW, {"n": 1}, nanoseconds=False)
    assert msgpack.unpackb(message("a.b", entry)) == ["a.b", 1_700_000_000, {"n": 1}]


def test_a_chunk_that_is_not_acknowledged_is_an_error(receiver):
    connection = ForwardConnection("127.0.0.1", receiver.port, timeout=5)
    connection.send(packed_forward("a", [event(NOW, {"n": 1})], "first"), "first")
    with pytest.raises(ConnectionError, match=r"acknowledged another chunk: .*third"):
        connection.send(packed_forward("a", [event(NOW, {"n": 2})], "third"), "second")
    connection.send(packed_forward("a", [event(NOW, {"n": 3})], "fourth"), "fourth")
    connection.close()
    assert receiver.chunks == ["first", "third", "fourth"]


def test_a_byte_after_the_acknowledgement_does_no_harm():
    server = socket.create_server(("127.0.0.1", 0))
    taken = []

    def serve():
        for _ in range(3):
            connection, _ = server.accept()
            with connection:
                _, _, option = msgpack.unpackb(connection.recv(65536))
                taken.append(option["chunk"])
                connection.sendall(msgpack.packb({"ack": option["chunk"]}) + b"\xc0")
                connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    connection = ForwardConnection("127.0.0.1", server.getsockname()[1], timeout=5)
    for chunk in ("first", "second", "third"):
        connection.send(packed_forward("a", [event(NOW, {})], chunk), chunk)
    connection.close()
    thread.join()
    server.close()
    assert taken == ["first", "second", "third"]


def test_an_error_names_the_receiver_and_keeps_its_class(closed_port):
    connection = ForwardConnection("127.0.0.1", closed_port, timeout=5)
    with pytest.raises(ConnectionRefusedError) as caught:
        connection.send(b"", "chunk")
    assert str(caught.value) == (
        f"[Errno 111] fluentd receiver 127.0.0.1:{closed_port}: Connection refused"
    )


def test_a_connection_that_was_closed_while_idle_is_opened_again(start_receiver):
    receiver = start_receiver(messages=1)
    connection = ForwardConnection("127.0.0.1", receiver.port, timeout=5)
    for number in range(3):
        chunk = f"chunk {number}"
        connection.send(packed_forward("a", [event(NOW, {"n": number})], chunk), chunk)
        receiver.wait_for_ended(number + 1)
    connection.close()
    assert receiver.connections == 3


def test_a_socket_in_the_file_system_works(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "fluentd"))
    server.listen()

    def answer():
        connection, _ = server.accept()
        _, _, option = msgpack.unpackb(connection.recv(65536))
        connection.sendall(msgpack.packb({"ack": option["chunk"]}))
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    connection = ForwardConnection(f"unix://{tmp_path}/fluentd", 0, timeout=5)
    connection.send(packed_forward("a", [event(NOW, {})], "chunk"), "chunk")
    connection.close()
    thread.join()
    server.close()
