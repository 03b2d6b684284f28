"""Keys that others have: "rules.keys.blocked" (docs/policy-rules.md)."""

import hashlib
import signal
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import harness
from scep_client import Csr, name


def digest_of(key):
    spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def as_debian_has_it(key):
    """As openssl-vulnkey does: the second half of the SHA-1 of what OpenSSL prints."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                            serialization.NoEncryption())
    modulus = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=pem, check=True,
                             capture_output=True).stdout
    return hashlib.sha1(modulus).hexdigest()[20:]


@pytest.fixture
def listing(new_lab):
    """A serving lab that refuses the keys in two lists beside its configuration."""
    lab = new_lab("--policy", "none", start=False)
    (lab.dir / "leaked").write_text("# of the firmware 1.0\n")
    (lab.dir / "blacklist.RSA-2048").write_text("# Debian, 2008\n")
    lab.edit(lambda config: config["endpoints"][0].update(
        rules={"keys": {"blocked": ["leaked", "blacklist.RSA-2048"]}}))
    return lab.start()


@pytest.mark.attack("K03")
@pytest.mark.parametrize("file, line_of", [("leaked", digest_of),
                                           ("blacklist.RSA-2048", as_debian_has_it)])
def test_A_K03_a_key_on_a_list_gets_no_certificate(listing, keys, file, line_of):
    assert listing.enrol(Csr(keys(), name("before")), transaction_id="before").status == "success"
    with open(listing.dir / file, "a") as lines:
        lines.write(f"{line_of(keys())}  # device 17\n")
    before = listing.log().count("reloaded")
    listing.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: listing.log().count("reloaded") > before, "reloaded")
    reply = listing.enrol(Csr(keys(), name("after")), transaction_id="after")
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    line = [each for each in listing.audit() if each["event"] == "refuse"][-1]
    assert line["code"] == "RuleKeyBlocked" and line["check"] == "keys.blocked"
    assert digest_of(keys()) in line["found"], "so that the list's owner finds it"
    assert listing.enrol(Csr(keys(1), name("other")), transaction_id="other").status == "success"


@pytest.mark.parametrize("spoil, says", [
    (lambda file: file.write_text("00\n12:34\n"), "line 1"),
    (lambda file: file.unlink(), "no such file"),
    (lambda file: file.chmod(0o646), "can be changed by everybody"),
])
def test_config_check_judges_the_list(listing, spoil, says):
    listing.stop()
    spoil(listing.dir / "leaked")
    for command in (["serve"], ["config", "check"]):
        done = harness.run(*command, "--config", listing.config_file)
        assert done.returncode == 2 and says in done.stderr, done.stderr
        assert "endpoints[0].rules.keys.blocked" in done.stderr and "leaked" in done.stderr
