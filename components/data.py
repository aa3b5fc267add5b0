"""What the application tiers keep their data in, and how one of them gets to all of it."""

from dataclasses import dataclass
from typing import Any

import pulumi

from .cache import Cache
from .database import Database
from .messaging import Messaging
from .network import allow
from .storage import SecureBucket


@dataclass(frozen=True)
class DataServices:
    """Redis before MySQL, the bucket and the queues: those of them that a stack has."""

    cache: Cache | None = None
    database: Database | None = None
    storage: SecureBucket | None = None
    messaging: Messaging | None = None

    def admit(self, name: str, security_group_id: pulumi.Input[str], parent: pulumi.Resource) -> list[pulumi.Resource]:
        """Let the members of a security group reach Redis and MySQL."""
        return [
            rule
            for server_name, server in {"cache": self.cache, "database": self.database}.items()
            if server
            for rule in allow(
                f"{name}-to-{server_name}",
                client=security_group_id,
                server=server.security_group_id,
                port=server.port,
                parent=parent,
            )
        ]

    def statements(self, client: str) -> list[dict[str, Any]]:
        """For the policy of a role: read both secrets, use the bucket, and the queues that are granted to `client`."""
        return [
            *(self.cache.read_secret_statements() if self.cache else []),
            *(self.database.read_secret_statements() if self.database else []),
            *(self.storage.read_write_statements() if self.storage else []),
            *(self.messaging.statements(client) if self.messaging else []),
        ]

    def environment(self) -> dict[str, pulumi.Input[str]]:
        """Where everything is, as environment variables; nothing of it is a secret."""
        found: dict[str, pulumi.Input[str]] = {}
        if self.cache:
            found |= {"CACHE_HOST": self.cache.endpoint, "CACHE_PORT": str(self.cache.port)}
            if self.cache.reader_endpoint:
                found["CACHE_READER_HOST"] = self.cache.reader_endpoint
        if self.database:
            found |= {"DATABASE_HOST": self.database.endpoint, "DATABASE_PORT": str(self.database.port)}
            for name, endpoint in self.database.replica_endpoints.items():
                found[f"DATABASE_REPLICA_HOST_{_variable(name)}"] = endpoint
        if self.storage:
            found["BUCKET"] = self.storage.name
        if self.messaging:
            for name, url in self.messaging.urls.items():
                found[f"QUEUE_URL_{_variable(name)}"] = url
        return found

    def secrets(self) -> dict[str, pulumi.Output[str]]:
        """ARNs of the secrets, by the environment variable that is to hold what is in them."""
        found: dict[str, pulumi.Output[str]] = {}
        if self.cache:
            found["CACHE_SECRET"] = self.cache.secret_arn
        if self.database:
            found["DATABASE_SECRET"] = self.database.secret_arn
        return found


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
