"""The real parts that the jobs run on in tests and benchmarks: Java, Spark's jars, MariaDB, a simulated S3.

`python -m tests.jobs.parts` puts in place what is missing: jars into the user's cache directory, outside the
checkout, and Java and MariaDB by apt where that may be done.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terraform import simulated

JARS = {
    "org.apache.hadoop:hadoop-aws": "3.3.4",  # the Hadoop that PySpark 3.5.6 brings along
    "com.amazonaws:aws-java-sdk-bundle": "1.12.262",
    "org.apache.hadoop:hadoop-streaming": "3.3.4",
    "org.apache.spark:spark-avro_2.12": "3.5.7",
    "org.apache.spark:spark-hadoop-cloud_2.12": "3.5.7",
    "org.mariadb.jdbc:mariadb-java-client": "3.5.6",
}
PACKAGES = {
    "java": "openjdk-17-jre-headless",
    "mariadbd": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",  # what mariadb-install-db calls
}
REGION = "eu-west-1"
BUCKET = "lake"
PASSWORD = "s3cret-Password-in-no-log"


def missing() -> str | None:
    """What isn't there, in one line that says how to get it."""
    lacking = [name for name in PACKAGES if not found(name)]
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install {' '.join(PACKAGES[name] for name in lacking)}"
    return None if cached().is_dir() else "no jars for Spark: make parts gets them"


def found(program: str) -> str | None:
    """A program, also where only root looks for it."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/jvm/default-java/bin")


def cached() -> Path:
    """Where the jars are kept, by their versions."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "platform" / ("jars-" + "-".join(JARS.values()))


def install() -> str | None:
    """Put in place what is missing; the result says what couldn't be."""
    packages = [package for name, package in PACKAGES.items() if not found(name)]
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False)
    if found("java") and not cached().is_dir():
        fetch()
    return missing()


def fetch() -> None:
    """Get the jars."""
    with retrieved(*((name, version, "") for name, version in JARS.items())) as folder:
        folder.rename(cached())


@contextmanager
def retrieved(*needs: tuple[str, str, str]) -> Iterator[Path]:
    """A folder with what a Maven repository has, by name, version and artifact, got by the Ivy that PySpark brings."""
    import pyspark

    work = cached().with_name(f"fetching-{os.getpid()}")
    work.mkdir(parents=True)
    try:
        lines = (
            '<dependency org="{}" name="{}" rev="{}" transitive="false">{}</dependency>'.format(
                *name.split(":"), version, artifact
            )
            for name, version, artifact in needs
        )
        (work / "ivy.xml").write_text(
            '<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">'
            '<info organisation="platform" module="parts"/>'
            f"<dependencies>{''.join(lines)}</dependencies></ivy-module>"
        )
        (work / "settings.xml").write_text(
            '<ivysettings><settings defaultResolver="central"/><resolvers>'
            '<ibiblio name="central" m2compatible="true" usepoms="false"/></resolvers></ivysettings>'
        )
        (program,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
        options = {
            "settings": work / "settings.xml",
            "ivy": work / "ivy.xml",
            "cache": work / "ivy",
            "retrieve": f"{work}/got/[artifact]-[revision](-[classifier]).[ext]",
        }
        command = [found("java") or "java", "-jar", str(program)]
        command += [word for name, value in options.items() for word in (f"-{name}", str(value))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or "FAILED" in done.stdout:
            raise SystemExit(f"can't get {', '.join(name for name, _, _ in needs)}:\n{done.stdout[-2000:]}")
        yield work / "got"
    finally:
        shutil.rmtree(work)


# -- MariaDB -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A MariaDB on loopback that demands TLS of all but its socket."""

    port: int
    socket: Path
    certificate: str
    """The authority that signs the server's certificate, as PEM."""

    def run(self, *statements: str, database: str = "shop") -> list[tuple[Any, ...]]:
        """What the last statement answers, all of them in one transaction."""
        import pymysql

        with pymysql.connect(unix_socket=str(self.socket), user="root", database=database or None) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET time_zone = '+00:00'")
                for statement in statements:
                    cursor.execute(statement)
                rows = list(cursor.fetchall())
            connection.commit()
            return rows


@contextmanager
def mariadb(directory: Path) -> Iterator[Server]:
    """A server with an empty database `shop`."""
    data, unix, port = directory / "data", directory / "m.sock", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            f"--datadir={data}",
            "--skip-test-db",
            *user,
        ],
        check=True,
        capture_output=True,
    )
    authority = certificates(directory)
    process = subprocess.Popen(
        [
            found("mariadbd") or "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={unix}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--default-time-zone=+02:00",  # not UTC, so that what relies on it shows
            "--character-set-server=utf8mb4",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=256M",
            "--innodb-flush-log-at-trx-commit=0",
            f"--ssl-cert={directory / 'server.pem'}",
            f"--ssl-key={directory / 'server.key'}",
            "--require-secure-transport=ON",
            *user,
        ],
        stdout=subprocess.DEVNULL,
        stderr=(directory / "log").open("wb"),
    )
    server = Server(port, unix, authority)
    try:
        for _ in range(300):
            if unix.exists():
                break
            if process.poll() is not None:
                raise RuntimeError(f"MariaDB did not start:\n{(directory / 'log').read_text()}")
            time.sleep(0.1)
        server.run(
            "CREATE DATABASE shop",
            f"CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}'",
            "GRANT SELECT ON shop.* TO reader@'%'",
            database="",
        )
        yield server
    finally:
        process.terminate()
        process.wait()


