import json
import re
from typing import Any

import duckdb
import pulumi
import pytest
from botocore.session import get_session
from pydantic import ValidationError

from components.database import Database, DatabaseArgs
from components.datalake import DataLake
from components.network import Subnets
from components.visualization import Visualization, VisualizationArgs
from jobs.star import DAILY_REVENUE, PARTITION, SOURCES
from tests.components.tiers import logs, network, security
from tests.registered import counts, of, one, run, statements, waits_for

ACCOUNT = "123456789012"
CURATED = "platform-test-lake-curated-123456789012-eu-west-1"
READERS, AUTHORS = (f"arn:aws:quicksight:us-east-1:{ACCOUNT}:group/default/{group}" for group in ("readers", "authors"))
EVERYTHING = {
    "readers": [READERS],
    "authors": [AUTHORS],
    "manifest": True,
    "mysql": {},
    "restricted_columns": {"revenue": [AUTHORS], "country": [AUTHORS, READERS]},
    "refresh": {"time": "05:30", "time_zone": "Europe/Berlin"},
    "register_key": True,
    "subscription": {"account_name": "platform-test", "notification_email": "bi@example.com"},
}
SOURCE, DATA_SET = "quicksight/dataSource:DataSource", "quicksight/dataSet:DataSet"
SCHEDULE, CONNECTION = "quicksight/refreshSchedule:RefreshSchedule", "quicksight/vpcConnection:VpcConnection"
POLICY = "iam/rolePolicy:RolePolicy"


def visualization(*, unknown=False, replicas=(), with_database=True, zones=None, name="visualization", **changes):
    def program():
        keys, net = security(), network()
        database = None
        if with_database:
            args = DatabaseArgs.model_validate({"database_name": "shop", "replicas": {r: {} for r in replicas}})
            database = Database("database", args, subnets=net.isolated, key=keys.data, logs_key=keys.logs)
        made = Visualization(
            name,
            VisualizationArgs.model_validate(changes),
            subnets=net.isolated if zones is None else Subnets(net.vpc_id, net.cidr, zones),
            key=keys.data,
            lake=DataLake("lake", key=keys.data, logs_key=keys.logs, logs=logs()),
            database=database,
        )
        pulumi.export("url", made.dashboard_url)

    return run(program, unknown=unknown)


@pytest.fixture(scope="module")
def recording():
    return visualization()


@pytest.fixture(scope="module")
def everything():
    return visualization(**EVERYTHING)


def ours(recording):
    """What the tier makes, by type."""
    found: dict[str, list[str]] = {}
    for resource in recording.registrations:
        if resource.custom and resource.name.startswith("visualization"):
            found.setdefault(resource.type.split(":")[-1], []).append(resource.name.removeprefix("visualization"))
    return {kind: sorted(names) for kind, names in found.items()}


def test_it_adds_exactly_this(recording, everything):
    assert ours(recording) == {
        "Role": ["-lake"],
        "RolePolicy": ["-lake"],
        "DataSource": ["-athena"],
        "DataSet": ["-daily-revenue", "-orders"],
        "RefreshSchedule": ["-daily-revenue"],
        "Stack": ["-dashboard"],
        "MetricAlarm": ["-daily-revenue-refresh"],
    }
    assert ours(everything) == {
        "AccountSubscription": [""],
        "KeyRegistration": [""],
        "Role": ["-lake", "-mysql"],
        "RolePolicy": ["-lake", "-mysql", "-mysql-secret"],
        "SecurityGroup": ["-mysql"],
        "SecurityGroupEgressRule": ["-mysql"],
        "SecurityGroupIngressRule": ["-mysql", "-mysql-answers"],
        "VpcConnection": ["-mysql"],
        "DataSource": ["-athena", "-manifest", "-mysql"],
        "DataSet": ["-daily-revenue", "-manifest", "-orders"],
        "RefreshSchedule": ["-daily-revenue", "-manifest"],
        "Stack": ["-dashboard"],
        "MetricAlarm": ["-daily-revenue-refresh", "-manifest-refresh"],
    }


def test_a_first_preview_registers_the_same(everything):
    assert counts(visualization(unknown=True, **EVERYTHING)) == counts(everything)


def test_where_the_dashboard_is(recording):
    assert recording.outputs["url"] == (
        "https://eu-west-1.quicksight.aws.amazon.com/sn/dashboards/platform-test-visualization"
    )


