"""docs/proxies.md shows the very configurations that the tests run."""

import pytest

import harness
import proxies


@pytest.mark.parametrize("proxy", proxies.ALL, ids=lambda proxy: proxy.name)
def test_the_documented_configuration_is_the_tested_one(proxy):
    shown = (harness.TOP / "docs" / "proxies.md").read_text()
    tested = (proxies.DEPLOY / proxy.configuration).read_text()
    assert f"\n{tested}```\n" in shown
