"""How clients name the issuer when they ask for certificates and CRLs: as their sources have it."""

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import der
import harness
import scep_client as scep
import two_tier
from scep_client import Csr, name

SAN = scep.subject_alt_name(("dns", "names.example"))


@pytest.fixture(scope="module")
def known(templates, tmp_path_factory):
    """(lab under a root, GetCACert, a certificate, its key)"""
    path = tmp_path_factory.mktemp("names") / "lab"
    shutil.copytree(templates(), path)
    lab = harness.Lab(path)
    two_tier.rebuild(lab)
    lab.edit(lambda config: config.update(listen=[{"address": f"127.0.0.1:{lab.port}"}]))
    lab.start()
    try:
        ca = lab.ca()
        key = rsa.generate_private_key(65537, 2048)
        challenge = lab.challenge("--subject", "CN=names", "--dns", "names.example", "--key-usage",
                                  "both")
        reply = lab.enrol(Csr(key, name("names"), challenge, [SAN, scep.key_usage(0, 2)]))
        yield lab, ca, reply.certificate, key
        lab.stop()
    finally:
        lab.kill()


def utf8_reversed(subject):
    """What Bouncy Castle makes of the text that Java prints: last RDN first, all UTF8String."""
    rdns = []
    for attribute in reversed(list(subject)):
        kind = der.printable if attribute.oid.dotted_string == "2.5.4.6" else der.utf8
        rdns.append(der.set_of(der.sequence(der.oid(attribute.oid.dotted_string),
                                            kind(attribute.value))))
    return der.sequence(*rdns)


NAMES = {
    "sscep-0.7-and-later_takes-the-RA-that-signs": lambda ca: ca.signing.subject.public_bytes(),
    "sscep-before-0.7_takes-the-issuer-of-the-RA": lambda ca: ca.signing.issuer.public_bytes(),
    "sscep-forks_take-the-issuer-of-the-CA": lambda ca: ca.ca.issuer.public_bytes(),
    "jscep-1_takes-the-printed-issuer-of-the-CA": lambda ca: utf8_reversed(ca.ca.issuer),
    "jscep-1_takes-a-printed-name": lambda ca: utf8_reversed(ca.ca.subject),
    "jscep-2.1-and-later_takes-the-CA": lambda ca: ca.ca.subject.public_bytes(),
    "the-encryption-RA": lambda ca: ca.encryption.subject.public_bytes(),
}


def ask(known, message_type, issuer, serial, transaction_id="SSCEP transactionId"):
    lab, ca, certificate, key = known
    content = der.sequence(issuer, der.integer(serial))
    message = scep.Message(scep.Envelope([ca.encryption]).seal(content), key, certificate,
                           message_type=message_type, transaction_id=transaction_id)
    return lab.send(message, ca)


@pytest.mark.parametrize("client", NAMES)
def test_GetCert_finds_the_certificate_whatever_the_client_calls_its_issuer(known, client):
    _, ca, certificate, _ = known
    reply = ask(known, "21", NAMES[client](ca), certificate.serial_number)
    assert (reply.status, reply.certificates) == ("success", [certificate])


@pytest.mark.parametrize("client", NAMES)
def test_GetCRL_gives_the_CRL_whatever_the_client_calls_the_issuer(known, client):
    _, ca, certificate, _ = known
    # sscep sends the serial number of the RA or the CA: it says nothing.
    reply = ask(known, "22", NAMES[client](ca), ca.signing.serial_number)
    assert reply.status == "success"
    assert reply.crl.is_signature_valid(ca.ca.public_key())


@pytest.mark.parametrize("client", NAMES)
def test_CertPoll_does_not_depend_on_the_issuers_name(known, client, keys):
    lab, ca, _, _ = known
    key = keys(1)
    content = der.sequence(NAMES[client](ca), name("nobody").public_bytes())
    poll = scep.Message(scep.Envelope([ca.encryption]).seal(content), key, scep.self_signed(key),
                        message_type="20", transaction_id="unheard-of")
    assert lab.send(poll, ca).fail_info == "badCertId", "unknown for its key, not for the name"


@pytest.mark.parametrize("message_type", ["21", "22"])
def test_another_issuer_stays_unknown(known, message_type):
    _, _, certificate, _ = known
    for stranger in (name("Elsewhere"), name(("CN", "Issuing"), ("C", "DE"), ("O", "Example"))):
        reply = ask(known, message_type, stranger.public_bytes(), certificate.serial_number)
        assert (reply.status, reply.fail_info) == ("failure", "badCertId")


def test_sscep_jscep_a_constant_transactionID_finds_nothing_by_itself(known):
    """sscep sends one text for all, jscep counts from 0: only name, serial number and key count."""
    _, ca, certificate, _ = known
    for constant in ("SSCEP transactionId", "0"):
        found = ask(known, "21", ca.ca.subject.public_bytes(), certificate.serial_number, constant)
        assert found.certificates == [certificate]
        missing = ask(known, "21", ca.ca.subject.public_bytes(), 4711, constant)
        assert missing.fail_info == "badCertId"
