"""Keys in a PKCS#11 token: SoftHSM, set up by its own tools."""

import shutil
import subprocess

import pytest

import harness
import scep_client as scep
import soft_token
from scep_client import Csr, name

SAN = scep.subject_alt_name(("dns", "token.example"))


@pytest.fixture
def token_lab(new_lab):
    """A lab, not started, whose CA, RA and challenge keys are in a token; there are no files of
    them."""
    lab = new_lab(start=False)
    if not (lab.dir / "tokens").exists():
        lab.edit(lambda config: soft_token.move_keys(config, lab.dir))
    for key in lab.dir.glob("*.key"):
        key.unlink()
    return lab


def enrol(lab, tmp_path, number=0):
    """By our own client."""
    challenge = lab.challenge("--subject", "CN=token", "--dns", "token.example", "--key-usage",
                              "both")
    out = tmp_path / f"device{number}"
    return out, harness.run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                            "CN=token", "--dns", "token.example", "--key-usage", "both", "--out",
                            out)


def check(lab):
    return harness.run("config", "check", "--config", lab.config_file)


@pytest.mark.parametrize("ca_key", ["rsa:2048", "ec:p384"])
def test_enrols_with_all_keys_in_the_token(new_lab, ca_key, tmp_path):
    lab = new_lab("--ca-key", ca_key, start=False)
    if not (lab.dir / "tokens").exists():
        lab.edit(lambda config: soft_token.move_keys(config, lab.dir))
    for key in lab.dir.glob("*.key"):
        key.unlink()
    lab.start()
    out, enrolled = enrol(lab, tmp_path)
    assert enrolled.returncode == 0, enrolled.stderr
    subprocess.run(["openssl", "verify", "-CAfile", out / "ca.pem", out / "cert.pem"], check=True)
    assert soft_token.PIN not in lab.text_everywhere()


@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha1", "oaep-sha256"])
def test_opens_every_key_transport(token_lab, keys, transport):
    lab = token_lab.start()
    ca = lab.ca()
    challenge = lab.challenge("--subject", "CN=token", "--dns", "token.example", "--key-usage",
                              "both")
    csr = Csr(keys(), name("token"), challenge, [SAN, scep.key_usage(0, 2)])
    message = scep.pkcs_req(csr, [ca.encryption], envelope={"transport": transport})
    assert lab.send(message, ca).status == "success"


@pytest.mark.parametrize("transport", ["pkcs1", "oaep-sha1", "oaep-sha256"])
def test_the_uniform_failure(token_lab, keys, transport):
    """attacks.md Z06, Z07: no padding is told from another, with a key in a token either."""
    lab = token_lab.start()
    ca = lab.ca()
    replies = set()
    for encrypted in (b"\x00" * 256, b"\x5a" * 256, b"\xff" * 256):
        csr = Csr(keys(), name("token"), "challenge", [SAN])
        envelope = {"transport": transport, "encrypted_key": encrypted}
        reply = lab.send(scep.pkcs_req(csr, [ca.encryption], envelope=envelope), ca)
        replies.add((reply.status, reply.fail_info))
    assert replies == {("failure", "badMessageCheck")}


@pytest.mark.attack("A06")
def test_serves_on_when_the_token_comes_back(token_lab, tmp_path):
    lab = token_lab.start()
    assert enrol(lab, tmp_path)[1].returncode == 0
    challenge = lab.challenge("--subject", "CN=token", "--dns", "token.example", "--key-usage",
                              "both")
    arguments = ["enroll", "--url", lab.url, "--challenge", challenge, "--subject", "CN=token",
                 "--dns", "token.example", "--key-usage", "both", "--out", tmp_path / "again"]
    tokens = lab.dir / "tokens"
    token = next(tokens.iterdir())
    token.rename(lab.dir / "away")
    refused = harness.run(*arguments)
    assert refused.returncode == 1
    assert "503" in refused.stderr, refused.stderr
    assert "KeyUnavailable" in lab.log()
    (lab.dir / "away").rename(token)
    enrolled = harness.wait_until(
        lambda: [done for done in [harness.run(*arguments)] if done.returncode == 0],
        "an enrolment after the token came back")
    assert enrolled
    lab.stop()


