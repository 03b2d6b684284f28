"""N10–N13: extensions and attributes that a CSR asks for, and nobody granted."""

import pytest
from cryptography import x509

import der
import oids
import scep_client as scep
from blob_maker import BlobMaker

UNREADABLE = "CertificateRequestDecodingFailed"
SPELLINGS = {"PKCS#9": oids.EXTENSION_REQUEST, "Microsoft": oids.MS_EXTENSION_REQUEST,
             "VeriSign": oids.VERISIGN_EXTENSION_REQUEST}
EVIL = [scep.subject_alt_name(("dns", "evil.example"))]


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


@pytest.fixture
def asks(target, mdm):
    """A request that is right but for what its CSR has besides."""
    def make(extensions=(), attributes=(), claims=None, **options):
        blob = mdm.blob(mdm.claims(**(claims or {})))
        return target.request(target.csr(challenge=blob, extensions=list(extensions),
                                         attributes=list(attributes), **options))
    return make


def request_of(items, spelling="PKCS#9"):
    return scep.attribute(SPELLINGS[spelling], scep.extensions(items))


# --- N10: the extension request, more than once ---------------------------------------------------

@pytest.mark.attack("N10", "Z11")
@pytest.mark.parametrize("first", SPELLINGS)
@pytest.mark.parametrize("second", SPELLINGS)
def test_two_extension_requests_are_one_too_many_in_any_spelling(target, asks, first, second):
    usage = [scep.key_usage(0, 2)]
    target.refused(asks(attributes=[request_of(usage, first), request_of(usage, second)],
                        claims=dict(key_usage=["digitalSignature", "keyEncipherment"])),
                   "badRequest", UNREADABLE)


@pytest.mark.attack("N10")
def test_two_values_or_one_extension_twice_are_refused(target, asks):
    usage = scep.key_usage(0, 2)
    right = scep.extensions([usage])
    for attributes in (
            [scep.attribute(oids.EXTENSION_REQUEST, right, scep.extensions(EVIL))],
            [scep.attribute(oids.EXTENSION_REQUEST, right, right)],
            [request_of([usage, usage])], [request_of(EVIL + EVIL)],
            [request_of(EVIL + [scep.subject_alt_name(("dns", "a.example"))])]):
        target.refused(asks(attributes=attributes), "badRequest", UNREADABLE)


@pytest.mark.attack("N10")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_asked_for_counts_in_each_spelling(target, asks, spelling):
    target.refused(asks(attributes=[request_of(EVIL, spelling)]), "badRequest",
                   "SubjectAltNameMismatch")


# --- N11: what is in no certificate of ours -------------------------------------------------------

def eku(*usages):
    return (oids.EXTENDED_KEY_USAGE, False, der.sequence(*(der.oid(u) for u in usages)))


URL = der.tlv(0x86, b"http://evil.example/x")
HARMFUL = {
    "a CA": scep.BASIC_CONSTRAINTS_CA,
    "a CA of any depth": (oids.BASIC_CONSTRAINTS, True, der.sequence(b"\x01\x01\xff",
                                                                     der.integer(9))),
    "any usage": eku("2.5.29.37.0"), "OCSP signing": eku("1.3.6.1.5.5.7.3.9"),
    "code signing": eku("1.3.6.1.5.5.7.3.3"), "smart card logon": eku("1.3.6.1.4.1.311.20.2.2"),
    "enrolment agent": eku("1.3.6.1.4.1.311.20.2.1"), "server": eku("1.3.6.1.5.5.7.3.1"),
    "name constraints": ("2.5.29.30", True, der.sequence(der.tlv(0xA0, der.sequence(URL)))),
    "policy constraints": ("2.5.29.36", True, der.sequence(b"\x80\x01\x00")),
    "policies": ("2.5.29.32", False, der.sequence(der.sequence(der.oid("2.5.29.32.0")))),
    "application policies": ("1.3.6.1.4.1.311.21.10", False, der.sequence(
        der.sequence(der.oid("1.3.6.1.4.1.311.20.2.1")))),
    "AIA": ("1.3.6.1.5.5.7.1.1", False, der.sequence(der.sequence(
        der.oid("1.3.6.1.5.5.7.48.2"), URL))),
    "CRL points": ("2.5.29.31", False, der.sequence(der.sequence(der.tlv(
        0xA0, der.tlv(0xA0, URL))))),
    "another AKI": ("2.5.29.35", False, der.sequence(der.tlv(0x80, b"evil" * 5))),
    "another SKI": ("2.5.29.14", False, der.octets(b"evil" * 5)),
    "a CT poison": ("1.3.6.1.4.1.11129.2.4.3", True, der.NULL),
    "no OCSP check": ("1.3.6.1.5.5.7.48.1.5", False, der.NULL),
    "a template's name": ("1.3.6.1.4.1.311.20.2", False, der.tlv(0x1E, "SubCA".encode("utf-16-be"))),
    "a template": ("1.3.6.1.4.1.311.21.7", False, der.sequence(
        der.oid("1.3.6.1.4.1.311.21.8.1"), der.integer(100))),
    "private key usage": ("2.5.29.16", False, der.sequence(der.tlv(0x81, b"99991231235959Z"))),
    "an issuer's names": ("2.5.29.18", False, der.sequence(URL)),
    "subject directory attributes": ("2.5.29.9", False, der.sequence(
        scep.attribute("2.5.4.72", der.utf8("admin")))),
    "critical and unknown": ("1.2.3.4.5", True, der.NULL),
    "unknown and large": ("1.2.3.4.6", False, der.octets(bytes(30000))),
    "no value": ("1.2.3.4.7", False, b""),
}


