"""On what terms a worker's records are logged: what all of them have in common, and where to."""

from __future__ import annotations

import zlib

import msgspec

__all__ = ["LogTerms"]


class LogTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Kept beside a worker's journal, so that whoever adopts it logs as the worker would have.

    Attributes:
        sink: URL of the sink; a sink that is an object has the name of its class.
        server_id: first part of each prediction id.
        endpoint_id: of the service; names the partition.
        logger_id: of the worker.
        replica_id: of the pod or machine.
        model: the model's name.
        version: the baseline's.
        features: names of the features, in their order.
        outputs: names of the outputs, in their order.
        sample: the share of records that is logged.
        max_bytes: of one record as a line.
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
        """Tell whether a record is in the sample: the same id is in or out wherever it is asked."""
        return self.sample >= 1.0 or zlib.crc32(entity_id.encode()) < self.sample * 2**32