@pytest.mark.attack("A06")
def test_a_wrong_pin_is_tried_once(token_lab):
    (token_lab.dir / "token.pin").write_text("9999\n")
    checked = check(token_lab)
    assert checked.returncode == 2
    text = checked.stdout + checked.stderr
    assert "CKR_PIN_INCORRECT" in text
    assert text.count("does not take the PIN") == 1
    assert "has refused this PIN" in text
    assert "9999" not in text


def test_a_wrong_pin_has_an_exit_status_of_its_own(token_lab):
    (token_lab.dir / "token.pin").write_text("9999\n")
    assert harness.run("serve", "--config", token_lab.config_file).returncode == 3
    unit = (harness.TOP / "deploy/scepgate-signer.service").read_text()
    assert "RestartPreventExitStatus=3" in unit
    (token_lab.dir / "token.pin").unlink()
    assert harness.run("serve", "--config", token_lab.config_file).returncode == 2


def test_what_is_missing_is_named(token_lab):
    token_lab.edit(lambda config: config["cas"]["lab"]["key"].update(
        {"pkcs11": "pkcs11:token=lab;object=nobody"}))
    checked = check(token_lab)
    assert checked.returncode == 2
    assert "cas.lab.key.pkcs11: pkcs11:token=lab;object=nobody: the token has no such private key" \
        in checked.stdout + checked.stderr
    shutil.move(token_lab.dir / "tokens", token_lab.dir / "elsewhere")
    (token_lab.dir / "tokens").mkdir()
    checked = check(token_lab)
    assert "has no token for pkcs11:token=lab" in checked.stdout + checked.stderr


@pytest.mark.parametrize("key, says", [
    ({"pkcs11": "token=lab"}, "cas.lab.key.pkcs11: no PKCS#11 URI"),
    ({"pkcs11": "pkcs11:object=ca?pin-value=1234", "module": soft_token.MODULE},
     "the module and the PIN have keys of their own"),
    ({"pkcs11": "pkcs11:object=ca"}, "cas.lab.key.module: is missing"),
    ({"pkcs11": "pkcs11:object=ca", "module": "/nowhere.so"}, "cannot be used as a PKCS#11 module"),
    ({"pkcs11": "pkcs11:object=ca", "module": soft_token.MODULE, "passphrase": {"env": "X"}},
     "it belongs into 'pin'"),
    ({"file": "ca.key", "pkcs12": "ca.p12"}, "needs exactly one of"),
    ({"pkcs12": "ca.pem"}, "it is no PKCS#12 file"),
])
def test_faulty_key_sources_are_named(new_lab, key, says):
    lab = new_lab(start=False)
    (lab.dir / "ca.pem").chmod(0o600)
    lab.edit(lambda config: config["cas"]["lab"].update({"key": key}))
    checked = check(lab)
    assert checked.returncode == 2
    assert says in checked.stdout + checked.stderr


def test_tls_wants_its_key_in_a_file(token_lab):
    token_lab.edit(lambda config: config["listen"][0].update(
        {"tls": {"certificate": "ca.pem", "key": soft_token.key("ca")}}))
    checked = check(token_lab)
    assert checked.returncode == 2
    assert "TLS is not served with a token's key" in checked.stdout + checked.stderr


def test_serves_with_a_key_in_pkcs12(new_lab, tmp_path):
    lab = new_lab(start=False)
    if harness.TEST_KEYS == "softhsm":
        lab.edit(lambda config: config["cas"]["lab"].update({"key": {"file": "ca.key"}}))
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", lab.dir / "ca.key", "-in",
                    lab.dir / "ca.pem", "-out", lab.dir / "ca.p12", "-passout", "pass:secret"],
                   check=True)
    (lab.dir / "passphrase").touch(mode=0o600)
    (lab.dir / "passphrase").write_text("secret\n")
    lab.edit(lambda config: config["cas"]["lab"].update(
        {"key": {"pkcs12": "ca.p12", "passphrase": {"file": "passphrase"}}}))
    lab.start()
    assert enrol(lab, tmp_path)[1].returncode == 0
    lab.stop()
    (lab.dir / "passphrase").write_text("other\n")
    checked = check(lab)
    assert checked.returncode == 2
    assert "the passphrase is wrong" in checked.stdout + checked.stderr
