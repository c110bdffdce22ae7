"""A connection to a receiver of the forward protocol that waits for acknowledgements."""

from __future__ import annotations

import os
import ssl
import time
from typing import Any

import msgspec

from boxkite.logs.forward.handshake import Credentials, shake_hands
from boxkite.logs.forward.stream import Stream
from boxkite.system.type_guards import is_dict

__all__ = ["ForwardConnection"]


class ForwardConnection:
    """A connection that opens with the first message, and again after a failure.

    Args:
        host: name or address, or `unix://` and the path of a socket.
        port: TCP port.
        timeout: seconds for each of connecting, sending and acknowledging. Connecting includes TLS
            and the handshake, but not name resolution.
        credentials: credentials for the handshake; None if the receiver asks for none.
        tls: the certificates to trust and to show; None for a connection without encryption.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float,
        *,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._credentials = credentials
        self._tls = tls
        self._stream: Stream | None = None
        self._process = 0
        self._reusable = True

    @property
    def name(self) -> str:
        """Address of the receiver, as errors name it."""
        return self._host if self._host.startswith("unix://") else f"{self._host}:{self._port}"

    def send(self, content: bytes, chunk: str) -> None:
        """Send one message and wait until the receiver acknowledges its chunk.

        Args:
            content: the encoded message.
            chunk: the id that the message asks the receiver to acknowledge.

        Raises:
            OSError: if the receiver does not acknowledge it. The connection is closed. The receiver
                may have the message, so sending it again may duplicate it.
        """
        try:
            stream = self._open()
            stream.send(content, self._deadline())
            answer = stream.receive(_answers, self._deadline(), "acknowledgement")
            _check(answer, chunk)
        except OSError as error:
            self.close()
            raise self._with_name(error) from error
        except BaseException:
            # Close it even after a KeyboardInterrupt. Half a message may have been sent, and the
            # receiver would take the next message for its second half.
            self.close()
            raise
        if not self._reusable:
            # The receiver's HELO said `keepalive: false`, so it closes after one message.
            self.close()

    def _with_name(self, error: OSError) -> OSError:
        """Return an error of the same class that names the receiver."""
        text = f"fluentd receiver {self.name}: {error.strerror or error}"
        return type(error)(text) if error.errno is None else type(error)(error.errno, text)

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout

    def _open(self) -> Stream:
        """Return the open stream if it can be used again, or a new one."""
        if self._stream is not None and (self._process != os.getpid() or self._stream.is_spent()):
            # A forked child shares the parent's socket. If both used it, their messages would mix.
            self.close()
        if self._stream is None:
            self._process = os.getpid()
            self._stream = self._connect(self._deadline())
        return self._stream

    def _connect(self, deadline: float) -> Stream:
        stream = Stream.connect(self._host, self._port, deadline, self._tls)
        if self._credentials is not None:
            try:
                self._reusable = shake_hands(stream, self._credentials, deadline)
            except BaseException:
                stream.close()
                raise
        return stream

    def close(self) -> None:
        """Close the connection. The next `send` opens a new one."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


_answers: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder()


def _check(answer: Any, chunk: str) -> None:
    """Check a response, which is a map with the key `ack` ("Response" in the specification)."""
    if is_dict(answer) and answer.get("ack") == chunk:
        return
    if isinstance(answer, list) and answer[:1] == ["HELO"]:
        # A receiver with `<security>` sends HELO at once. A connection without credentials has not
        # read it yet, so it arrives here instead of the acknowledgement.
        raise ConnectionError(
            "it asks for a shared key, and none is set; add shared_key_file= to the URL"
        )
    raise ConnectionError(f"it acknowledged another chunk: {answer!r}")
