"""Object stores for tests of commands."""

from tests.logs.stores.conftest import azure_server, bucket, s3_server, server

__all__ = ["azure_server", "bucket", "s3_server", "server"]
