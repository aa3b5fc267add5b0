"""An example of what the backend runs: it says that it is well, and which of the platform's services it was given."""

import json
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

SERVICES = {
    "bucket": "BUCKET",
    "cache": "CACHE_HOST",
    "database": "DATABASE_HOST",
    "queues": "QUEUE_URL_",
    "replicas": "DATABASE_REPLICA_HOST_",
}
"""What there may be, and the environment variable that tells it, or the start of the variables that do."""


def services() -> dict[str, bool]:
    """Which services the environment names. Only whether, never where, and nothing of a secret."""
    return {service: any(name.startswith(start) for name in os.environ) for service, start in SERVICES.items()}


def answer(path: str) -> tuple[HTTPStatus, Any]:
    """The status and the body for a path."""
    match path.rstrip("/"):
        case "/health" | "":
            return HTTPStatus.OK, {"status": "ok"}
        case "/api":
            return HTTPStatus.OK, {"services": services()}
        case _:
            return HTTPStatus.NOT_FOUND, {"error": "not found"}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application, as the Procfile names it."""
    method = environ["REQUEST_METHOD"]
    if method in ("GET", "HEAD"):
        status, content = answer(environ.get("PATH_INFO", "/"))
    else:
        status, content = HTTPStatus.METHOD_NOT_ALLOWED, {"error": "method not allowed"}
    body = json.dumps(content).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "GET, HEAD"))
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if method == "HEAD" else [body]
