"""What a role needs to deploy the program: its services in one region, the global ones, and roles for them."""

from typing import Any

import pulumi

from .common import Location

# Services whose resources the program makes, as their ARNs and actions name them.
_SERVICES = (
    "acm", "athena", "autoscaling", "cloudtrail", "cloudwatch", "codebuild", "codecommit", "codepipeline", "ec2", "ecr",
    "eks", "elasticache", "elasticbeanstalk", "elasticloadbalancing", "elasticmapreduce", "events", "glue", "grafana",
    "kms", "logs", "quicksight", "rds", "scheduler", "sns", "sqs", "states", "wafv2",
)  # fmt: skip
_PUBLIC = {"ec2": ("image/*", "snapshot/*"), "elasticbeanstalk": ("platform/*", "solutionstack/*")}
"""What AWS has for everyone: it carries no account."""
_GETTERS = ("cloudfront", "codecommit", "ec2", "ecr", "elasticmapreduce", "glue", "route53")
"""Services that have to be asked by `Get`, too, for what is no resource."""
_WITHOUT_RESOURCE = (
    "acm:RequestCertificate", "cloudfront:Create*", "cloudwatch:PutCompositeAlarm",
    "codecommit:CreateApprovalRuleTemplate", "codecommit:DeleteApprovalRuleTemplate",
    "codecommit:UpdateApprovalRuleTemplate*",
    "ec2:DisableEbsEncryptionByDefault", "ec2:EnableEbsEncryptionByDefault", "eks:CreateCluster",
    "elasticbeanstalk:Check*", "elasticbeanstalk:CreateStorageLocation", "elasticloadbalancing:SetWebAcl",
    "elasticmapreduce:CreateSecurityConfiguration", "elasticmapreduce:DeleteSecurityConfiguration",
    "elasticmapreduce:RunJobFlow", "glue:CreateCrawler", "glue:CreateSecurityConfiguration",
    "glue:DeleteSecurityConfiguration", "grafana:CreateWorkspace", "kms:CreateKey", "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery", "logs:DeleteResourcePolicy", "logs:GetLogDelivery", "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "quicksight:CreateAccountSubscription", "quicksight:CreateDataSource", "quicksight:CreateVPCConnection",
    "quicksight:UpdateKeyRegistration", "route53:CreateHealthCheck",
    "route53:CreateHostedZone", "sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe", "states:ValidateStateMachineDefinition",
)  # fmt: skip
"""What creates or changes and names no resource (Service Authorization Reference)."""
_IAM = (
    "AddRoleToInstanceProfile", "AttachRolePolicy", "CreateInstanceProfile", "CreateOpenIDConnectProvider",
    "CreatePolicy", "CreatePolicyVersion", "CreateRole", "CreateServiceLinkedRole", "DeleteInstanceProfile",
    "DeleteOpenIDConnectProvider", "DeletePolicy", "DeletePolicyVersion", "DeleteRole", "DeleteRolePolicy",
    "DetachRolePolicy", "Get*", "List*", "PutRolePolicy", "RemoveRoleFromInstanceProfile", "Tag*", "Untag*",
    "UpdateAssumeRolePolicy", "UpdateOpenIDConnectProviderThumbprint", "UpdateRole", "UpdateRoleDescription",
)  # fmt: skip
_IDENTITY_CENTER = (
    "organizations:DescribeOrganization", "sso:AssociateProfile", "sso:CreateManagedApplicationInstance",
    "sso:DeleteManagedApplicationInstance", "sso:DescribeRegisteredRegions", "sso:DisassociateProfile",
    "sso:GetApplicationInstance", "sso:GetManagedApplicationInstance", "sso:GetProfile",
    "sso:GetSharedSsoConfiguration", "sso:ListApplicationInstances", "sso:ListDirectoryAssociations",
    "sso:ListProfileAssociations", "sso:ListProfiles",
)  # fmt: skip
"""What Grafana asks for a workspace that people sign in to by IAM Identity Center (Service Authorization Reference,
CreateWorkspace; AWSGrafanaWorkspacePermissionManagement). Its region is its own, and it knows no resource."""
_PASSED_TO = (
    "cloudtrail", "codebuild", "codepipeline", "ec2", "eks", "elasticbeanstalk", "elasticmapreduce", "events", "glue",
    "grafana", "monitoring.rds", "pods.eks", "quicksight", "scheduler", "states", "vpc-flow-logs",
)  # fmt: skip
"""Services that roles of the program are for."""


