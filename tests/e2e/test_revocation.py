"""cert revoke, hold, release and list; ca crl: beside a running server, checked with openssl."""

import contextlib
import datetime
import json
import sqlite3
import subprocess

import pytest
from cryptography import x509

from harness import run


@pytest.fixture
def issued(new_lab, tmp_path):
    """A running lab with two certificates; their serials in hex and files."""
    lab = new_lab()
    out = []
    for name in ("one", "two"):
        challenge = lab.challenge("--subject", f"CN={name},O=Example")
        made = run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                   f"CN={name},O=Example", "--out", tmp_path / name)
        assert made.returncode == 0, made.stderr
        file = tmp_path / name / "cert.pem"
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        out.append((f"{certificate.serial_number:x}", file))
    lab.issued = out
    return lab


def command(lab, *arguments):
    return run(*arguments, "--config", lab.config_file)


def crl(lab):
    done = command(lab, "ca", "crl", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def revoked(lab):
    return {int(entry["serial"], 16): entry["reason"] for entry in crl(lab)["revoked"]}


def audit(lab, event):
    return [line for line in lab.audit(crls=True) if line["event"] == event]


def verify(lab, certificate, crl_file):
    return subprocess.run(["openssl", "verify", "-crl_check", "-CAfile", str(lab.dir / "ca.pem"),
                           "-CRLfile", str(crl_file), str(certificate)], capture_output=True,
                          text=True, timeout=30)


def test_a_revoked_certificate_stands_in_the_crl_and_fails_verification(issued, tmp_path):
    (first, first_file), (_, second_file) = issued.issued
    out = tmp_path / "ca.crl"
    assert command(issued, "ca", "crl", "--out", out).returncode == 0
    assert verify(issued, first_file, out).returncode == 0
    done = command(issued, "cert", "revoke", first, "--reason", "keyCompromise")
    assert done.returncode == 0, done.stderr
    assert "keyCompromise" in done.stdout
    assert command(issued, "ca", "crl", "--out", out).returncode == 0
    shown = subprocess.run(["openssl", "crl", "-in", str(out), "-noout", "-text"],
                           capture_output=True, text=True, timeout=30)
    assert "Key Compromise" in shown.stdout and "X509v3 CRL Number" in shown.stdout
    assert "certificate revoked" in verify(issued, first_file, out).stderr
    assert verify(issued, second_file, out).returncode == 0
    line, = audit(issued, "revoke")
    assert int(line["serial"], 16) == int(first, 16)
    assert line["reason"] == "keyCompromise" and line["by"] and line["subject"]


def test_of_two_certificates_with_one_serial_number_the_ca_tells_which_is_meant(issued):
    serial, _ = issued.issued[0]
    with contextlib.closing(sqlite3.connect(issued.dir / "scepgate.db", timeout=30)) as store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(certificates)") if row[1] != "id"]
        other = {"issuer_hash": "randomblob(32)", "ca": "'other'", "issuer": "'CN=Other CA'",
                 "identity": "randomblob(32)"}
        store.execute(f"INSERT INTO certificates({', '.join(columns)}) SELECT "
                      f"{', '.join(other.get(name, name) for name in columns)} FROM certificates "
                      "WHERE serial = ?", [bytes.fromhex(serial.zfill(len(serial) + len(serial) % 2))])
        assert store.total_changes == 1
        store.commit()
    for what in ("show", "revoke"):
        done = command(issued, "cert", what, serial)
        assert done.returncode == 2, done.stderr
        assert "'lab'" in done.stderr and "'other' (CN=Other CA)" in done.stderr and "--ca" in done.stderr
    assert revoked(issued) == {}
    assert command(issued, "cert", "show", serial, "--ca", "lab").returncode == 0
    done = command(issued, "cert", "revoke", serial, "--ca", "nobody")
    assert done.returncode == 2 and "'lab'" in done.stderr and "not of 'nobody'" in done.stderr
    assert "--not-recorded" not in done.stderr
    assert command(issued, "cert", "show", serial, "--ca", "CN=Other CA").returncode == 0
    assert command(issued, "cert", "revoke", serial, "--ca", "lab").returncode == 0
    assert revoked(issued) == {int(serial, 16): "unspecified"}


def test_crl_numbers_grow_with_changes_only(issued):
    first = crl(issued)
    assert crl(issued)["pem"] == first["pem"]
    assert command(issued, "cert", "revoke", issued.issued[0][0]).returncode == 0
    second = crl(issued)
    assert int(second["number"], 16) > int(first["number"], 16)
    issued.stop()
    issued.start()
    assert crl(issued)["pem"] == second["pem"]
    assert len(audit(issued, "crl")) == 2


def test_der_on_request(issued, tmp_path):
    out = tmp_path / "ca.crl"
    assert command(issued, "ca", "crl", "--der", "--out", out).returncode == 0
    made = x509.load_der_x509_crl(out.read_bytes())
    ca = x509.load_pem_x509_certificate((issued.dir / "ca.pem").read_bytes())
    assert made.is_signature_valid(ca.public_key())
    now = datetime.datetime.utcnow()
    assert made.last_update <= now < made.next_update


def test_hold_and_release(issued):
    serial = issued.issued[0][0]
    assert command(issued, "cert", "hold", serial).returncode == 0
    assert revoked(issued) == {int(serial, 16): "certificateHold"}
    again = command(issued, "cert", "hold", serial)
    assert again.returncode == 1 and "on hold since" in again.stderr
    assert command(issued, "cert", "release", serial).returncode == 0
    assert revoked(issued) == {}
    again = command(issued, "cert", "release", serial)
    assert again.returncode == 1 and "not on hold" in again.stderr
    assert len(audit(issued, "hold")) == len(audit(issued, "release")) == 1


def test_revocation_is_for_ever(issued):
    serial = issued.issued[0][0]
    done = command(issued, "cert", "revoke", serial, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["revocation_reason"] == "unspecified"
    for again in (("revoke", serial, "--reason", "superseded"), ("hold", serial),
                  ("release", serial)):
        refused = command(issued, "cert", *again)
        assert refused.returncode == 1 and "for ever" in refused.stderr
    assert len(audit(issued, "revoke")) == 1


def test_what_cannot_be_revoked(issued):
    serial = issued.issued[0][0]
    assert command(issued, "cert", "revoke", "00ab").returncode == 1
    assert command(issued, "cert", "revoke", "not hex").returncode == 2
    unknown = command(issued, "cert", "revoke", serial, "--reason", "bored")
    assert unknown.returncode == 2 and "superseded" in unknown.stderr
    release = command(issued, "cert", "revoke", serial, "--reason", "removeFromCRL")
    assert release.returncode == 2 and "cert release" in release.stderr
    assert command(issued, "ca", "crl", "--ca", "nobody").returncode == 2
    assert revoked(issued) == {} and not audit(issued, "revoke")


def test_what_cannot_be_written_to_the_audit_file_is_not_revoked(issued):
    issued.edit(lambda config: config.update(audit={"file": "/dev/full"}))
    refused = command(issued, "cert", "revoke", issued.issued[0][0])
    assert refused.returncode == 1 and "nothing was done" in refused.stderr
    issued.edit(lambda config: config.pop("audit"))
    assert revoked(issued) == {}


def test_nothing_is_revoked_that_cannot_be_audited(issued):
    audit_file = issued.dir / "audit.jsonl"
    issued.stop()
    audit_file.unlink()
    audit_file.mkdir()
    refused = command(issued, "cert", "revoke", issued.issued[0][0])
    assert refused.returncode == 2 and "audit" in refused.stderr
    audit_file.rmdir()
    assert revoked(issued) == {}


def test_revoking_needs_no_key_and_no_ca(issued):
    """A rekeyed, replaced or unreachable CA is when revoking matters most."""
    issued.stop()
    (issued.dir / "ra-signing.key").unlink()
    key = issued.dir / "ca.key"
    key.rename(key.with_suffix(".away"))
    done = command(issued, "cert", "revoke", issued.issued[0][0])
    assert done.returncode == 0, done.stderr
    key.with_suffix(".away").rename(key)
    assert len(revoked(issued)) == 1


def test_list_filters(issued):
    serial = issued.issued[0][0]
    assert command(issued, "cert", "revoke", serial).returncode == 0

    def listed(*filters):
        done = command(issued, "cert", "list", "--json", *filters)
        assert done.returncode == 0, done.stderr
        return [row["subject"] for row in json.loads(done.stdout)]

    assert listed() == ["CN=two,O=Example", "CN=one,O=Example"]
    assert listed("--revoked") == ["CN=one,O=Example"]
    assert listed("--subject", "TWO") == ["CN=two,O=Example"]
    assert listed("--limit", "1") == ["CN=two,O=Example"]
    assert listed("--expiring", "30d") == []
    assert len(listed("--expiring", "400d")) == 2
    assert command(issued, "cert", "list", "--expiring", "soon").returncode == 2
    text = command(issued, "cert", "list", "--revoked").stdout
    assert "revoked" in text and text.count("\n") == 1


@pytest.mark.parametrize("words", [("cert", "revoke"), ("cert", "hold"), ("cert", "release"),
                                   ("ca",), ("ca", "crl")], ids="-".join)
def test_help(words):
    done = run(*words, "--help")
    assert done.returncode == 0 and len(done.stdout) > 100
