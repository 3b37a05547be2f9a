"""A real Chromium for the tests of this folder."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.telling import pytest_runtest_makereport  # noqa: F401  # pytest's hook

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


# a module's, not the session's: two loops of playwright cannot run in one thread
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()
