import pytest

import harness
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
