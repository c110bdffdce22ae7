"""The cookie of a browser that sent the token: who can make one, and for how long it is good."""

import time

import pytest

from boxkite.web import sign_in
from boxkite.web.sign_in import MAX_FORM_BYTES, form_html, has_session, new_cookie, token_of_form

TOKEN = "t0ken-ü"


def cookie_of(header: str) -> str:
    return header.partition(";")[0]


def test_a_new_cookie_is_a_session_of_its_token_only() -> None:
    cookie = cookie_of(new_cookie(TOKEN, "/drift", secure=False))
    assert has_session(TOKEN, f"broken=[;\x7f; {cookie}; other=1")
    assert not has_session("another", cookie)
    assert TOKEN not in cookie


def test_scripts_other_sites_and_other_paths_do_not_get_the_cookie() -> None:
    _, *parts = new_cookie(TOKEN, "/app/drift", secure=True).split("; ")
    assert parts == ["Path=/app/drift", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"]
    assert "Secure" not in new_cookie(TOKEN, "/drift", secure=False)


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = cookie_of(new_cookie(TOKEN, "/drift", secure=False))
    now = time.time()
    monkeypatch.setattr(sign_in.time, "time", lambda: now + 12 * 3600 + 1)
    assert not has_session(TOKEN, cookie)


@pytest.mark.parametrize("change", ["later", "empty", "no expiry", "not ascii", "half"])
def test_a_changed_cookie_is_no_session(change: str) -> None:
    name, _, value = cookie_of(new_cookie(TOKEN, "/drift", secure=False)).partition("=")
    expiry, _, signature = value.partition(".")
    changed = {
        "later": f"{int(expiry) + 9}.{signature}",
        "empty": "",
        "no expiry": f".{signature}",
        "not ascii": f"{expiry}.é\ud800{signature}",
        "half": f"{expiry}.{signature[:32]}",
    }[change]
    assert not has_session(TOKEN, f"{name}={changed}")


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (b"token=a%20b%2Bc", "a b+c"),
        (b"other=1&token=x&token=y", "x"),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"token=" + b"x" * MAX_FORM_BYTES, ""),
    ],
)
def test_the_token_is_read_from_a_form(body: bytes, token: str) -> None:
    assert token_of_form(body) == token


def test_the_form_escapes_the_path_of_the_page() -> None:
    assert 'action="/&quot;&gt;&lt;b&gt;/drift"' in form_html('/"><b>/drift')
