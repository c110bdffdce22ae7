"""The folder of temporary files in which a service without `STATE_DIR` keeps its state."""

from __future__ import annotations

import os
from pathlib import Path

from boxkite.live.state_errors import reason_of, unusable
from boxkite.system.private_folder import require_private, user_id

__all__ = ["temporary_root"]

if os.name == "nt":
    _PLACES = [os.environ.get("TEMP"), os.environ.get("TMP")]
else:
    _PLACES = ["/var/tmp", "/tmp"]


def temporary_root() -> Path:
    """Return the first usable temporary folder of this user. This creates nothing.

    Raises:
        LastingError: if none can be used.
    """
    reasons: list[str] = []
    for base in _temporary_bases():
        root = base / f"boxkite-{'user' if user_id() is None else user_id()}"
        try:
            _require_usable(root)
        except OSError as error:
            reasons.append(reason_of(error))
        else:
            return root
    raise unusable(reasons)


def _require_usable(root: Path) -> None:
    place = root
    try:
        require_private(root, strict=True)
    except FileNotFoundError:
        place = root.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"'{place}' is not writable")


def _temporary_bases() -> list[Path]:
    """Return the folders for temporary files, most preferred first: `TMPDIR` if it is set.

    /var/tmp survives a reboot, and /tmp often does not.
    """
    # This does not use `tempfile`, which searches under a lock. If a process forks while another
    # thread holds that lock, the child can never take it. `tempfile` also falls back to the working
    # directory, where nobody expects these files.
    bases = dict.fromkeys([os.environ.get("TMPDIR"), *_PLACES])
    return [Path(os.path.abspath(base)) for base in bases if base]