# -- As QuickSight's API takes it -------------------------------------------------------------------------------------


API = get_session().get_service_model("quicksight")


def mistakes(shape: Any, value: Any, path: str = "request") -> list[str]:
    """What of a value its shape in the API's model doesn't allow: names, types, enumerations, patterns and lengths."""
    limits = shape.metadata
    plain: dict[str, Any] = {
        "structure": dict,
        "map": dict,
        "list": list,
        "integer": int,
        "long": int,
        "boolean": bool,
        "string": str,
    }
    if type(value) is not plain.get(shape.type_name, type(value)):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    found: list[str] = []
    if shape.type_name == "structure":
        found += [f"{path}.{name}: missing" for name in shape.required_members if name not in value]
        for name, inner in value.items():
            if name in shape.members:
                found += mistakes(shape.members[name], inner, f"{path}.{name}")
            else:
                found.append(f"{path}.{name}: unknown")
    elif shape.type_name == "map":
        for key, inner in value.items():
            found += mistakes(shape.key, key, f"{path}.{key}") + mistakes(shape.value, inner, f"{path}.{key}")
    elif shape.type_name == "list":
        for place, inner in enumerate(value):
            found += mistakes(shape.member, inner, f"{path}[{place}]")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            found.append(f"{path}: {value!r} is none of {shape.enum}")
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            found.append(f"{path}: {value!r} doesn't match {limits['pattern']}")
    size = value if isinstance(value, int) else len(value)
    if not limits.get("min", size) <= size <= limits.get("max", size):
        found.append(f"{path}: {size} is not from {limits.get('min')} to {limits.get('max')}")
    return found


def asked(operation, **parameters):
    return mistakes(API.operation_model(operation).input_shape, {"AwsAccountId": ACCOUNT, **parameters})


def pascal(value):
    """Pulumi's names as the API's: all that differs is the first letter, but where lists stand for maps."""
    if isinstance(value, dict):
        return {name[0].upper() + name[1:]: pascal(inner) for name, inner in value.items()}
    return [pascal(inner) for inner in value] if isinstance(value, list) else value


def keyed(tables, key):
    return {table[key]: {name: inner for name, inner in table.items() if name != key} for table in tables}


def tagged(inputs):
    return [{"Key": key, "Value": value} for key, value in inputs["tags"].items()]


PARAMETERS = {"athena": "AthenaParameters", "s3": "S3Parameters", "mysql": "MySqlParameters"}


@pytest.mark.parametrize("name", ["athena", "manifest", "mysql"])
def test_quicksight_takes_the_source(everything, name):
    inputs = one(everything, SOURCE, f"visualization-{name}").inputs
    ((kind, parameters),) = inputs["parameters"].items()
    assert inputs["type"] == {"athena": "ATHENA", "s3": "S3", "mysql": "MYSQL"}[kind]
    same = ("dataSourceId", "name", "type", "permissions", "credentials", "sslProperties", "vpcConnectionProperties")
    request = {key: inputs[key] for key in same if key in inputs}
    assert not asked(
        "CreateDataSource",
        **pascal(request),
        DataSourceParameters={PARAMETERS[kind]: pascal(parameters)},
        Tags=tagged(inputs),
    )


@pytest.mark.parametrize("name", ["daily-revenue", "orders", "manifest"])
def test_quicksight_takes_the_data_set(everything, name):
    inputs = one(everything, DATA_SET, f"visualization-{name}").inputs
    request = pascal(
        {key: inputs[key] for key in ("dataSetId", "name", "importMode", "permissions", "columnLevelPermissionRules")}
    )
    tables = pascal(keyed(inputs["physicalTableMaps"], "physicalTableMapId"))
    logical = pascal(keyed(inputs.get("logicalTableMaps", []), "logicalTableMapId"))
    request["PhysicalTableMap"] = {name.lower(): table for name, table in tables.items()}
    if logical:
        request["LogicalTableMap"] = {name.lower(): table for name, table in logical.items()}
    assert not asked("CreateDataSet", **request, Tags=tagged(inputs))


