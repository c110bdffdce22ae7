"""Who may see a page of ours, and what the others are told."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["FORBIDDEN", "UNAUTHORIZED", "ProtectedPage", "Protection", "Refusal", "taken"]


@dataclass(frozen=True)
class Refusal:
    """The answer to one who may not see the page: it says nothing of the service.

    Attributes:
        status: of HTTP.
        body: a line of text.
        headers: that go with it.
    """

    status: int
    body: bytes
    headers: dict[str, str]


_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
UNAUTHORIZED = Refusal(401, b"unauthorized\n", {**_PLAIN, "WWW-Authenticate": "Bearer"})
FORBIDDEN = Refusal(403, b"forbidden\n", _PLAIN)


@dataclass(frozen=True)
class Protection:
    """Who may see a page.

    Attributes:
        token: the bearer token that a request must bring; None or empty: none.
        authorize: called with the request, tells by True or False; None: all may.
    """

    token: str | None = None
    authorize: Callable[[Any], Any] | None = None

    def takes(self, authorization: str | None) -> bool:
        """Tell whether an `Authorization` header brings the token, in constant time."""
        if not self.token:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(
            given.encode(), self.token.encode()
        )


class ProtectedPage:
    """A path of an application, and who may see what it shows.

    Args:
        path: of the application.
        protection: of the page.
        report: called with what is wrong with `authorize`.

    Attributes:
        setting: that names the path.
    """

    setting: ClassVar[str]

    def __init__(
        self, path: str, protection: Protection, report: Callable[[Exception], object]
    ) -> None:
        self.path = path
        self.protection = protection
        self._report_denial = report

    def admits(self, verdict: object) -> bool:
        """Tell whether what `authorize` returned, or raised, is True.

        Whatever is neither True nor False is reported, and denies: a response or a coroutine that
        it returned would else count as a yes.
        """
        if isinstance(verdict, bool):
            return verdict
        error = (
            verdict
            if isinstance(verdict, Exception)
            else TypeError(f"it returned a {type(verdict).__name__}; return True or False")
        )
        self._report_denial(error)
        return False


def taken(page: ProtectedPage, other: str) -> str:
    """Return what is said where a page's path leads elsewhere already."""
    return (
        f"{page.setting} {page.path} is taken by {other}: give another path, or remove that route"
    )
