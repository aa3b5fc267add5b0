"""Grafana: an Amazon Managed Grafana workspace over CloudWatch and Athena, and the platform's dashboard in it."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    Refusal,
    check_name,
    create_role,
    location,
    log_group_name,
    physical_name,
    service_trust,
    tags,
)
from .database import Database
from .datalake import DataLake
from .network import Subnets, allow, https_out, security_group
from .observability import AlarmTopic, Watched, places
from .security import EncryptionKey

ENDPOINTS = frozenset({"athena", "logs", "monitoring", "sns", "sts"})
"""AWS services that a workspace with a VPC connection asks from private subnets."""

_GLOBAL_REGION = "us-east-1"
"""Where CloudFront's metrics are."""
_CLOUDWATCH, _ATHENA = "cloudwatch", "athena"
"""Data sources, by the ids that panels name them by."""
_TOKEN_SECONDS = 4 * 60 * 60
"""What the token lives, of 30 days at most: an update that has failed can be repeated, and none waits to be stolen."""
_PANEL_HEIGHT = 7

IdentityId = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9a-f]{10}-)?[A-Fa-f0-9]{8}-([A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}$"),
]
"""What IAM Identity Center knows a user or group by (`aws identitystore list-groups`)."""
PrincipalName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", max_length=64)]
PrefixListId = Annotated[str, StringConstraints(pattern=r"^pl-[0-9a-f]{8,17}$")]
VpcEndpointId = Annotated[str, StringConstraints(pattern=r"^vpce-[0-9a-f]{8,17}$")]


class PrincipalsArgs(Args):
    """Users and groups of IAM Identity Center."""

    groups: dict[PrincipalName, IdentityId] = Field(default_factory=dict)
    """Ids of groups, by a name that tells them here."""
    users: dict[PrincipalName, IdentityId] = Field(default_factory=dict)
    """Ids of users, by a name that tells them here."""


class SamlArgs(Args):
    """An identity provider that speaks SAML 2.0, and what its assertions say of a user."""

    metadata_url: Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=2048)] | None = None
    """Where the identity provider publishes its metadata; else give `metadata_xml`."""
    metadata_xml: str | None = Field(default=None, min_length=1)
    """The identity provider's metadata themselves."""
    role_attribute: str = Field(default="role", min_length=1, max_length=256)
    """The attribute of an assertion that says what a user may do."""
    admin_role_values: list[str] = Field(min_length=1)
    """Values of that attribute that make an administrator: without any, nobody could change the workspace."""
    editor_role_values: list[str] = Field(min_length=1)
    """Values that make an editor; who has neither is a viewer."""
    name_attribute: str = Field(default="displayName", min_length=1, max_length=256)
    """The attribute with a user's full name."""
    login_attribute: str = Field(default="mail", min_length=1, max_length=256)
    """The attribute with the name that a user signs in with."""
    email_attribute: str = Field(default="mail", min_length=1, max_length=256)
    """The attribute with a user's e-mail address."""
    organization_attribute: str | None = Field(default=None, min_length=1, max_length=256)
    """The attribute with a user's organization; needed by `allowed_organizations`."""
    allowed_organizations: list[str] = Field(default_factory=list)
    """Organizations whose users may sign in; none lets in those of all."""

    def refusals(self) -> Iterator[Refusal]:
        if (self.metadata_url is None) == (self.metadata_xml is None):
            yield Refusal(("metadata_url",), "give it or `metadata_xml`, and not both")
        for value in sorted(set(self.admin_role_values) & set(self.editor_role_values)):
            yield Refusal(("editor_role_values",), f"{value!r} makes an administrator already")
        if self.allowed_organizations and self.organization_attribute is None:
            yield Refusal(("organization_attribute",), "`allowed_organizations` needs it")


class NetworkAccessArgs(Args):
    """Where the workspace is reached from. Who gets through has to sign in all the same."""

    prefix_lists: list[PrefixListId] = Field(default_factory=list, max_length=100)
    """Managed prefix lists of public IPv4 ranges, those of the machine that runs Pulumi among them."""
    vpc_endpoints: list[VpcEndpointId] = Field(default_factory=list, max_length=100)
    """Interface endpoints for `grafana-workspace`."""

    def refusals(self) -> Iterator[Refusal]:
        if not self.prefix_lists and not self.vpc_endpoints:
            yield Refusal(("prefix_lists",), "nobody could reach the workspace: name one, or an endpoint")


