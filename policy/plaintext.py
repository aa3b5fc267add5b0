"""What a variable in plain text gives away: told by its name, or by a value that can be nothing else."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|PWD$|_PASS$|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|AUTH)_?KEY"
)
# Of a secret only where it is, how long it is good for and the like; but for AWS's own, which is half of one.
_ABOUT = re.compile(
    r"(?<!^AWS_ACCESS_KEY_)"
    r"(ARN|NAME|ID|URL|URI|PATH|FILE|DIR|TTL|AGE|SECONDS|MINUTES|HOURS|DAYS|LENGTH|COUNT|LIMIT|POLICY|TYPE|REGION)$"
)
# Keys of AWS, private keys, passwords in addresses, tokens.
_VALUE = re.compile(
    r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@"
    r"|\bgh[pousr]_[A-Za-z0-9]{20}|\bxox[abprs]-|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.|\bpul-[0-9a-f]{40}"
)
_REFERENCE = re.compile(r"arn:[\w-]+:(secretsmanager|ssm|kms|iam):|alias/|(true|false|[0-9]+)$", re.IGNORECASE)


def named_secret(name: str) -> bool:
    """Whether a variable is a secret by its name."""
    return bool(_NAME.search(name.upper())) and not _ABOUT.search(name.upper())


def is_secret(value: str) -> bool:
    """Whether a value is a secret, whatever it is called."""
    return bool(_VALUE.search(value))


def is_reference(value: str) -> bool:
    """Whether a value only says where a secret is, or is none: a flag, a number."""
    return bool(_REFERENCE.match(value))