def test_quicksight_takes_the_rest(everything):
    connection = one(everything, CONNECTION, "visualization-mysql").inputs
    request = {key: connection[key] for key in ("name", "roleArn", "securityGroupIds", "subnetIds")}
    assert not asked(
        "CreateVPCConnection",
        **pascal(request),
        VPCConnectionId=connection["vpcConnectionId"],
        Tags=tagged(connection),
    )
    schedule = one(everything, SCHEDULE, "visualization-daily-revenue").inputs
    said = dict(schedule["schedule"])
    frequency = said.pop("scheduleFrequency")
    times = {"Interval": frequency["interval"], "TimeOfTheDay": frequency["timeOfTheDay"]}
    assert not asked(
        "CreateRefreshSchedule",
        DataSetId=schedule["dataSetId"],
        Schedule={
            "ScheduleId": schedule["scheduleId"],
            "RefreshType": said["refreshType"],
            "ScheduleFrequency": {**times, "Timezone": frequency["timezone"]},
        },
    )
    subscription = one(everything, "quicksight/accountSubscription:AccountSubscription", "visualization").inputs
    assert not asked("CreateAccountSubscription", **pascal(subscription))


def dashboard(recording):
    (made,) = of(recording, "cloudformation/stack:Stack").values()
    assert made.inputs["onFailure"] == "DELETE"
    assert len(made.inputs["templateBody"].encode()) <= 51_200  # CloudFormation's limit
    (resource,) = json.loads(made.inputs["templateBody"])["Resources"].values()
    assert resource["Type"] == "AWS::QuickSight::Dashboard"
    return resource["Properties"]


def test_quicksight_takes_the_dashboard(everything):
    properties = dashboard(everything)
    assert properties.pop("AwsAccountId") == ACCOUNT
    assert not asked("CreateDashboard", **properties)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Sheets", 0, "Visuals", 0, "KPIVisual", "Type"), "KPI"),
        (("Sheets", 0, "ContentType"), "INTERAKTIVE"),
        (("Sheets", 0, "Layouts", 0, "Configuration", "GridLayout", "Elements", 0, "ColumnSpan"), 37),
        (("FilterGroups", 0, "Filters", 0, "RelativeDatesFilter", "RelativeDateValue"), "90"),
        (("Sheets", 0, "SheetId"), "daily revenue"),
    ],
)
def test_a_wrong_dashboard_would_be_seen(recording, path, value):
    properties = dashboard(recording)
    inner = properties["Definition"]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    del properties["AwsAccountId"]
    (mistake,) = asked("CreateDashboard", **properties)
    assert f".{path[-1]}" in mistake


def found(value, key):
    """All values of a key, however deep."""
    if isinstance(value, dict):
        own = [value[key]] if key in value else []
        return own + [deep for inner in value.values() for deep in found(inner, key)]
    return [deep for inner in value for deep in found(inner, key)] if isinstance(value, list) else []


def test_the_dashboard_holds_together(recording):
    """What its model can't say: names that refer to others."""
    definition = dashboard(recording)["Definition"]
    (sheet,) = definition["Sheets"]
    columns = {c["name"] for c in published(recording, "daily-revenue")}
    assert set(found(definition, "ColumnName")) == columns
    assert {*found(definition, "DataSetIdentifier")} == {*found(definition, "Identifier")}
    shown = [next(iter(visual.values()))["VisualId"] for visual in sheet["Visuals"]]
    elements = found(sheet["Layouts"], "Elements")[0]
    assert [element["ElementId"] for element in elements] == shown
    fields = [
        field["FieldId"]
        for kind in ("NumericalMeasureField", "DateDimensionField")
        for field in found(sheet["Visuals"], kind)
    ]
    assert len(set(fields)) == len(fields)
    (sorted_by,) = found(sheet["Visuals"], "FieldSort")
    assert sorted_by["FieldId"] in fields
    assert found(definition["FilterGroups"], "SheetId") == [sheet["SheetId"]]
    assert found(sheet, "SourceFilterId") == found(definition, "FilterId")
    taken: set[tuple[int, int]] = set()
    for place in elements:
        cells = {
            (place["RowIndex"] + row, place["ColumnIndex"] + column)
            for row in range(place["RowSpan"])
            for column in range(place["ColumnSpan"])
        }
        assert not cells & taken
        assert max(column for _, column in cells) < 36
        taken |= cells


