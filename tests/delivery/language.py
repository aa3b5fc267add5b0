"""In place of the Python language host, which comes with the Pulumi CLI's release but not with its Go module.

The engine starts it by the name `pulumi-language-python` and asks it to run the program, and to start the policy pack.
Programs run in its own process and environment, not in the project's `virtualenv`.
"""

from __future__ import annotations

import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import IO, Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class Host(LanguageServer):
    """Runs what it is asked to."""

    def Handshake(self, request: Any, context: Any) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def Run(self, request: Any, context: Any) -> Any:
        folder = request.info.program_directory
        os.chdir(request.pwd or folder)
        sys.path.insert(0, folder)

        def program() -> None:
            runpy.run_path(os.path.join(folder, "__main__.py"), run_name="__main__")

        self.program = program
        return super().Run(request, context)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        command = [sys.executable, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        environment = dict(entry.split("=", 1) for entry in request.env) or None
        process = subprocess.Popen(
            command, cwd=request.pwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        context.add_callback(process.kill)
        said: queue.Queue[Any] = queue.Queue()

        def pump(stream: IO[bytes], message: Callable[[bytes], Any]) -> None:
            for line in stream:
                said.put(message(line))
            said.put(None)

        for stream, message in (
            (process.stdout, lambda line: language_pb2.RunPluginResponse(stdout=line)),
            (process.stderr, lambda line: language_pb2.RunPluginResponse(stderr=line)),
        ):
            threading.Thread(target=pump, args=(stream, message), daemon=True).start()
        for _ in range(2):
            yield from iter(said.get, None)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())


def main() -> None:
    # Calls of the program and of the policy pack overlap.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(lambda: None), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
