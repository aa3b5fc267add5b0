"""The offline preview: what a stack would be, without a cloud account, an engine or credentials."""
