"""A stand-in for AWS: what it computes, for tests, the offline preview and a real Pulumi engine alike."""
