"""scepgate decode: whatever a support case brings, in words and without secrets."""

import base64
import json
import urllib.parse

import pytest
from cryptography.hazmat.primitives import serialization

import der
import fake_server
import harness
import oids
import scep_client
from harness import run


@pytest.fixture
def decode(tmp_path):
    def call(content, *arguments):
        file = tmp_path / "file"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return run("decode", file, *arguments)
    return call


@pytest.fixture(scope="module")
def parties(keys, tmp_path_factory):
    """A CA, and a PKCSReq to it with the keys that open it and its answer."""
    folder = tmp_path_factory.mktemp("parties")
    ca = fake_server.make_ca(keys(0))
    csr = scep_client.Csr(keys(1), scep_client.name("decoded"), "secret-challenge", [
        scep_client.subject_alt_name(("dns", "decoded.example")), scep_client.key_usage(0, 2)])
    message = scep_client.pkcs_req(csr, [ca])
    for name, key, certificate in (("ca", keys(0), ca), ("device", keys(1), message.signer)):
        (folder / f"{name}.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        (folder / f"{name}.pem").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM))
    return folder, ca, csr, message


def forms(octets):
    text = base64.b64encode(octets).decode()
    wrapped = base64.encodebytes(octets).decode()
    return {
        "der": octets,
        "base64": text,
        "wrapped": wrapped,
        "url-safe": base64.urlsafe_b64encode(octets).decode().rstrip("="),
        "url": "http://x/scep?operation=PKIOperation&message=" + urllib.parse.quote(text, safe=""),
        "log": f"GET /scep?operation=PKIOperation&message={text} HTTP/1.1",
        "pem": f"-----BEGIN PKCS7-----\n{wrapped}-----END PKCS7-----\n",
    }


@pytest.mark.parametrize("form", forms(b""))
def test_A_request_is_read_in_every_form_that_it_comes_in(parties, decode, form):
    message = parties[3]
    result = decode(forms(message.der())[form], "--json")
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["what"] == "pkiMessage PKCSReq" and facts["encoding"] == "DER"
    signer = facts["signers"][0]
    assert signer["attributes"]["transactionID"] == message.transaction_id
    assert signer["attributes"]["messageType"] == "19 (PKCSReq)"
    assert signer["attributes"]["senderNonce"] == message.sender_nonce.hex()
    assert signer["signature"].startswith("verifies")
    assert facts["certificates"][0]["subject"] == "CN=decoded"
    assert "CN=Fake CA" in facts["content"]["recipients"][0]["what"]
    assert facts["content"]["cipher"] == "AES-128-CBC"


def test_BER_is_said_to_be_BER(parties, decode, keys):
    message = scep_client.pkcs_req(parties[2], [parties[1]], encoding=der.Ber())
    facts = json.loads(decode(message.der(), "--json").stdout)
    assert facts["encoding"] == "BER" and facts["signers"][0]["signature"].startswith("verifies")


def test_The_key_opens_the_request_but_the_challenge_stays_hidden(parties, decode):
    folder, _, _, message = parties
    result = decode(message.der(), "--key", folder / "ca.key", "--cert", folder / "ca.pem")
    assert result.returncode == 0, result.stderr
    assert "certificate request (PKCS#10)" in result.stdout
    assert "dns:decoded.example" in result.stdout
    assert "challengePassword: a password; not shown" in result.stdout
    assert "secret-challenge" not in result.stdout + result.stderr
    other = decode(message.der(), "--key", folder / "device.key", "--cert", folder / "device.pem")
    assert other.returncode == 0 and "cannot be opened" in other.stdout
    assert decode(message.der(), "--key", folder / "ca.key", "--cert",
                  folder / "device.pem").returncode == 2


def test_A_CSR_alone_hides_its_challenge_and_is_judged(parties, decode, keys):
    for csr, verdict in ((parties[2], "sound"),
                         (scep_client.Csr(keys(1), challenge="secret-challenge",
                                          break_signature=True), "signature")):
        result = decode(csr.der(), "--json")
        facts = json.loads(result.stdout)
        assert verdict in facts["judgement"]
        assert facts["attributes"]["challengePassword"]["octets"] == len("secret-challenge")
        assert "secret-challenge" not in result.stdout


@pytest.mark.parametrize("status, what", [("3", "CertRep PENDING"), ("2", "CertRep FAILURE badTime"),
                                          ("0", "CertRep SUCCESS")])
def test_A_reply_says_its_status_and_opens_with_the_device_key(parties, decode, keys, status,
                                                               what):
    folder, ca, csr, message = parties
    server = fake_server.FakeServer(keys(0))
    server.http.server_close()
    request = server.read("POST", scep_client.pkcs_req(csr, [ca], signer=message.signer).der())
    content = server.content(request) if status == "0" else None
    reply = server.reply(request, status, content, fail_info="3" if status == "2" else None)
    result = decode(reply, "--key", folder / "device.key", "--cert", folder / "device.pem")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("pkiMessage " + what)
    assert ("certificates only" in result.stdout) == (status == "0")


def test_A_CRL_alone_is_read(blob_lab, decode, keys, tmp_path):
    challenge = blob_lab.challenge("--subject", "CN=crl", "--key-usage", "both")
    csr = scep_client.Csr(keys(1), scep_client.name("crl"), challenge,
                          [scep_client.key_usage(0, 2)])
    serial = f"{blob_lab.enrol(csr).certificate.serial_number:x}"
    file = tmp_path / "crl"
    for revoke in (False, True):
        if revoke:
            assert run("cert", "revoke", serial, "--config", blob_lab.config_file).returncode == 0
        for form in ((), ("--der",)):
            made = run("ca", "crl", "--config", blob_lab.config_file, "--ca", "lab", *form, "--out",
                       file)
            assert made.returncode == 0, made.stderr
            result = decode(file.read_bytes())
            assert result.returncode == 0 and "revocation list" in result.stdout.splitlines()[0]


def test_A_challenge_blob_shows_its_outside_only(blob_lab, decode):
    result = decode(blob_lab.challenge("--subject", "CN=hidden-name"), "--json")
    facts = json.loads(result.stdout)
    assert facts["content"]["cipher"] == "AES-256-GCM"
    assert "Lab MDM signer" in facts["signers"][0]["what"]
    assert "hidden-name" not in result.stdout


def test_What_a_server_answers_to_everybody_is_read(blob_lab, decode):
    for operation, what in (("GetCACert", "certificates only"), ("GetCACaps", "GetCACaps")):
        reply = blob_lab.get(f"{harness.PATH}?operation={operation}")
        result = decode(reply.body)
        assert result.returncode == 0 and what in result.stdout.splitlines()[0]
    assert decode((blob_lab.dir / "ca.pem").read_bytes()).stdout.startswith("certificate\n")


@pytest.mark.parametrize("content, hint", [
    (b"", "empty"), (b"<!DOCTYPE html><p>Sign in", "HTML"), (b"hello", "no PEM"),
    (b"\x30\x80" * 5000, "no message"), (b"\x30\x84\xff\xff\xff\xff", "no message"),
    (b"\x30\x03\x02\x01\x00", "no message"), (b"\x00" * 100, "no message"),
    (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "PEM"),
    (der.sequence(der.oid(oids.DATA), der.tlv(0xA0, der.octets(b"x"))), "ContentInfo"),
], ids=lambda value: None if isinstance(value, bytes) else value)
def test_Garbage_is_status_1_with_a_reason(decode, content, hint):
    result = decode(content)
    assert result.returncode == 1 and result.stdout == ""
    assert hint in result.stderr


def test_Every_cut_and_every_flipped_octet_is_survived(parties, tmp_path):
    whole = parties[3].der()
    step = len(whole) // 40
    for at in range(1, len(whole), step):
        for broken in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1:]):
            (tmp_path / "broken").write_bytes(broken)
            result = run("decode", tmp_path / "broken")
            assert result.returncode in (0, 1) and (result.stdout or result.stderr)


def test_A_private_key_is_not_shown(parties, decode):
    result = decode((parties[0] / "ca.key").read_bytes())
    assert result.returncode == 1 and "private key" in result.stderr and result.stdout == ""


def test_Text_that_could_play_with_the_terminal_is_escaped(parties, decode):
    hostile = scep_client.pkcs_req(parties[2], [parties[1]], transaction_id="x",
                                   replace={oids.TRANSACTION_ID: der.utf8("a\x1b[2J\u202eb")})
    for arguments in ((), ("--json",)):
        result = decode(hostile.der(), *arguments)
        assert result.returncode == 0
        assert "\x1b" not in result.stdout and "\u202e" not in result.stdout
