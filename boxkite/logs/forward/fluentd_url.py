"""URLs of fluentd receivers: `fluentd://`, `fluentd+tls://` and `fluentd+unix://`."""

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
from boxkite.logs.forward.handshake import Credentials
from boxkite.system.safe_url import safe_url

__all__ = ["FluentdTarget", "default_address", "parse_fluentd_url"]

# boxkite 0.0.5 sent to this address if `BEDROCK_FLUENTD_ADDR` was not set.
_DEFAULT_ADDRESS = "fluentd-logging.core.svc.cluster.local"
_DEFAULT_PORT = 24224
_DEFAULT_TIMEOUT = 3.0

_SCHEMES = ("fluentd", "fluentd+tls", "fluentd+unix")
_SECRET_OPTIONS = ("shared_key_file", "shared_key_env", "password_file", "password_env")
_TLS_OPTIONS = ("ca", "cert", "cert_key", "verify")
_OPTIONS = ("prefix", "timeout", "username", *_SECRET_OPTIONS, *_TLS_OPTIONS)


@dataclass(frozen=True)
class FluentdTarget:
    """Address and options of a receiver.

    Attributes:
        host: name or address, or `unix://` and the path of a socket.
        port: TCP port; 0 for a socket.
        timeout: seconds for each step of a delivery.
        prefix: first part of the tag; None for the default.
        credentials: credentials for the handshake; None if the URL names none.
        tls: None for a connection without encryption.
    """

    host: str
    port: int
    timeout: float
    prefix: str | None
    credentials: Credentials | None
    tls: ssl.SSLContext | None


def parse_fluentd_url(url: str) -> FluentdTarget:
    """Parse the URL of a receiver, and read the secrets that it refers to.

    Args:
        url: `fluentd://host:port`, `fluentd+tls://host:port` or `fluentd+unix:///path`. If it has
            no host, the host comes from `BEDROCK_FLUENTD_ADDR`. docs/guides/log.md lists the
            options in the query.

    Raises:
        ConfigError: if the URL has a mistake, or a file cannot be read. The message never shows
            user, password or query, because they may hold a secret.
    """
    try:
        return _parse(urlsplit(url))
    except ValueError as error:  # also a ConfigError, which is a ValueError
        raise ConfigError(f"Cannot use the fluentd URL {safe_url(url)!r}: {error}") from None


def _parse(parts: SplitResult) -> FluentdTarget:
    host, port = _receiver(parts)
    options = _options(parts.query)
    tls_options = [key for key in _TLS_OPTIONS if key in options]
    if tls_options and parts.scheme != "fluentd+tls":
        raise ConfigError(f"`{tls_options[0]}=` needs TLS. Use fluentd+tls:// as the scheme.")
    return FluentdTarget(
        host,
        port,
        _timeout(options),
        options.get("prefix"),
        _credentials(options),
        _tls(options) if parts.scheme == "fluentd+tls" else None,
    )


def default_address() -> tuple[str, int]:
    """Return host and port from `BEDROCK_FLUENTD_ADDR`, or the default of boxkite 0.0.5.

    Raises:
        ConfigError: if the variable is not an address.
    """
    text = os.environ.get("BEDROCK_FLUENTD_ADDR") or _DEFAULT_ADDRESS
    return (text, 0) if text.startswith("unix://") else _address(text, "BEDROCK_FLUENTD_ADDR")


def _address(text: str, name: str) -> tuple[str, int]:
    """Split an address into host and port. `name` names the text for errors."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
        host.encode("idna")  # name resolution does the same, and would fail at each delivery
    except ValueError:
        host, port = "", None
    if not host:
        raise ConfigError(f"{name} is {text!r}, not an address. Write host or host:port.")
    return host, _DEFAULT_PORT if port is None else port


def _receiver(parts: SplitResult) -> tuple[str, int]:
    if parts.scheme not in _SCHEMES:
        raise ConfigError(f"Unknown scheme {parts.scheme!r}. Use one of {', '.join(_SCHEMES)}.")
    if "@" in parts.netloc:
        raise ConfigError("It contains a user. Use `username=` and `password_file=` in the query.")
    if parts.fragment:
        raise ConfigError("It contains `#`. Write it as %23.")
    if parts.scheme == "fluentd+unix":
        if parts.netloc or not parts.path.strip("/"):
            raise ConfigError("It has no path of a socket. Write fluentd+unix:///path.")
        return f"unix://{unquote(parts.path)}", 0
    if parts.path not in ("", "/"):
        raise ConfigError(f"It has the path {parts.path!r}. Use `prefix=` to set the tag.")
    if parts.netloc:
        return _address(parts.netloc, "The receiver")
    host, port = default_address()
    if parts.scheme == "fluentd+tls" and host.startswith("unix://"):
        raise ConfigError(
            "BEDROCK_FLUENTD_ADDR is the path of a socket, which cannot use TLS. Add a host to "
            "the URL."
        )
    return host, port


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise ConfigError("Cannot parse its query. Write key=value&key=value.") from None
    options = dict(pairs)
    for key in options:
        if key not in _OPTIONS:
            nearest = difflib.get_close_matches(key, _OPTIONS, n=1, cutoff=0)[0]
            raise ConfigError(f"Unknown option {key!r}. Did you mean {nearest!r}?")
    if len(pairs) > len(options):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise ConfigError(f"It sets `{twice}=` twice.")
    return options


def _timeout(options: Mapping[str, str]) -> float:
    text = options.get("timeout", str(_DEFAULT_TIMEOUT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"`timeout=` is {text!r}. Write a number of seconds above 0.")
    return seconds


def _credentials(options: Mapping[str, str]) -> Credentials | None:
    shared_key = _secret(options, "shared_key")
    password = _secret(options, "password")
    username = options.get("username", "")
    if shared_key:
        return Credentials(shared_key=shared_key, username=username, password=password)
    if username or password:
        raise ConfigError("fluentd asks for a user only with a shared key. Add `shared_key_file=`.")
    return None


def _secret(options: Mapping[str, str], name: str) -> str:
    """Return a secret from the file or environment variable that an option names, or ""."""
    path, variable = options.get(f"{name}_file"), options.get(f"{name}_env")
    if path is None and variable is None:
        return ""
    if path is not None and variable is not None:
        raise ConfigError(f"It sets both `{name}_file=` and `{name}_env=`. Keep one of them.")
    if variable is not None:
        found = os.environ.get(variable, "")
        where = f"The environment variable {variable}"
    else:
        where = f"The file {path}"
        try:
            found = Path(path or "").read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise ConfigError(f"Cannot read `{name}_file=`: {error}") from error
    if not found:
        raise ConfigError(f"{where} of `{name}_{'env' if variable else 'file'}=` is empty.")
    return found


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    verify = options.get("verify", "true")
    if verify not in ("true", "false"):
        raise ConfigError(f"`verify=` is {verify!r}. Write true or false.")
    ca, cert, cert_key = (options.get(key) for key in ("ca", "cert", "cert_key"))
    if cert_key and not cert:
        raise ConfigError("It sets `cert_key=` without `cert=`. Add `cert=`.")
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert:
            # Without a password, OpenSSL would ask for one on the terminal if the key is encrypted.
            context.load_cert_chain(cert, cert_key, password="")
    except (OSError, ValueError) as error:
        files = ", ".join(each for each in (ca, cert, cert_key) if each)
        raise ConfigError(f"TLS cannot use {files}: {error}") from error
    if verify == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
