"""Test streams: which address they connect to, and when they time out."""

import socket
import threading
import time
from contextlib import closing

import msgspec
import pytest

from boxkite.logs.forward import stream
from boxkite.logs.forward.stream import Stream

ANYTHING = msgspec.msgpack.Decoder()


def soon(seconds=10.0):
    return time.monotonic() + seconds


@pytest.fixture
def ends():
    """A stream, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Stream(ours), theirs


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_a_host_is_found_at_each_of_its_addresses(family, address, monkeypatch):
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    port = server.getsockname()[1]
    both = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with server, closing(Stream.connect("collector", port, soon())) as found:
        assert found._socket.getpeername()[0] == address


def test_an_address_may_be_ipv6():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with server, closing(Stream.connect("::1", server.getsockname()[1], soon())) as found:
        assert found._socket.getpeername() == server.getsockname()


def test_a_host_without_an_answering_address_is_an_error(closed_port):
    with pytest.raises(ConnectionRefusedError):
        Stream.connect("localhost", closed_port, soon())


def test_a_host_without_an_address_is_an_error():
    with pytest.raises(socket.gaierror):
        Stream.connect("nowhere.invalid", 1, soon())


def test_a_value_that_comes_in_pieces_is_received(ends):
    ours, theirs = ends
    theirs.sendall(b"\x92\xa1")
    rest = threading.Timer(0.05, theirs.sendall, (b"a\x01",))
    rest.start()
    assert ours.receive(ANYTHING, soon(), "value") == ["a", 1]
    rest.join()


def test_bytes_after_a_value_begin_the_next_one(ends):
    ours, theirs = ends
    theirs.sendall(b"\x01\x92\x02")
    assert ours.receive(ANYTHING, soon(), "value") == 1
    assert ours.is_spent()
    theirs.sendall(b"\x03")
    assert ours.receive(ANYTHING, soon(), "value") == [2, 3]
    assert not ours.is_spent()


def test_sending_to_a_receiver_that_does_not_read_times_out(ends):
    ours, _ = ends
    with pytest.raises(TimeoutError):
        ours.send(bytes(2**24), soon(0.05))


def test_a_stream_is_spent_if_it_was_closed_or_holds_bytes(ends):
    ours, theirs = ends
    assert not ours.is_spent()
    theirs.sendall(b"\x01")
    assert ours.is_spent()
    assert ours.receive(ANYTHING, soon(), "value") == 1
    assert not ours.is_spent()
    theirs.close()
    assert ours.is_spent()


def test_a_passed_deadline_is_a_timeout():
    with pytest.raises(TimeoutError):
        stream._remaining(time.monotonic())
