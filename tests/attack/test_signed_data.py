"""The structure of a pkiMessage (attack matrix S01 to S08, S19, S20): what is not one SignedData by one
signer, whose certificate is there once, gets no answer but 400."""

import pytest

import der
import harness
import oids
import scep_client as scep
from raw_cms import SignedData

AUTH_ENVELOPED = "1.2.840.113549.1.9.16.1.23"
TYPES = {"data": oids.DATA, "envelopedData": oids.ENVELOPED_DATA,
         "signedAndEnvelopedData": "1.2.840.113549.1.7.4", "digestedData": "1.2.840.113549.1.7.5",
         "encryptedData": "1.2.840.113549.1.7.6", "authData": "1.2.840.113549.1.9.16.1.2",
         "compressedData": "1.2.840.113549.1.9.16.1.9", "authEnvelopedData": AUTH_ENVELOPED,
         "an unknown type": "1.2.3.4"}


@pytest.fixture
def honest(target):
    return target.request()


def wide(octets):
    """The same elements, each length in eight octets where one would do."""
    reader, out = octets, b""
    while reader:
        first = reader[1]
        count = first & 0x7F if first & 0x80 else 0
        size = int.from_bytes(reader[2:2 + count], "big") if count else first
        content = reader[2 + count:2 + count + size]
        if reader[0] & 0x20:
            content = wide(content)
        out += reader[:1] + b"\x88" + len(content).to_bytes(8, "big") + content
        reader = reader[2 + count + size:]
    return out


@pytest.mark.attack("S01")
@pytest.mark.parametrize("segment", [1, 7, 1000])
def test_indefinite_lengths_and_constructed_strings_are_read(target, segment):
    encoding = der.Ber(segment)
    target.granted(target.request(encoding=encoding, envelope={"encoding": encoding}))


@pytest.mark.attack("S01")
def test_lengths_that_are_not_minimal_are_read(target):
    """Of the signed attributes too: what is verified is their DER (RFC 5652 section 5.4)."""
    message = target.request()
    target.granted(message, wide(message.der()))
    message = target.request()
    message.content = wide(message.content)
    target.granted(message)


@pytest.mark.attack("S02", "Z10")
@pytest.mark.parametrize("extra", [b"\0", b"\0\0", der.NULL, b"\xff" * 100])
def test_octets_after_any_outer_element_are_400(target, honest, extra):
    data = SignedData.of(honest)
    signer = data.signers[0].der(data.content)
    assert signer[:2] == b"\x30\x82"
    for changed in (data.change(trailing=extra), data.change(after_content=extra),
                    data.change(after_signers=extra), data.change(signers=[signer, extra]),
                    data.change(signers=[der.tlv(0x30, signer[4:] + extra)])):
        target.nobody(changed.der())


