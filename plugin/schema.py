"""Write the package's schema, for whom has no CLI at hand: `python -m plugin.schema`."""

import json
from pathlib import Path

from components.provider import schema

(Path(__file__).parent / "schema.json").write_text(json.dumps(schema(), indent=2) + "\n")
