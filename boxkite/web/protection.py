"""The conditions for access to a page: a token, a callable of the application, or both."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Authorize", "Protection"]

Authorize: TypeAlias = Callable[[Any], bool | Awaitable[bool]]
"""A sync or async callable that gets the framework's request and decides about access to a page."""


@dataclass(frozen=True)
class Protection:
    """The conditions for access to a page, or to one model on it.

    Attributes:
        token: The bearer token that a request must carry; None or an empty string for no token.
        authorize: A callable that returns True if a request may see the page; None if every request
            may.
    """

    token: str | None = field(default=None, repr=False)
    authorize: Authorize | None = None

    def or_else(self, other: Protection) -> Protection:
        """Return this protection, with the parts that it lacks taken from another one."""
        return Protection(self.token or other.token, self.authorize or other.authorize)

    def accepts(self, authorization: str) -> bool:
        """Return whether an `Authorization` header carries the token."""
        if not self.token:
            return True
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given)

    def is_token(self, given: str) -> bool:
        """Return whether a text is the token."""
        # A plain comparison stops at the first wrong character, so its duration would help to guess
        # the token.
        token = (self.token or "").encode(errors="replace")
        return bool(token) and secrets.compare_digest(given.encode(errors="replace"), token)
