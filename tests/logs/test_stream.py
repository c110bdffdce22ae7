"""A stream to a receiver: which address it takes, and when it is given up."""

import socket
import threading
import time

import msgspec
import pytest

from boxkite.logs.stream import dial, is_spent, receive, remaining, send

ANYTHING = msgspec.msgpack.Decoder()


def soon(seconds=10.0):
    return time.monotonic() + seconds


@pytest.fixture
def ends():
    """The two ends of a stream."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


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
    with server, dial("collector", port, soon()) as found:
        assert found.getpeername()[0] == address


def test_an_address_may_be_of_ipv6():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with server, dial("::1", server.getsockname()[1], soon()) as found:
        assert found.getpeername() == server.getsockname()


def test_a_host_that_answers_at_none_of_its_addresses_is_an_error(closed_port):
    with pytest.raises(ConnectionRefusedError):
        dial("localhost", closed_port, soon())


def test_a_host_without_an_address_is_an_error():
    with pytest.raises(socket.gaierror):
        dial("nowhere.invalid", 1, soon())


def test_a_value_that_comes_in_pieces_is_received(ends):
    ours, theirs = ends
    theirs.sendall(b"\x92\xa1")
    rest = threading.Timer(0.05, theirs.sendall, (b"a\x01",))
    rest.start()
    assert receive(ours, ANYTHING, soon()) == ["a", 1]
    rest.join()


def test_what_the_receiver_does_not_take_is_given_up(ends):
    ours, _ = ends
    with pytest.raises(TimeoutError):
        send(ours, bytes(2**24), soon(0.05))


def test_a_stream_is_spent_when_it_was_closed_or_holds_something(ends):
    ours, theirs = ends
    assert not is_spent(ours)
    theirs.sendall(b"\x01")
    assert is_spent(ours)
    ours.recv(1)
    assert not is_spent(ours)
    theirs.close()
    assert is_spent(ours)


def test_nothing_remains_after_a_deadline():
    with pytest.raises(TimeoutError):
        remaining(time.monotonic())
