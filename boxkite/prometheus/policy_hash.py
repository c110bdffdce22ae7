"""One number that differs between two policies, so that a rule can compare the policies."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from typing import Any

from boxkite.drift import Policy, VariablePolicy
from boxkite.quality import QualityPolicy
from boxkite.system.type_guards import is_mapping

__all__ = ["policy_hash"]


def policy_hash(policy: Policy) -> int:
    """Return the CRC-32 of a policy's values.

    Equal policies have the same hash in every process, and however they were written: 1 or 1.0, and
    windows in any order. Two different policies have the same hash with probability 2^-32.
    """
    return zlib.crc32(json.dumps(_values(policy), sort_keys=True).encode())


def _values(part: Any) -> Any:
    """Return a part of a policy as values of JSON."""
    if isinstance(part, Policy | QualityPolicy | VariablePolicy):
        return {each.name: _values(getattr(part, each.name)) for each in fields(part)}
    if is_mapping(part):
        return {name: _values(value) for name, value in part.items()}
    return None if part is None else float(part)
