"""What the guides to the CA say is done as they say it: every command of docs/ca.md, revocation.md,
certificates.md, backup.md and rollover.md, in its order, in an empty folder. Replaced are
ports, the system's folders and users, and what stands for a value of the reader's (SERIAL, F, PID)."""

import re
import shutil

import pytest

import harness
import soft_token
import walk
from walk import LAB, enrolled

pytestmark = pytest.mark.commands


@pytest.mark.parametrize("document", ["ca.md", "revocation.md", "certificates.md", "signer.md",
                                      "rollover.md"])
def test_whatever_is_a_command_is_marked_as_one(document):
    for block in walk.blocks(document):
        commands = re.match(r"(scepgate|openssl|curl|cd|cp|install|softhsm2-util|[(]umask) ", block.text)
        assert (block.kind == "sh") >= bool(commands), block.text


def test_the_guide_to_a_CA_below_an_offline_root_leads_to_one(reader):
    reads = reader("ca.md")
    reads.run("A CA behind it")
    offline = "Root offline, subordinate online"
    reads.run(offline, 4)
    assert "fit to serve" in reads.output

    def without_the_lab(config):
        del config["cas"]["lab"]
        del config["endpoints"][0]["ra"]["previous_encryption"]
        del config["endpoints"][0]["renewal"]["previous_cas"]

    reads.edit(LAB, without_the_lab)
    reads.do("rm lab/ca.* lab/ra-signing.* lab/ra-encryption.*")
    assert "laptop-17/cert.pem: OK" in reads.run(offline)

    renewal = "Renewal"
    again = [b for b in reads.blocks if b.heading == renewal and "--ca issuing" in b.text]
    same_key, new_key = again
    for block in again:
        block.done = True
    before = reads.do("openssl x509 -in lab/issuing.pem -noout -serial -subject")
    reads.do(same_key.text)
    after = reads.do("openssl x509 -in lab/issuing.pem -noout -serial -subject")
    assert before.splitlines()[0] != after.splitlines()[0]
    assert before.splitlines()[1] == after.splitlines()[1]
    reads.hang_up(LAB)
    assert "laptop-17/cert.pem: OK" in reads.do(
        "openssl verify -CAfile root.pem -untrusted lab/issuing.pem laptop-17/cert.pem")
    reads.do(new_key.text)
    reads.do(f"scepgate config check --config {LAB}")
    reads.hang_up(LAB)
    reads.do(f"scepgate getnextca --url http://127.0.0.1:{reads.port}/scep --in laptop-17 --out next")
    assert "G2" in reads.do("openssl x509 -in next/next-ca.pem -noout -subject")

    reads.run("The key is stolen, or lost")
    reads.do("openssl verify -crl_check_all -CAfile root.pem -untrusted lab/issuing.pem "
             "-CRLfile root.crl -CRLfile issuing.crl laptop-17/cert.pem", status=2)
    assert "certificate revoked" in reads.output
    assert all(re.match("softhsm2-util|scepgate ca (import|renew)", left) for left in reads.left())


def test_the_guide_to_a_CA_of_another_kind_leads_to_one(reader, tmp_path):
    reads = reader("ca.md")
    reads.run("A CA behind it")
    reads.do(f"scepgate serve --config {LAB} &")

    (tmp_path / "tokens").mkdir()
    reads.environment = soft_token.environment(tmp_path, reads.environment)
    assert "fit to serve" in reads.run("A token (HSM)")
    reads.stop(LAB)  # the token was not there when it started
    config = tmp_path / LAB
    named = f'"sandbox": {{ "writable": ["{tmp_path}/tokens"] }}, "listen"'
    config.write_text(config.read_text().replace('"listen"', named, 1))
    reads.do(f"scepgate serve --config {LAB} &")
    enrolled(reads, "by-token", "lab/hsm.pem")
    assert "OK" in reads.do("openssl verify -CAfile lab/hsm.pem by-token/cert.pem")

    reads.do("""(umask 077; echo kept-from-before > lab/old.passphrase)
openssl req -x509 -newkey rsa:2048 -keyout old.key -out old.pem -days 900 -subj "/CN=Old CA" \\
  -passout file:lab/old.passphrase -addext keyUsage=critical,keyCertSign,cRLSign
openssl pkcs12 -export -in old.pem -inkey old.key -out old-ca.p12 -passin file:lab/old.passphrase \\
  -passout pass:kept-from-before""")
    reads.run("Import")
    reads.hang_up(LAB)
    enrolled(reads, "by-import", "old.pem")
    assert "OK" in reads.do("openssl verify -CAfile old.pem by-import/cert.pem")
    assert not re.search("(?m)^(softhsm2-util|scepgate ca import)", "\n".join(reads.left()))