def test_what_the_dashboard_shows(recording):
    (sheet,) = dashboard(recording)["Definition"]["Sheets"]
    assert [
        (kind, visual["Title"]["FormatText"]["PlainText"], found(visual["ChartConfiguration"], "ColumnName"))
        for entry in sheet["Visuals"]
        for kind, visual in entry.items()
    ] == [
        ("KPIVisual", "Revenue", ["revenue"]),
        ("KPIVisual", "Orders", ["orders"]),
        ("LineChartVisual", "Revenue by day", ["order_date", "revenue"]),
        ("BarChartVisual", "Orders by day", ["order_date", "orders"]),
        ("TableVisual", "Days", ["order_date", "orders", "revenue"]),
    ]
    days = dashboard(visualization(dashboard_days=30))["Definition"]["FilterGroups"]
    assert found(days, "RelativeDateValue") == [30]


# -- Data -------------------------------------------------------------------------------------------------------------


def published(recording, name):
    (table,) = one(recording, DATA_SET, f"visualization-{name}").inputs["physicalTableMaps"]
    (told,) = (inner for key, inner in table.items() if key != "physicalTableMapId")
    return told.get("inputColumns") or told["columns"]


TYPES = {"BIGINT": "INTEGER", "INTEGER": "INTEGER", "VARCHAR": "STRING", "DATE": "DATETIME"}


def as_quicksight(relation):
    """A query's columns in QuickSight's types."""
    return [
        {"name": name, "type": "DECIMAL" if str(kind).startswith("DECIMAL") else TYPES[str(kind)]}
        for name, kind in zip(relation.columns, relation.types, strict=True)
    ]


@pytest.fixture(scope="module")
def star():
    """The published tables, empty, as the jobs make them."""
    with duckdb.connect() as connection:
        connection.execute('CREATE SCHEMA "platform_test_lake"')
        connection.execute('USE "platform_test_lake"')
        for table, columns in SOURCES.items():
            more = {PARTITION: "DATE"} if table == "orders" else {}
            told = ", ".join(
                f"{name} {kind.replace('_NTZ', '').replace('STRING', 'VARCHAR')}"
                for name, kind in {**columns, **more}.items()
            )
            connection.execute(f"CREATE TABLE {table} ({told})")
        yield connection


def test_the_columns_are_the_jobs(recording, star):
    assert published(recording, "daily-revenue") == as_quicksight(star.sql(DAILY_REVENUE))
    (table,) = one(recording, DATA_SET, "visualization-daily-revenue").inputs["physicalTableMaps"]
    named = {key: table["relationalTable"][key] for key in ("catalog", "schema", "name")}
    assert named == {"catalog": "AwsDataCatalog", "schema": "platform_test_lake", "name": "daily_revenue"}


def test_orders_are_asked_of_the_published_tables(recording, star):
    made = one(recording, DATA_SET, "visualization-orders").inputs
    query = made["physicalTableMaps"][0]["customSql"]["sqlQuery"]
    assert published(recording, "orders") == as_quicksight(star.sql(query))
    assert made["importMode"] == "DIRECT_QUERY"


def test_the_jobs_file_is_text_that_is_cast(everything):
    made = one(everything, DATA_SET, "visualization-manifest").inputs
    assert made["importMode"] == "SPICE"  # QuickSight asks files no questions
    assert {c["name"]: c["type"] for c in published(everything, "manifest")} == dict.fromkeys(
        ("order_date", "orders", "revenue"), "STRING"
    )
    casts = [step["castColumnTypeOperation"] for step in made["logicalTableMaps"][0]["dataTransforms"]]
    assert casts == [
        {"columnName": "order_date", "newColumnType": "DATETIME", "format": "yyyy-MM-dd"},
        {"columnName": "orders", "newColumnType": "INTEGER"},
        {"columnName": "revenue", "newColumnType": "DECIMAL"},
    ]
    source = one(everything, SOURCE, "visualization-manifest").inputs["parameters"]["s3"]
    assert source["manifestFileLocation"] == {"bucket": CURATED, "key": "export/manifest.json"}


def test_it_is_imported_every_day(recording, everything):
    def daily(made):
        return one(made, SCHEDULE, "visualization-daily-revenue").inputs["schedule"]

    assert daily(recording) == {
        "refreshType": "FULL_REFRESH",
        "scheduleFrequency": {"interval": "DAILY", "timeOfTheDay": "06:00", "timezone": "UTC"},
    }
    assert daily(everything)["scheduleFrequency"] == {
        "interval": "DAILY",
        "timeOfTheDay": "05:30",
        "timezone": "Europe/Berlin",
    }
    assert of(visualization(refresh=None), SCHEDULE) == {}


