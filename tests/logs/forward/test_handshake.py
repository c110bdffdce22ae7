"""Test handshake and TLS against receivers that follow the specification, and some that do not."""

import hashlib
import secrets
import socket
import ssl
import threading

import msgpack
import pytest
import trustme

from boxkite.logs.forward import ForwardConnection, event, packed_forward
from boxkite.logs.forward.handshake import Credentials

KEY = Credentials(shared_key="key of both")
USER = Credentials(shared_key="key of both", username="flights", password="secret")
CONTENT = packed_forward("a", [event(0, {"n": 1})], "chunk")
ACKNOWLEDGED = msgpack.packb({"ack": "chunk"})


def digest(*parts):
    return hashlib.sha512(b"".join(parts)).hexdigest()


class Guard:
    """Asks for the shared key, and for a user if it has users. Then it acknowledges chunks.

    Args:
        users: passwords by name.
        shared_key: the key that it knows.
        text: send random bytes as text, as some receivers do.
        keepalive: whether it takes a second message.
    """

    def __init__(self, users=None, shared_key="key of both", text=False, keepalive=True):
        self.users = users or {}
        self.shared_key = shared_key.encode()
        self.packer = msgpack.Packer(use_bin_type=not text)
        self.keepalive = keepalive
        self.nonce, self.auth = secrets.token_bytes(16), secrets.token_bytes(16)

    def __call__(self, connection):
        unpacker = msgpack.Unpacker()
        connection.sendall(self.helo())
        accepted = False
        while part := connection.recv(65536):
            unpacker.feed(part)
            for message in unpacker:
                if not accepted:
                    pong = self.pong(message)
                    accepted = pong[1]
                    connection.sendall(self.packer.pack(pong))
                else:
                    connection.sendall(msgpack.packb({"ack": message[2]["chunk"]}))

    def helo(self):
        auth = self.auth if self.users else ""
        return self.packer.pack(
            ["HELO", {"nonce": self.nonce, "auth": auth, "keepalive": self.keepalive}]
        )

    def pong(self, ping):
        name, host, salt, proof, user, password = ping
        assert name == "PING"
        if proof != digest(salt.encode(), host.encode(), self.nonce, self.shared_key):
            return ["PONG", False, "shared_key mismatch", "", ""]
        if self.users:
            expected = digest(self.auth, user.encode(), self.users.get(user, "-").encode())
            if password != expected:
                return ["PONG", False, "username/password mismatch", "", ""]
        else:
            assert (user, password) == ("", "")
        mine = digest(salt.encode(), b"guard", self.nonce, self.shared_key)
        return ["PONG", True, "", "guard", mine]


@pytest.fixture
def serve():
    """Start servers that pass each connection to a function. Return their ports."""
    servers = []

    def start(treat, tls=None):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection):
            try:
                with tls.wrap_socket(connection, server_side=True) if tls else connection as end:
                    treat(end)
            except OSError:
                pass  # the other side found what it looked for, and left

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in servers:
        server.close()


def connect(port, credentials=None, *, tls=None, timeout=10, host="127.0.0.1"):
    return ForwardConnection(host, port, timeout, credentials=credentials, tls=tls)


@pytest.mark.parametrize(
    ("guard", "credentials"),
    [
        (Guard(), KEY),
        (Guard(), USER),
        (Guard(text=True), KEY),
        (Guard(users={"flights": "secret"}), USER),
        (Guard(users={"flights": "secret"}, text=True), USER),
    ],
)
def test_a_receiver_with_the_same_key_accepts(guard, credentials, serve):
    connection = connect(serve(guard), credentials)
    connection.send(CONTENT, "chunk")
    connection.send(CONTENT, "chunk")
    connection.close()


@pytest.mark.parametrize(
    ("guard", "credentials", "said"),
    [
        (Guard(shared_key="other"), KEY, "it refused the handshake: b'shared_key mismatch'"),
        (
            Guard(users={"flights": "other"}),
            USER,
            "it refused the handshake: b'username/password mismatch'",
        ),
        (
            Guard(users={"flights": "secret"}),
            KEY,
            "it refused the handshake: b'username/password mismatch'",
        ),
    ],
)
def test_a_receiver_with_another_key_or_user_is_an_error(guard, credentials, said, serve):
    connection = connect(serve(guard), credentials)
    with pytest.raises(ConnectionError) as caught:
        connection.send(CONTENT, "chunk")
    assert str(caught.value) == f"fluentd receiver {connection.name}: {said}"


def test_a_receiver_that_asks_for_a_key_is_an_error_if_none_is_set(serve):
    connection = connect(serve(answers(Guard().helo())))
    with pytest.raises(ConnectionError, match="it asks for a shared key, and none is set"):
        connection.send(CONTENT, "chunk")


