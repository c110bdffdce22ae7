"""URLs in messages show no secret."""

import pytest

from boxkite.system.safe_url import safe_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("https://user:secret@host/x?sig=secret#secret", "https://…@host/x?…"),
        ("https://host/histogram.prom?X-Amz-Signature=secret", "https://host/histogram.prom?…"),
        ("fluentd://a@b:secret@host", "fluentd://…@host"),
        ("kafka://[secret@host?secret", "kafka://…@host?…"),
        ("file:/var/log/x#secret\nsecret", "file:/var/log/x?…"),
        ("/var/log/what?", "/var/log/what?"),
        ("https://host:8080/a@b", "https://…"),
        ("https://host/a@v1?x", "https://host/a@v1?…"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        # Passwords that are not escaped, and a URL without its host.
        ("https://user:sec/ret@host/x", "https://…"),
        ("https://user:sec?ret@host/x", "https://…"),
        ("https://user:sec#ret@host/x", "https://…"),
        ("https://user:secret", "https://user:…"),
        ("https://user:secret/x", "https://user:…/x"),
        ("", ""),
    ],
)
def test_user_password_query_and_fragment_are_hidden(url: str, shown: str) -> None:
    assert safe_url(url) == shown
