"""The disk that power_cut.py plays forgets nothing that a real one keeps."""

import pytest

from power_cut import PAGE, File

pytestmark = pytest.mark.load


def test_what_is_synced_is_there_though_another_began_that_and_died():
    file = File(bytes(PAGE))
    file.write(0, b"new")
    file.begin_sync(1)
    assert file.cut(None)[0][:3] == bytes(3)
    file.begin_sync(2)
    file.end_sync(2, True)
    assert file.cut(None)[0][:3] == b"new"
