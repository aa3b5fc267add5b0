"""AWS's JSON APIs by the standard library: EMR promises no boto3, and private subnets have no package index."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from . import JobError

_INSTANCE = "http://169.254.169.254/latest/"
_TARGETS = {"secretsmanager": "secretsmanager", "glue": "AWSGlue"}
_PASSING = ("ThrottlingException", "InternalServiceException", "InternalServiceError", "OperationTimeoutException")


class Credentials(NamedTuple):
    """What requests are signed with."""

    access_key: str
    secret_key: str
    token: str = ""


class AwsError(JobError):
    """AWS refused a request; `code` is its word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def credentials() -> Credentials:
    """The environment's, else the instance role's."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return Credentials(*(os.environ.get(name, "") for name in names))

    def ask(path: str, method: str = "GET", **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(_INSTANCE + path, method=method, headers=named)  # noqa: S310 - a constant
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return str(answer.read().decode())

    try:
        token = ask("api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="60")  # noqa: S106 - a duration
        roles = "meta-data/iam/security-credentials/"
        role = ask(roles, X_aws_ec2_metadata_token=token)
        found = json.loads(ask(roles + role, X_aws_ec2_metadata_token=token))
    except OSError as error:
        raise JobError(f"no AWS credentials, neither in the environment nor from an instance role: {error}") from None
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])


def call(service: str, operation: str, region: str, **parameters: Any) -> dict[str, Any]:
    """One request, tried again where AWS was only busy."""
    address = os.environ.get("AWS_ENDPOINT_URL") or f"https://{service}.{region}.amazonaws.com"
    body = json.dumps(parameters).encode()
    target = f"{_TARGETS[service]}.{operation}"
    for attempt in range(5):
        now = datetime.datetime.now(datetime.timezone.utc)
        headers = signed(address, target, body, service, region, credentials(), now)
        request = urllib.request.Request(address, data=body, headers=headers)  # noqa: S310 - an AWS endpoint
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return dict(json.loads(answer.read() or b"{}"))
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                found = json.loads(text)
            except ValueError:
                found = {}
            code = str(found.get("__type", error.code)).rpartition("#")[2]
            message = found.get("message") or found.get("Message") or text[:300]
            failure = AwsError(code, f"{service} {operation}: {code}: {message}")
            if error.code < 500 and code not in _PASSING:
                raise failure from None
        except OSError as error:
            failure = AwsError("Unreachable", f"{service} {operation}: can't reach {address}: {error}")
        time.sleep(2**attempt / 4)
    raise failure


def signed(
    address: str,
    target: str,
    body: bytes,
    service: str,
    region: str,
    keys: Credentials,
    now: datetime.datetime,
) -> dict[str, str]:
    """The headers of a request, with AWS's Signature Version 4 among them."""
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": urlsplit(address).netloc,
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        **({"x-amz-security-token": keys.token} if keys.token else {}),
        "x-amz-target": target,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    asked = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = f"Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": f"AWS4-HMAC-SHA256 {authorization}"}