def shape(certificate):
    """Its extensions without what differs between any two certificates of a template."""
    return {e.oid.dotted_string: (e.critical, e.value.public_bytes())
            for e in certificate.extensions if e.oid != x509.ExtensionOID.SUBJECT_KEY_IDENTIFIER}


@pytest.fixture(scope="module")
def golden(target, mdm):
    csr = target.csr(challenge=mdm.blob(), extensions=[])
    message = target.request(csr)
    reply = target.lab.send(message, target.ca)
    assert reply.status == "success"
    return reply.certificate


@pytest.mark.attack("N11")
@pytest.mark.parametrize("what", HARMFUL)
def test_nothing_that_is_asked_for_besides_gets_into_the_certificate(golden, target, asks, what):
    issued = target.granted(asks([HARMFUL[what]])).certificate
    assert shape(issued) == shape(golden)
    ski = x509.SubjectKeyIdentifier
    assert issued.extensions.get_extension_for_class(ski).value == ski.from_public_key(
        target.key.public_key())


@pytest.mark.attack("N11")
@pytest.mark.parametrize("bit", [1, 3, 4, 5, 6, 7], ids=[
    "nonRepudiation", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign",
    "encipherOnly"])
def test_a_key_usage_that_was_not_granted_is_refused(target, asks, bit):
    claims = dict(key_usage=["digitalSignature", "keyEncipherment"])
    target.refused(asks([scep.key_usage(0, 2, bit)], claims=claims), "badRequest")


@pytest.mark.attack("N11", "N13")
def test_extended_key_usages_are_held_to_the_claim_where_there_is_one(target, asks):
    client = "1.3.6.1.5.5.7.3.2"
    claims = dict(extended_key_usage=["clientAuth"])
    for usages in ([client, "2.5.29.37.0"], ["2.5.29.37.0"], [client, client, "1.3.6.1.5.5.7.3.1"]):
        target.refused(asks([eku(*usages)], claims=claims), "badRequest", "EnhancedKeyUsageMismatch")


# --- N12, N13: attributes -------------------------------------------------------------------------

@pytest.mark.attack("N12")
def test_neither_validity_nor_serial_number_nor_issuer_can_be_asked_for(golden, target, asks):
    attributes = [
        scep.attribute("1.2.840.113549.1.9.5", der.tlv(0x18, b"99991231235959Z")),
        scep.attribute("1.3.6.1.4.1.311.13.2.1", der.sequence(
            der.tlv(0x1E, "ValidityPeriod".encode("utf-16-be")),
            der.tlv(0x1E, "Years".encode("utf-16-be")))),
        scep.attribute("2.5.4.5", der.integer(1)),
        scep.attribute("1.2.840.113549.1.9.16.2.12", scep.name("root").public_bytes())]
    issued = target.granted(asks(attributes=attributes)).certificate
    assert issued.issuer == golden.issuer and issued.serial_number.bit_length() > 64
    lives = [c.not_valid_after - c.not_valid_before for c in (issued, golden)]
    assert abs(lives[0] - lives[1]).total_seconds() <= 2


@pytest.mark.attack("N13")
def test_unknown_attributes_in_any_order_do_no_harm(target, asks):
    attributes = [scep.attribute("1.2.840.113549.1.9.2", der.utf8("<script>alert(1)</script>")),
                  scep.attribute("1.2.3.4", der.NULL, der.integer(7)),
                  scep.attribute("2.999.1", der.octets(bytes(5000))), request_of([])]
    for order in (attributes, attributes[::-1]):
        issued = target.granted(asks(attributes=order)).certificate
        assert b"script" not in scep.cert_der(issued)


BAD_ATTRIBUTES = {
    "33": [scep.attribute(f"1.2.3.{n}", der.NULL) for n in range(33)],
    "5000": [scep.attribute(f"1.2.3.{n}", der.NULL) for n in range(5000)],
    "an empty SET": [der.sequence(der.oid("1.2.3"), der.set_of())],
    "an empty SET of extensions": [der.sequence(der.oid(oids.EXTENSION_REQUEST), der.set_of())],
    "two challenges": [scep.attribute(oids.CHALLENGE_PASSWORD, der.printable("x"))],
    "a challenge of two values": [scep.attribute(oids.CHALLENGE_PASSWORD, der.printable("x"),
                                                 der.printable("y"))],
    "no usage": [request_of([(oids.EXTENDED_KEY_USAGE, False, der.sequence())])],
    "no key usage": [request_of([(oids.KEY_USAGE, True, b"\x03\x01\x00")])],
    "65 extensions": [request_of([(f"1.2.3.{n}", False, der.NULL) for n in range(65)])],
    "51 usages": [request_of([eku(*(f"1.2.3.{n}" for n in range(51)))])],
    "extensions with octets behind": [scep.attribute(oids.EXTENSION_REQUEST, scep.extensions(
        EVIL)[:-1])],
}


@pytest.mark.attack("N13", "C12")
@pytest.mark.parametrize("what", BAD_ATTRIBUTES)
def test_attributes_that_are_none_or_too_many_are_refused(target, asks, what):
    reply = target.lab.send(asks(attributes=BAD_ATTRIBUTES[what]), target.ca)
    assert reply.status == "failure"
    assert reply.fail_info in ("badRequest", "badMessageCheck")
