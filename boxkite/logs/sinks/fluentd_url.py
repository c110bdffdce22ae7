"""URLs of receivers of fluentd's forward protocol."""

from __future__ import annotations

import difflib
import math
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.handshake import Credentials

__all__ = ["Target", "default_address", "parse_url"]

_DEFAULT_ADDRESS = "fluentd-logging.core.svc.cluster.local"
_DEFAULT_PORT = 24224
_DEFAULT_TIMEOUT = 3.0

_SCHEMES = ("fluentd", "fluentd+tls", "fluentd+unix")
_SECRETS = ("shared_key_file", "shared_key_env", "password_file", "password_env")
_OF_TLS = ("ca", "cert", "cert_key", "verify")
_KEYS = ("prefix", "timeout", "username", *_SECRETS, *_OF_TLS)


@dataclass(frozen=True)
class Target:
    """Where and how to send.

    Attributes:
        host: name or address, or `unix://` and the path of a socket.
        port: of TCP.
        timeout: seconds that each step may take.
        prefix: first part of the tag; None for the default.
        credentials: None if the receiver asks for none.
        tls: None for a connection that is not encrypted.
    """

    host: str
    port: int
    timeout: float
    prefix: str | None
    credentials: Credentials | None
    tls: ssl.SSLContext | None


def parse_url(url: str) -> Target:
    """Return what a URL says.

    It is `fluentd://host:port`, `fluentd+tls://host:port` or `fluentd+unix:///path`. Without a host
    the one of `BEDROCK_FLUENTD_ADDR` is taken. As a query it may have `prefix`; `timeout` in
    seconds; for a receiver with a shared key `shared_key_file` or `shared_key_env` (the name of an
    environment variable), and `username` with `password_file` or `password_env`; for TLS `ca` (the
    authorities to trust, else the system's), `cert` and `cert_key` (the sender's own certificate
    and its key), `verify=false` (to trust anyone).

    Raises:
        ConfigError: naming what is wrong, or the file that cannot be read. It never shows the URL,
            which might hold a secret.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"the URL of fluentd cannot be read: {error}") from None
    host, port = _receiver(parts)
    options = _options(parts.query)
    of_tls = [key for key in _OF_TLS if key in options]
    if of_tls and parts.scheme != "fluentd+tls":
        raise ConfigError(f"{of_tls[0]} is for fluentd+tls://, and the URL is {parts.scheme}://")
    return Target(
        host,
        port,
        _timeout(options),
        options.get("prefix"),
        _credentials(options),
        _tls(options) if parts.scheme == "fluentd+tls" else None,
    )


def default_address() -> tuple[str, int]:
    """Return host and port of `BEDROCK_FLUENTD_ADDR`, or what 0.0.5 took without it.

    Raises:
        ConfigError: if it is no address.
    """
    text = os.environ.get("BEDROCK_FLUENTD_ADDR") or _DEFAULT_ADDRESS
    return (text, 0) if text.startswith("unix://") else _address(text, "BEDROCK_FLUENTD_ADDR")


def _address(text: str, name: str) -> tuple[str, int]:
    """Return host and port of a text that a setting has."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        host.encode("idna")  # as the search for its addresses does
    except ValueError:
        host, port = "", None
    if not host:
        raise ConfigError(f"{name} is {text!r}; give host or host:port")
    return host, _DEFAULT_PORT if port is None else port


def _receiver(parts: SplitResult) -> tuple[str, int]:
    if parts.scheme not in _SCHEMES:
        raise ConfigError(f"fluentd has no scheme {parts.scheme!r}; give {', '.join(_SCHEMES)}")
    if "@" in parts.netloc:
        raise ConfigError("the URL of fluentd names a user; give username= and password_file=")
    if parts.fragment:
        raise ConfigError("the URL of fluentd has a fragment; write # as %23")
    if parts.scheme == "fluentd+unix":
        if parts.netloc or not parts.path.strip("/"):
            raise ConfigError("the path of a socket is missing; give fluentd+unix:///path")
        return f"unix://{unquote(parts.path)}", 0
    if parts.path not in ("", "/"):
        raise ConfigError(f"fluentd has no path {parts.path!r}; for the tag give prefix=")
    if parts.netloc:
        return _address(parts.netloc, "the receiver of fluentd")
    host, port = default_address()
    if parts.scheme == "fluentd+tls" and host.startswith("unix://"):
        raise ConfigError("BEDROCK_FLUENTD_ADDR is a socket's path, which has no TLS; give a host")
    return host, port


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise ConfigError("the query of fluentd's URL is none; give key=value&…") from None
    options = dict(pairs)
    for key in options:
        if key not in _KEYS:
            nearest = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0)[0]
            raise ConfigError(f"fluentd has no setting {key!r}; the nearest one is {nearest!r}")
    if len(pairs) > len(options):
        raise ConfigError("the URL of fluentd gives a setting twice; give it once")
    return options


def _timeout(options: Mapping[str, str]) -> float:
    text = options.get("timeout", str(_DEFAULT_TIMEOUT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"timeout is {text!r}; give seconds, more than 0")
    return seconds


def _credentials(options: Mapping[str, str]) -> Credentials | None:
    shared_key = _secret(options, "shared_key")
    password = _secret(options, "password")
    username = options.get("username", "")
    if shared_key:
        return Credentials(shared_key=shared_key, username=username, password=password)
    if username or password:
        raise ConfigError("a user is asked for with a shared key only; give shared_key_file too")
    return None


def _secret(options: Mapping[str, str], name: str) -> str:
    """Return a secret from where the options say; nothing if they say nothing."""
    path, variable = options.get(f"{name}_file"), options.get(f"{name}_env")
    if path is None and variable is None:
        return ""
    if path is not None and variable is not None:
        raise ConfigError(f"{name}_file and {name}_env are both given; give one of them")
    if variable is not None:
        found = os.environ.get(variable, "")
    else:
        try:
            found = Path(path or "").read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise ConfigError(f"{name}_file cannot be read: {error}") from error
    if not found:
        raise ConfigError(f"{name} is empty: {variable or path}")
    return found


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    verify = options.get("verify", "true")
    if verify not in ("true", "false"):
        raise ConfigError(f"verify is {verify!r}; give true or false")
    ca, cert, cert_key = (options.get(key) for key in ("ca", "cert", "cert_key"))
    if cert_key and not cert:
        raise ConfigError("cert_key is given without cert; give both")
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, cert_key, password="")  # else it would ask the terminal
    except (OSError, ValueError) as error:
        files = ", ".join(each for each in (ca, cert, cert_key) if each)
        raise ConfigError(f"TLS cannot use {files}: {error}") from error
    if verify == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
