"""The example application: run as a server runs it, and what Beanstalk is told to do round it."""

import http.client
import importlib.util
import json
import os
import re
import shlex
import stat
import subprocess
import threading
from wsgiref import simple_server, validate

import pytest

from tests.registered import ROOT

SOURCE = ROOT / "applications" / "backend"
HOOK = SOURCE / ".platform" / "hooks" / "prebuild" / "10_certificate.sh"


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("backend_application", SOURCE / "application.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def address(module):
    class Silent(simple_server.WSGIRequestHandler):
        def log_message(self, *args):
            pass

    # The validator between them raises on whatever the WSGI standard forbids.
    server = simple_server.make_server("127.0.0.1", 0, validate.validator(module.application), handler_class=Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(address, path, method="GET"):
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.headers


@pytest.mark.parametrize("path", ["/health", "/"])
def test_it_says_that_it_is_well(address, path):
    status, body, headers = ask(address, path)
    assert (status, json.loads(body)) == (200, {"status": "ok"})
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/api", "/api/"])
def test_it_says_what_it_was_given_and_nothing_of_it(address, path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("BUCKET", "CACHE_", "DATABASE_", "QUEUE_"))]:
        monkeypatch.delenv(name)
    for name in ("DATABASE_HOST", "DATABASE_SECRET", "QUEUE_URL_JOBS"):
        monkeypatch.setenv(name, "canary")
    status, body, _ = ask(address, path)
    assert (status, json.loads(body)) == (
        200,
        {"services": {"bucket": False, "cache": False, "database": True, "queues": True, "replicas": False}},
    )
    assert b"canary" not in body


def test_it_answers_in_kind(address):
    status, body, headers = ask(address, "/health", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "16")
    assert ask(address, "/healthy")[0] == 404
    assert ask(address, "/apixyz")[0] == 404
    status, _, headers = ask(address, "/api/", "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_the_procfile_starts_it_where_nginx_passes_requests_on(module):
    (process,) = (SOURCE / "Procfile").read_text().splitlines()
    kind, _, command = process.partition(": ")
    server, *options = shlex.split(command)
    assert (kind, server, options[-1]) == ("web", "gunicorn", "application:application")
    assert options[options.index("--bind") + 1] == "127.0.0.1:8000"
    assert callable(module.application)


def directives(text):
    """An nginx configuration, as directives in the block where they stand."""
    found: dict[str, list[list[str]]] = {}
    path: list[str] = []
    for words, end in re.findall(r"([^;{}]*)([;{}])", re.sub(r"#.*", "", text)):
        if end == "{":
            path.append(" ".join(words.split()))
        elif end == "}":
            path.pop()
        else:
            found.setdefault(" ".join(path), []).append(words.split())
    assert path == [], "a block is left open"
    return found


def test_nginx_speaks_tls_with_the_certificate_that_the_hook_makes():
    (server,) = directives((SOURCE / ".platform/nginx/conf.d/https.conf").read_text()).values()
    options = {name: values for name, *values in server}
    assert options["listen"] == ["443", "ssl", "default_server"]
    assert options["ssl_protocols"] == ["TLSv1.2", "TLSv1.3"]
    assert options["include"] == ["conf.d/elasticbeanstalk/*.conf"]
    hook = HOOK.read_text()
    assert f"certificate={options['ssl_certificate'][0]}\n" in hook
    assert f"key={options['ssl_certificate_key'][0]}\n" in hook


def test_the_hook_makes_a_certificate_once(tmp_path):
    assert HOOK.stat().st_mode & stat.S_IXUSR
    script = HOOK.read_text()
    for kind in ("certs", "private"):
        (tmp_path / kind).mkdir()
        script = script.replace(f"/etc/pki/tls/{kind}", str(tmp_path / kind))
    made = (tmp_path / "certs" / "backend.crt", tmp_path / "private" / "backend.key")
    first = None
    for _ in range(2):
        subprocess.run(["bash", "-s"], input=script, text=True, check=True, capture_output=True)
        assert [oct(path.stat().st_mode & 0o777) for path in made] == ["0o600", "0o600"]
        assert first in (None, [path.read_bytes() for path in made])
        first = [path.read_bytes() for path in made]
    checked = ["openssl", "x509", "-in", str(made[0]), "-noout", "-subject", "-checkend", str(3600 * 24 * 3000)]
    said = subprocess.run(checked, text=True, check=True, capture_output=True).stdout
    assert "CN" in said
    assert "backend" in said