def test_some_columns_are_for_some(everything, recording):
    def restricted(made, name):
        return one(made, DATA_SET, f"visualization-{name}").inputs.get("columnLevelPermissionRules")

    revenue = {"columnNames": ["revenue"], "principals": [AUTHORS]}
    assert restricted(everything, "daily-revenue") == restricted(everything, "manifest") == [revenue]
    assert restricted(everything, "orders") == [{"columnNames": ["country"], "principals": [AUTHORS, READERS]}]
    assert restricted(recording, "daily-revenue") is None


# -- Who sees what ----------------------------------------------------------------------------------------------------


def test_nobody_sees_anything_by_default(recording):
    made = [*of(recording, SOURCE).values(), *of(recording, DATA_SET).values()]
    assert [r.name for r in made if "permissions" in r.inputs] == []
    assert "Permissions" not in dashboard(recording)


def test_readers_read_and_authors_make_more(everything):
    def granted(kind, name):
        permissions = one(everything, kind, f"visualization-{name}").inputs["permissions"]
        return {p["principal"]: {action.removeprefix("quicksight:") for action in p["actions"]} for p in permissions}

    for name in ("athena", "manifest", "mysql"):
        assert granted(SOURCE, name) == {
            AUTHORS: {"DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource"}
        }
    for name in ("daily-revenue", "orders", "manifest"):
        assert granted(DATA_SET, name) == {
            AUTHORS: {
                "DescribeDataSet",
                "DescribeDataSetPermissions",
                "DescribeIngestion",
                "ListIngestions",
                "PassDataSet",
            }
        }
    read = [f"quicksight:{action}" for action in ("DescribeDashboard", "ListDashboardVersions", "QueryDashboard")]
    assert dashboard(everything)["Permissions"] == [
        {"Principal": AUTHORS, "Actions": read},
        {"Principal": READERS, "Actions": read},
    ]


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "first preview"])
def test_quicksight_may_read_the_lake_and_nothing_else(unknown):
    made = visualization(unknown=unknown, manifest=True)
    policy = statements(one(made, POLICY, "visualization-lake").inputs["policy"])
    listing = [s for s in policy if s["Resource"] == "*"]
    assert listing == [
        {
            "Effect": "Allow",
            "Action": ["athena:ListDataCatalogs", "athena:ListEngineVersions", "athena:ListWorkGroups"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        }
    ]
    objects = {a: s["Resource"] for s in policy for a in s["Action"] if a.startswith(("s3:GetObject", "s3:PutObject"))}
    assert objects.keys() == {"s3:GetObject", "s3:PutObject"}
    (versions,) = (s["Resource"] for s in policy if s["Action"] == "s3:GetObjectVersion")
    assert versions == f"arn:aws:s3:::{CURATED}/export/*"
    assert objects["s3:PutObject"].endswith("-results-123456789012-eu-west-1/athena/*")
    assert not any(re.search("lake-raw|:Delete|:Create|:Update", json.dumps(s)) for s in policy)
    for name in ("athena", "manifest"):
        source = one(made, SOURCE, f"visualization-{name}")
        assert one(made, "iam/role:Role", "visualization-lake").urn in source.property_dependencies["parameters"]


@pytest.mark.parametrize("role", ["lake", "mysql"])
def test_only_quicksight_takes_the_roles_and_for_this_account(everything, role):
    (trust,) = statements(one(everything, "iam/role:Role", f"visualization-{role}").inputs["assumeRolePolicy"])
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
    }


def test_network_interfaces_are_all_that_the_connection_may_make(everything):
    interfaces, describe = statements(one(everything, POLICY, "visualization-mysql").inputs["policy"])
    assert interfaces["Resource"] == [
        f"arn:aws:ec2:eu-west-1:{ACCOUNT}:{kind}/*" for kind in ("network-interface", "security-group", "subnet")
    ]
    assert {action.removeprefix("ec2:") for action in interfaces["Action"]} == {
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "ModifyNetworkInterfaceAttribute",
    }
    assert describe["Action"] == ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"]
    assert describe["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}


def test_quicksights_own_role_may_read_this_secret(everything):
    policy = one(everything, POLICY, "visualization-mysql-secret").inputs
    assert policy["role"] == "aws-quicksight-secretsmanager-role-v0"
    secret, key = statements(policy["policy"])
    assert secret["Action"] == "secretsmanager:GetSecretValue"
    assert secret["Resource"] == f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:platform-test-database-*"
    assert key["Action"] == "kms:Decrypt"
    other = visualization(mysql={"secrets_role": "bi-secrets"})
    assert one(other, POLICY, "visualization-mysql-secret").inputs["role"] == "bi-secrets"


# -- The database -----------------------------------------------------------------------------------------------------


def rules(recording, direction):
    kind = f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
    names = {group.urn: name for name, group in of(recording, "ec2/securityGroup:SecurityGroup").items()}
    for rule in of(recording, kind).values():
        own, other = (
            names[rule.property_dependencies[key][0]] for key in ("securityGroupId", "referencedSecurityGroupId")
        )
        yield own, other, rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]


