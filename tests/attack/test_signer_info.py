"""What the one signer signed, and with what (attack matrix S09 to S18)."""

import hashlib
import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import der
import oids
import raw_x509
import scep_client as scep
from raw_cms import DIGEST_INFO, SignedData, digest_info, pkcs1_block, rsa_raw, without

PSS = "1.2.840.113549.1.1.10"
SCEP_ATTRIBUTES = {"messageType": oids.MESSAGE_TYPE, "transactionID": oids.TRANSACTION_ID,
                   "senderNonce": oids.SENDER_NONCE, "messageDigest": oids.MESSAGE_DIGEST,
                   "contentType": oids.CONTENT_TYPE, "signingTime": oids.SIGNING_TIME}
#: Without these nobody is known to have signed anything.
IDENTITY = ("transactionID", "messageDigest", "contentType")


@pytest.fixture
def honest(target):
    return target.request()


def unreadable(target, message, octets, attribute):
    """400 where it is not known who signed what, else badRequest to who did."""
    if attribute in IDENTITY:
        target.nobody(octets)
    else:
        if attribute == "senderNonce":
            message.replace[oids.SENDER_NONCE] = b""  # there is none to come back
        target.refused(message, "badRequest", "MessageAttributesUnreadable", octets=octets)


# --- Content and digest -------------------------------------------------------------------------

@pytest.mark.attack("S09")
def test_content_that_was_changed_after_signing_is_badMessageCheck(target, honest):
    other = target.request().content
    for content in (other, honest.content[:-1] + b"\0", honest.content + b"\0"):
        octets = SignedData.of(honest)
        info = octets.signers[0].der(honest.content)
        target.refused(honest, "badMessageCheck", "SignatureInvalid",
                       octets=octets.change(content=content, signers=[info]).der())


@pytest.mark.attack("S09")
@pytest.mark.parametrize("digest", [bytes(32), b"", bytes(31), bytes(33),
                                    hashlib.sha1(b"").digest()], ids=len)
def test_another_messageDigest_than_the_contents_is_badMessageCheck(target, digest):
    message = target.request(replace={oids.MESSAGE_DIGEST: der.octets(digest)})
    target.refused(message, "badMessageCheck", "SignatureInvalid")


@pytest.mark.attack("S09")
def test_without_a_messageDigest_nothing_is_verified(target):
    target.refused(target.request(leave_out=(oids.MESSAGE_DIGEST,)), "badMessageCheck",
                   "SignatureInvalid")


@pytest.mark.attack("S09")
def test_without_content_there_is_no_request(target, honest):
    data = SignedData.of(honest)
    info = data.signers[0].der(honest.content)
    target.refused(honest, "badRequest", "EnvelopeMissing",
                   octets=data.change(content=None, signers=[info]).der())


# --- Attributes ---------------------------------------------------------------------------------

@pytest.mark.attack("S10")
@pytest.mark.parametrize("attribute", ["messageType", "transactionID", "senderNonce"])
def test_an_attribute_that_nobody_signed_is_none(target, attribute):
    message = target.request(leave_out=(SCEP_ATTRIBUTES[attribute],))
    whole = target.request(transaction_id=message.transaction_id)
    unsigned = [a for a in whole._attributes() if a not in
                without(whole._attributes(), SCEP_ATTRIBUTES[attribute])]
    octets = SignedData.of(message).change_signer(unsigned=unsigned).der()
    unreadable(target, message, octets, attribute)


@pytest.mark.attack("S10", "C17")
def test_an_unsigned_messageType_changes_no_poll_into_a_request(target):
    poll = target.request(message_type="20")
    unsigned = [scep.attribute(oids.MESSAGE_TYPE, der.printable("19"))]
    octets = SignedData.of(poll).change_signer(unsigned=unsigned).der()
    target.refused(poll, "badCertId", "PollUnknown", octets=octets)


WRONG_VALUES = {
    "twice": lambda value: [value, value],
    "with two values": lambda value: [value + value],
    "with two different values": lambda value: [value + der.printable("17")],
    "without a value": lambda value: [b""],
    "as a BMPString": lambda value: [der.tlv(0x1E, b"\x001\x009")],
    "as a BOOLEAN": lambda value: [b"\x01\x01\xff"],
    "as a constructed string": lambda value: [der.tlv(0x33, value)],
    "in a SEQUENCE": lambda value: [der.sequence(value)],
}
#: signingTime is not judged (docs/conformance.md, R_T10), so a value that is no time is none.
TAKEN = {("signingTime", how) for how in WRONG_VALUES if how[:2] in ("as", "in")}
#: What is read only to be compared: the comparison fails.
COMPARED = {(attribute, how) for attribute in ("messageDigest", "contentType")
            for how in WRONG_VALUES if how[:2] in ("as", "in")}