def manage_statements(stack: str, region: str, here: Location) -> list[dict[str, Any]]:
    """What an update of a stack needs: its services in its region, the global ones, and roles for them.

    A resource that a service names itself, such as a key or a network interface, can't be told by the stack's name:
    those statements are held to the account and the region.
    """
    own = f"{pulumi.get_project()}-{stack}-*"

    def arn(service: str, path: str, *, region: str = "*", account: pulumi.Input[str] | None = None) -> Any:
        return pulumi.Output.format(
            "arn:{}:{}:{}:{}:{}", here.partition, service, region, here.account if account is None else account, path
        )

    regions = {"StringEquals": {"aws:RequestedRegion": list(dict.fromkeys([region, "us-east-1"]))}}
    reads = [f"{service}:{verb}*" for service in (*_SERVICES, "cloudfront", "route53") for verb in ("Describe", "List")]
    return [
        {
            "Sid": "Services",
            "Effect": "Allow",
            "Action": [f"{service}:*" for service in _SERVICES],
            "Resource": [
                *(arn(service, "*") for service in _SERVICES),
                *(arn(service, path, account="") for service, paths in _PUBLIC.items() for path in paths),
            ],
            "Condition": regions,
        },
        {
            "Sid": "IdentityCenter",
            "Effect": "Allow",
            "Action": list(_IDENTITY_CENTER),
            "Resource": "*",
        },
        {
            "Sid": "WithoutResource",
            "Effect": "Allow",
            "Action": [*reads, *(f"{service}:Get*" for service in _GETTERS), *_WITHOUT_RESOURCE],
            "Resource": "*",
            "Condition": regions,
        },
        {
            "Sid": "Global",
            "Effect": "Allow",
            "Action": ["cloudfront:*", "cloudwatch:*", "route53:*"],
            "Resource": [
                arn("cloudfront", "*", region=""),
                arn("cloudwatch", "dashboard/*", region=""),
                *(
                    arn("route53", f"{kind}/*", region="", account="")
                    for kind in ("change", "healthcheck", "hostedzone")
                ),
            ],
        },
        {
            "Sid": "Named",
            "Effect": "Allow",
            "Action": ["cloudformation:*", "s3:*", "secretsmanager:*"],
            "Resource": [
                here.bucket_arn(own),
                arn("cloudformation", f"stack/{own}"),
                # Elastic Beanstalk's own bucket and stacks, which it makes on behalf of whoever makes an environment.
                here.bucket_arn(pulumi.Output.format("elasticbeanstalk-{}-{}*", region, here.account)),
                arn("cloudformation", "stack/awseb-*"),
                arn("secretsmanager", f"secret:{own}"),
            ],
            "Condition": regions,
        },
        {
            "Sid": "MachineImages",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
            "Resource": arn("ssm", "parameter/aws/service/*", account=""),
        },
        {
            "Sid": "Roles",
            "Effect": "Allow",
            "Action": [f"iam:{action}" for action in _IAM],
            "Resource": [
                here.global_arn("iam", f"{kind}/*") for kind in ("instance-profile", "oidc-provider", "policy", "role")
            ],
        },
        {
            "Sid": "RolesForServices",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": here.global_arn("iam", "role/*"),
            "Condition": {
                "StringEquals": {"iam:PassedToService": [f"{service}.amazonaws.com" for service in _PASSED_TO]}
            },
        },
    ]
