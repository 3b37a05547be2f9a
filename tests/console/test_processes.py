"""The state directory, the keeper of processes and the sweep, with real processes."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from console.processes import embedded_redis, ports, sweep
from console.processes.home import StateDirectory
from console.processes.keeper import Keeper
from console.processes.programs import Program, console

BASE = Path(__file__).resolve().parents[2]
PARENT = (
    "import pathlib, subprocess, sys, time;"
    "child = subprocess.Popen(['sleep', '60']);"
    "pathlib.Path(sys.argv[1]).write_text(str(child.pid));"
    "time.sleep(600)"
)
SLEEP = (sys.executable, "-c", "__import__('time').sleep(600)", "shop")


@pytest.fixture
def home(tmp_path: Path) -> StateDirectory:
    directory = StateDirectory(tmp_path / "var")
    directory.prepare()
    return directory


def _pid(home: StateDirectory, name: str) -> int:
    return int((home.run / f"{name}.pid").read_text())


def _wait_for(condition: "object", *arguments: object) -> None:
    for _ in range(200):
        if condition(*arguments):  # type: ignore[operator]
            return
        time.sleep(0.05)
    raise AssertionError(f"never came: {condition}")


def test_a_second_one_on_the_same_directory_is_refused(home: StateDirectory) -> None:
    assert home.lock()
    assert not StateDirectory(home.path).lock()


def test_secrets_are_kept_and_private(home: StateDirectory) -> None:
    first = home.secret("key")
    assert StateDirectory(home.path).secret("key") == first
    assert (home.path / "key.secret").stat().st_mode & 0o077 == 0


def test_what_dies_is_restarted_and_close_stops_all(home: StateDirectory) -> None:
    keeper = Keeper(home, [Program("one", SLEEP), Program("two", SLEEP)], BASE)
    keeper.open()
    try:
        keeper.start("one")
        keeper.start_all(["two"])
        before = _pid(home, "one")
        os.kill(before, 9)
        _wait_for(lambda: _pid(home, "one") != before)
        two = _pid(home, "two")
    finally:
        keeper.close()
    assert not psutil.pid_exists(two)
    assert list(home.run.glob("*.pid")) == []


def test_a_worker_does_not_outlive_the_successor_of_its_killed_parent(
    home: StateDirectory, tmp_path: Path
) -> None:
    written = tmp_path / "child"
    keeper = Keeper(home, [Program("web", (sys.executable, "-c", PARENT, str(written)))], BASE)
    keeper.open()
    try:
        keeper.start("web")
        _wait_for(lambda: written.exists() and written.read_text())
        orphan = int(written.read_text())
        os.kill(_pid(home, "web"), 9)
        _wait_for(lambda: not _alive(orphan))
    finally:
        keeper.close()


def test_what_a_killed_run_left_is_swept(home: StateDirectory) -> None:
    keeper = Keeper(home, [Program("one", SLEEP)], BASE)
    keeper.open()
    keeper.start("one")
    one, own = _pid(home, "one"), _pid(home, "supervisord")
    # As if `up` and supervisord had been killed: nobody stops the rest.
    os.kill(own, 9)
    _wait_for(lambda: not _alive(own))
    assert sweep.sweep(home.run) == ["one"]
    for pid in (one, own):
        _wait_for(lambda pid=pid: not _alive(pid))
    assert sweep.sweep(home.run) == []


def test_a_reused_id_is_left_alone(home: StateDirectory) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (home.run / "web.pid").write_text(str(stranger.pid))
    assert sweep.sweep(home.run) == []
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_the_embedded_redis_asks_for_its_password_and_refuses_a_downgrade(
    home: StateDirectory,
) -> None:
    port = ports.free()
    embedded_redis.configure(home, port)
    keeper = Keeper(home, [embedded_redis.program(home)], BASE)
    keeper.open()
    try:
        keeper.start("redis")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        client = redis.Redis(port=port, password=home.secret("redis"), decode_responses=True)
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
    finally:
        keeper.close()
    (home.path / "redis" / "version").write_text("99.0.0")
    with pytest.raises(ImproperlyConfigured, match="would start empty"):
        embedded_redis.configure(home, port)


def test_a_port_in_use_is_seen() -> None:
    port = ports.free()
    assert ports.is_free(port)
    with socket.create_server((ports.HOST, port)):
        assert not ports.is_free(port)


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_taps_by_number_have_names_of_their_own() -> None:
    taps = [one for one in console("127.0.0.1", 8000, taps=3) if one.name.startswith("tap")]
    assert [one.name for one in taps] == ["tap", "tap-2", "tap-3"]
    assert len({one.command for one in taps}) == 3
