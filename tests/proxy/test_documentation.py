"""docs/proxies.md and docs/cluster.md show the very configurations that the tests run."""

import pytest

import harness
import proxies


@pytest.mark.parametrize("proxy", proxies.ALL, ids=lambda proxy: proxy.name)
def test_the_documented_configuration_is_the_tested_one(proxy):
    shown = (harness.TOP / "docs" / "proxies.md").read_text()
    tested = (proxies.DEPLOY / proxy.configuration).read_text()
    assert f"\n{tested}```\n" in shown


def test_the_documented_cluster_is_the_tested_one():
    shown = (harness.TOP / "docs" / "cluster.md").read_text()
    tested = (proxies.DEPLOY / proxies.HaproxyCluster.configuration).read_text()
    assert f"\n{tested}```\n" in shown
