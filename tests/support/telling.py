"""A failing test of the running product tells what its processes wrote."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.support.running import RunningConsole


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """For a conftest to import: adds the ends of all logs to the report of a failure."""
    report = yield
    arguments: dict[str, Any] = getattr(item, "funcargs", {})
    console = arguments.get("console")
    if report.failed and isinstance(console, RunningConsole):
        report.sections.append(("what the processes wrote", console.story()))
    return report
