"""The program as Terraform: its registrations as Terraform JSON, judged by the real AWS provider."""
