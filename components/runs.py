"""A run of the analytics jobs as a state machine, in the Amazon States Language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

_START_SECONDS = 45 * 60
"""What the first step waits for the cluster, on top of its own time."""
_END_SECONDS = 30 * 60
_RETRY_SECONDS = 5 * 60
"""What a retry waits at most: a cluster that waits for it is idle, and ends by `idle_minutes`."""
_CHECKS = ("check", "mapreduce", "presto")
"""Jobs that compare: what fails one fails it each time, and Spark and Hadoop have begun their own tasks again."""


@dataclass(frozen=True)
class Run:
    """A run: find out that there is no other, start a cluster, have it do the jobs one after the other, end it.

    What a run starts is known to it from the first moment: RunJobFlow answers with the cluster's id at once, while
    `createCluster.sync` would tell it only of one that has come up, and leave it with one that has not. The first step
    waits for the cluster instead. From there on every path leads through `EndCluster` or `EndFailedCluster`.
    """

    title: str
    """What the subject of a message begins with."""
    commands: Mapping[str, Sequence[pulumi.Input[str]]]
    """Each job's command, in their order: `extract` first, and `check` before what publishes."""
    bucket: pulumi.Input[str]
    places_key: str
    """Object that says where the cluster is to be, and which one where there is one already: see `cluster`."""
    topic_arn: pulumi.Input[str]
    """Is told of a run that failed."""
    cluster: Mapping[str, Any] | None
    """RunJobFlow's parameters, with paths below `$.aws.places`; none has the jobs done by `$.aws.places.Cluster`."""
    step_timeout_minutes: int
    step_retries: int
    certificates_key: str | None = None
    """Object that has to be there before a cluster is started: its nodes encrypt what they send each other with it."""

    def definition(self) -> dict[str, Any]:
        """The state machine. It is known in a preview: what only AWS knows is in the object of `places_key`."""
        steps = [job.capitalize() for job in self.commands]
        after = "EndCluster" if self.cluster else "Succeeded"
        broken = "EndFailedCluster" if self.cluster else "TellFailure"
        start = "StartCluster" if self.cluster else "ExtractHowMuch"
        if self.certificates_key:
            start = "FindCertificates"
        catch = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure"}
        states: dict[str, Any] = {
            # Two runs at once would write to the same folders.
            "FindOtherRuns": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sfn:listExecutions",
                "Parameters": {
                    "StateMachineArn.$": "$$.StateMachine.Id",
                    "StatusFilter": "RUNNING",
                    "MaxResults": 2,
                },
                "ResultSelector": {"arns.$": "$.Executions[*].ExecutionArn", "own.$": "$$.Execution.Id"},
                "ResultPath": "$.runs",
                "Retry": [_retry("States.ALL", 5)],
                "Catch": [{**catch, "Next": "TellFailure"}],
                "Next": "IsAnotherRunning",
            },
            "IsAnotherRunning": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.runs.arns[1]", "IsPresent": True, "Next": "AnotherIsRunning"},
                    {
                        "And": [
                            {"Variable": "$.runs.arns[0]", "IsPresent": True},
                            {"Not": {"Variable": "$.runs.arns[0]", "StringEqualsPath": "$.runs.own"}},
                        ],
                        "Next": "AnotherIsRunning",
                    },
                ],
                "Default": "FindPlaces",
            },
            "AnotherIsRunning": {
                "Type": "Pass",
                "Result": {"Error": "AnotherIsRunning", "Cause": "Another run has not ended yet: nothing was started"},
                "ResultPath": "$.failure",
                "Next": "TellFailure",
            },
            "FindPlaces": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
                "Parameters": {"Bucket": self.bucket, "Key": self.places_key},
                "ResultSelector": {"places.$": "States.StringToJson($.Body)"},
                "ResultPath": "$.aws",
                "Retry": [_retry("States.ALL", 5)],
                "Catch": [{**catch, "Next": "TellFailure"}],
                "Next": start,
            },
            "ExtractHowMuch": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.full", "IsPresent": True},
                            {"Variable": "$.full", "BooleanEquals": True},
                        ],
                        "Next": "ExtractEverything",
                    }
                ],
                "Default": "Extract",
            },
            "TellFailure": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sns:publish",
                "Parameters": {
                    "TopicArn": self.topic_arn,
                    "Subject": f"{self.title}: a run failed"[:100],
                    "Message.$": "States.Format('{} failed: {}', $$.Execution.Id, States.JsonToString($))",
                },
                "ResultPath": None,
                "Retry": [_retry("States.ALL", 5)],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Failed"}],
                "Next": "Failed",
            },
            "Failed": {"Type": "Fail", "Error": "RunFailed", "CausePath": "States.JsonToString($.failure)"},
            "Succeeded": {"Type": "Succeed"},
        }
        if self.certificates_key:
            states |= self._certificates(self.certificates_key, catch)
        if self.cluster:
            states["StartCluster"] = {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:emr:runJobFlow",
                "Parameters": self.cluster,
                "ResultSelector": {"Cluster.$": "$.JobFlowId"},
                "ResultPath": "$.aws.places",
                # What EMR has refused; whatever else may have gone wrong could have left a cluster.
                "Retry": [_retry("Emr.EmrException", 30)],
                "Catch": [{**catch, "Next": "TellFailure"}],
                "Next": "ExtractHowMuch",
            }
            end = {
                "Type": "Task",
                "Resource": "arn:aws:states:::elasticmapreduce:terminateCluster.sync",
                "Parameters": {"ClusterId.$": "$.aws.places.Cluster"},
                "TimeoutSeconds": _END_SECONDS,
                "Retry": [_retry("States.ALL", 30)],
            }
            states["EndCluster"] = end | {
                "ResultPath": None,
                "Catch": [{**catch, "Next": "TellFailure"}],
                "Next": "Succeeded",
            }
            states["EndFailedCluster"] = end | {
                "ResultPath": None,
                # The step's failure stays the run's, and this goes along.
                "Catch": [{**catch, "ResultPath": "$.cluster_left", "Next": "TellFailure"}],
                "Next": "TellFailure",
            }
        for (job, command), following in zip(self.commands.items(), [*steps[1:], after], strict=True):
            states[job.capitalize()] = self._step(job, command, first=job == "extract") | {
                "Catch": [{**catch, "Next": broken}],
                "Next": following,
            }
        states["ExtractEverything"] = self._step("extract", [*self.commands["extract"], "--full"], first=True) | {
            "Catch": [{**catch, "Next": broken}],
            "Next": steps[1],
        }
        attempts = 1 + self.step_retries
        longest = len(steps) * attempts * self.step_timeout_minutes * 60 + attempts * _START_SECONDS
        return {
            "Comment": 'MySQL -> raw -> curated; give the input {"full": true} to read the tables whole',
            "StartAt": "FindOtherRuns",
            # Only what hangs outside of all its states comes to this: it ends the run on no path.
            "TimeoutSeconds": longest + 8 * _END_SECONDS + len(steps) * self.step_retries * _RETRY_SECONDS,
            "States": states,
        }

    def _certificates(self, key: str, catch: dict[str, Any]) -> dict[str, Any]:
        """EMR tells that they are missing only once it has started all nodes. By a listing, for to ask for the object
        itself the role would have to be allowed to read it, a private key."""
        cause = (
            "There is no s3://{}/%s for the nodes to encrypt with what they send each other: upload it as "
            "docs/analytics.md says, or set encrypt_in_transit to false. Nothing was started."
        )
        return {
            "FindCertificates": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
                "Parameters": {"Bucket": self.bucket, "Prefix": key, "MaxKeys": 1},
                "ResultSelector": {"bucket.$": "$.Name", "count.$": "$.KeyCount"},
                "ResultPath": "$.certificates",
                "Retry": [_retry("States.ALL", 5)],
                "Catch": [{**catch, "Next": "TellFailure"}],
                "Next": "AreCertificatesThere",
            },
            "AreCertificatesThere": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.certificates.count", "NumericEquals": 0, "Next": "NoCertificates"}],
                "Default": "StartCluster",
            },
            "NoCertificates": {
                "Type": "Pass",
                "Parameters": {
                    "Error": "NoCertificates",
                    "Cause.$": f"States.Format('{cause % key}', $.certificates.bucket)",
                },
                "ResultPath": "$.failure",
                "Next": "TellFailure",
            },
        }

    def _step(self, job: str, command: Sequence[pulumi.Input[str]], *, first: bool) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::elasticmapreduce:addStep.sync",
            "Parameters": {
                "ClusterId.$": "$.aws.places.Cluster",
                "Step": {
                    "Name": job,
                    "ActionOnFailure": "CONTINUE",
                    "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(command)},
                },
            },
            "TimeoutSeconds": self.step_timeout_minutes * 60 + (_START_SECONDS if first else 0),
            "ResultPath": None,
            # Not what ran out of time: it may still be at work.
            **({} if job in _CHECKS else {"Retry": [_retry("States.TaskFailed", 60, self.step_retries)]}),
        }


def _retry(error: str, seconds: int, attempts: int = 4) -> dict[str, Any]:
    return {
        "ErrorEquals": [error],
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": _RETRY_SECONDS,
        "JitterStrategy": "FULL",
    }