class GrafanaArgs(Args):
    """The Grafana workspace: who signs in, from where, and what is in it."""

    version: Literal["10.4", "12.4", "13.2"] = "12.4"
    """Grafana's version. It can be raised, and never lowered."""
    authentication: list[Literal["AWS_SSO", "SAML"]] = Field(default=["AWS_SSO"], min_length=1, max_length=2)
    """How users sign in: by IAM Identity Center (`AWS_SSO`), which the account or its organization must have enabled,
    by another identity provider (`SAML`), or both. A change makes a new workspace."""
    saml: SamlArgs | None = None
    """The identity provider. It can be left out until it has been told the workspace's URL, which is there only after
    the first update; nobody signs in by SAML before."""
    admins: PrincipalsArgs = Field(default_factory=PrincipalsArgs)
    """Who administrates the workspace (AWS_SSO)."""
    editors: PrincipalsArgs = Field(default_factory=PrincipalsArgs)
    """Who changes dashboards (AWS_SSO)."""
    viewers: PrincipalsArgs = Field(default_factory=PrincipalsArgs)
    """Who looks at dashboards (AWS_SSO)."""
    network_access: NetworkAccessArgs | None = None
    """Where the workspace is reached from; none leaves it to all addresses, and to the sign-in."""
    vpc_connection: bool = False
    """The workspace's way out leads through the private subnets, for data sources in the VPC: MySQL, HTTPS. All that
    it asks goes that way then, AWS's own services too."""
    dashboards: bool = True
    """Data sources and the platform's dashboard, by Grafana's own API: Pulumi's machine must reach the workspace."""
    deletion_protection: bool = True
    """Pulumi refuses to delete or replace the workspace, with the dashboards that people have made in it."""

    def refusals(self) -> Iterator[Refusal]:
        if len(set(self.authentication)) < len(self.authentication):
            yield Refusal(("authentication",), "names the same twice")
        if self.saml and "SAML" not in self.authentication:
            yield Refusal(("saml",), "has no effect: add SAML to `authentication`, or leave it out")
        if "AWS_SSO" not in self.authentication:
            for role in ("admins", "editors", "viewers"):
                principals = getattr(self, role)
                if principals.groups or principals.users:
                    yield Refusal((role,), "are of AWS_SSO: with SAML alone, `saml` says by what values they are told")


