"""supervisord, as a child of `up`: its configuration, its start, and the words to speak to it."""

import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from console.processes.home import StateDirectory, write_private
from console.processes.programs import Program

# A process group that outlived its leader (a web worker whose parent was killed) is ended before
# its successor starts; the leader's id is the group's.
START = """#!/bin/sh
pid_file=$1
shift
test -s "$pid_file" && kill -s KILL -- "-$(cat "$pid_file")" 2>/dev/null
echo $$ > "$pid_file"
exec "$@"
"""


class Keeper:
    """Starts, restarts and stops programs; one supervisord for one state directory."""

    def __init__(self, home: StateDirectory, programs: Iterable[Program], base: Path) -> None:
        self._home = home
        self._programs = list(programs)
        self._base = base
        # A socket's path may have about 100 characters, a state directory's any number.
        self._sockets = Path(tempfile.mkdtemp(prefix="cascade-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _rpc(self) -> Any:
        """A fresh connection: the transport does not recover from a failed one."""
        transport = SupervisorTransport(None, None, f"unix://{self._sockets / 'socket'}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def open(self) -> None:
        """Start supervisord, without any program yet."""
        configuration = self._home.run / "supervisord.conf"
        write_private(configuration, self._configuration())
        write_private(self._home.run / "start", START)
        # A session of its own: Ctrl-C reaches `up` alone, which then stops things in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        write_private(self._home.run / "supervisord.pid", str(self._process.pid))
        self._wait_until_open()

    def start(self, name: str) -> None:
        """Start one program and return when it stays up; raises RuntimeError with its log."""
        try:
            self._rpc.startProcess(name, True)
        except xmlrpc.client.Fault as fault:
            raise RuntimeError(
                f"{name} did not start: {fault.faultString}\n{self.tail(name)}"
            ) from fault

    def start_all(self, names: Iterable[str]) -> None:
        """Start programs in this order, each without waiting for the one before it."""
        for name in names:
            self._rpc.startProcess(name, False)

    def tail(self, name: str) -> str:
        """The end of a program's log."""
        path = self._home.logs / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    @property
    def running(self) -> bool:
        """Whether supervisord is alive."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Stop the programs in reverse order, the first when all others have ended."""
        if self._process is None:
            return
        first, *others = self._programs
        for program in reversed(others):
            self._stop(program.name, wait=False)
        for program in others:
            self._wait_until_stopped(program)
        self._stop(first.name, wait=True)  # Redis, which all others speak to
        self._process.terminate()
        self._process.wait(timeout=60)
        for leftover in self._home.run.glob("*.pid"):
            leftover.unlink()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _wait_until_stopped(self, program: Program) -> None:
        """Supervisor itself kills it after `stop_s`; this waits a little longer than that."""
        for _ in range((program.stop_s + 5) * 10):
            try:
                state = self._rpc.getProcessInfo(program.name)["statename"]
            except (xmlrpc.client.Fault, OSError):
                return
            if state != "STOPPING":
                return
            time.sleep(0.1)

    def _stop(self, name: str, wait: bool) -> None:
        try:
            self._rpc.stopProcess(name, wait)
        except (xmlrpc.client.Fault, OSError):
            return  # it was not running, or supervisord itself is gone

    def _wait_until_open(self) -> None:
        for _ in range(100):
            try:
                self._rpc.getState()
                return
            except OSError:
                if not self.running:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"supervisord did not start: see {self._home.logs / 'supervisord.log'}")

    def _configuration(self) -> str:
        head: dict[str, dict[str, Any]] = {
            "supervisord": {
                "logfile": self._home.logs / "supervisord.log",
                "pidfile": self._home.run / "supervisord.own",
                "directory": self._base,
                "childlogdir": self._home.logs,
                "nodaemon": "true",
            },
            "unix_http_server": {"file": self._sockets / "socket", "chmod": "0700"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                )
            },
        }
        own = {f"program:{program.name}": self._section(program) for program in self._programs}
        return "\n".join(_ini(name, values) for name, values in {**head, **own}.items())

    def _section(self, program: Program) -> dict[str, Any]:
        pid_file = self._home.run / f"{program.name}.pid"
        words = ("/bin/sh", str(self._home.run / "start"), str(pid_file), *program.command)
        return {
            "command": " ".join(_quoted(word) for word in words),
            "autostart": "false",
            "autorestart": "unexpected" if program.may_end else "true",
            "startsecs": 1,
            "startretries": 1000,
            "stopwaitsecs": program.stop_s,
            "stopasgroup": "false",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self._home.logs / f"{program.name}.log",
            "stdout_logfile_maxbytes": "5MB",
            "stdout_logfile_backups": 1,
        }


def _quoted(word: str) -> str:
    """A word for supervisor, which splits like a shell and expands `%`."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _ini(name: str, values: dict[str, Any]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