def certificates(directory: Path) -> str:
    """Write a server's key and certificate for 127.0.0.1; the result is the authority's certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    pem = serialization.Encoding.PEM
    now = datetime.datetime.now(datetime.UTC)

    def name(of: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, of)])

    def signed(of: str, key: Any, by: Any, extension: Any) -> x509.Certificate:
        builder = x509.CertificateBuilder(name("authority"), name(of), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        return builder.add_extension(extension, critical=False).sign(by, hashes.SHA256())

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = signed("authority", authority, authority, x509.BasicConstraints(ca=True, path_length=None))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    (directory / "server.pem").write_bytes(signed("server", key, authority, alternative).public_bytes(pem))
    (directory / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return root.public_bytes(pem).decode()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# -- S3, Secrets Manager, Glue and Spark -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lake:
    """A simulated AWS with a bucket, the database's secret, and a Glue database."""

    address: str
    server: Server

    def ask(self, service: str) -> Any:
        """A client of it."""
        return simulated.client(service, self.address, REGION)

    def config(self, name: str, *, format: str = "parquet", **changes: Any) -> dict[str, Any]:
        """A configuration of the jobs, with folders in the bucket and a Glue database of its own."""
        whole: dict[str, Any] = {
            "region": REGION,
            "source": {"secret": "shop", "certificate": f"s3://{BUCKET}/authority.pem"},
            **{zone: f"s3://{BUCKET}/{name}/{zone}" for zone in ("raw", "curated", "state", "export")},
            "catalog": re.sub(r"\W", "_", name),
            "lag_seconds": 0,
            "tables": {
                "orders": {"key": "id", "watermark": "updated_at", "partitions": 3, "format": format},
                "customers": {"key": "id", "watermark": "updated_at", "partitions": 1, "format": format},
                "products": {"key": "id", "partitions": 1, "format": format},
            },
        }
        databases = self.ask("glue").get_databases()["DatabaseList"]
        if whole["catalog"] not in [found["Name"] for found in databases]:
            self.ask("glue").create_database(DatabaseInput={"Name": whole["catalog"]})
        return {**whole, **changes}

    def put(self, config: Mapping[str, Any]) -> str:
        """Store a configuration; the result is its URI."""
        key = f"{config['state'].split('/')[3]}/config.json"
        self.ask("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(config))
        return f"s3://{BUCKET}/{key}"

    def document(self, config: Mapping[str, Any], name: str) -> dict[str, Any]:
        """A JSON document below a configuration's folder."""
        key = f"{config['state'].split('/')[3]}/{name}"
        return dict(json.loads(self.body(key)))

    def body(self, key: str) -> bytes:
        """An object's content."""
        return bytes(self.ask("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """What stands in the bucket below a prefix."""
        pages = self.ask("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return [key for key in found if not key.endswith("/")]  # which is S3A's sign for a folder

    def download(self, prefix: str, to: Path) -> Path:
        """Copy what stands below a prefix to a folder."""
        for key in self.keys(prefix):
            (to / key).parent.mkdir(parents=True, exist_ok=True)
            self.ask("s3").download_file(BUCKET, key, str(to / key))
        return to


@contextmanager
def lake(server: Server) -> Iterator[Lake]:
    """A simulated AWS in front of a server."""
    with simulated.server() as address:
        made = Lake(address, server)
        made.ask("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.ask("s3").put_object(Bucket=BUCKET, Key="authority.pem", Body=server.certificate)
        secret = {
            "host": "127.0.0.1",
            "port": server.port,
            "username": "reader",
            "password": PASSWORD,
            "dbname": "shop",
        }
        made.ask("secretsmanager").create_secret(Name="shop", SecretString=json.dumps(secret))
        yield made


def variables(address: str) -> dict[str, str]:
    """How a process reaches the simulated AWS."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": str(simulated.PROVIDER["access_key"]),
        "AWS_SECRET_ACCESS_KEY": str(simulated.PROVIDER["secret_key"]),
    }


def environment(address: str, directory: Path, **settings: str) -> dict[str, str]:
    """What a process needs to run Spark, and the jobs, on these parts; `directory` gets Spark's settings and logs."""
    conf, events = directory / "conf", directory / "events"
    conf.mkdir(parents=True, exist_ok=True)
    events.mkdir(exist_ok=True)
    java = found("java") or "java"
    defaults = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # they end before more pays
        "spark.driver.extraClassPath": str(cached() / "*"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.local.dir": str(directory / "scratch"),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": address,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.attempts.maximum": "2",
        "spark.hadoop.fs.s3a.retry.limit": "2",
        "spark.hadoop.fs.s3a.directory.marker.retention": "keep",  # half the requests
        # As on EMR, a file is written where it belongs, and shows when its task is done; none is renamed, so copied.
        "spark.hadoop.fs.s3a.committer.name": "magic",
        "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3": (
            "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"
        ),
        "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
        "spark.sql.parquet.output.committer.class": (
            "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"
        ),
        **settings,
    }
    (conf / "spark-defaults.conf").write_text("".join(f"{k} {v}\n" for k, v in defaults.items()))
    (conf / "log4j2.properties").write_text(
        "rootLogger.level = warn\nrootLogger.appenderRef.e.ref = e\n"
        "appender.e.type = Console\nappender.e.name = e\nappender.e.target = SYSTEM_ERR\n"
        "appender.e.layout.type = PatternLayout\nappender.e.layout.pattern = %p %c{1}: %m%n\n"
    )
    return {
        **os.environ,
        "SPARK_CONF_DIR": str(conf),
        "JAVA_HOME": str(Path(java).resolve().parents[1]),
        "PYSPARK_PYTHON": sys.executable,
        **variables(address),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TZ": "America/New_York",  # not UTC, so that what relies on it shows
    }


if __name__ == "__main__":
    sys.exit(install())
