"""Failing tests of this folder tell what the processes wrote."""

from tests.support.telling import pytest_runtest_makereport  # noqa: F401  # pytest's hook