def test_the_guide_to_the_renewal_of_a_root_leads_to_it(reader):
    reads = reader("ca.md")
    reads.run("A CA behind it")
    reads.do(f"scepgate serve --config {LAB} &")
    enrolled(reads, "early")
    reads.run("Renewal", 1)
    reads.hang_up(LAB)
    assert "OK" in reads.do("openssl verify -CAfile lab/ca.pem early/cert.pem")
    enrolled(reads, "late")
    assert "late/cert.pem: OK" in reads.do("openssl verify -CAfile early/ca.pem late/cert.pem")
    reads.run("Renewal", 1)
    reads.do(f"scepgate config check --config {LAB}")
    reads.hang_up(LAB)
    reads.do(f"scepgate getnextca --url http://127.0.0.1:{reads.port}/scep --in late --out next")
    assert not re.search("(?m)^scepgate ca renew", "\n".join(reads.left()))


def test_the_guide_to_revocation_is_true(reader, tmp_path):
    reads = reader("revocation.md")
    reads.do(f"scepgate init lab --listen 127.0.0.1:{reads.port} --url http://pki.example/scep\n"
             f"scepgate serve --config {LAB} &")
    shutil.copy(tmp_path / "lab/ca.pem", tmp_path / "ca.pem")
    reads.instead["SERIAL"] = first = enrolled(reads, "laptop-17")
    assert first.lower() in reads.run("Taking a certificate back", 1)
    reads.instead["SERIAL"] = enrolled(reads, "laptop-18")
    reads.run("Taking a certificate back")
    reads.instead["SERIAL"] = "5EA1"
    reads.run("A certificate that the store does not know")

    delta = reads.json("Delta CRLs")
    reads.edit(LAB, lambda config: config["cas"]["lab"].update(delta))
    reads.edit(LAB, lambda config: config["cas"]["lab"]["crl"].update(publish_to=["%3%8%9.crl"]))
    reads.do(f"scepgate config check --config {LAB}")
    reads.hang_up(LAB)
    reads.run("The CRL by command")
    delta_crl = tmp_path / "lab/scepgate Lab CA+.crl"
    harness.wait_until(delta_crl.exists, "the server publishes the delta")
    shutil.copy(tmp_path / "ca.crl", tmp_path / "last.crl")
    reads.run("Numbers")
    served = reads.json("Over HTTP")["cas"]["lab"]
    assert reads.edit(LAB, lambda config: config["cas"]["lab"].update(served | delta)) is None
    reads.hang_up(LAB)

    shutil.copytree(tmp_path / "laptop-17", tmp_path / "revoked")
    enrolled(reads, "laptop-19")
    for device, status in (("laptop-19", 0), ("revoked", 2)):
        shutil.copy(tmp_path / device / "cert.pem", tmp_path / "cert.pem")
        for block in reads.blocks:
            if block.heading in ("The CRL", "Delta CRLs") and block.kind == "sh":
                block.done = False
        for heading in ("The CRL", "Delta CRLs"):
            reads.run(heading, status=status)
            assert ("certificate revoked" in reads.output) == bool(status), reads.output
    reads.run("OCSP")
    assert "cert.pem: revoked" in reads.output
    assert not reads.left()


