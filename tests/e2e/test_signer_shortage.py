"""A signer that runs out of descriptors or memory waits, and signs again once there are some."""

import contextlib
import re
import resource
import shutil
from pathlib import Path

import pytest

from harness import Lab, wait_until
from signer_lab import Connection, frame, separated

DESCRIBE = frame("describe", "lab")
BEGUN = frame("issue", b"x" * 250_000)[:8]


@pytest.fixture(scope="module")
def signer(tmp_path_factory, templates):
    path = tmp_path_factory.mktemp("short") / "lab"
    shutil.copytree(templates(), path)
    signer = separated(Lab(path))
    yield signer
    signer.stop()


@contextlib.contextmanager
def limited(signer, kind, most):
    pid = signer.process.pid
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (most, before[1]))
    yield
    resource.prlimit(pid, kind, before)


@contextlib.contextmanager
def many(signer, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Connection(signer.socket)) for _ in range(count)]


def dropped(connection):
    connection.socket.setblocking(False)
    try:
        return connection.socket.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def writable_memory(pid):
    return int(re.search(r"^VmData:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1]) << 10


def signs(signer):
    answer = signer.ask(DESCRIBE)
    return answer is not None and answer.kind == "description"


@pytest.mark.attack("H05")
def test_without_descriptors_it_says_what_to_do_and_goes_on(signer):
    with limited(signer, resource.RLIMIT_NOFILE, 64), many(signer, 100):
        wait_until(lambda: "raise LimitNOFILE" in signer.log(), "the log says why")
    wait_until(lambda: signs(signer), "it signs again")


@pytest.mark.attack("H05")
@pytest.mark.commands  # a sanitizer ends a process that gets no memory
def test_without_memory_it_loses_connections_and_goes_on(signer):
    """Orders that are begun and need more than the process may have."""
    pid = signer.process.pid
    for _ in range(3):
        with limited(signer, resource.RLIMIT_DATA, writable_memory(pid)):
            with many(signer, 1000) as connections:
                for connection in connections:
                    with contextlib.suppress(BrokenPipeError):
                        connection.send(BEGUN)
                wait_until(lambda: any(map(dropped, connections)), "there is none for some")
    wait_until(lambda: signs(signer), "it signs again")
    with many(signer, 1000) as connections:
        assert all(each.ask(DESCRIBE) for each in connections), "no place was lost"
