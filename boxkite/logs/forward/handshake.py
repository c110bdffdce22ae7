"""The handshake of the forward protocol: each side proves that it knows the shared key.

See "Authorization and authentication" in the specification. The receiver sends HELO, the client
PING, the receiver PONG. Only salted SHA-512 digests of the key and the password are sent.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
from dataclasses import dataclass, field

import msgspec

from boxkite.logs.forward.stream import Stream

__all__ = ["Credentials", "shake_hands"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Credentials for a receiver with a section `<security>`.

    Attributes:
        shared_key: key that the receiver and its clients know.
        username: name of the user, if the receiver has users.
        password: password of the user.
    """

    shared_key: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


def shake_hands(stream: Stream, credentials: Credentials, deadline: float) -> bool:
    """Wait for the receiver's HELO, answer with PING and check its PONG.

    Returns:
        Whether the connection may be used for more than one message.

    Raises:
        OSError: if one side does not know the key, or the receiver does not answer in time.
    """
    options = stream.receive(_helo, deadline, "HELO").options
    nonce, user_salt = (_octets(options.get(name, _EMPTY)) for name in ("nonce", "auth"))
    salt, hostname = secrets.token_hex(16), socket.gethostname()
    digest = _digest(salt, hostname, nonce, credentials.shared_key)
    ping = _Ping(hostname, salt, digest)
    # An empty `auth` means that the receiver has no users.
    if user_salt:
        user = credentials.username
        ping.username, ping.password = user, _digest(user_salt, user, credentials.password)
    stream.send(msgspec.msgpack.encode(ping), deadline)
    pong = stream.receive(_pong, deadline, "PONG")
    if not pong.accepted:
        raise ConnectionError(f"it refused the handshake: {_octets(pong.reason)!r}")
    # Without this check, anybody could pose as the receiver and would get the records.
    expected = _digest(salt, _octets(pong.hostname), nonce, credentials.shared_key)
    if not hmac.compare_digest(_octets(pong.digest), expected.encode()):
        raise ConnectionError(
            "it did not prove that it knows the shared key; use the same key on both sides"
        )
    return bytes(options.get("keepalive", _EMPTY)) != _FALSE


class _Helo(msgspec.Struct, array_like=True, tag="HELO"):
    options: dict[str, msgspec.Raw]


class _Ping(msgspec.Struct, array_like=True, tag="PING"):
    hostname: str
    salt: str
    digest: str
    username: str = ""
    password: str = ""


class _Pong(msgspec.Struct, array_like=True, tag="PONG"):
    accepted: bool
    reason: msgspec.Raw
    hostname: msgspec.Raw
    digest: msgspec.Raw


_helo = msgspec.msgpack.Decoder(_Helo)
_pong = msgspec.msgpack.Decoder(_Pong)

_EMPTY = msgspec.Raw(b"\xa0")
_FALSE = b"\xc2"


def _digest(*parts: str | bytes) -> str:
    whole = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha512(whole).hexdigest()


def _octets(value: msgspec.Raw) -> bytes:
    """Return the content of a text or a binary value.

    fluentd sends its random nonce as text, although the bytes are not valid UTF-8. A decoder of
    text would refuse it.
    """
    content = bytes(value)
    kind = content[0]
    if 0xA0 <= kind <= 0xBF:
        return content[1:]
    if kind not in _HEAD_BYTES:
        raise ConnectionError("its handshake has another value where text should be")
    return content[_HEAD_BYTES[kind] :]


_HEAD_BYTES = {0xC4: 2, 0xC5: 3, 0xD9: 2, 0xDA: 3}  # bin 8, bin 16, str 8, str 16
