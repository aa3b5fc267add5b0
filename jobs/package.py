"""What to upload for the jobs to run on EMR: the same bytes, and so the same digest, from the same code."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
_MAIN = b"""import sys

from jobs.__main__ import main

sys.exit(main())
"""


class Package(NamedTuple):
    """Files by name, and a digest of all of them to upload them under."""

    files: dict[str, bytes]
    """main.py is spark-submit's program, jobs.zip its --py-files."""
    digest: str


def package() -> Package:
    """The jobs as files."""
    files = {
        "main.py": _MAIN,
        "jobs.zip": _zipped(sorted(p for p in _HERE.rglob("*") if p.suffix in (".py", ".sql"))),
    }
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return Package(files, digest.hexdigest())


def _zipped(paths: list[Path]) -> bytes:
    """A zip without compression, times or owners, which would differ from machine to machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(f"jobs/{path.relative_to(_HERE).as_posix()}")
            entry.create_system = 3
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()
