"""The verdict on a CodeCommit pull request: a comment, and whether the build approves of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .stack import Unusable

_MEANING = {
    "PullRequestAlreadyClosedException": "it is closed already: nothing is left to say",
    "PullRequestDoesNotExistException": "there is no such pull request: PULL_REQUEST_ID names another repository's?",
    "RevisionIdRequiredException": "no revision: REVISION_ID comes from the event that started the build",
    "InvalidRevisionIdException": "REVISION_ID is not a revision of it",
    "RevisionNotCurrentException": "it has been pushed to since: the build of the new revision judges that",
    "PullRequestCannotBeApprovedByAuthorException": "the build's role opened it, and nobody approves of their own",
    "BeforeCommitIdAndAfterCommitIdAreSameException": "source and destination are the same commit",
    "AccessDeniedException": "the role may not do that",
    "AccessDenied": "the build's role may not approve by APPROVER",
}


SESSION = "check"
"""The name under which every build approves: an approval can be taken back by whoever gave it alone, and CodeBuild
gives each build another name."""


@dataclass(frozen=True)
class PullRequest:
    """A revision of a pull request, as the event says that starts a build."""

    id: str
    revision: str
    repository: str
    source: str
    destination: str
    approver: str
    """ARN of the role that approves and does nothing else."""

    def report(self, text: str, *, approve: bool) -> None:
        """Comment, and approve or take an approval back: in the order in which a failure between leaves it red."""
        if approve:
            self._comment(text)
            self._approval("APPROVE")
        else:
            self._approval("REVOKE")
            self._comment(text)

    def _comment(self, text: str) -> None:
        # The same text on the same revision, as of a build that is run again, is the same comment.
        token = hashlib.sha256("\n".join((self.id, self.revision, self.destination, text)).encode()).hexdigest()
        self._call(
            boto3.client("codecommit"),
            "post_comment_for_pull_request",
            pullRequestId=self.id,
            repositoryName=self.repository,
            beforeCommitId=self.destination,
            afterCommitId=self.source,
            content=text,
            clientRequestToken=token,
        )

    def _approval(self, state: str) -> None:
        assumed = self._call(
            boto3.client("sts"), "assume_role", RoleArn=self.approver, RoleSessionName=SESSION, DurationSeconds=900
        )["Credentials"]
        approver = boto3.client(
            "codecommit",
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
        )
        self._call(
            approver,
            "update_pull_request_approval_state",
            pullRequestId=self.id,
            revisionId=self.revision,
            approvalState=state,
        )

    def _call(self, client: Any, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            why = _MEANING.get(code, error.response["Error"].get("Message", ""))
            raise Unusable(f"pull request {self.id}: {operation} was refused with {code}: {why}") from None
        except BotoCoreError as error:
            raise Unusable(f"pull request {self.id}: {operation} failed: {error}") from None
        return answer
