"""A state machine run by moto's interpreter of the Amazon States Language, against an EMR that does as it is told.

S3, SNS and Step Functions themselves are moto's. What EMR is asked is held to botocore's model of its API; moto knows
none of Step Functions' own integrations with it (`addStep.sync`, `terminateCluster.sync`), so they are here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from unittest import mock

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_factory,
    state_task_service_unsupported,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/run"
KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": REGION}
CLUSTER = "j-CLUSTER"


@dataclass
class Emr:
    """What EMR does: a job's attempts end one after the other as `ends` says, in `COMPLETED` where it says nothing.

    An end is a step's last state, `HANGS`, or the code of the error that EMR answers with.
    """

    ends: dict[str, list[str]] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)

    def run_job_flow(self, **request: Any) -> dict[str, str]:
        _validate("RunJobFlow", request)
        self._fail("RunJobFlow", self._end("start"))
        self.started.append(request)
        return {"JobFlowId": CLUSTER}

    def add_step(self, **request: Any) -> Callable[[], dict[str, Any] | None]:
        _validate("AddJobFlowSteps", {"JobFlowId": request["ClusterId"], "Steps": [request["Step"]]})
        assert request.keys() == {"ClusterId", "Step"}
        self.steps.append(request)
        end = self._end(request["Step"]["Name"])
        if end not in ("COMPLETED", "FAILED", "CANCELLED", "HANGS"):
            self._fail("AddJobFlowSteps", end)
        return lambda: None if end == "HANGS" else {"Step": {"Status": {"State": end}}}

    def terminate_cluster(self, **request: Any) -> Callable[[], dict[str, Any] | None]:
        assert request.keys() == {"ClusterId"}
        self._fail("TerminateJobFlows", self._end("terminate"))
        self.terminated.append(request["ClusterId"])
        return lambda: {"Cluster": {"Status": {"State": "TERMINATED"}}}

    def _end(self, what: str) -> str:
        ends = self.ends.get(what, [])
        return ends.pop(0) if ends else "COMPLETED"

    def _fail(self, operation: str, end: str) -> None:
        if end != "COMPLETED":
            about = {"HTTPStatusCode": 400, "RequestId": "none"}
            raise ClientError({"Error": {"Code": end, "Message": "no"}, "ResponseMetadata": about}, operation)


@dataclass(frozen=True)
class Run:
    """How an execution went."""

    status: str
    error: str | None
    cause: str | None
    path: list[str]
    """States, in the order of their being entered."""
    waits: list[float]
    """Seconds before each repetition."""
    messages: list[str]
    """What the topic's subscribers got."""


def execute(
    definition: dict[str, Any],
    emr: Emr,
    *,
    places: dict[str, Any],
    topic_name: str,
    input: dict[str, Any] | None = None,
    others: int = 0,
    objects: Sequence[str] = (),
) -> Run:
    """Run a state machine to its end; `others` executions of it are there already, and go on, and so are `objects` in
    the bucket."""
    waits: list[float] = []
    clock = mock.Mock(wraps=time, sleep=waits.append)
    known = state_task_service_factory.state_task_service_for
    client = vars(state_task_service_aws_sdk)["boto_client_for"]
    where = definition["States"]["FindPlaces"]["Parameters"]

    def service(service_name: str) -> Any:
        return _task(emr) if service_name == "elasticmapreduce" else known(service_name)

    def connect(service: str, **options: Any) -> Any:
        if service == "stepfunctions":
            arns = [f"arn:aws:states:{REGION}:123456789012:execution:run:{n}" for n in range(others)]
            return mock.Mock(list_executions=lambda **_: {"Executions": [{"ExecutionArn": arn} for arn in arns][:2]})
        if service == "s3":
            real = client(service=service, **options)
            return mock.Mock(
                get_object=lambda **asked: _as_text(real.get_object(**asked)), list_objects_v2=real.list_objects_v2
            )
        assert service == "emr"
        return emr

    with (
        mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
        mock.patch.object(retrier_decl, "time", clock),
        mock.patch.object(state_task_service_aws_sdk, "boto_client_for", connect),
        mock.patch.dict(state_task_service_aws_sdk._SERVICE_ERROR_NAMES, emr="Emr"),
        mock.patch(f"{_FACTORY}.state_task_service_for", service),
    ):
        s3, sns, sqs, sfn = (boto3.client(name, **KEYS) for name in ("s3", "sns", "sqs", "stepfunctions"))
        s3.create_bucket(Bucket=where["Bucket"], CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=where["Bucket"], Key=where["Key"], Body=json.dumps(places).encode())
        for key in objects:
            s3.put_object(Bucket=where["Bucket"], Key=key)
        queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        topic = sns.create_topic(Name=topic_name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:subscriber")
        machine = sfn.create_state_machine(name="machine", definition=json.dumps(definition), roleArn=ROLE)
        text = json.dumps(input or {})
        execution = sfn.start_execution(stateMachineArn=machine["stateMachineArn"], input=text)["executionArn"]
        deadline = time.monotonic() + 60
        while (found := sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the state machine doesn't come to its end"
            time.sleep(0.02)
        events = sfn.get_execution_history(executionArn=execution)["events"]
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return Run(
        status=found["status"],
        error=found.get("error"),
        cause=found.get("cause"),
        path=[event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event],
        waits=waits,
        messages=[json.loads(message["Body"])["Message"] for message in received],
    )


_FACTORY = "moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory"


def _as_text(found: dict[str, Any]) -> dict[str, str]:
    """An object as Step Functions has it."""
    return {"Body": found["Body"].read().decode()}


def _validate(operation: str, request: dict[str, Any]) -> None:
    shape = boto3.client("emr", **KEYS).meta.service_model.operation_model(operation).input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""


def _task(emr: Emr) -> Any:
    """Step Functions' own way with EMR: it asks, and looks until what it asked for has ended."""

    class Task(state_task_service_unsupported.StateTaskServiceUnsupported):
        def _validate_service_integration_is_supported(self) -> None:
            pass

        def _is_integration_pattern(self) -> bool:
            return False  # what follows waits by itself

        def _normalise_parameters(self, *_: Any, **__: Any) -> None:
            pass

        def _normalise_response(self, *_: Any, **__: Any) -> None:
            pass

        def _eval_service_task(
            self, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
        ) -> None:
            assert self.resource.condition == ResourceCondition.Sync
            ask = {"addStep": emr.add_step, "terminateCluster": emr.terminate_cluster}[self.resource.api_action]
            look = ask(**normalised_parameters)
            while (found := look()) is None and env.is_running():
                time.sleep(0.02)
            if found and found.get("Step", {}).get("Status", {}).get("State", "COMPLETED") != "COMPLETED":
                failed = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
                raise FailureEventException(self._failure(env, failed, json.dumps(found)))
            env.stack.append(found)

        def _from_error(self, env: Any, ex: Exception) -> Any:
            if isinstance(ex, ClientError):
                code = ex.response["Error"]["Code"]
                return self._failure(env, CustomErrorName(f"ElasticMapReduce.{code}"), str(ex))
            return super()._from_error(env=env, ex=ex)

        def _failure(self, env: Any, error: Any, cause: str) -> FailureEvent:
            details = TaskFailedEventDetails(
                error=error.error_name, cause=cause, resource=self.resource.api_action, resourceType="elasticmapreduce"
            )
            return FailureEvent(
                env=env,
                error_name=error,
                event_type=HistoryEventType.TaskFailed,
                event_details=cast(EventDetails, {"taskFailedEventDetails": details}),
            )

    return Task()