@pytest.mark.attack("S02", "E08")
@pytest.mark.parametrize("extra", [b"\0", der.NULL, b"\xff" * 100])
def test_octets_after_the_envelope_are_seen_before_and_those_after_the_CSR_after_decryption(
        target, honest, extra):
    target.refused(target.around(honest.content + extra), "badRequest", "EnvelopeMalformed")
    target.refused(target.sealed(target.csr().der() + extra), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("S03")
def test_a_message_cut_at_any_octet_is_400(target, honest):
    octets = honest.der()
    with target.lab.http() as http:
        for end in range(len(octets)):
            reply = http.request("POST", f"{harness.PATH}?operation=PKIOperation", octets[:end])
            assert (reply.status, reply.content_type) == (400, "text/plain"), end


LENGTHS = [b"\x84\x7f\xff\xff\xff", b"\x84\xff\xff\xff\xff", b"\x88\x7f" + b"\xff" * 7,
           b"\x88" + b"\xff" * 8, b"\x89" + b"\x01" * 9, b"\xff" + b"\xff" * 126, b"\x81", b"\x80"]


@pytest.mark.attack("S03", "Z15")
@pytest.mark.parametrize("length", LENGTHS, ids=lambda x: x[:6].hex())
@pytest.mark.parametrize("tag", [0x30, 0x24, 0x04, 0xA0, 0x06], ids=hex)
def test_a_length_beyond_the_octets_costs_nothing_at_any_layer(target, tag, length):
    hostile = bytes([tag]) + length + bytes(10)
    target.nobody(hostile)
    target.nobody(b"\x30\x80" + der.oid(oids.SIGNED_DATA) + b"\xa0\x80" + hostile)
    target.refused(target.around(hostile), "badRequest", "EnvelopeMalformed")
    target.refused(target.sealed(hostile), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("S03", "Z15")
@pytest.mark.parametrize("depth", [31, 33, 1000, 200_000])
@pytest.mark.parametrize("opening", [b"\x30\x80", b"\x24\x80", b"\xa0\x80", b"\x31\x80"],
                         ids=lambda o: o.hex())
def test_nesting_is_limited_at_each_layer(target, depth, opening):
    hostile = opening * depth + bytes(2 * depth)
    for octets in (hostile, opening * depth):
        target.nobody(octets)
        target.refused(target.around(octets), "badRequest", "EnvelopeMalformed")
    if depth <= 1000:
        target.refused(target.sealed(hostile), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("S03")
def test_the_number_of_elements_is_limited(target):
    many = der.sequence(*[der.NULL] * 100_000)
    target.nobody(many)
    target.nobody(b"\x30\x80" + der.NULL * 100_000 + b"\0\0")
    target.refused(target.around(many), "badRequest", "EnvelopeMalformed")


@pytest.mark.attack("S04", "Z10")
@pytest.mark.parametrize("kind", TYPES, ids=lambda k: k.replace(" ", "-"))
def test_another_content_type_is_400(target, honest, kind):
    """As the type of the whole, and of what is signed; Java clients name the envelope there."""
    data = SignedData.of(honest)
    target.nobody(data.change(outer_type=TYPES[kind]).der())
    if kind not in ("data", "envelopedData"):
        target.nobody(data.change(content_type=TYPES[kind]).der())


@pytest.mark.attack("S04")
def test_an_envelope_alone_or_a_message_in_a_message_is_400(target, honest):
    target.nobody(honest.content)
    target.nobody(der.sequence(der.oid(oids.SIGNED_DATA), der.tlv(0xA0, honest.der())))
    target.nobody(der.sequence(der.oid(oids.DATA), der.tlv(0xA0, der.octets(honest.der()))))


@pytest.mark.attack("S05")
def test_nobodys_SignedData_is_400(target, honest):
    data = SignedData.of(honest)
    for certificates in (data.certificates, []):
        for digests in (data.digests, []):
            target.nobody(data.change(signers=[], certificates=certificates, digests=digests).der())


@pytest.mark.attack("S06", "Z10")
def test_two_SignerInfos_are_400_in_any_order(target, honest):
    data = SignedData.of(honest)
    poll = target.request(message_type="20", transaction_id=honest.transaction_id)
    good = data.signers[0].der(data.content)
    bad = SignedData.of(honest).change_signer(signature=bytes(256)).signers[0].der(data.content)
    other = SignedData.of(poll).signers[0].der(data.content)
    for signers in ([good, bad], [bad, good], [good, good], [good, other], [other, good], [good] * 5):
        target.nobody(data.change(signers=signers).der())


@pytest.mark.attack("S07", "Z15")
def test_a_signer_whose_certificate_is_not_there_once_is_400(target, honest):
    """None, another, and one with the same issuer and serial number before or behind it."""
    data = SignedData.of(honest)
    own = data.certificates[0]
    other = scep.cert_der(scep.self_signed(target.mallory))
    twin = scep.cert_der(_with_serial(target.mallory, honest.signer))
    for bag in ([], [other], [own, twin], [twin, own], [twin]):
        changed = data.change(certificates=bag).der()
        if bag == [twin]:
            target.refused(honest, "badMessageCheck", "SignatureInvalid", octets=changed)
        else:
            target.nobody(changed)


@pytest.mark.attack("S07")
def test_a_key_identifier_that_two_certificates_have_is_400(target):
    message = target.request(sid="ski", signer=_with_serial(target.key, None, 5))
    message.extra_certificates = [_with_serial(target.mallory, None, 6, target.key)]
    target.nobody(message)


def _with_serial(key, like, serial=None, identifier_of=None):
    """A self-signed certificate with a serial number and key identifier of one's choice."""
    now = scep.datetime.datetime.utcnow()
    subject = scep.name("device")
    identifier = scep.x509.SubjectKeyIdentifier.from_public_key((identifier_of or key).public_key())
    return (scep.x509.CertificateBuilder().subject_name(like.subject if like else subject)
            .issuer_name(like.issuer if like else subject).public_key(key.public_key())
            .serial_number(like.serial_number if like else serial).not_valid_before(now)
            .not_valid_after(now + scep.datetime.timedelta(days=1)).add_extension(identifier, False)
            .sign(key, scep.hashes.SHA256()))


BAGS = {
    "11 certificates": lambda own: [own] * 11,
    "1000 certificates": lambda own: [own] * 1000,
    "an attribute certificate": lambda own: [own, der.tlv(0xA1, der.integer(1))],
    "an attribute certificate of version 2": lambda own: [own, der.tlv(0xA2, der.integer(1))],
    "an extended certificate": lambda own: [own, der.tlv(0xA0, der.integer(1))],
    "another format": lambda own: [own, der.tlv(0xA3, der.oid("1.2.3") + der.NULL)],
    "a SEQUENCE that is none": lambda own: [own, der.sequence(der.integer(1))],
    "an OCTET STRING": lambda own: [own, der.octets(own)],
    "70 KB in one": lambda own: [own, _large(70_000)],
    "70 KB in two": lambda own: [own, _large(35_000), _large(35_000)],
}


def _large(octets):
    key = scep.ec.generate_private_key(scep.ec.SECP256R1())
    now = scep.datetime.datetime.utcnow()
    extension = scep.x509.UnrecognizedExtension(scep.x509.ObjectIdentifier("1.2.3.4"), bytes(octets))
    return scep.cert_der(scep.x509.CertificateBuilder().subject_name(scep.name("large"))
                         .issuer_name(scep.name("large")).public_key(key.public_key())
                         .serial_number(octets).not_valid_before(now)
                         .not_valid_after(now + scep.datetime.timedelta(days=1))
                         .add_extension(extension, False).sign(key, scep.hashes.SHA256()))


@pytest.mark.attack("S08")
@pytest.mark.parametrize("bag", BAGS, ids=lambda b: b.replace(" ", "-"))
def test_a_bag_that_is_full_or_malformed_is_400(target, honest, bag):
    data = SignedData.of(honest)
    own = data.certificates[0]
    target.nobody(data.change(certificates=BAGS[bag](own)).der())
    if "certificates" not in bag:
        target.nobody(data.change(certificates=list(reversed(BAGS[bag](own)))).der())


@pytest.mark.attack("S08")
def test_CRLs_in_a_message_are_not_looked_at(target, honest):
    data = SignedData.of(honest).change(crls=[der.sequence(der.integer(1)), b"\x30\x00"])
    target.granted(honest, data.der())


@pytest.mark.attack("S19")
def test_a_reply_sent_back_is_no_request(target, honest):
    """It is signed by the server itself, but says messageType 3."""
    refusal = target.refused(target.request(break_signature=True), "badMessageCheck").raw
    for reply in (refusal, target.granted(honest).raw):
        again = target.post(reply)
        assert (again.status, again.content_type) == (200, "application/x-pki-message")
        told = target.lab.audit()[-1]
        assert (told["event"], told["code"]) == ("refuse", "MessageTypeUnsupported")
    target.refused(target.request(message_type="3"), "badRequest", "MessageTypeUnsupported")
