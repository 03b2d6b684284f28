"""The attack suite: rows of the attack matrix, as docs/security.md has them.

`@pytest.mark.attack("H07", "Z01")` says which rows a test shows, here and in the other folders:
tests/attack/test_security_document.py holds the document to these marks. Every test here that has a `target` goes
through the standing oracle of oracle.py. A module that wants another server has a fixture `target` of
its own: anything with an attribute `oracle`.

`--attack-rounds N` (or SCEPGATE_ATTACK_ROUNDS) multiplies the rounds of the tests that repeat.
"""

import pytest

pytest.register_assert_rewrite("target", "oracle")  # their assertions tell what they saw

import harness
from raw_envelope import Enveloped
from target import attacked


@pytest.fixture(scope="session")
def rounds(pytestconfig):
    """Scales a number of rounds."""
    factor = pytestconfig.getoption("--attack-rounds")
    return lambda usual: max(1, usual * factor)


@pytest.fixture(scope="module")
def serve(templates, tmp_path_factory):
    """Makes labs that serve until the end of the module; stopped, and judged, then."""
    labs = []

    def start(*arguments, edit=None):
        folder = tmp_path_factory.mktemp("attack") / "lab"
        labs.append(harness.copy_of(templates(*arguments), folder, edit))
        return labs[-1].start()

    yield start
    harness.stop_all(labs)


@pytest.fixture(scope="module")
def target(serve, keys):
    """The server that a module attacks."""
    yield from attacked(serve(), keys)


@pytest.fixture
def sealed(target):
    """An honest envelope, to be changed."""
    return Enveloped.of(target.csr().der(), target.ca.encryption)


@pytest.fixture(autouse=True)
def unharmed(request):
    """The standing oracle around every test that has a `target`."""
    if "target" not in request.fixturenames:
        yield
        return
    with request.getfixturevalue("target").oracle.unharmed():
        yield