class Grafana(pulumi.ComponentResource):
    """A workspace under a role that reads this account's metrics, the platform's log groups and the lake's tables.

    What is in it goes by Pulumi's Grafana provider, under a token of this stack. That token is made anew whenever what
    it is to write has changed, and at no other time: so it can be short-lived, an update that changes nothing here
    needs none, and none is ever too old for an update that does. A preview never speaks to Grafana.

    There is no X-Ray data source, as nothing here sends traces.
    """

    workspace_id: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: GrafanaArgs | None = None,
        *,
        subnets: Subnets | None = None,
        key: EncryptionKey,
        lake: DataLake | None = None,
        database: Database | None = None,
        topic: AlarmTopic | None = None,
        tiers: Mapping[str, Mapping[str, Watched]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: private ones, in two zones at least, for the VPC connection.
        key: encrypts the workspace. Grafana takes a grant on it from whoever makes the workspace.
        lake: its published tables become a data source.
        database: may be reached through the VPC connection; its password is not Grafana's to read.
        topic: Grafana's own alerts may be published to it.
        tiers: the alarms of each, whose metrics and thresholds the dashboard shows.

        Raises:
            ValueError: if there is to be a VPC connection, and there are no subnets.
        """
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:Grafana", name, None, opts)
        self._name = name
        self._args = args = args or GrafanaArgs()
        self._here = location(self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._lake = lake
        role, permissions = create_role(
            name,
            trust=service_trust(
                "grafana.amazonaws.com",
                StringEquals={"aws:SourceAccount": self._here.account},
                StringLike={"aws:SourceArn": self._here.arn("grafana", "/workspaces/*")},
            ),
            statements=[
                *self._metrics_statements(),
                *(_athena_statements(lake) if lake else []),
                *(topic.publish_statements() if topic else []),
            ],
            parent=self,
        )
        connection = None
        ways_out: list[pulumi.Resource] = []
        if args.vpc_connection:
            if subnets is None:
                raise ValueError(f"grafana {name!r}: vpc_connection needs subnets")
            connection, ways_out = self._connect(subnets, database)
        access = args.network_access
        self._workspace = aws.grafana.Workspace(
            name,
            name=physical_name(name, 255),
            description=f"What {pulumi.get_project()} {pulumi.get_stack()} does",
            account_access_type="CURRENT_ACCOUNT",
            authentication_providers=args.authentication,
            permission_type="CUSTOMER_MANAGED",
            role_arn=role.arn,
            data_sources=["CLOUDWATCH", *(["ATHENA"] if lake else [])],
            notification_destinations=["SNS"] if topic else None,
            grafana_version=args.version,
            # Athena's data source is a plugin that an administrator installs.
            configuration=json.dumps({"plugins": {"pluginAdminEnabled": lake is not None}}),
            kms_key_id=key.arn,
            network_access_control={"prefix_list_ids": access.prefix_lists, "vpce_ids": access.vpc_endpoints}
            if access
            else None,
            vpc_configuration=connection,
            tags=tags(name),
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.deletion_protection, depends_on=[*permissions, *ways_out]
            ),
        )
        self.workspace_id = self._workspace.id
        self.url = pulumi.Output.format("https://{}", self._workspace.endpoint)
        self._admit()
        if args.dashboards:
            self._create_dashboards(tiers or {})
        self.register_outputs({"workspace_id": self.workspace_id, "url": self.url})

    def _metrics_statements(self) -> list[dict[str, Any]]:
        """Metrics have no resource-level permission, only the region that is asked; nor have the answers to queries of
        logs, while the queries do."""
        regions = {"StringEquals": {"aws:RequestedRegion": [self._here.region, _GLOBAL_REGION]}}
        return [
            {
                "Effect": "Allow",
                "Action": ["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"],
                "Resource": "*",
                "Condition": regions,
            },
            {
                "Effect": "Allow",
                "Action": ["logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"],
                "Resource": "*",
                "Condition": regions,
            },
            {
                "Effect": "Allow",
                "Action": ["logs:GetLogEvents", "logs:GetLogGroupFields", "logs:StartQuery"],
                "Resource": self._here.arn("logs", f"log-group:{log_group_name('*')}"),
            },
        ]

    def _connect(
        self, subnets: Subnets, database: Database | None
    ) -> tuple[aws.grafana.WorkspaceVpcConfigurationArgsDict, list[pulumi.Resource]]:
        """The VPC connection, and what leads out of it."""
        group = security_group(f"{self._name}-vpc", subnets.vpc_id, "Grafana to its data sources", self)
        ways_out = [https_out(f"{self._name}-vpc", group.id, self), *subnets.routes]
        if database:
            ways_out += allow(
                f"{self._name}-to-database",
                client=group.id,
                server=database.security_group_id,
                port=database.port,
                parent=self,
            )
        return {"subnet_ids": list(subnets.ids.values()), "security_group_ids": [group.id]}, ways_out

    def _admit(self) -> None:
        """Say who signs in, and as what."""
        args, saml = self._args, self._args.saml
        for role, principals in {"admin": args.admins, "editor": args.editors, "viewer": args.viewers}.items():
            if principals.groups or principals.users:
                aws.grafana.RoleAssociation(
                    f"{self._name}-{role}",
                    workspace_id=self.workspace_id,
                    role=role.upper(),
                    group_ids=sorted(set(principals.groups.values())) or None,
                    user_ids=sorted(set(principals.users.values())) or None,
                    opts=self._child,
                )
        if saml:
            aws.grafana.WorkspaceSamlConfiguration(
                self._name,
                workspace_id=self.workspace_id,
                idp_metadata_url=saml.metadata_url,
                idp_metadata_xml=saml.metadata_xml,
                role_assertion=saml.role_attribute,
                admin_role_values=saml.admin_role_values,
                editor_role_values=saml.editor_role_values,
                name_assertion=saml.name_attribute,
                login_assertion=saml.login_attribute,
                email_assertion=saml.email_attribute,
                org_assertion=saml.organization_attribute,
                allowed_organizations=saml.allowed_organizations or None,
                opts=self._child,
            )

    def _create_dashboards(self, tiers: Mapping[str, Mapping[str, Watched]]) -> None:
        """Put the data sources and the dashboard into the workspace, by its own API."""
        import pulumiverse_grafana as grafana  # needs time to load that a stack without dashboards has no use for

        sources = self._sources()
        title = f"{pulumi.get_project()} {pulumi.get_stack()}"
        dashboard = pulumi.Output.json_dumps(
            {
                "uid": physical_name(self._name, 40),
                "title": title,
                "schemaVersion": 39,
                "time": {"from": "now-6h", "to": "now"},
                "panels": _panels(tiers, self._here.region),
            }
        )
        account = aws.grafana.WorkspaceServiceAccount(
            self._name, name="pulumi", grafana_role="ADMIN", workspace_id=self.workspace_id, opts=self._child
        )
        token = aws.grafana.WorkspaceServiceAccountToken(
            self._name,
            workspace_id=self.workspace_id,
            service_account_id=account.service_account_id,
            seconds_to_live=_TOKEN_SECONDS,
            opts=pulumi.ResourceOptions(
                parent=self, replacement_trigger=pulumi.Output.json_dumps([dashboard, *sources.values()])
            ),
        )
        provider = grafana.Provider(self._name, url=self.url, auth=token.key, opts=self._child)
        # With the workspace goes all that is in it, for which there may be no valid token any more.
        inside = pulumi.ResourceOptions(parent=self, provider=provider, deleted_with=self._workspace)
        made = [
            grafana.oss.DataSource(
                f"{self._name}-{source}",
                uid=source,
                name={_CLOUDWATCH: "CloudWatch", _ATHENA: "Athena"}[source],
                type={_CLOUDWATCH: "cloudwatch", _ATHENA: "grafana-athena-datasource"}[source],
                access_mode="proxy",
                is_default=source == _CLOUDWATCH,
                json_data_encoded=settings,
                opts=inside,
            )
            for source, settings in sources.items()
        ]
        grafana.oss.Dashboard(
            self._name,
            config_json=dashboard,
            opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=made)),
        )

    def _sources(self) -> dict[str, pulumi.Output[str]]:
        """The settings of each data source. All act under the workspace's role."""
        common = {"authType": "ec2_iam_role", "defaultRegion": self._here.region}
        found: dict[str, dict[str, Any]] = {_CLOUDWATCH: common}
        if self._lake:
            found[_ATHENA] = common | {
                "catalog": "AwsDataCatalog",
                "database": self._lake.database_name,
                "workgroup": self._lake.workgroup_name,
            }
        return {source: pulumi.Output.json_dumps(settings) for source, settings in found.items()}


def _athena_statements(lake: DataLake) -> list[dict[str, Any]]:
    """What the lake grants to its readers, and the tables' names and columns for Grafana's editor."""
    return [
        *lake.read_statements(),
        {
            "Effect": "Allow",
            "Action": ["athena:GetDataCatalog", "athena:GetTableMetadata", "athena:ListTableMetadata"],
            "Resource": location(lake).arn("athena", "datacatalog/AwsDataCatalog"),
        },
    ]


def _panels(tiers: Mapping[str, Mapping[str, Watched]], region: pulumi.Output[str]) -> list[dict[str, Any]]:
    """A row for each tier, and below it a chart for each of its alarms."""
    panels: list[dict[str, Any]] = []
    for title, watched, x, y, width, height in places(tiers, _PANEL_HEIGHT):
        panel = _chart(title, watched, region) if watched else {"type": "row", "title": title}
        panels.append(panel | {"gridPos": {"x": x, "y": y, "w": width, "h": height}})
    # An id of its own is what Grafana tells a panel by.
    return [panel | {"id": number} for number, panel in enumerate(panels, start=1)]


def _chart(key: str, watched: Watched, region: pulumi.Output[str]) -> dict[str, Any]:
    """A metric over time, and the line that it should not cross."""
    alarm = watched.alarm
    source = {"type": "cloudwatch", "uid": _CLOUDWATCH}
    query = {
        "datasource": source,
        "queryMode": "Metrics",
        "metricQueryType": 0,  # a search, by dimensions
        "metricEditorMode": 0,
        "region": watched.region or region,
        "namespace": alarm.namespace,
        "metricName": alarm.metric,
        "dimensions": dict(alarm.dimensions),
        "matchExact": True,
        "statistic": alarm.statistic,
        "period": str(alarm.period_seconds),
        "expression": "",
    }
    targets = [query | {"refId": "A", "id": "a", "label": alarm.metric}]
    if alarm.percent_of:
        targets = [
            query | {"refId": "A", "id": "part", "hide": True},
            query | {"refId": "B", "id": "whole", "metricName": alarm.percent_of, "hide": True},
            query
            | {
                "refId": "C",
                "id": "percent",
                "metricEditorMode": 1,  # an expression
                "expression": "100 * part / whole",
                "label": f"% of {alarm.percent_of}",
            },
        ]
    below, above = ("red", "green") if alarm.comparison.startswith("<") else ("green", "red")
    return {
        "type": "timeseries",
        "title": key,
        "description": alarm.description,
        "datasource": source,
        "targets": targets,
        "fieldConfig": {
            "defaults": {
                "unit": "percent" if alarm.percent_of else "short",
                "custom": {"thresholdsStyle": {"mode": "line"}},
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"color": below, "value": None}, {"color": above, "value": alarm.threshold}],
                },
            },
            "overrides": [],
        },
    }