@pytest.mark.attack("S11", "Z10")
@pytest.mark.parametrize("how", WRONG_VALUES, ids=lambda h: h.replace(" ", "-"))
@pytest.mark.parametrize("attribute", SCEP_ATTRIBUTES)
def test_an_attribute_is_there_once_with_one_value_of_its_type(target, honest, attribute, how):
    dotted = SCEP_ATTRIBUTES[attribute]
    others = without(honest._attributes(), dotted)
    own, = (a for a in honest._attributes() if a not in others)
    value = own[own.index(der.oid(dotted)) + len(der.oid(dotted)) + 2:]
    wrong = [der.sequence(der.oid(dotted), der.tlv(0x31, v)) for v in WRONG_VALUES[how](value)]
    octets = SignedData.of(honest).change_signer(attributes=sorted(others + wrong)).der()
    if (attribute, how) in TAKEN:
        target.granted(honest, octets)
    elif (attribute, how) in COMPARED:
        target.refused(honest, "badMessageCheck", "SignatureInvalid", octets=octets)
    else:
        unreadable(target, honest, octets, attribute)


@pytest.mark.attack("S11")
def test_the_number_of_attributes_and_values_is_limited(target, honest):
    data = SignedData.of(honest)
    own = data.signers[0].attributes
    many = [scep.attribute(f"1.2.3.{n}", der.NULL) for n in range(5000)]
    values = [der.sequence(der.oid("1.2.3"), der.tlv(0x31, der.NULL * 5000))]
    for attributes in (own + many, own + values):
        target.nobody(data.change_signer(attributes=sorted(attributes)).der())


@pytest.mark.attack("S12", "Z10")
def test_attributes_that_were_signed_once_are_no_content(target, honest):
    """The octets that an honest device signed as its attributes, with that signature, as eContent of
    a SignerInfo without attributes."""
    data = SignedData.of(honest)
    signed = der.tlv(0x31, b"".join(data.signers[0].attributes))
    stolen = scep._sign(target.key, signed, "sha256")[1]
    target.nobody(data.change(content=signed).change_signer(attributes=None, signature=stolen).der())
    target.nobody(data.change_signer(attributes=[]).der())
    target.nobody(SignedData.of(honest).change_signer(attributes=None).der())


# --- Algorithms and signatures ------------------------------------------------------------------

DIGESTS = {"MD2": "1.2.840.113549.2.2", "MD5": oids.DIGEST["md5"], "MD4": "1.2.840.113549.2.4",
           "SHA-224": "2.16.840.1.101.3.4.2.4", "SHA3-256": "2.16.840.1.101.3.4.2.8",
           "SHAKE128": "2.16.840.1.101.3.4.2.11", "RIPEMD-160": "1.3.36.3.2.1",
           "unknown": "1.2.3.4.5", "a signature": oids.RSA_WITH["sha256"], "a cipher": oids.CIPHER["aes128"],
           "SHA-1 as OIW": "1.3.14.3.2.18"}


@pytest.mark.attack("S13", "Z10")
@pytest.mark.parametrize("digest", DIGESTS, ids=lambda d: d.replace(" ", "-"))
def test_another_digest_is_badAlg(target, honest, digest):
    octets = SignedData.of(honest).change_signer(digest=der.algorithm(DIGESTS[digest])).der()
    target.refused(honest, "badAlg", "DigestUnsupported", octets=octets, digest="sha256")


@pytest.mark.attack("S13")
@pytest.mark.parametrize("digests", [[], [der.algorithm("1.2.3.4")],
                                     [der.algorithm(oids.DIGEST["md5"])] * 3])
def test_the_list_of_digests_decides_nothing(target, honest, digests):
    """Empty or wrong (CVE-2026-45447): it is the SignerInfo's own that is verified with."""
    target.granted(honest, SignedData.of(honest).change(digests=digests).der())


@pytest.mark.attack("S13")
def test_a_list_of_digests_with_something_else_in_it_is_400(target, honest):
    target.nobody(SignedData.of(honest).change(digests=[der.NULL]).der())


ALGORITHMS = {
    "MD5 with RSA": der.algorithm(oids.RSA_WITH["md5"]),
    "SHA-1 with RSA": der.algorithm(oids.RSA_WITH["sha1"]),
    "SHA-512 with RSA": der.algorithm(oids.RSA_WITH["sha512"]),
    "PSS without parameters": der.sequence(der.oid(PSS)),
    "PSS with empty parameters": der.algorithm(PSS, der.sequence()),
    "PSS with MGF1 without parameters": der.algorithm(
        PSS, der.sequence(der.tlv(0xA1, der.sequence(der.oid(oids.MGF1))))),
    "ECDSA": der.algorithm(oids.ECDSA_WITH["sha256"], b""),
    "EdDSA": der.sequence(der.oid("1.3.101.112")),
    "DSA": der.sequence(der.oid("2.16.840.1.101.3.4.3.2")),
    "unknown": der.algorithm("1.2.3.4.5"),
    "SHA-256": der.algorithm(oids.DIGEST["sha256"]),
}


