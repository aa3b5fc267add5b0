"""In place of CodeCommit's pull requests, of which moto has none. Requests are held to AWS's own model."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.validate import ParamValidator

ACCOUNT = "123456789012"
APPROVER = "platform-prod-delivery-approver"
"""The role whose session `check` is in the pool of the approval rule."""

MODEL = boto3.client("codecommit", "eu-west-1").meta.service_model


class Refused(Exception):
    """An error of the service, by its code."""


@dataclass
class CodeCommit:
    """One open pull request."""

    id: str
    revision: str
    repository: str
    source: str
    destination: str
    aws: str
    """Where the simulated STS tells who calls."""
    open: bool = True
    comments: list[str] = field(default_factory=list)
    approval: str | None = None
    """By who is in the pool of the approval rule: others' count for nothing."""
    calls: list[str] = field(default_factory=list)
    address: str = ""
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, operation: str, parameters: dict[str, Any], key: str) -> dict[str, Any]:
        model = MODEL.operation_model(operation)
        report = ParamValidator().validate(parameters, model.input_shape)
        unknown = parameters.keys() - model.input_shape.members.keys()
        if report.has_errors() or unknown:
            raise Refused("ValidationException", f"{report.generate_report()} {sorted(unknown)}")
        self.calls.append(operation)
        if parameters["pullRequestId"] != self.id:
            raise Refused("PullRequestDoesNotExistException", parameters["pullRequestId"])
        if operation == "UpdatePullRequestApprovalState":
            return self._approve(**parameters, caller=self._caller(key))
        return self._comment(**parameters)

    def _caller(self, key: str) -> str:
        sts = boto3.client(
            "sts", "eu-west-1", endpoint_url=self.aws, aws_access_key_id=key, aws_secret_access_key="unknown"
        )
        return str(sts.get_caller_identity()["Arn"])

    def _approve(self, pullRequestId: str, revisionId: str, approvalState: str, caller: str) -> dict[str, Any]:
        if not self.open:
            raise Refused("PullRequestAlreadyClosedException", "closed")
        if revisionId != self.revision:
            raise Refused("RevisionNotCurrentException", "not current")
        if caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/{APPROVER}/check":
            self.approval = approvalState
        return {}

    def _comment(self, clientRequestToken: str, **comment: Any) -> dict[str, Any]:
        if comment["repositoryName"] != self.repository:
            raise Refused("RepositoryDoesNotExistException", comment["repositoryName"])
        if {comment["beforeCommitId"], comment["afterCommitId"]} != {self.source, self.destination}:
            raise Refused("CommitDoesNotExistException", "commits")
        if len(comment["content"].encode()) > 10_240:
            raise Refused("CommentContentSizeLimitExceededException", "too long")
        if self._tokens.setdefault(clientRequestToken, comment) != comment:
            raise Refused("IdempotencyParameterMismatchException", "another comment had this token")
        if self._tokens[clientRequestToken] is comment:
            self.comments.append(comment["content"])
        return {"repositoryName": self.repository}


@contextmanager
def serving(pull_request: CodeCommit) -> Iterator[CodeCommit]:
    """The pull request at its `address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            operation = self.headers["X-Amz-Target"].removeprefix("CodeCommit_20150413.")
            parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            try:
                status, body = 200, pull_request.answer(operation, parameters, key)
            except Refused as error:
                status, body = 400, dict(zip(("__type", "message"), error.args, strict=True))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pull_request.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield pull_request
    finally:
        server.shutdown()
        server.server_close()