def test_its_interfaces_reach_the_database_and_nothing_else(everything):
    assert list(rules(everything, "Egress")) == [("visualization-mysql", "database", "tcp", 3306, 3306)]
    assert sorted(rules(everything, "Ingress")) == [
        ("database", "visualization-mysql", "tcp", 3306, 3306),
        ("visualization-mysql", "database", "tcp", 0, 65_535),
    ]
    subnets = {r.urn: name for name, r in of(everything, "ec2/subnet:Subnet").items()}
    placed = one(everything, CONNECTION, "visualization-mysql").property_dependencies["subnetIds"]
    assert {subnets[urn] for urn in placed} == {f"network-isolated-eu-west-1{zone}" for zone in "ab"}


@pytest.mark.parametrize(
    ("replicas", "replica", "host"),
    [
        ((), None, "database-primary"),
        (("reader", "analytics"), None, "database-analytics"),
        (("reader", "analytics"), "reader", "database-reader"),
    ],
)
def test_the_source_is_a_replica_where_there_is_one(replicas, replica, host):
    made = visualization(replicas=replicas, mysql={"replica": replica})
    source = one(made, SOURCE, "visualization-mysql").inputs
    assert source["parameters"]["mysql"] == {
        "host": one(made, "rds/instance:Instance", host).outputs["address"],
        "port": 3306,
        "database": "shop",
    }
    assert source["sslProperties"] == {"disableSsl": False}
    assert source["credentials"] == {"secretArn": one(made, "secretsmanager/secret:Secret", "database").outputs["arn"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"with_database": False}, "mysql needs a database"),
        ({"zones": {"eu-west-1a": "subnet-1"}}, "1 zone"),
        ({"replicas": ["reader"], "mysql": {"replica": "other"}}, "no replica 'other'; there are: reader"),
    ],
)
def test_what_the_database_source_needs(changes, message):
    with pytest.raises(ValueError, match=message):
        visualization(**({"mysql": {}} | changes))


# -- The account, and the order of things -----------------------------------------------------------------------------


def test_a_source_waits_for_all_that_quicksight_tries(everything):
    athena, manifest, mysql = (one(everything, SOURCE, f"visualization-{n}") for n in ("athena", "manifest", "mysql"))
    for source in (athena, manifest):
        assert waits_for(everything, source, one(everything, POLICY, "visualization-lake"))
        assert waits_for(everything, source, one(everything, "athena/workgroup:Workgroup", "lake"))
    connection = one(everything, CONNECTION, "visualization-mysql")
    assert waits_for(everything, connection, one(everything, POLICY, "visualization-mysql"))
    for name in ("visualization-mysql", "visualization-mysql-answers"):
        rule = one(everything, "vpc/securityGroupIngressRule:SecurityGroupIngressRule", name)
        assert waits_for(everything, mysql, rule)
    version = one(everything, "secretsmanager/secretVersion:SecretVersion", "database")
    for needed in (connection, one(everything, POLICY, "visualization-mysql-secret"), version):
        assert waits_for(everything, mysql, needed)


def test_everything_in_quicksight_waits_for_the_subscription(everything):
    subscription = one(everything, "quicksight/accountSubscription:AccountSubscription", "visualization")
    registration = one(everything, "quicksight/keyRegistration:KeyRegistration", "visualization")
    assert waits_for(everything, registration, subscription)
    made = [r for r in everything.registrations if r.type.startswith("aws:quicksight/") and r != subscription]
    made += of(everything, "cloudformation/stack:Stack").values()
    assert len(made) == 11
    assert [r.name for r in made if not waits_for(everything, r, subscription)] == []
    data_sets = of(everything, DATA_SET).values()
    assert all(waits_for(everything, r, registration) for r in data_sets)


