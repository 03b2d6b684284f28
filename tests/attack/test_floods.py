"""One address floods, another is served (attack matrix H20, E15)."""

import contextlib
import os
import pathlib
import select
import subprocess
import sys

import pytest

import harness
import wire
from target import attacked

FLOOD = pathlib.Path(__file__).with_name("flood.py")


def large(target):
    """As dear as a message gets: all of it is decrypted, and is no request."""
    return target.sealed(os.urandom(262_144), cipher="des3")


def small(target):
    return target.request(target.csr(challenge="wrong"))


#: What fills, with what, over how many connections: the places, or the second that one may wait.
FLOODS = {"places-by-large-messages": ({"queue": 8}, large, 100),
          "places-by-many-connections": ({"queue": 8}, small, 300),
          "time-by-large-messages": ({"queue": 120}, large, 150)}


@pytest.fixture(scope="module", params=FLOODS)
def flood(request):
    return FLOODS[request.param]


@pytest.fixture(scope="module")
def target(serve, keys, flood):
    lab = serve(edit=lambda c: c.update(limits=flood[0], threads={"crypto": 1}))
    yield from attacked(lab, keys)


@contextlib.contextmanager
def flooding(port, connections, octets, folder, source="127.0.0.2"):
    """Around what happens meanwhile: from the first request on that was turned away."""
    file = folder / "request"
    file.write_bytes(octets)
    process = subprocess.Popen([sys.executable, FLOOD, str(port), source, str(connections), str(file)],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert select.select([process.stdout], [], [], harness.PATIENCE)[0], "it is too much at some time"
        assert process.stdout.readline() == "503\n"
        yield
        assert process.poll() is None, "it floods until the end"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.attack("H20", "E15")
def test_while_one_address_floods_devices_of_another_are_answered(target, flood, tmp_path):
    """Connections always have a next message for the one that was answered, or refused."""
    _, message, connections = flood
    asks, enrols = wire.post(small(target), b"Connection: close"), target.request()
    with flooding(target.lab.port, connections, wire.post(message(target)), tmp_path):
        harness.wait_until(lambda: target.post(enrols).status == 200,
                           "a device is enrolled: the server knows by then how long messages take")
        found = [wire.exchange_from(target.lab.port, "127.0.0.1", asks) for _ in range(20)]
    target.granted(enrols)
    assert found.count(200) > 10, found
