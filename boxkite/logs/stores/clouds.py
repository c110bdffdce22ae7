"""The kinds of object stores: how a URL names a bucket, and how each kind is reached."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from boxkite.errors import ConfigError
from boxkite.logs.stores.store import parts_of
from boxkite.system.safe_url import safe_url

__all__ = ["CLOUDS", "Cloud", "http_option", "parse_bucket_url"]

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Cloud(NamedTuple):
    """One kind of object store.

    Attributes:
        store: name of its class in obstore.
        options: arguments of the class.
        endpoints: environment variables that may name an endpoint.
        allow_http: environment variable that allows an unencrypted endpoint.
        advice: what to check if the store cannot be used.
        is_conditional: whether every service of this kind honours conditional puts.
    """

    store: str
    options: dict[str, Any]
    endpoints: tuple[str, ...]
    allow_http: str
    advice: str
    is_conditional: bool


CLOUDS = {
    "s3": Cloud(
        "S3Store",
        # Sends `If-None-Match: *`, which AWS honours since August 2024. Other services with S3's
        # interface ignore it or answer 501, so `keeps_existing_files` tries it out.
        {"conditional_put": "etag"},
        ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "AWS_ALLOW_HTTP",
        "Check the variables AWS_…",
        is_conditional=False,
    ),
    "gs": Cloud(
        "GCSStore",
        {},
        ("GOOGLE_BASE_URL",),
        "GOOGLE_ALLOW_HTTP",
        "Check the variables GOOGLE_…",
        is_conditional=True,  # `x-goog-if-generation-match: 0`
    ),
    "az": Cloud(
        "AzureStore",
        {},
        ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "AZURE_ALLOW_HTTP",
        "Set AZURE_STORAGE_ACCOUNT_NAME",
        is_conditional=True,  # `If-None-Match: *`
    ),
}


def parse_bucket_url(url: str) -> tuple[str, str, str]:
    """Return scheme, bucket and prefix.

    Raises:
        ConfigError: if it is not the URL of a bucket.
    """
    try:
        parts = urlsplit(url)
        name = parts.netloc
        prefix = unquote(parts.path, errors="strict").strip("/")
        if parts.scheme not in CLOUDS:
            raise ValueError("unknown scheme")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ValueError("the name of the bucket is missing or not valid")
        if parts.query or parts.fragment:
            raise ValueError("a bucket takes no options; credentials come from the environment")
        if prefix:
            parts_of(prefix)
    except ValueError as error:
        raise ConfigError(
            f"{safe_url(url)!r} is not the URL of a bucket: {error}. Write s3://BUCKET/PREFIX, "
            "gs://BUCKET/PREFIX or az://CONTAINER/PREFIX."
        ) from None
    return parts.scheme, name, prefix


def http_option(url: str, cloud: Cloud) -> dict[str, bool]:
    """Allow an unencrypted endpoint on this machine, and elsewhere only if the user says so.

    Raises:
        ConfigError: if the endpoint is unencrypted, on another machine and not allowed.
    """
    for name in cloud.endpoints:
        endpoint = urlsplit(os.environ.get(name, ""))
        if endpoint.scheme == "http" and endpoint.hostname in _LOOPBACK:
            return {"allow_http": True}
        if endpoint.scheme == "http" and not os.environ.get(cloud.allow_http):
            raise ConfigError(
                f"{url} would use unencrypted HTTP, because {name} is an http:// address. Use "
                f"https://, or set {cloud.allow_http}=true."
            )
    return {}