@pytest.mark.attack("S13")
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: a.replace(" ", "-"))
def test_another_signature_algorithm_is_badAlg_or_verifies_nothing(target, honest, algorithm):
    """ECDSA is taken, but not with an RSA key."""
    octets = SignedData.of(honest).change_signer(algorithm=ALGORITHMS[algorithm]).der()
    if algorithm == "ECDSA":
        target.refused(honest, "badMessageCheck", "SignatureInvalid", octets=octets)
    else:
        target.refused(honest, "badAlg", "SignatureAlgorithmUnsupported", octets=octets)


@pytest.mark.attack("S13", "K05")
def test_SHA_1_is_refused_where_it_is_switched_off(serve, target):
    lab = serve(edit=lambda c: c["endpoints"][0].update(algorithms={"sha1": False}))
    message = target.request(recipients=[lab.ca().encryption], digest="sha1")
    reply = lab.send(message, digest="sha256")
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")
    assert lab.serials() == []


def _shorter(octets):
    """A block with garbage behind a short padding: what lax parsers take (Bleichenbacher 2006)."""
    info = digest_info(octets)
    return b"\0\1" + b"\xff" * 8 + b"\0" + info + b"\xaa" * (256 - 11 - len(info))


SIGNATURES = {
    "garbage behind a short padding": _shorter,
    "a DigestInfo without NULL": lambda octets: pkcs1_block(
        256, der.sequence(der.sequence(der.oid(oids.DIGEST["sha256"])),
                          der.octets(hashlib.sha256(octets).digest()))),
    "a DigestInfo of another digest": lambda octets: pkcs1_block(
        256, DIGEST_INFO["sha1"] + hashlib.sha1(octets).digest()),
    "a DigestInfo of MD5": lambda octets: pkcs1_block(
        256, DIGEST_INFO["md5"] + hashlib.md5(octets).digest()),
    "a DigestInfo with octets behind": lambda octets: pkcs1_block(
        256, digest_info(octets) + b"\0"),
    "parameters full of garbage": lambda octets: pkcs1_block(
        256, der.sequence(der.sequence(der.oid(oids.DIGEST["sha256"]), der.octets(b"\xaa" * 100)),
                          der.octets(hashlib.sha256(octets).digest()))),
    "no DigestInfo": lambda octets: pkcs1_block(256, hashlib.sha256(octets).digest()),
    "another fill": lambda octets: pkcs1_block(256, digest_info(octets), fill=b"\xaa"),
    "block type 2": lambda octets: pkcs1_block(256, digest_info(octets), kind=b"\x02"),
    "block type 0": lambda octets: pkcs1_block(256, digest_info(octets), fill=b"\0", kind=b"\0"),
    "the digest alone, to the right": lambda octets: bytes(224) + hashlib.sha256(octets).digest(),
}


@pytest.mark.attack("S14")
@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda s: s.replace(" ", "-"))
def test_a_signature_in_a_lax_form_verifies_nothing(target, honest, signature):
    def sign(octets):
        return rsa_raw(target.key, SIGNATURES[signature](octets))

    octets = SignedData.of(honest).change_signer(signature=sign).der()
    target.refused(honest, "badMessageCheck", "SignatureInvalid", octets=octets)


@pytest.mark.attack("S14")
@pytest.mark.parametrize("change", [
    lambda s: s + b"\0", lambda s: b"\0" + s, lambda s: s[:-1], lambda s: b"", lambda s: bytes(256),
    lambda s: b"\xff" * 256, lambda s: s * 2, lambda s: bytes(255) + b"\1", lambda s: bytes(8192)],
    ids=itertools.count())
def test_a_signature_of_another_size_or_value_verifies_nothing(target, honest, change):
    octets = SignedData.of(honest).change_signer(
        signature=lambda octets: change(scep._sign(target.key, octets, "sha256")[1])).der()
    target.refused(honest, "badMessageCheck", "SignatureInvalid", octets=octets)


@pytest.mark.attack("S14", "K02")
def test_a_forgery_for_an_exponent_of_3_meets_no_such_key(target):
    """Cube root of a block with garbage to the right: nobody needs the private key."""
    weak = rsa.generate_private_key(3, 2048)
    numbers = weak.public_key().public_numbers()
    certificate = raw_x509.Certificate(raw_x509.rsa_spki(numbers.n, 3), target.key)
    message = target.request()
    data = SignedData.of(message).change(certificates=[certificate.der])

    def forged(octets):
        prefix = b"\0\1" + b"\xff" * 8 + b"\0" + digest_info(octets)
        block = int.from_bytes(prefix + b"\xff" * (256 - len(prefix)), "big")
        low, high = 0, 1 << 700
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**3 <= block else (low, middle - 1)
        return low.to_bytes(256, "big")

    octets = data.change_signer(sid=certificate.reference, signature=forged).der()
    reply = target.post(octets)
    assert reply.content_type == "application/x-pki-message"
    assert target.lab.audit()[-1]["code"] == "SignerKeyUnsupported"
