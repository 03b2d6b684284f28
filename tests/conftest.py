import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS / "e2e"))

from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402

import harness  # noqa: E402
import modes  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--write-interop", action="store_true",
                     help="write docs/interop.md's table when all of tests/interop has passed")
    parser.addoption("--attack-rounds", type=int, metavar="N",
                     default=int(os.environ.get("SCEPGATE_ATTACK_ROUNDS", "1")),
                     help="how many times the usual rounds the attacks that repeat take")


def pytest_configure(config):
    if not harness.BINARY.exists():
        raise pytest.UsageError(f"{harness.BINARY} is not there: build it, or set SCEPGATE")


def pytest_collection_modifyitems(config, items):
    """Modes of the whole suite (modes.py)."""
    chosen, left_out = modes.current(harness), []
    for item in list(items):
        file = item.path.relative_to(TESTS).as_posix()
        if any(file in modes.WITH_EVERY_CHANGE[mode] for mode in chosen):
            item.add_marker("modes")
        if modes.is_left_out(f"{file}::{item.name}", chosen):
            items.remove(item)
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def keys():
    """RSA-2048 keys by number, each made once."""
    made = {}

    def key(number=0, bits=2048):
        if (number, bits) not in made:
            made[number, bits] = rsa.generate_private_key(65537, bits)
        return made[number, bits]

    return key


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    """`scepgate init` costs several key generations: made once a policy, then copied."""
    made = {}

    def directory(*arguments):
        if arguments not in made:
            path = tmp_path_factory.mktemp("template") / "lab"
            harness.Lab.init(path, *arguments)
            made[arguments] = path
        return made[arguments]

    return directory


@pytest.fixture
def new_lab(templates, tmp_path):
    """Makes labs that are stopped, and judged, at the end of the test."""
    labs = []

    def make(*arguments, edit=None, start=True):
        labs.append(harness.copy_of(templates(*arguments), tmp_path / f"lab{len(labs)}", edit))
        return labs[-1].start() if start else labs[-1]

    yield make
    harness.stop_all(labs)


@pytest.fixture
def lab(new_lab):
    """A lab of one's own, under the challenge_blob policy, serving."""
    return new_lab()


@pytest.fixture
def second_node():
    """Makes second servers for labs that serve; stopped, and judged, at the end of the test."""
    nodes = []

    def make(first, **options):
        nodes.append(harness.SecondNode(first).start(**options))
        return nodes[-1]

    yield make
    try:
        for node in nodes:
            node.stop()
    finally:
        for node in nodes:
            node.kill()


def _shared(templates, tmp_path_factory, name, *arguments, edit=None):
    folder = tmp_path_factory.mktemp(name) / "lab"
    shared = harness.copy_of(templates(*arguments), folder, edit).start()
    yield shared
    harness.stop_all([shared])


@pytest.fixture(scope="session")
def blob_lab(templates, tmp_path_factory):
    """A serving lab that many tests share; policy challenge_blob."""
    yield from _shared(templates, tmp_path_factory, "blob")


@pytest.fixture(scope="session")
def static_lab(templates, tmp_path_factory):
    """A serving lab that many tests share; one static password, see `password`."""
    yield from _shared(templates, tmp_path_factory, "static", "--policy", "static")


@pytest.fixture
def password(static_lab):
    policies = static_lab.config()["policies"]
    source = next(p for p in policies.values() if p["type"] == "static_password")["password"]
    return (static_lab.dir / source["file"]).read_text().strip()
