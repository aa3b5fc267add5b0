"""Visualization tier: QuickSight on the data lake and on MySQL, and a dashboard of the daily revenue."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    Refusal,
    TimeZone,
    check_name,
    create_role,
    location,
    physical_name,
    policy_document,
    service_trust,
    tags,
)
from .database import Database
from .datalake import DataLake
from .network import Subnets, allow, security_group
from .observability import Alarm, watch
from .security import EncryptionKey

# What may be done with a source, a data set and a dashboard by those who use it: QuickSight takes no other selection of
# actions than its own (developer guide, "Permissions for QuickSight resources"). Their owner is this program.
_USE_SOURCE = ["DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource"]
_USE_DATA_SET = [
    "DescribeDataSet",
    "DescribeDataSetPermissions",
    "DescribeIngestion",
    "ListIngestions",
    "PassDataSet",
]
_READ_DASHBOARD = ["DescribeDashboard", "ListDashboardVersions", "QueryDashboard"]

# The columns that the jobs publish (jobs/star.py), in QuickSight's types.
_DAILY_REVENUE = {"order_date": "DATETIME", "orders": "INTEGER", "revenue": "DECIMAL"}
_ORDERS = {
    "id": "INTEGER",
    "order_date": "DATETIME",
    "country": "STRING",
    "category": "STRING",
    "product": "STRING",
    "quantity": "INTEGER",
    "amount": "DECIMAL",
    "status": "STRING",
}
_ORDERS_SQL = """\
SELECT o.id, o.order_date, c.country, p.category, p.name AS product, o.quantity, o.amount, o.status
FROM "{catalog}".orders o
JOIN "{catalog}".customers c ON c.id = o.customer_id
JOIN "{catalog}".products p ON p.id = o.product_id"""

_SHEET = "daily-revenue"


Principal = Annotated[str, StringConstraints(pattern=r"^arn:aws[\w-]*:quicksight:[a-z0-9-]+:\d{12}:(user|group)/\S+$")]
"""ARN of a QuickSight user or group, as `aws quicksight list-users` and `list-groups` show it. Its region is the one
that QuickSight keeps its users in, whatever the stack's is."""
Column = Literal[
    "amount", "category", "country", "id", "order_date", "orders", "product", "quantity", "revenue", "status"
]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$", max_length=254)]


class SubscriptionArgs(Args):
    """The account's subscription to QuickSight, in the Enterprise edition: one for an account and all of its stacks."""

    account_name: Annotated[str, StringConstraints(pattern=r"^[\da-zA-Z]+(-+[\da-zA-Z]+)*$", max_length=62)]
    """Name that users sign in under: no other account on AWS may have it, and it can't be changed."""
    notification_email: Email
    """Where AWS writes about the account."""
    authentication_method: Literal["IAM_AND_QUICKSIGHT", "IAM_IDENTITY_CENTER"] = "IAM_AND_QUICKSIGHT"
    """Who knows the users: IAM and QuickSight itself, or IAM Identity Center. It can't be changed."""
    admin_groups: list[str] = Field(default_factory=list)
    """Groups of IAM Identity Center whose members administer QuickSight."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the subscription, with which all that the account has in QuickSight goes."""

    def refusals(self) -> Iterator[Refusal]:
        if self.account_name.lower().startswith("d-"):
            yield Refusal(("account_name",), "QuickSight keeps names that begin with `d-` to directories")
        directory = self.authentication_method == "IAM_IDENTITY_CENTER"
        if directory and not self.admin_groups:
            yield Refusal(("admin_groups",), "IAM_IDENTITY_CENTER needs a group of administrators")
        if self.admin_groups and not directory:
            yield Refusal(("admin_groups",), "are IAM_IDENTITY_CENTER's: QuickSight has users of its own here")


class RefreshArgs(Args):
    """When QuickSight imports the data anew, once a day."""

    time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "06:00"
    """Time of day, as `06:00`: later than the jobs are done."""
    time_zone: TimeZone = "UTC"
    """Time zone of the time, as the IANA database names it, such as `Europe/Berlin`."""


