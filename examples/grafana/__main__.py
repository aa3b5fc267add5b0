"""A Grafana workspace, with a dashboard of a queue's alarms."""

import pulumi
from platform_components.grafana import Grafana, GrafanaArgs, PrincipalsArgs
from platform_components.messaging import Messaging, MessagingArgs, QueueArgs
from platform_components.security import Security

security = Security("security")
messaging = Messaging("messaging", MessagingArgs(queues={"orders": QueueArgs()}), key=security.data)
admins = PrincipalsArgs(groups={"operators": pulumi.Config().require("operators_id")})
grafana = Grafana("grafana", GrafanaArgs(admins=admins), key=security.data, tiers={"messaging": messaging.alarms})

pulumi.export("url", grafana.url)
