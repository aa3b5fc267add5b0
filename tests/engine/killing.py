"""What ends an engine or its provider in the middle of things, and what puts right what that leaves."""

import gc
import json
import sys
import threading
import time

from standin.world import Failure

QUIET_SECONDS = 1.0  # in which all that doesn't wait has been done and written down


class Kills:
    """Ends the engine or its provider while all that can be under way is, so that each resource is hit once.

    Every other one has been carried out by then, but no engine has heard of it. With `only`, just what that URN ends
    in is hit, and carried out.
    """

    def __init__(self, what, operation, only=None):
        self.what = what
        self.operation = operation
        self.only = only
        self.hit: list[str] = []
        self.carried_out: set[str] = set()
        self._lock = threading.Lock()

    def run(self, engine):
        """Runs the operation until it is ended; what was under way."""
        self._engine, self._over, before = engine, threading.Event(), len(self.hit)
        result = (engine.destroy if self.operation == "delete" else engine.up)()
        gc.collect()  # the program's coroutines, cut off too: later, in the midst of an import, they upset Python 3.11
        assert result.ok == (len(self.hit) == before), result.errors
        return self.hit[before:]

    def __call__(self, operation, urn):
        with self._lock:
            self._last = time.monotonic()
            if operation != self.operation or urn in self.hit or not urn.endswith(self.only or ""):
                return
            self.hit.append(urn)
            carried_out = self.only is not None or len(self.hit) % 2 == 0
            if carried_out:
                self.carried_out.add(urn)
        while not self._over.wait(0.1):
            with self._lock:
                if not self._over.is_set() and time.monotonic() - self._last > QUIET_SECONDS:
                    if self.what == "engine":
                        self._engine.kill()
                    self._over.set()
        if self.what == "provider" or not carried_out:
            raise Failure("killed", after=carried_out, gone=self.what == "provider")


def lost(engine):
    """What exists and the state knows nothing of, by URN: type and id."""
    held = {(resource["type"], resource.get("id")) for resource in engine.resources()}
    return {thing.urn: key for key, thing in engine.world.things.items() if key not in held}


def adopt(engine, found):
    """`pulumi import` of all that was lost."""
    if not found:
        return
    resources: list[dict[str, str]] = []
    parents: dict[str, str] = {}
    for urn, (type_token, id) in found.items():
        _, types, name = urn.rsplit("::", 2)
        parent_type = types.rpartition("$")[0]
        (parent,) = (
            r["urn"] for r in engine.resources() if r["urn"].rsplit("::", 2)[1] == parent_type and of(r["urn"], name)
        )
        key = f"parent{len(parents)}"
        parents[key] = parent
        resources.append({"type": type_token, "name": name, "id": id, "parent": key})
    language_host(engine)
    file = engine.directory / "import.json"
    file.write_text(json.dumps({"nameTable": parents, "resources": resources}))
    engine.pulumi("import", "--file", str(file), "--generate-code=false", "--protect=false", "--yes")


def of(parent, child):
    """Whether a child's name begins with its parent's."""
    name = parent.rsplit("::", 1)[1]
    return child == name or child.startswith(f"{name}-")


HOST = """
from concurrent import futures
import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc
server = grpc.server(futures.ThreadPoolExecutor())
language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(lambda: None), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
"""


def language_host(engine):
    """`pulumi import` asks the language host which plugins a program needs; the sandbox has none, so here is one."""
    path = engine.directory / "bin" / "pulumi-language-python"
    path.write_text(f"#!{sys.executable}{HOST}")
    path.chmod(0o755)
