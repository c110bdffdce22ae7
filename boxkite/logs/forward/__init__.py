"""A client for version 1 of fluentd's forward protocol.

Specification: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
"""

from boxkite.logs.forward.connection import ForwardConnection
from boxkite.logs.forward.messages import chunk_id, entry, event, message, packed_forward

__all__ = ["ForwardConnection", "chunk_id", "entry", "event", "message", "packed_forward"]
