"""docs/cluster.md: its commands, in their order, in an empty folder. Replaced are ports and the database."""

import pytest

import harness
from test_postgresql import cluster, database  # noqa: F401: fixtures

pytestmark = pytest.mark.commands


def test_the_guide_to_a_cluster_leads_to_one(reader, tmp_path, cluster, database):  # noqa: F811
    second, front = harness.free_port(), harness.free_port()
    reads = reader("cluster.md", **{"127.0.0.1:8082": f"127.0.0.1:{second}", "127.0.0.1:8080": f"127.0.0.1:{front}",
                                    "host=/var/run/postgresql dbname=scepgate": cluster.conninfo(database)})
    reads.instead["127.0.0.1:8081"] = f"127.0.0.1:{reads.port}"
    (tmp_path / "deploy").symlink_to(harness.TOP / "deploy")
    listed = reads.run("To try on one machine")
    assert "CN=device1" in listed
    assert not reads.left()