class MysqlArgs(Args):
    """A source for authors on the database itself, through network interfaces in the VPC."""

    replica: str | None = None
    """Read replica to connect to; none takes the first of those that there are, and the primary where there is none."""
    secrets_role: Annotated[str, StringConstraints(pattern=r"^[\w+=,.@-]{1,64}$")] = (
        "aws-quicksight-secretsmanager-role-v0"
    )
    """Role that QuickSight reads secrets under: it has to be there, and is given this one secret more
    (docs/analytics.md)."""


class VisualizationAlarms(Args):
    """What of QuickSight is a fault."""

    failed_refreshes_threshold: int | None = Field(default=1, ge=1)
    """Imports of a data set that fail within an hour; none makes no alarm."""


class VisualizationArgs(Args):
    """QuickSight's sources, data sets and dashboard, and who may see them."""

    subscription: SubscriptionArgs | None = None
    """The account's subscription, where this stack is to make it; none takes it that the account has one, in the
    Enterprise edition (docs/analytics.md says what to do first, and what AWS answers without)."""
    readers: list[Principal] = Field(default_factory=list, max_length=32)
    """Who sees the dashboard; nobody by default (QuickSight: at most 64 principals a resource, authors included)."""
    authors: list[Principal] = Field(default_factory=list, max_length=32)
    """Who sees the dashboard and makes others of the data sets and sources; nobody by default."""
    restricted_columns: dict[Column, list[Principal]] = Field(default_factory=dict)
    """Columns of the data sets that only some see, and who: a visual with one shows nothing to others."""
    refresh: RefreshArgs | None = Field(default_factory=RefreshArgs)
    """When the data is imported anew; none leaves that to whoever asks for it."""
    dashboard_days: int = Field(default=90, ge=1, le=3650)
    """Days that the dashboard shows, until a reader asks for others."""
    manifest: bool = False
    """A source and a data set on the jobs' own file too, by its manifest. Turn it on after the first run: QuickSight
    reads the manifest as the source is made."""
    mysql: MysqlArgs | None = None
    """A source on the database for authors; none has none."""
    register_key: bool = False
    """Register the data key as the one by which QuickSight encrypts what it imports. The registration is the account's
    and the region's, and replaces any other: only one stack may have it. Otherwise QuickSight uses a key of its own."""
    alarms: VisualizationAlarms = Field(default_factory=VisualizationAlarms)
    """Alarms."""

    def refusals(self) -> Iterator[Refusal]:
        yield from self.repeated("readers", "authors")
        for value in sorted(set(self.readers) & set(self.authors)):
            yield Refusal(("readers",), f"{value!r} is among the authors, who read too")
        for column, principals in self.restricted_columns.items():
            if not principals:
                yield Refusal(("restricted_columns", column), "names nobody, so nobody would see it: name who does")


