import pytest

import harness
import intruder as intrusion
import walk


@pytest.fixture
def reader(tmp_path):
    """Makes somebody who reads a document; at the end everything in it has to be done."""
    readers = []

    def make(document, folder=tmp_path, **instead):
        port = harness.free_port()
        reads = walk.Walk(document, folder, {"127.0.0.1:8080": f"127.0.0.1:{port}", **instead})
        reads.port = port
        readers.append(reads)
        return reads

    yield make
    for reads in readers:
        reads.end()
    assert all("ERROR: " not in reads.logs() for reads in readers)


@pytest.fixture(scope="session")
def intruder_library(tmp_path_factory):
    return intrusion.build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def intruder(intruder_library, tmp_path):
    folder = tmp_path / "intruder"
    folder.mkdir()
    return intrusion.Intruder(intruder_library, folder)
