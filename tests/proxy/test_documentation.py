"""docs/proxies.md shows the very configuration that the tests run."""

from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def test_the_documented_nginx_configuration_is_the_tested_one():
    shown = (TOP / "docs/proxies.md").read_text()
    tested = (TOP / "deploy/nginx/scepgate.conf").read_text()
    assert f"```nginx\n{tested}```" in shown