def test_a_receiver_that_does_not_prove_that_it_knows_the_key_gets_no_record(serve):
    class Impostor(Guard):
        def pong(self, ping):
            self.asked = ping
            return ["PONG", True, "", "guard", digest(b"anything")]

    impostor = Impostor()
    connection = connect(serve(impostor), KEY)
    with pytest.raises(ConnectionError, match="it did not prove that it knows the shared key"):
        connection.send(CONTENT, "chunk")
    assert "key of both" not in repr(impostor.asked)


def test_a_connection_for_one_message_is_opened_again(serve):
    opened = []

    class Once(Guard):
        def __call__(self, connection):
            opened.append(connection)
            super().__call__(connection)

    connection = connect(serve(Once(keepalive=False)), KEY)
    connection.send(CONTENT, "chunk")
    connection.send(CONTENT, "chunk")
    assert len(opened) == 2


def answers(content):
    """Return a function that answers each connection with the same bytes."""

    def treat(connection):
        connection.sendall(content)
        while connection.recv(65536):
            pass

    return treat


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "its HELO does not follow the forward protocol: "),
        (msgpack.packb(["HELO"]), "its HELO does not follow the forward protocol: "),
        (msgpack.packb(["HELO", {"nonce": 7}]), "its handshake has another value where "),
        (
            msgpack.packb(["PONG", True, "", "", ""]),
            "its HELO does not follow the forward protocol: ",
        ),
        (b"\x92\xa4HELO\x81\xa5nonce\xda\xff\xff" + b"x" * 9999, "its HELO is longer than 4096 "),
    ],
)
def test_any_other_answer_than_helo_is_an_error(content, said, serve):
    connection = connect(serve(answers(content)), KEY)
    with pytest.raises(ConnectionError) as caught:
        connection.send(CONTENT, "chunk")
    assert str(caught.value).startswith(f"fluentd receiver {connection.name}: {said}")


@pytest.mark.parametrize("credentials", [KEY, None])
def test_a_receiver_that_says_nothing_is_given_up(credentials, serve):
    connection = connect(serve(answers(b"")), credentials, timeout=0.1)
    with pytest.raises(TimeoutError):
        connection.send(CONTENT, "chunk")


def test_a_receiver_that_drips_is_given_up(serve):
    stopped = threading.Event()

    def drip(connection):
        connection.sendall(b"\x92\xa4HELO\xde\xff\xff")
        while not stopped.wait(0.02):
            connection.sendall(b"\xa1x\xc0")

    connection = connect(serve(drip), KEY, timeout=0.2)
    with pytest.raises(TimeoutError):
        connection.send(CONTENT, "chunk")
    stopped.set()


def test_credentials_do_not_show_their_secrets():
    assert repr(USER) == "Credentials(username='flights')"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_context(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_chunk_goes_over_tls_with_the_handshake_inside(authority, serve):
    port = serve(Guard(), server_context(authority, "127.0.0.1"))
    connection = connect(port, KEY, tls=client_context(authority))
    for _ in range(3):
        connection.send(CONTENT, "chunk")
    connection.close()


def test_a_large_chunk_goes_over_tls(authority, serve):
    port = serve(Guard(), server_context(authority, "127.0.0.1"))
    connection = connect(port, KEY, tls=client_context(authority))
    connection.send(packed_forward("a", [event(0, {"n": "x" * 2**23})], "chunk"), "chunk")
    connection.close()


def test_a_certificate_of_another_authority_is_refused(authority, serve):
    port = serve(Guard(), server_context(trustme.CA(), "127.0.0.1"))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(port, KEY, tls=client_context(authority)).send(CONTENT, "chunk")


def test_a_certificate_of_another_host_is_refused(authority, serve):
    port = serve(Guard(), server_context(authority, "elsewhere.example"))
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(port, KEY, tls=client_context(authority)).send(CONTENT, "chunk")


def test_a_receiver_without_tls_is_an_error(authority, serve):
    with pytest.raises(OSError, match="SSL"):
        connect(serve(answers(ACKNOWLEDGED)), tls=client_context(authority)).send(CONTENT, "chunk")


def test_a_receiver_that_never_ends_the_handshake_of_tls_is_given_up(authority, serve):
    connection = connect(serve(answers(b"")), tls=client_context(authority), timeout=0.1)
    with pytest.raises(TimeoutError):
        connection.send(CONTENT, "chunk")


def test_the_client_shows_its_own_certificate(authority, serve):
    server = server_context(authority, "127.0.0.1")
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    port = serve(Guard(), server)
    client = client_context(authority)
    with pytest.raises(OSError):  # noqa: PT011 - TLS 1.3 tells it at the first read, or resets
        connect(port, KEY, tls=client).send(CONTENT, "chunk")
    authority.issue_cert("sender.example").configure_cert(client)
    connection = connect(port, KEY, tls=client)
    connection.send(CONTENT, "chunk")
    connection.close()
