"""A real Pulumi engine against the AWS stand-in: no account, no credentials, no network."""
