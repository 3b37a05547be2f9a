"""Rules of the house: who may import whom, and sizes."""

import subprocess
import sys
from pathlib import Path

import pytest

from console.environment import Environment
from kit.limits import Intake

BASE = Path(__file__).resolve().parents[2]
LINES = 300


def _tracked(*patterns: str) -> list[Path]:
    answer = subprocess.run(
        ["git", "ls-files", *patterns], cwd=BASE, capture_output=True, text=True, check=True
    )
    return [BASE / line for line in answer.stdout.splitlines() if (BASE / line).exists()]


def test_who_may_import_whom() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter], cwd=BASE, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout[-4000:]


def test_no_file_is_too_long() -> None:
    files = [path for path in _tracked("*.py") if "migrations" not in path.parts]
    assert files
    sizes = {path.relative_to(BASE): len(path.read_text().splitlines()) for path in files}
    assert {path: size for path, size in sizes.items() if size > LINES} == {}


@pytest.mark.parametrize(
    "name", (*Environment.__struct_encode_fields__, *Intake.__struct_encode_fields__)
)
def test_every_variable_of_the_environment_is_in_the_readme(name: str) -> None:
    internal = {"DEBUG", "DEMO", "SHOP_REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    assert name in internal or f"`{name}`" in (BASE / "README.md").read_text()
