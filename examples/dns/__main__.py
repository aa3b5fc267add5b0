"""A hosted zone that is made here, and a certificate that it validates."""

import pulumi
from platform_components.edge import Dns, DnsArgs

dns = Dns("dns", DnsArgs(zone="example.com", create_zone=True, domain="app.example.com"))

pulumi.export("certificate_arn", dns.certificate_arn)
pulumi.export("name_servers", dns.name_servers)
