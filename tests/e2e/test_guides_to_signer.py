"""What docs/signer.md says is done as it says it, as test_guides.py does it of the other guides."""

import getpass
import grp
import json
import os
import tempfile
from pathlib import Path

import pytest

import harness
from walk import enrolled

pytestmark = pytest.mark.commands


def test_the_guide_to_the_signer_leads_to_one(reader):
    reads = reader("signer.md")
    reads.instead["init lab"] = f"init lab --listen 127.0.0.1:{reads.port}"
    reads.run("A lab")
    enrolled(reads, "device1")
    assert "OK" in reads.do("openssl verify -CAfile lab/ca.pem device1/cert.pem")


@pytest.fixture
def short_folder():
    """A Unix socket's path has at most 107 octets."""
    with tempfile.TemporaryDirectory(prefix="two") as folder:
        yield Path(folder)


def test_the_guide_to_two_users_leads_to_them(reader, short_folder):
    """Both users are the one who runs this; the system's folders are elsewhere; there is no systemd."""
    top, me, group = short_folder, getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    reads = reader("signer.md", top, **{f"/{name}": f"{top}/{name}" for name in ("etc", "var/lib", "run")})
    reads.instead.update({"-o scepgate-signer": f"-o {me}", "-g scepgate-signer": f"-g {group}",
                          '"allow": ["scepgate"]': f'"allow": ["{me}"]'})
    for name in ("useradd", "usermod", "systemctl", "chown"):
        reads.program(name, "exit 0\n")
    reads.program("runuser", 'shift 3\nexec "$@"\n')
    (top / "etc/systemd/system").mkdir(parents=True)
    for name in ("var/lib", "run"):
        (top / name).mkdir(parents=True)
    (top / "deploy").symlink_to(harness.TOP / "deploy")
    server, signer = "etc/scepgate/scepgate.json", "etc/scepgate-signer/signer.json"
    reads.do(f"scepgate init etc/scepgate --listen 127.0.0.1:{reads.port} --url http://pki.example/scep")

    heading = "Two users"
    reads.run(heading, 1)
    (top / signer).touch(mode=0o600)
    (top / signer).write_text(json.dumps(reads.json(heading)))
    reads.edit(server, lambda config: config.update(reads.json(heading, 1)))
    reads.run(heading)
    (top / "etc/scepgate/ca.key").unlink()
    reads.do(f"scepgate config check --config {signer}\nscepgate signer --config {signer} &\n"
             f"scepgate config check --config {server}\nscepgate serve --config {server} &")
    enrol = f"""scepgate challenge create --config {server} --subject CN=d --dns %.devices.example.com > challenge
scepgate enroll --url http://127.0.0.1:{reads.port}/scep --ca-file etc/scepgate/ca.pem \\
  --challenge-file challenge --subject CN=d --dns %.devices.example.com --out %"""
    reads.do(enrol.replace("%", "d1"))
    reads.do(enrol.replace("%.devices", "d2.others"), status=1)  # outside signer.rules
    reads.do(f"curl -sf http://127.0.0.1:{reads.port}/crl/lab.crl -o lab.crl\n"
             "openssl verify -crl_check -CAfile etc/scepgate/ca.pem -CRLfile lab.crl d1/cert.pem")

    heading = "Renewal and rollover"
    reads.run(heading)
    reads.hang_up(signer)
    reads.edit(server, lambda config: joined(config, reads.json(heading)))
    assert "fit to serve" in reads.do(f"scepgate config check --config {server}")
    reads.hang_up(server)
    reads.do(f"scepgate getnextca --url http://127.0.0.1:{reads.port}/scep --in d1 --out next\n"
             "cmp next/next-ca.pem etc/scepgate/lab-2027.pem\n"
             f"curl -sf http://127.0.0.1:{reads.port}/crl/lab-2027.crl -o next.crl")
    assert [left.split()[:2] for left in reads.left()] == [["scepgate", "init"]]  # the lab


def joined(config, shown):
    config["cas"] |= shown["cas"]
    config["endpoints"][0] |= shown["endpoints"][0]
