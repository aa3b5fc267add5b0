"""The JSON schema of a stack file, by which editors complete and check `Pulumi.<stack>.yaml`."""

import re
from typing import Any

from .model import Settings


def stack_file_schema(project: str) -> dict[str, Any]:
    """A schema (draft 2020-12) of a project's stack files; other namespaces than the project's are left alone."""
    settings = Settings.model_json_schema()
    sections = settings["properties"]
    region, tags = sections.pop("region"), sections.pop("tags")
    names = "|".join(sorted(map(re.escape, sections)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Stack file of {project}",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {
                    "aws:region": region,
                    "aws:defaultTags": {"type": "object", "properties": {"tags": tags}},
                }
                | {f"{project}:{name}": section for name, section in sections.items()},
                "patternProperties": {f"^{re.escape(project)}:(?!({names})$)": False},
                "required": ["aws:region"] + [f"{project}:{name}" for name in settings["required"] if name in sections],
            }
        },
        "required": ["config"],
        "$defs": settings["$defs"],
    }
