import json
import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components.database import Database
from components.datalake import DataLake
from components.grafana import Grafana, GrafanaArgs
from components.observability import Alarm, AlarmTopic, watch
from standin.mocks import UNKNOWN
from tests.components.tiers import logs, network, security
from tests.registered import ROOT, counts, of, one, run, statements, waits_for

WORKSPACE = "grafana/workspace:Workspace"
DASHBOARD, SOURCE = "oss/dashboard:Dashboard", "oss/dataSource:DataSource"
SOME_ID = "9067012345-11111111-2222-3333-4444-555555555555"
OTHER_ID = "11111111-2222-3333-4444-666666666666"
SAML = {
    "metadata_url": "https://idp.example.com/metadata",
    "admin_role_values": ["platform-admins"],
    "editor_role_values": ["developers"],
}
REGIONS = {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
ALARMS = {
    "errors": Alarm(
        "Errors",
        "AWS/ApplicationELB",
        "HTTPCode_Target_5XX_Count",
        {"LoadBalancer": "app/alb/1"},
        5,
        "notBreaching",
        statistic="Sum",
        percent_of="RequestCount",
    ),
    "latency": Alarm(
        "Slow",
        "AWS/ApplicationELB",
        "TargetResponseTime",
        {"LoadBalancer": "app/alb/1"},
        1.5,
        "notBreaching",
        statistic="p99",
        period_seconds=300,
    ),
    "hosts": Alarm("Few", "AWS/ApplicationELB", "HealthyHostCount", {"TargetGroup": "web"}, 2, "breaching", "<"),
    "blocked": Alarm("Attack", "AWS/WAFV2", "BlockedRequests", {"Rule": "ALL"}, 500, "notBreaching"),
}


def grafana(*, unknown=False, everything=True, alarms=ALARMS, name="grafana", **changes):
    def program():
        keys, net = security(), network(nat="single")
        topic = AlarmTopic("alarms", key=keys.logs)
        regions = {"eu-west-1": None, "us-east-1": "us-east-1"}
        watched = {
            region: watch(f"alb-{region}", alarms, parent=topic, region=given) for region, given in regions.items()
        }
        more: dict[str, Any] = {
            "lake": DataLake("lake", key=keys.data, logs_key=keys.logs, logs=logs()),
            "database": Database("database", subnets=net.isolated, key=keys.data, logs_key=keys.logs),
            "topic": topic,
            "tiers": {"load balancing": watched["eu-west-1"], "idle": {}, "edge": watched["us-east-1"]},
        }
        args = GrafanaArgs.model_validate(changes)
        made = Grafana(name, args, subnets=net.private, key=keys.data, **(more if everything else {}))
        pulumi.export("url", made.url)

    return run(program, unknown=unknown)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def recording(request):
    return grafana(unknown=request.param)


@pytest.fixture(scope="module")
def alone():
    return grafana(everything=False)


@pytest.fixture(scope="module")
def connected():
    return grafana(vpc_connection=True)


def own(recording):
    return {(r.type.split(":")[-1], r.name) for r in recording.registrations if r.name.split("-")[0] == "grafana"}


def test_it_adds_exactly_this(recording):
    assert own(recording) == {
        ("Grafana", "grafana"),
        ("Role", "grafana"),
        ("RolePolicy", "grafana"),
        ("Workspace", "grafana"),
        ("WorkspaceServiceAccount", "grafana"),
        ("WorkspaceServiceAccountToken", "grafana"),
        ("grafana", "grafana"),  # the provider
        ("DataSource", "grafana-cloudwatch"),
        ("DataSource", "grafana-athena"),
        ("Dashboard", "grafana"),
    }


def test_the_workspace(recording):
    made = one(recording, WORKSPACE, "grafana")
    known = {key: value for key, value in made.inputs.items() if key not in ("kmsKeyId", "roleArn")}
    assert known == {
        "accountAccessType": "CURRENT_ACCOUNT",
        "authenticationProviders": ["AWS_SSO"],
        "configuration": '{"plugins": {"pluginAdminEnabled": true}}',
        "dataSources": ["CLOUDWATCH", "ATHENA"],
        "description": "What platform test does",
        "grafanaVersion": "12.4",
        "name": "platform-test-grafana",
        "notificationDestinations": ["SNS"],
        "permissionType": "CUSTOMER_MANAGED",
        "tags": {"Name": "platform-test-grafana"},
    }
    assert made.property_dependencies["kmsKeyId"] == [one(recording, "kms/key:Key", "security-data").urn]
    assert made.property_dependencies["roleArn"] == [one(recording, "iam/role:Role", "grafana").urn]
    assert waits_for(recording, made, one(recording, "iam/rolePolicy:RolePolicy", "grafana"))
    assert made.protect


def test_only_a_workspace_of_this_account_may_take_on_the_role(recording):
    (trust,) = statements(one(recording, "iam/role:Role", "grafana").inputs["assumeRolePolicy"])
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "grafana.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "StringLike": {"aws:SourceArn": "arn:aws:grafana:eu-west-1:123456789012:/workspaces/*"},
        },
    }


def test_what_the_role_may(recording):
    metrics, answers, queries, *others = statements(
        one(recording, "iam/rolePolicy:RolePolicy", "grafana").inputs["policy"]
    )
    assert metrics == {
        "Effect": "Allow",
        "Action": ["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"],
        "Resource": "*",
        "Condition": REGIONS,
    }
    assert answers == {
        "Effect": "Allow",
        "Action": ["logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"],
        "Resource": "*",
        "Condition": REGIONS,
    }
    assert queries == {
        "Effect": "Allow",
        "Action": ["logs:GetLogEvents", "logs:GetLogGroupFields", "logs:StartQuery"],
        "Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/platform/test/*",
    }
    assert [s["Resource"] for s in others if s["Resource"] == "*"] == []
    (tables,) = (s for s in others if "athena:ListTableMetadata" in s["Action"])
    assert tables["Resource"] == "arn:aws:athena:eu-west-1:123456789012:datacatalog/AwsDataCatalog"
    (ask,) = (s for s in others if "athena:StartQueryExecution" in s["Action"])
    assert ask["Resource"] == "arn:aws:athena:eu-west-1:123456789012:workgroup/platform-test-lake"
    assert [s["Resource"] for s in others if s["Action"] == "sns:Publish"] == [
        "arn:aws:sns:eu-west-1:123456789012:platform-test-alarms"
    ]
    assert "lake-raw" not in json.dumps(others)


def test_without_a_lake_or_a_topic_it_reads_metrics_and_logs_alone(alone):
    found = statements(one(alone, "iam/rolePolicy:RolePolicy", "grafana").inputs["policy"])
    assert {action.split(":")[0] for statement in found for action in statement["Action"]} == {"cloudwatch", "logs"}
    inputs = one(alone, WORKSPACE, "grafana").inputs
    assert inputs["dataSources"] == ["CLOUDWATCH"]
    assert json.loads(inputs["configuration"]) == {"plugins": {"pluginAdminEnabled": False}}
    assert "notificationDestinations" not in inputs
    assert sorted(of(alone, SOURCE)) == ["grafana-cloudwatch"]


# -- What is in it -----------------------------------------------------------------------------------------------------


def test_the_data_sources_act_under_the_workspaces_role(recording):
    found = {
        r.inputs["uid"]: (r.inputs["type"], r.inputs["isDefault"], json.loads(r.inputs["jsonDataEncoded"]))
        for r in of(recording, SOURCE).values()
    }
    common = {"authType": "ec2_iam_role", "defaultRegion": "eu-west-1"}
    assert found == {
        "cloudwatch": ("cloudwatch", True, common),
        "athena": (
            "grafana-athena-datasource",
            False,
            common | {"catalog": "AwsDataCatalog", "database": "platform_test_lake", "workgroup": "platform-test-lake"},
        ),
    }


def dashboard(recording):
    return json.loads(one(recording, DASHBOARD, "grafana").inputs["configJson"])


def test_a_row_for_each_tier_and_a_chart_for_each_alarm(recording):
    shown = dashboard(recording)
    assert (shown["uid"], shown["title"]) == ("platform-test-grafana", "platform test")
    at = {(p["gridPos"]["y"], p["gridPos"]["x"]): p["title"] for p in shown["panels"]}
    first = {(1, 0): "errors", (1, 8): "latency", (1, 16): "hosts", (8, 0): "blocked"}
    second = {(y + 15, x): title for (y, x), title in first.items()}
    assert at == {(0, 0): "load balancing", **first, (15, 0): "edge", **second}
    assert [panel["id"] for panel in shown["panels"]] == list(range(1, 11))


def panel(recording, title, tier=0):
    return [found for found in dashboard(recording)["panels"] if found["title"] == title][tier]


def test_a_chart_asks_for_what_the_alarm_watches(recording):
    (query,) = panel(recording, "latency")["targets"]
    assert query == {
        "datasource": {"type": "cloudwatch", "uid": "cloudwatch"},
        "refId": "A",
        "id": "a",
        "label": "TargetResponseTime",
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "region": "eu-west-1",
        "namespace": "AWS/ApplicationELB",
        "metricName": "TargetResponseTime",
        "dimensions": {"LoadBalancer": "app/alb/1"},
        "matchExact": True,
        "statistic": "p99",
        "period": "300",
        "expression": "",
    }
    assert panel(recording, "latency", tier=1)["targets"][0]["region"] == "us-east-1"


def test_a_percentage_is_worked_out_of_two_hidden_metrics(recording):
    part, whole, percent = panel(recording, "errors")["targets"]
    assert [(q["id"], q["metricName"], q["hide"]) for q in (part, whole)] == [
        ("part", "HTTPCode_Target_5XX_Count", True),
        ("whole", "RequestCount", True),
    ]
    assert (percent["expression"], percent["metricEditorMode"]) == ("100 * part / whole", 1)
    assert "hide" not in percent
    assert panel(recording, "errors")["fieldConfig"]["defaults"]["unit"] == "percent"


@pytest.mark.parametrize(
    ("title", "below", "above", "threshold"), [("blocked", "green", "red", 500), ("hosts", "red", "green", 2)]
)
def test_the_line_is_the_alarms_threshold_and_red_is_beyond_it(recording, title, below, above, threshold):
    assert panel(recording, title)["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": below, "value": None},
        {"color": above, "value": threshold},
    ]


def test_all_that_is_in_it_goes_by_a_token_that_is_made_when_it_changes(recording):
    account = one(recording, "grafana/workspaceServiceAccount:WorkspaceServiceAccount", "grafana")
    token = one(recording, "grafana/workspaceServiceAccountToken:WorkspaceServiceAccountToken", "grafana")
    assert (account.inputs["name"], account.inputs["grafanaRole"]) == ("pulumi", "ADMIN")
    assert token.inputs["secondsToLive"] == 14_400
    assert token.options["replacementTrigger"] is True
    assert waits_for(recording, token, account)
    (provider,) = (r for r in recording.registrations if r.type == "pulumi:providers:grafana")
    assert provider.property_dependencies["auth"] == [token.urn]
    assert provider.property_dependencies["url"] == [one(recording, WORKSPACE, "grafana").urn]
    for made in (*of(recording, SOURCE).values(), one(recording, DASHBOARD, "grafana")):
        assert made.provider
        assert made.provider.startswith(f"{provider.urn}::")
        assert made.options["deletedWith"] == one(recording, WORKSPACE, "grafana").urn
    for source in of(recording, SOURCE).values():
        assert waits_for(recording, one(recording, DASHBOARD, "grafana"), source)


def test_the_token_is_a_secret(recording):
    token = one(recording, "grafana/workspaceServiceAccountToken:WorkspaceServiceAccountToken", "grafana")
    (provider,) = (r for r in recording.registrations if r.type == "pulumi:providers:grafana")
    assert token.options["additionalSecretOutputs"] == ["key"]
    assert "auth" in provider.secrets
    assert "auth" not in provider.shown


def test_the_url(alone):
    assert alone.outputs["url"] == f"https://{one(alone, WORKSPACE, 'grafana').outputs['id']}" + (
        ".grafana-workspace.eu-west-1.amazonaws.com"
    )
    assert grafana(everything=False, unknown=True).outputs["url"] == UNKNOWN


def test_without_dashboards_there_is_no_token_and_grafanas_sdk_is_not_loaded():
    found = own(grafana(dashboards=False))
    assert {kind for kind, _ in found} == {"Grafana", "Role", "RolePolicy", "Workspace"}
    program = (
        "import sys, tests.components.test_grafana as t; t.grafana(dashboards=False, everything=False); "
        "sys.exit('pulumiverse_grafana' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


# -- Who signs in, and from where --------------------------------------------------------------------------------------


def test_roles_are_given_by_group_and_user():
    made = grafana(
        everything=False,
        admins={"groups": {"platform": SOME_ID}},
        viewers={"groups": {"sales": SOME_ID}, "users": {"jane.doe": OTHER_ID}},
    )
    found = {r.name: r.inputs for r in of(made, "grafana/roleAssociation:RoleAssociation").values()}
    workspace_id = one(made, WORKSPACE, "grafana").outputs["id"]
    assert found == {
        "grafana-admin": {"role": "ADMIN", "groupIds": [SOME_ID], "workspaceId": workspace_id},
        "grafana-viewer": {
            "role": "VIEWER",
            "groupIds": [SOME_ID],
            "userIds": [OTHER_ID],
            "workspaceId": workspace_id,
        },
    }


def test_saml():
    made = grafana(everything=False, authentication=["SAML"], saml=SAML | {"organization_attribute": "org"})
    workspace = one(made, WORKSPACE, "grafana")
    assert workspace.inputs["authenticationProviders"] == ["SAML"]
    assert one(made, "grafana/workspaceSamlConfiguration:WorkspaceSamlConfiguration", "grafana").inputs == {
        "workspaceId": workspace.outputs["id"],
        "idpMetadataUrl": "https://idp.example.com/metadata",
        "roleAssertion": "role",
        "adminRoleValues": ["platform-admins"],
        "editorRoleValues": ["developers"],
        "nameAssertion": "displayName",
        "loginAssertion": "mail",
        "emailAssertion": "mail",
        "orgAssertion": "org",
    }


def test_saml_by_metadata_and_before_the_identity_provider_knows_of_it():
    changed = {key: value for key, value in SAML.items() if key != "metadata_url"} | {"metadata_xml": "<Entity/>"}
    made = grafana(everything=False, authentication=["AWS_SSO", "SAML"], saml=changed)
    configuration = one(made, "grafana/workspaceSamlConfiguration:WorkspaceSamlConfiguration", "grafana").inputs
    assert (configuration["idpMetadataXml"], "idpMetadataUrl" in configuration) == ("<Entity/>", False)
    assert "WorkspaceSamlConfiguration" not in counts(grafana(everything=False, authentication=["SAML"]))


def test_who_may_reach_it():
    made = grafana(everything=False, network_access={"prefix_lists": ["pl-0123456789abcdef0"]})
    assert one(made, WORKSPACE, "grafana").inputs["networkAccessControl"] == {
        "prefixListIds": ["pl-0123456789abcdef0"],
        "vpceIds": [],
    }


def test_a_vpc_connection_leads_to_the_database_and_to_https(connected):
    group = one(connected, "ec2/securityGroup:SecurityGroup", "grafana-vpc")
    made = one(connected, WORKSPACE, "grafana")
    subnets = [one(connected, "ec2/subnet:Subnet", f"network-private-eu-west-1{zone}").outputs["id"] for zone in "ab"]
    assert made.inputs["vpcConfiguration"] == {"subnetIds": subnets, "securityGroupIds": [group.outputs["id"]]}
    out = {
        r.name: (r.inputs["fromPort"], r.inputs.get("cidrIpv4"), r.inputs.get("referencedSecurityGroupId"))
        for r in of(connected, "vpc/securityGroupEgressRule:SecurityGroupEgressRule").values()
        if r.inputs["securityGroupId"] == group.outputs["id"]
    }
    database = one(connected, "ec2/securityGroup:SecurityGroup", "database").outputs["id"]
    assert out == {
        "grafana-vpc-https": (443, "0.0.0.0/0", None),
        "grafana-to-database": (3306, None, database),
    }
    admitted = of(connected, "vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert [r.name for r in admitted.values() if r.inputs["securityGroupId"] == group.outputs["id"]] == []
    assert waits_for(connected, made, one(connected, "ec2/route:Route", "network-private-eu-west-1a-internet"))
    assert waits_for(connected, made, admitted["grafana-to-database"])


def test_no_connection_touches_nothing_in_the_vpc(recording):
    assert "vpcConfiguration" not in one(recording, WORKSPACE, "grafana").inputs
    assert [r.name for r in recording.registrations if "grafana" in r.name and "ecurityGroup" in r.type] == []


def test_a_connection_needs_subnets():
    with pytest.raises(ValueError, match="vpc_connection needs subnets"):
        run(lambda: Grafana("grafana", GrafanaArgs(vpc_connection=True), key=security().data))


def test_what_is_not_protected_can_go():
    assert not one(grafana(everything=False, deletion_protection=False), WORKSPACE, "grafana").protect


def test_the_longest_name_is_one_that_aws_and_grafana_take():
    longest = grafana(name="g" * 40)
    assert len(dashboard_of(longest, "g" * 40)["uid"]) <= 40
    assert len(one(longest, WORKSPACE, "g" * 40).inputs["name"]) <= 255


def dashboard_of(recording, name):
    return json.loads(one(recording, DASHBOARD, name).inputs["configJson"])


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"version": "9.4"}, ("version",)),
        ({"authentication": []}, ("authentication",)),
        ({"authentication": ["AWS_SSO", "AWS_SSO"]}, ("authentication",)),
        ({"authentication": ["LDAP"]}, ("authentication", 0)),
        ({"saml": SAML}, ("saml",)),
        ({"authentication": ["SAML"], "saml": SAML | {"metadata_xml": "<Entity/>"}}, ("saml", "metadata_url")),
        ({"authentication": ["SAML"], "saml": SAML | {"metadata_url": None}}, ("saml", "metadata_url")),
        (
            {"authentication": ["SAML"], "saml": SAML | {"metadata_url": "http://idp.example.com"}},
            ("saml", "metadata_url"),
        ),
        ({"authentication": ["SAML"], "saml": SAML | {"admin_role_values": []}}, ("saml", "admin_role_values")),
        (
            {"authentication": ["SAML"], "saml": SAML | {"editor_role_values": ["platform-admins"]}},
            ("saml", "editor_role_values"),
        ),
        (
            {"authentication": ["SAML"], "saml": SAML | {"allowed_organizations": ["ours"]}},
            ("saml", "organization_attribute"),
        ),
        ({"authentication": ["SAML"], "admins": {"groups": {"platform": SOME_ID}}}, ("admins",)),
        ({"admins": {"groups": {"platform": "platform-admins"}}}, ("admins", "groups", "platform")),
        ({"network_access": {}}, ("network_access", "prefix_lists")),
        ({"network_access": {"prefix_lists": ["10.0.0.0/8"]}}, ("network_access", "prefix_lists", 0)),
        ({"network_access": {"vpc_endpoints": ["vpc-01234567"]}}, ("network_access", "vpc_endpoints", 0)),
        ({"public": True}, ("public",)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        GrafanaArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