def test_the_guide_to_finding_certificates_finds_them(reader):
    reads = reader("certificates.md", F=LAB)
    reads.do(f"scepgate init lab --listen 127.0.0.1:{reads.port}\nscepgate serve --config {LAB} &")
    reads.instead["SERIAL"] = serial = enrolled(reads, "laptop-17")
    found = reads.run("Finding certificates")
    assert found.lower().count(serial.lower()) == 5, found  # not among those that expire, or are revoked
    reads.run("Ten million certificates")
    assert not reads.left()


def test_the_guide_to_backup_brings_a_CA_back(reader, tmp_path):
    reads = reader("backup.md", **{"F": LAB, "/backup": tmp_path / "backup"})
    (tmp_path / "backup").mkdir()
    reads.do(f"scepgate init lab --listen 127.0.0.1:{reads.port}\nscepgate serve --config {LAB} &")
    kept, lost = enrolled(reads, "kept"), None
    assert "all sound" in reads.run("What to keep")
    lost = enrolled(reads, "lost").lower()
    reads.stop(LAB)
    (tmp_path / "lab/scepgate.db").write_bytes(b"no database any more" * 1000)
    reads.do(f"scepgate store verify --config {LAB}", status=1)
    assert "(docs/backup.md)" in reads.output
    reads.run("Restore")
    faults = reads.do(f"scepgate store verify --config {LAB}", status=1)
    assert f"not_stored: serial {lost}" in faults and faults.count("fault:") == 1
    reads.do(f"scepgate cert revoke {lost} --config {LAB} --not-recorded --reason keyCompromise\n"
             f"scepgate serve --config {LAB} &\n"
             f"curl -sf http://127.0.0.1:{reads.port}/crl/lab.crl | openssl crl -inform DER -noout -text")
    assert lost in reads.output.lower() and kept.lower() not in reads.output.lower()
    enrolled(reads, "after")
    verified = reads.do(f"scepgate store verify --config {LAB}")
    assert "note: 1 certificate that left" in verified and "all sound" in verified
    assert not reads.left()


def test_the_guide_to_rollover_leads_to_the_next_CA(reader):
    reads = reader("rollover.md")
    reads.do(f"scepgate init lab --listen 127.0.0.1:{reads.port}\nscepgate serve --config {LAB} &")
    enrolled(reads, "device1")
    reads.instead.update(PID=reads.pid(LAB), URL=f"http://127.0.0.1:{reads.port}/scep")
    reads.hanging_up(LAB, lambda: reads.run("A CA of its own"))
    assert "fit to serve" in reads.output
    reads.run("What happens when")
    assert "G2" in reads.do("openssl x509 -in device1/next-ca.pem -noout -subject")
    assert not reads.left()


@pytest.mark.parametrize("document, heading, at", [
    ("templates.md", "Templates", "templates"), ("ca-urls.md", "URLs in certificates", "cas"),
])
def test_the_configuration_of_a_guide_is_sound(reader, document, heading, at):
    reads = reader(document)
    reads.do(f"scepgate init lab --listen 127.0.0.1:{reads.port}")
    shown = reads.json(heading)

    def taken_over(config):
        if at == "cas":
            config["cas"]["lab"].update(shown["cas"]["issuing"])
        else:
            config["templates"].update(shown["templates"])
            config["endpoints"][0].update(shown["endpoints"][0])

    reads.edit(LAB, taken_over)
    assert "fit to serve" in reads.do(f"scepgate config check --config {LAB}")
    reads.do(f"scepgate serve --config {LAB} &")
    device = "device1"
    enrolled(reads, device)
    text = reads.do(f"openssl x509 -in {device}/cert.pem -noout -text")
    for said in {"cas": ("http://pki.example/CertEnroll/scepgate%20Lab%20CA.crl", "OCSP"),
                 "templates": ("CN = 4711", "http://pki.example/cps")}[at]:
        assert said in text
