"""Let browsers sign in to a page, because they cannot send a bearer token by themselves.

A small form asks for the token. The response sets a cookie, which proves that the browser sent the
token. So the token itself is in no URL, no history and no cookie. The cookie is a signed expiry
time, so the service stores nothing, and each of its workers accepts the cookie:

    {seconds since 1970}.{HMAC-SHA256 of them, with the token as the key}

Changing the token ends all sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import time
from urllib.parse import parse_qs, quote

__all__ = ["MAX_FORM_BYTES", "form_html", "has_session", "new_cookie", "token_of_form"]

MAX_FORM_BYTES = 4096
"""Longest form that is read. A token is much shorter."""

_COOKIE = "boxkite_session"
_SESSION_SECONDS = 12 * 3600


def new_cookie(token: str, path: str, *, secure: bool) -> str:
    """Return the value of a `Set-Cookie` header for a browser that sent the token.

    Args:
        token: The token.
        path: The path of the page. Browsers send the cookie to this path only.
        secure: Whether the request came through HTTPS. If so, browsers send the cookie only through
            HTTPS.
    """
    expiry = str(int(time.time()) + _SESSION_SECONDS)
    parts = [
        f"{_COOKIE}={expiry}.{_signature(token, expiry)}",
        f"Path={quote(path)}",
        f"Max-Age={_SESSION_SECONDS}",
        "HttpOnly",  # scripts cannot read it
        "SameSite=Strict",  # no other site can make the browser send it
        *(["Secure"] if secure else []),
    ]
    return "; ".join(parts)


def has_session(token: str, cookies: str) -> bool:
    """Return whether a `Cookie` header has a session for the token that has not expired."""
    # `http.cookies` would stop at a malformed cookie of the application.
    pairs = (each.strip().partition("=") for each in cookies.split(";"))
    session = next((value for name, _, value in pairs if name == _COOKIE), "")
    expiry, _, signature = session.partition(".")
    if not hmac.compare_digest(_bytes(signature), _bytes(_signature(token, expiry))):
        return False
    return time.time() < int(expiry)  # only a signed expiry gets here, so it is a number


def _signature(token: str, expiry: str) -> str:
    message = f"boxkite drift page {expiry}"
    return hmac.new(_bytes(token), _bytes(message), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def token_of_form(body: bytes) -> str:
    """Return the token in the body of a form; an empty string if there is none."""
    if len(body) > MAX_FORM_BYTES:
        return ""
    return parse_qs(body.decode("ascii", "replace")).get("token", [""])[0]


def form_html(action: str, problem: str = "") -> str:
    """Return the form as a page of HTML.

    Args:
        action: The path of the page.
        problem: Message that says why the form is shown again; empty the first time.
    """
    said = f'<p role="alert">{html.escape(problem)}</p>\n' if problem else ""
    return _FORM.format(action=html.escape(action), said=said)


# The form has no style, because only users who have signed in may load the page's style sheet.
_FORM = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in</title>
<main>
<form method="post" action="{action}">
{said}<p><label>Token of this service (METRICS_TOKEN):
<input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Sign in</button></p>
</form>
</main>
</html>
"""
