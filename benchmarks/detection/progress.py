"""Work shared among processes, with a bar on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

__all__ = ["bar", "parallel"]

Result = TypeVar("Result")


def parallel(
    work: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], jobs: int, title: str
) -> list[Result]:
    """Call `work` with each of the arguments, the first first; return the results in order."""
    began = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, *each) for each in arguments]
        for done, _ in enumerate(as_completed(futures), 1):
            bar(title, done, len(futures), began)
    return [each.result() for each in futures]


def bar(title: str, done: int, of: int, began: float) -> None:
    """Draw how far it is; where nobody looks, a line for each eighth."""
    if not sys.stderr.isatty() and done * 8 // of == (done - 1) * 8 // of:
        return
    text = f"{title} [{'#' * round(30 * done / of):<30}] {done / of:4.0%}"
    end = "\n" if done == of or not sys.stderr.isatty() else ""
    print(f"\r{text} {time.monotonic() - began:5.0f} s", end=end, file=sys.stderr, flush=True)
