"""Fields that all log records of one worker share: where they go, and who made them."""

from __future__ import annotations

import secrets
import zlib

import msgspec

__all__ = ["LogContext"]


class LogContext(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of the log that are the same for all records of one worker.

    The context is stored next to the worker's journal. If the worker dies, another process ships
    its records in exactly the form in which the worker would have shipped them.

    Attributes:
        sink: URL of the sink, or the class name of a sink that is an object.
        server_id: first part of each prediction id.
        endpoint_id: the service; names the partition.
        logger_id: the worker.
        replica_id: the pod or machine.
        model: the model's name.
        version: the baseline's version.
        features: names of the features, in order.
        outputs: names of the outputs, in order.
        sample: share of the records that is logged, from 0 to 1.
        max_bytes: the longest line of the log.
    """

    sink: str
    server_id: str
    endpoint_id: str
    logger_id: str
    replica_id: str
    model: str
    version: str
    features: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    sample: float = 1.0
    max_bytes: int = 1 << 20

    def includes(self, entity_id: str) -> bool:
        """Return whether a record is in the sample.

        Only a hash of the id decides, so every process gives the same answer for the same id.
        """
        return self.sample >= 1.0 or zlib.crc32(entity_id.encode()) < self.sample * 2**32

    def for_this_process(self) -> LogContext:
        """Return the context with a random logger id if none is configured.

        Two processes of a replica then never write to the same file.
        """
        logger_id = self.logger_id or secrets.token_hex(6)
        return msgspec.structs.replace(self, logger_id=logger_id)

    def encode(self) -> bytes:
        """Return the context as JSON, for `decode`."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, content: bytes) -> LogContext | None:
        """Return the context that `encode` wrote. Return None if it is damaged."""
        try:
            return msgspec.json.decode(content, type=cls)
        except msgspec.MsgspecError:
            return None
