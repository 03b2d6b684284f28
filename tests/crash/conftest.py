"""Crashes: docs/security.md, A04. scripts/crash runs as many rounds as are asked for."""

import pytest

import harness
from rounds import Rounds


@pytest.fixture
def crashing(new_lab, tmp_path, keys):
    """Makes rounds on a lab of their own."""
    def make(devices, **options):
        folder = tmp_path / "machine"
        folder.mkdir()
        return Rounds(new_lab(start=False), folder, keys, devices, **options)
    return make


@pytest.fixture(scope="session")
def fewer():
    """How many rounds a slow binary takes."""
    return lambda count: max(3, count // 6) if harness.slow_binary() else count