def test_a_subscription_is_kept():
    args = {"account_name": "platform-test", "notification_email": "bi@example.com"}
    directory = {"authentication_method": "IAM_IDENTITY_CENTER", "admin_groups": ["admins"]}

    def subscribed(**more):
        made = visualization(subscription=args | more)
        return one(made, "quicksight/accountSubscription:AccountSubscription", "visualization")

    assert subscribed().protect
    assert subscribed().inputs == {
        "accountName": "platform-test",
        "edition": "ENTERPRISE",
        "authenticationMethod": "IAM_AND_QUICKSIGHT",
        "notificationEmail": "bi@example.com",
    }
    assert not subscribed(deletion_protection=False).protect
    assert subscribed(**directory).inputs["adminGroups"] == ["admins"]


def test_the_data_key_is_registered_on_request(everything):
    made = one(everything, "quicksight/keyRegistration:KeyRegistration", "visualization")
    key = one(everything, "kms/key:Key", "security-data").outputs["arn"]
    assert made.inputs["keyRegistrations"] == [{"keyArn": key, "defaultKey": True}]


def test_a_failed_import_is_an_alarm(everything):
    def ours(made):
        alarms = of(made, "cloudwatch/metricAlarm:MetricAlarm")
        return {name: alarm for name, alarm in alarms.items() if name.startswith("visualization")}

    alarms = ours(everything)
    assert {name: alarm.inputs["dimensions"] for name, alarm in alarms.items()} == {
        f"visualization-{name}-refresh": {"DatasetId": f"platform-test-visualization-{name}"}
        for name in ("daily-revenue", "manifest")
    }
    alarm = alarms["visualization-daily-revenue-refresh"].inputs
    assert (alarm["namespace"], alarm["metricName"], alarm["statistic"]) == (
        "AWS/QuickSight",
        "IngestionErrorCount",
        "Sum",
    )
    assert (alarm["threshold"], alarm["period"], alarm["treatMissingData"]) == (1, 3600, "notBreaching")
    assert ours(visualization(alarms={"failed_refreshes_threshold": None})) == {}


def test_the_longest_name_is_one_that_aws_takes():
    made = visualization(name="v" * 30, **EVERYTHING)
    for resource in (*of(made, "iam/role:Role").values(), *of(made, "cloudformation/stack:Stack").values()):
        name = resource.inputs.get("name")
        assert name is None or len(name) <= 64
    with pytest.raises(ValueError, match="31 characters"):
        visualization(name="v" * 31)


SUBSCRIPTION = {"account_name": "platform", "notification_email": "bi@example.com"}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"readers": ["reader@example.com"]}, ("readers", 0)),
        ({"readers": [f"arn:aws:iam::{ACCOUNT}:role/reader"]}, ("readers", 0)),
        ({"readers": [READERS, READERS]}, ("readers",)),
        ({"readers": [AUTHORS], "authors": [AUTHORS]}, ("readers",)),
        ({"authors": [f"{AUTHORS}-{n}" for n in range(33)]}, ("authors",)),
        ({"restricted_columns": {"customer": [AUTHORS]}}, ("restricted_columns", "customer", "[key]")),
        ({"restricted_columns": {"revenue": []}}, ("restricted_columns", "revenue")),
        ({"refresh": {"time": "6:00"}}, ("refresh", "time")),
        ({"refresh": {"time_zone": "Europe/Bonn"}}, ("refresh", "time_zone")),
        ({"dashboard_days": 0}, ("dashboard_days",)),
        ({"mysql": {"secrets_role": f"arn:aws:iam::{ACCOUNT}:role/bi"}}, ("mysql", "secrets_role")),
        ({"alarms": {"failed_refreshes_threshold": 0}}, ("alarms", "failed_refreshes_threshold")),
        ({"subscription": {"account_name": "platform"}}, ("subscription", "notification_email")),
        ({"subscription": SUBSCRIPTION | {"account_name": "d-platform"}}, ("subscription", "account_name")),
        ({"subscription": SUBSCRIPTION | {"account_name": "plat_form"}}, ("subscription", "account_name")),
        ({"subscription": SUBSCRIPTION | {"edition": "STANDARD"}}, ("subscription", "edition")),
        ({"subscription": SUBSCRIPTION | {"admin_groups": ["admins"]}}, ("subscription", "admin_groups")),
        (
            {"subscription": SUBSCRIPTION | {"authentication_method": "IAM_IDENTITY_CENTER"}},
            ("subscription", "admin_groups"),
        ),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        VisualizationArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