class Visualization(pulumi.ComponentResource):
    """What QuickSight asks by Athena, under a role that may read the published tables and nothing else, and a dashboard
    of the daily revenue. On request also the jobs' own file by its manifest, and MySQL through the VPC.

    The account has to have QuickSight, in the Enterprise edition, or `subscription` has to make it; else AWS answers
    `UnsupportedUserEditionException: Account ... is not subscribed for QuickSight`.
    """

    dashboard_id: str
    dashboard_url: pulumi.Output[str]
    role_name: str
    """Of what reads the lake."""
    security_group_id: pulumi.Output[str] | None
    """Of the network interfaces; none without a source on the database."""

    def __init__(
        self,
        name: str,
        args: VisualizationArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        lake: DataLake,
        database: Database | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: where QuickSight's network interfaces are, if it has a source on the database; of two zones at least,
            and they need no way to the internet.
        key: what `register_key` registers.
        lake: what is shown.
        database: what `mysql` connects to.

        Raises:
            ValueError: if `mysql` lacks a database, a replica or a second zone.
        """
        check_name(name, 30)
        args = args or VisualizationArgs()
        host = _host(name, args.mysql, database, subnets) if args.mysql else None
        super().__init__(f"{PACKAGE}:Visualization", name, None, opts)
        self._name = name
        self._args = args
        self._here = location(self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._lake = lake
        self.role_name = physical_name(f"{name}-lake", 64)
        self.security_group_id = None
        # What everything in QuickSight waits for.
        self._first = self._create_subscription()
        self._first += self._register_key(key)
        role, permissions = self._create_role()
        # QuickSight tries a source as it is made: all that it needs has to be there.
        ready = [*permissions, lake]
        athena = self._create_source(
            "athena", "ATHENA", {"athena": {"work_group": lake.workgroup_name, "role_arn": role.arn}}, ready
        )
        daily_revenue = self._create_daily_revenue(athena)
        self._create_orders(athena)
        imported = {"daily-revenue": self._data_set_id("daily-revenue")}
        if args.manifest:
            manifest = {"bucket": lake.curated.name, "key": f"{lake.EXPORT_PREFIX}/manifest.json"}
            parameters = {"s3": {"manifest_file_location": manifest, "role_arn": role.arn}}
            self._create_manifest(self._create_source("manifest", "S3", parameters, ready))
            imported["manifest"] = self._data_set_id("manifest")
        if args.mysql and database and host is not None:
            self._create_mysql(args.mysql, database, host, subnets)
        self.dashboard_id = physical_name(name, 512)
        self.dashboard_url = pulumi.Output.format(
            "https://{}.quicksight.aws.amazon.com/sn/dashboards/{}", self._here.region, self.dashboard_id
        )
        self._create_dashboard(daily_revenue)
        self.alarms = watch(
            name,
            {
                f"{data_set}-refresh": Alarm(
                    f"QuickSight could not import {data_set}: its history of refreshes says why",
                    namespace="AWS/QuickSight",
                    metric="IngestionErrorCount",
                    dimensions={"DatasetId": data_set_id},
                    statistic="Sum",
                    threshold=args.alarms.failed_refreshes_threshold,
                    period_seconds=3600,
                    periods=1,
                    missing="notBreaching",
                )
                for data_set, data_set_id in imported.items()
            },
            parent=self,
        )
        self.register_outputs(
            {
                "dashboard_id": self.dashboard_id,
                "dashboard_url": self.dashboard_url,
                "role_name": self.role_name,
                "security_group_id": self.security_group_id,
            }
        )

    # -- The account ----------------------------------------------------------------------------------------------

    def _create_subscription(self) -> list[pulumi.Resource]:
        args = self._args.subscription
        if args is None:
            return []
        subscription = aws.quicksight.AccountSubscription(
            self._name,
            account_name=args.account_name,
            edition="ENTERPRISE",
            authentication_method=args.authentication_method,
            notification_email=args.notification_email,
            admin_groups=args.admin_groups or None,
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )
        return [subscription]

    def _register_key(self, key: EncryptionKey) -> list[pulumi.Resource]:
        if not self._args.register_key:
            return []
        registration = aws.quicksight.KeyRegistration(
            self._name,
            key_registrations=[{"key_arn": key.arn, "default_key": True}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._first),
        )
        return [registration]

    # -- Sources ----------------------------------------------------------------------------------------------------

    def _create_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """What QuickSight asks Athena and reads S3 under, in place of the role that all of the account's sources
        share."""
        here, lake = self._here, self._lake
        statements = [
            *lake.read_statements(),
            # What Athena's driver and the search for tables need beside that (QuickSight user guide, "Run queries as an
            # IAM role").
            {
                "Effect": "Allow",
                "Action": ["athena:BatchGetQueryExecution", "athena:GetQueryResultsStream"],
                "Resource": here.arn("athena", f"workgroup/{lake.workgroup_name}"),
            },
            {
                "Effect": "Allow",
                "Action": [
                    "athena:GetDataCatalog",
                    "athena:GetDatabase",
                    "athena:GetTableMetadata",
                    "athena:ListDatabases",
                    "athena:ListTableMetadata",
                ],
                "Resource": here.arn("athena", "datacatalog/AwsDataCatalog"),
            },
            {
                "Effect": "Allow",
                "Action": "glue:GetDatabases",
                "Resource": [here.arn("glue", "catalog"), here.arn("glue", f"database/{lake.database_name}")],
            },
            # Listing these has no resource-level permission.
            {
                "Effect": "Allow",
                "Action": ["athena:ListDataCatalogs", "athena:ListEngineVersions", "athena:ListWorkGroups"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": here.region}},
            },
        ]
        if self._args.manifest:
            export = pulumi.Output.format("{}/{}/*", here.bucket_arn(lake.curated.name), lake.EXPORT_PREFIX)
            statements.append({"Effect": "Allow", "Action": "s3:GetObjectVersion", "Resource": export})
        return create_role(
            f"{self._name}-lake",
            role_name=self.role_name,
            trust=self._trust(),
            statements=statements,
            parent=self,
        )

    def _trust(self) -> pulumi.Output[str]:
        # QuickSight doesn't say for sure that it sends the account; it takes roles of its own account only.
        return service_trust("quicksight.amazonaws.com", StringEqualsIfExists={"aws:SourceAccount": self._here.account})

    def _create_source(
        self,
        name: str,
        kind: str,
        parameters: Any,
        ready: Sequence[pulumi.Resource],
        credentials: aws.quicksight.DataSourceCredentialsArgsDict | None = None,
        vpc_connection_arn: pulumi.Input[str] | None = None,
    ) -> aws.quicksight.DataSource:
        source = f"{self._name}-{name}"
        vpc: Any = {"vpc_connection_arn": vpc_connection_arn} if vpc_connection_arn else None
        tls: Any = {"disable_ssl": False} if vpc_connection_arn else None
        return aws.quicksight.DataSource(
            source,
            data_source_id=physical_name(source, 512),
            name=physical_name(source, 128),
            type=kind,
            parameters=parameters,
            credentials=credentials,
            ssl_properties=tls,
            vpc_connection_properties=vpc,
            permissions=_permissions(self._args.authors, _USE_SOURCE),
            tags=tags(source),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._first, *ready]),
        )

    def _create_mysql(self, args: MysqlArgs, database: Database, host: pulumi.Input[str], subnets: Subnets) -> None:
        """A source on the database: interfaces in the VPC, a door in the database's security group, and the right to
        its secret for the role that QuickSight reads secrets under."""
        name, here = f"{self._name}-mysql", self._here
        group = security_group(name, subnets.vpc_id, "QuickSight's network interfaces", self)
        self.security_group_id = group.id
        doors = [
            *allow(name, client=group.id, server=database.security_group_id, port=database.port, parent=self),
            # QuickSight's guide asks for what comes back to be let in as well: its interfaces were not always stateful.
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-answers",
                security_group_id=group.id,
                referenced_security_group_id=database.security_group_id,
                description=f"{name}-answers",
                ip_protocol="tcp",
                from_port=0,
                to_port=65_535,
                opts=self._child,
            ),
        ]
        role, permissions = create_role(
            name,
            role_name=physical_name(name, 64),
            trust=self._trust(),
            statements=[
                {
                    "Effect": "Allow",
                    "Action": [
                        "ec2:CreateNetworkInterface",
                        "ec2:DeleteNetworkInterface",
                        "ec2:ModifyNetworkInterfaceAttribute",
                    ],
                    "Resource": [
                        here.arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")
                    ],
                },
                # Describing these has no resource-level permission.
                {
                    "Effect": "Allow",
                    "Action": ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:RequestedRegion": here.region}},
                },
            ],
            parent=self,
        )
        connection = aws.quicksight.VpcConnection(
            name,
            vpc_connection_id=physical_name(name, 1000),
            name=physical_name(name, 128),
            role_arn=role.arn,
            security_group_ids=[group.id],
            subnet_ids=list(subnets.ids.values()),
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._first, *permissions, *subnets.routes]),
        )
        secret = aws.iam.RolePolicy(
            f"{name}-secret",
            name=physical_name(f"{name}-secret", 128),
            role=args.secrets_role,
            policy=policy_document(*database.read_secret_statements()),
            opts=self._child,
        )
        self._create_source(
            "mysql",
            "MYSQL",
            {"mysql": {"host": host, "port": database.port, "database": database.database_name}},
            [*doors, secret],
            {"secret_arn": database.secret_arn},
            connection.arn,
        )

    # -- Data sets --------------------------------------------------------------------------------------------------

    def _create_daily_revenue(self, source: aws.quicksight.DataSource) -> aws.quicksight.DataSet:
        """The daily figures, imported: the dashboard asks QuickSight and not Athena.

        QuickSight doesn't look for the table as the data set is made, and fails to import it until the jobs have run.
        """
        table = {
            "data_source_arn": source.arn,
            "catalog": "AwsDataCatalog",
            "schema": self._lake.database_name,
            "name": "daily_revenue",
            "input_columns": _columns(_DAILY_REVENUE),
        }
        return self._create_data_set("daily-revenue", _DAILY_REVENUE, {"relational_table": table})

    def _create_orders(self, source: aws.quicksight.DataSource) -> None:
        """Each order with where it went and what it was of, without the customer's name: asked of Athena each time."""
        query = {
            "data_source_arn": source.arn,
            "name": "orders",
            "sql_query": _ORDERS_SQL.format(catalog=self._lake.database_name),
            "columns": _columns(_ORDERS),
        }
        self._create_data_set("orders", _ORDERS, {"custom_sql": query}, imported=False)

    def _create_manifest(self, source: aws.quicksight.DataSource) -> None:
        """The daily figures as the jobs' own file has them. In CSV all is text (API reference, "S3Source")."""
        file = {
            "data_source_arn": source.arn,
            "input_columns": _columns(dict.fromkeys(_DAILY_REVENUE, "STRING")),
            "upload_settings": {
                "format": "CSV",
                "contains_header": True,
                "delimiter": ",",
                "start_from_row": 1,
                "text_qualifier": "DOUBLE_QUOTE",
            },
        }
        casts = [
            {
                "cast_column_type_operation": {"column_name": column, "new_column_type": kind}
                | ({"format": "yyyy-MM-dd"} if kind == "DATETIME" else {})
            }
            for column, kind in _DAILY_REVENUE.items()
        ]
        typed = {
            "logical_table_map_id": "manifest",
            "alias": "manifest",
            "source": {"physical_table_id": "manifest"},
            "data_transforms": casts,
        }
        self._create_data_set("manifest", _DAILY_REVENUE, {"s3_source": file}, [typed])

    def _data_set_id(self, name: str) -> str:
        return physical_name(f"{self._name}-{name}", 512)

    def _create_data_set(
        self,
        name: str,
        columns: Mapping[str, str],
        table: Mapping[str, Any],
        logical: Any = None,
        imported: bool = True,
    ) -> aws.quicksight.DataSet:
        args, data_set = self._args, f"{self._name}-{name}"
        tables: Any = [{"physical_table_map_id": name, **table}]
        restricted: Any = [
            {"column_names": [column], "principals": principals}
            for column, principals in sorted(args.restricted_columns.items())
            if column in columns
        ]
        made = aws.quicksight.DataSet(
            data_set,
            data_set_id=self._data_set_id(name),
            name=physical_name(data_set, 128),
            import_mode="SPICE" if imported else "DIRECT_QUERY",
            physical_table_maps=tables,
            logical_table_maps=logical,
            column_level_permission_rules=restricted or None,
            permissions=_permissions(args.authors, _USE_DATA_SET),
            tags=tags(data_set),
            opts=self._child,
        )
        if imported and args.refresh:
            aws.quicksight.RefreshSchedule(
                data_set,
                data_set_id=made.data_set_id,
                schedule_id="daily",
                schedule={
                    "refresh_type": "FULL_REFRESH",
                    "schedule_frequency": {
                        "interval": "DAILY",
                        "time_of_the_day": args.refresh.time,
                        "timezone": args.refresh.time_zone,
                    },
                },
                opts=self._child,
            )
        return made

    # -- Dashboard --------------------------------------------------------------------------------------------------

    def _create_dashboard(self, data_set: aws.quicksight.DataSet) -> None:
        """By CloudFormation, since Pulumi's provider makes a dashboard from a template only and not from a
        definition."""
        name, args = f"{self._name}-dashboard", self._args
        dashboard: dict[str, Any] = {
            "AwsAccountId": self._here.account,
            "DashboardId": self.dashboard_id,
            "Name": f"Daily revenue ({pulumi.get_project()} {pulumi.get_stack()})",
            "Definition": _definition(data_set.arn, args.dashboard_days),
            "DashboardPublishOptions": {
                "AdHocFilteringOption": {"AvailabilityStatus": "DISABLED"},
                "ExportToCSVOption": {"AvailabilityStatus": "ENABLED"},
                "SheetControlsOption": {"VisibilityState": "EXPANDED"},
            },
            "ValidationStrategy": {"Mode": "STRICT"},
        }
        grants = _permissions([*args.readers, *args.authors], _READ_DASHBOARD)
        if grants:
            dashboard["Permissions"] = [{"Principal": g["principal"], "Actions": g["actions"]} for g in grants]
        template = {
            "Description": f"QuickSight dashboard of {pulumi.get_project()} {pulumi.get_stack()}",
            "Resources": {"Dashboard": {"Type": "AWS::QuickSight::Dashboard", "Properties": dashboard}},
        }
        aws.cloudformation.Stack(
            name,
            name=physical_name(name, 128),
            template_body=pulumi.Output.json_dumps(template),
            # One that could not be made would only stand in the way of the next try.
            on_failure="DELETE",
            tags=tags(name),
            opts=self._child,
        )


def _host(name: str, args: MysqlArgs, database: Database | None, subnets: Subnets) -> pulumi.Input[str]:
    """The host to connect to."""
    if database is None:
        raise ValueError(f"visualization {name!r}: mysql needs a database")
    if len(subnets.ids) < 2:
        raise ValueError(
            f"visualization {name!r}: has subnets in {len(subnets.ids)} zone(s), but a VPC connection needs two"
        )
    replicas = database.replica_endpoints
    if args.replica is None:
        return replicas[min(replicas)] if replicas else database.endpoint
    if args.replica not in replicas:
        there = ", ".join(sorted(replicas)) or "none"
        raise ValueError(f"visualization {name!r}: the database has no replica {args.replica!r}; there are: {there}")
    return replicas[args.replica]


def _permissions(principals: Sequence[str], actions: Sequence[str]) -> Any:
    """The same for each; nothing where there is nobody, as an empty list is refused."""
    granted = [f"quicksight:{action}" for action in actions]
    return [{"principal": principal, "actions": granted} for principal in sorted(principals)] or None


def _columns(types: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]


def _definition(data_set_arn: pulumi.Input[str], days: int) -> dict[str, Any]:
    """The dashboard (QuickSight API reference, "DashboardVersionDefinition"): figures above, days below."""
    visuals = [
        _visual("revenue", "KPIVisual", "Revenue", {"Values": [_sum("revenue", "revenue")]}),
        _visual("orders", "KPIVisual", "Orders", {"Values": [_sum("orders", "orders")]}),
        _visual(
            "revenue-by-day",
            "LineChartVisual",
            "Revenue by day",
            {
                "LineChartAggregatedFieldWells": {
                    "Category": [_day("revenue-by-day")],
                    "Values": [_sum("revenue-by-day", "revenue")],
                }
            },
            Type="LINE",
        ),
        _visual(
            "orders-by-day",
            "BarChartVisual",
            "Orders by day",
            {
                "BarChartAggregatedFieldWells": {
                    "Category": [_day("orders-by-day")],
                    "Values": [_sum("orders-by-day", "orders")],
                }
            },
            Orientation="VERTICAL",
        ),
        _visual(
            "days",
            "TableVisual",
            "Days",
            {
                "TableAggregatedFieldWells": {
                    "GroupBy": [_day("days")],
                    "Values": [_sum("days", "orders"), _sum("days", "revenue")],
                }
            },
            SortConfiguration={"RowSort": [{"FieldSort": {"FieldId": "days-order_date", "Direction": "DESC"}}]},
        ),
    ]
    # Of each visual: column, width, row and height, on a grid of 36 columns.
    places = {
        "revenue": (0, 18, 0, 5),
        "orders": (18, 18, 0, 5),
        "revenue-by-day": (0, 36, 5, 10),
        "orders-by-day": (0, 18, 15, 12),
        "days": (18, 18, 15, 12),
    }
    grid = {
        "Elements": [
            {
                "ElementId": visual,
                "ElementType": "VISUAL",
                "ColumnIndex": column,
                "ColumnSpan": width,
                "RowIndex": row,
                "RowSpan": height,
            }
            for visual, (column, width, row, height) in places.items()
        ],
        "CanvasSizeOptions": {"ScreenCanvasSizeOptions": {"ResizeOption": "FIXED", "OptimizedViewPortWidth": "1600px"}},
    }
    latest = {
        "FilterId": "latest",
        "Column": _column("order_date"),
        "AnchorDateConfiguration": {"AnchorOption": "NOW"},
        "TimeGranularity": "DAY",
        "MinimumGranularity": "DAY",
        "RelativeDateType": "LAST",
        "RelativeDateValue": days,
        "NullOption": "NON_NULLS_ONLY",
    }
    return {
        "DataSetIdentifierDeclarations": [{"Identifier": _SHEET, "DataSetArn": data_set_arn}],
        "Sheets": [
            {
                "SheetId": _SHEET,
                "Name": "Daily revenue",
                "ContentType": "INTERACTIVE",
                "Visuals": visuals,
                "FilterControls": [
                    {"RelativeDateTime": {"FilterControlId": "period", "Title": "Days", "SourceFilterId": "latest"}}
                ],
                "Layouts": [{"Configuration": {"GridLayout": grid}}],
            }
        ],
        "FilterGroups": [
            {
                "FilterGroupId": "recent",
                "Filters": [{"RelativeDatesFilter": latest}],
                "ScopeConfiguration": {
                    "SelectedSheets": {
                        "SheetVisualScopingConfigurations": [{"SheetId": _SHEET, "Scope": "ALL_VISUALS"}]
                    }
                },
                "Status": "ENABLED",
                "CrossDataset": "SINGLE_DATASET",
            }
        ],
    }


def _visual(visual_id: str, kind: str, title: str, fields: dict[str, Any], **configuration: Any) -> dict[str, Any]:
    return {
        kind: {
            "VisualId": visual_id,
            "Title": {"Visibility": "VISIBLE", "FormatText": {"PlainText": title}},
            "ChartConfiguration": {"FieldWells": fields, **configuration},
        }
    }


def _column(name: str) -> dict[str, str]:
    return {"DataSetIdentifier": _SHEET, "ColumnName": name}


def _sum(visual: str, column: str) -> dict[str, Any]:
    """The sum of a column over what the visual groups by: field ids are unique in a dashboard."""
    return {
        "NumericalMeasureField": {
            "FieldId": f"{visual}-{column}",
            "Column": _column(column),
            "AggregationFunction": {"SimpleNumericalAggregation": "SUM"},
        }
    }


def _day(visual: str) -> dict[str, Any]:
    return {
        "DateDimensionField": {
            "FieldId": f"{visual}-order_date",
            "Column": _column("order_date"),
            "DateGranularity": "DAY",
        }
    }
