"""Whom a request is encrypted to, and how (attack matrix E01 to E05, E10, E12, S20, Z06, Z08, Z09): what
can be seen is judged before the RA's key works."""

import os

import pytest

import der
import harness
import oids
import scep_client as scep
from raw_cms import SignedData
from raw_envelope import Enveloped, kari, kekri, ktri, ori, pbkdf2, probe, pwri


@pytest.fixture
def sealed(target):
    """An honest envelope, to be changed."""
    return Enveloped.of(target.csr().der(), target.ca.encryption)


@pytest.fixture
def stranger(target):
    return scep.self_signed(target.mallory, scep.name("stranger"))


def refused(target, enveloped, fail_info, code):
    return target.refused(target.around(enveloped.der()), fail_info, code)


@pytest.mark.attack("E01")
def test_an_envelope_to_nobody_or_somebody_else_does_not_open(target, sealed, stranger):
    """To the CA's or the RA's other certificate neither."""
    theirs = ktri(stranger, sealed.key)
    named = [ktri(stranger, sealed.key, rid=scep.issuer_and_serial(certificate))
             for certificate in (target.ca.ca, target.ca.signing)]
    for recipients in ([], [theirs], [theirs] * 3, [named[0]], [named[1]], [theirs, *named],
                       [ktri(target.ca.signing, sealed.key)]):
        refused(target, sealed.change(recipients=recipients), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("E01", "E06")
def test_our_name_with_a_key_for_somebody_else_does_not_open_either(target, sealed, stranger):
    ours = scep.issuer_and_serial(target.ca.encryption)
    for certificate in (stranger, target.ca.signing):
        refused(target, sealed.change(recipients=[ktri(certificate, sealed.key, rid=ours)]),
                "badMessageCheck", "Undecryptable")


@pytest.fixture(scope="module")
def two_cas(templates, serve):
    """A server with the endpoints of two CAs: the other one's stands at /other."""
    other = templates("--ca-name", "Other")

    def join(config):
        theirs = absolute(harness.Lab(other).config(), other)
        config["cas"]["other"] = next(iter(theirs["cas"].values()))
        config["cas"]["other"].pop("crl", None)
        config["policies"]["other"] = next(iter(theirs["policies"].values()))
        config["endpoints"].append({**theirs["endpoints"][0], "paths": ["/other"], "name": "other",
                                    "ca": "other", "policy": "other"})

    return serve(edit=join)


def absolute(value, directory, name=""):
    """Relative file names, made absolute."""
    if isinstance(value, dict):
        return {key: absolute(item, directory, key) for key, item in value.items()}
    if isinstance(value, list):
        return [absolute(item, directory, name) for item in value]
    if isinstance(value, str) and (directory / value).is_file():
        return str(directory / value)
    return value


@pytest.mark.attack("S20", "E01")
def test_a_request_for_one_CA_opens_at_no_other(two_cas, target, keys):
    """Posted to the endpoint of another CA, without a change or signed anew."""
    challenge = two_cas.challenge("--policy", "mdm", "--subject", "CN=attacked")
    reply = two_cas.get("/other?operation=GetCACert")
    other = scep.sort_certificates(scep.certs_only(reply.body))
    message = target.request(target.csr(challenge=challenge, extensions=[]),
                             [two_cas.ca().encryption])
    with two_cas.http() as http:
        reply = http.request("POST", "/other?operation=PKIOperation", message.der())
    assert two_cas.open(reply, message, other).fail_info == "badMessageCheck"
    assert two_cas.audit()[-1]["code"] == "Undecryptable" and two_cas.serials() == []
    assert two_cas.send(message).status == "success", "and it is still good at its own"


PADDING = b"\0\2" + b"\xaa" * 237 + b"\0"
PROBES = {"padding that is right": PADDING + bytes(16), "padding that is wrong": b"\0\1" + PADDING[2:]
          + bytes(16), "another key length": b"\0\2" + b"\xaa" * 229 + b"\0" + bytes(24), "zeros": bytes(256)}


@pytest.mark.attack("E02", "Z06")
@pytest.mark.parametrize("first", [True, False], ids=["the-probe-first", "the-probe-last"])
def test_two_keys_for_us_are_refused_and_tell_nothing_of_either(target, sealed, first):
    """CVE-2026-42768: whether the second opened would tell of the first."""
    encryption = target.ca.encryption
    good, replies = ktri(encryption, sealed.key), set()
    for block in PROBES.values():
        bad = ktri(encryption, None, encrypted=probe(encryption, block))
        both = sealed.change(recipients=[bad, good] if first else [good, bad])
        replies.add(refused(target, both, "badRequest", "SeveralRecipients").without_the_varying())
    assert len(replies) == 1


@pytest.mark.attack("E02")
def test_recipients_are_limited_and_those_of_others_are_not_looked_into(target, sealed, stranger):
    ours, theirs = ktri(target.ca.encryption, sealed.key), ktri(stranger, sealed.key)
    target.granted(target.around(sealed.change(recipients=[theirs] * 8 + [ours]
                                               + [theirs] * 7).der()))
    refused(target, sealed.change(recipients=[theirs] * 16 + [ours]), "badRequest",
            "EnvelopeMalformed")
    refused(target, sealed.change(recipients=[theirs] * 3000), "badRequest", "EnvelopeMalformed")


OTHERS = {
    "a password": lambda c: pwri(),
    "a password, 2^31-1 iterations": lambda c: pwri(pbkdf2(2**31 - 1)),
    "a password, 2^63 iterations": lambda c: pwri(pbkdf2(2**63)),
    "a password, -1 iterations": lambda c: pwri(pbkdf2(b"\x02\x01\xff")),
    "a password, 0 iterations": lambda c: pwri(pbkdf2(0)),
    "a password, a salt of 100 KB": lambda c: pwri(pbkdf2(salt=bytes(100_000))),
    "a password, no derivation": lambda c: pwri(derivation=b""),
    "a password, a key of 3 octets": lambda c: pwri(encrypted=b"abc"),
    "a password, KEK by 3DES": lambda c: pwri(kek=der.algorithm(oids.CIPHER["des3"],
                                                                der.octets(bytes(8)))),
    "a password, KEK without IV": lambda c: pwri(kek=der.algorithm(oids.CIPHER["aes128"])),
    "a password, KEK of an unknown cipher": lambda c: pwri(kek=der.algorithm("1.2.3.4")),
    "a KEK": lambda c: kekri(),
    "a KEK, AES-WRAP-PAD": lambda c: kekri("2.16.840.1.101.3.4.1.8", bytes(16)),
    "a KEK, AES-WRAP-PAD of 8 octets": lambda c: kekri("2.16.840.1.101.3.4.1.8", bytes(8)),
    "a KEK without octets": lambda c: kekri(encrypted=b""),
    "an agreed key": kari,
    "an agreed key, no KDF parameters": lambda c: kari(
        c, algorithm=der.sequence(der.oid("1.3.132.1.11.1"))),
    "an agreed key, NULL parameters": lambda c: kari(c, algorithm=der.algorithm("1.3.132.1.11.1")),
    "an agreed key, X9.42": lambda c: kari(c, algorithm=der.algorithm("1.2.840.113549.1.9.16.3.5")),
    "an agreed key, the originator by name": lambda c: kari(c, originator=scep.issuer_and_serial(c)),
    "an agreed key, 64 KB of material": lambda c: kari(c, material=bytes(65536)),
    "a KEM": lambda c: ori(),
    "something else": lambda c: ori("1.2.3.4", der.octets(bytes(1000))),
}


@pytest.mark.attack("E03", "Z09")
@pytest.mark.parametrize("other", OTHERS, ids=lambda o: o.replace(" ", "-"))
def test_another_type_of_recipient_is_badAlg_whatever_it_asks_to_be_worked(target, sealed, other):
    """A password recipient's iterations are the sender's to choose: none is made."""
    recipient = OTHERS[other](target.ca.encryption)
    refused(target, sealed.change(version=3, recipients=[recipient]), "badAlg",
            "RecipientTypeUnsupported")
    refused(target, sealed.change(version=3, recipients=[recipient] * 3), "badAlg",
            "RecipientTypeUnsupported")


@pytest.mark.attack("E03")
def test_beside_ours_another_type_of_recipient_is_passed_over(target, sealed):
    ours = ktri(target.ca.encryption, sealed.key)
    everything = [make(target.ca.encryption) for make in OTHERS.values()][:15]
    target.granted(target.around(sealed.change(version=3, recipients=[*everything, ours]).der()))


SHA256 = der.algorithm(oids.DIGEST["sha256"])
LABEL = der.tlv(0xA2, der.algorithm("1.2.840.113549.1.1.9", der.octets(b"label")))
TRANSPORTS = {
    "SHA-1 with RSA": der.algorithm(oids.RSA_WITH["sha1"]),
    "SHA-256 with RSA": der.algorithm(oids.RSA_WITH["sha256"]),
    "PSS": der.algorithm("1.2.840.113549.1.1.10", der.sequence()),
    "OAEP without parameters": der.sequence(der.oid(oids.OAEP)),
    "OAEP with NULL": der.algorithm(oids.OAEP),
    "OAEP with an OCTET STRING": der.algorithm(oids.OAEP, der.octets(b"x")),
    "OAEP with MD5": der.algorithm(oids.OAEP, der.sequence(
        der.tlv(0xA0, der.algorithm(oids.DIGEST["md5"])))),
    "OAEP with an unknown hash": der.algorithm(oids.OAEP, der.sequence(
        der.tlv(0xA0, der.algorithm("1.2.3.4")))),
    "OAEP with an unknown MGF": der.algorithm(oids.OAEP, der.sequence(
        der.tlv(0xA0, SHA256), der.tlv(0xA1, der.algorithm("1.2.3.4", SHA256)))),
    "OAEP with MGF1 without a hash": der.algorithm(oids.OAEP, der.sequence(
        der.tlv(0xA0, SHA256), der.tlv(0xA1, der.sequence(der.oid(oids.MGF1))))),
    "OAEP with a label": der.algorithm(oids.OAEP, der.sequence(LABEL)),
    "OAEP with an empty source": der.algorithm(oids.OAEP, der.sequence(der.tlv(0xA2, der.sequence()))),
    "OAEP with a source that is no function": der.algorithm(oids.OAEP, der.sequence(
        der.tlv(0xA2, der.sequence(der.oid("1.2.3.4"))))),
    "RSA with parameters": der.algorithm(oids.RSA, der.octets(b"x")),
    "RSA-KEM": der.algorithm("1.2.840.113549.1.9.16.3.14", der.sequence()),
    "EC": der.algorithm("1.2.840.10045.2.1"),
    "unknown": der.algorithm("1.2.3.4"),
}


@pytest.mark.attack("E04", "Z08")
@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.replace(" ", "-"))
def test_another_key_transport_is_badAlg_by_its_identifier(target, sealed, transport):
    """OpenSSL would decrypt most of them as PKCS #1 v1.5. Whether the key would have opened makes no
    difference."""
    encryption, replies = target.ca.encryption, set()
    for encrypted in (None, os.urandom(255) + b"\0", b"", bytes(1000)):
        recipient = ktri(encryption, sealed.key, TRANSPORTS[transport], encrypted)
        replies.add(refused(target, sealed.change(recipients=[recipient]), "badAlg",
                            "KeyTransportUnsupported").without_the_varying())
    assert len(replies) == 1


def gcm(nonce=12, tag=16):
    return der.sequence(der.octets(bytes(nonce)), *([der.integer(tag)] if tag != 12 else []))


AES = "2.16.840.1.101.3.4.1."
CIPHERS = {
    "DES": (oids.CIPHER["des"], der.octets(bytes(8))),
    "RC2": ("1.2.840.113549.3.2", der.sequence(der.integer(160), der.octets(bytes(8)))),
    "RC4": ("1.2.840.113549.3.4", der.NULL),
    "Blowfish": ("1.3.6.1.4.1.3029.1.2", der.octets(bytes(8))),
    "Camellia": ("1.2.392.200011.61.1.1.1.2", der.octets(bytes(16))),
    "NULL": ("1.2.840.113549.1.9.16.3.1", der.NULL),
    "unknown": ("1.2.3.4", der.NULL),
    "AES-128-ECB": (AES + "1", der.NULL),
    "AES-128-OFB": (AES + "3", der.octets(bytes(16))),
    "AES-128-CFB": (AES + "4", der.octets(bytes(16))),
    "AES-128-GCM": (AES + "6", gcm()),
    "AES-256-GCM": (AES + "46", gcm()),
    "GCM with a nonce of 1 KiB": (AES + "6", gcm(1024)),
    "GCM with a nonce of 64 KiB": (AES + "46", gcm(65536)),
    "GCM without a nonce": (AES + "6", gcm(0)),
    "GCM with a tag of 1 octet": (AES + "46", gcm(12, 1)),
    "CCM": (AES + "7", gcm(12, 4)),
    "AES-XTS": ("1.3.111.2.1619.0.1.1", der.octets(bytes(16))),
    "AES-WRAP": (AES + "5", b""),
    "ChaCha20-Poly1305": ("1.2.840.113549.1.9.16.3.18", der.octets(bytes(12))),
    "CBC without an IV": (AES + "2", b""),
    "CBC with NULL for an IV": (AES + "2", der.NULL),
    "CBC with an IV of 0 octets": (AES + "2", der.octets(b"")),
    "CBC with an IV of 15 octets": (AES + "2", der.octets(bytes(15))),
    "CBC with an IV of 17 octets": (AES + "2", der.octets(bytes(17))),
    "CBC with an IV of 64 KiB": (AES + "2", der.octets(bytes(65536))),
    "CBC with an IV in a SEQUENCE": (AES + "2", der.sequence(der.octets(bytes(16)))),
    "3DES with an IV of 16 octets": (oids.CIPHER["des3"], der.octets(bytes(16))),
}


@pytest.mark.attack("E05", "Z09", "S13")
@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda c: c.replace(" ", "-"))
def test_another_content_cipher_is_badAlg_by_its_identifier(target, sealed, cipher):
    """Whether the content key would have opened makes no difference."""
    dotted, parameters = CIPHERS[cipher]
    encryption, replies = target.ca.encryption, set()
    for recipient in (ktri(encryption, sealed.key),
                      ktri(encryption, None, encrypted=os.urandom(255) + b"\0")):
        odd = sealed.change(cipher=der.sequence(der.oid(dotted), parameters), recipients=[recipient])
        replies.add(refused(target, odd, "badAlg", "ContentCipherUnsupported").without_the_varying())
    assert len(replies) == 1


@pytest.mark.attack("E05", "S04", "Z09")
@pytest.mark.parametrize("cipher", ["AES-256-GCM", "GCM with a nonce of 1 KiB",
                                    "GCM with a tag of 1 octet", "CBC with an IV of 0 octets"])
def test_an_AuthEnvelopedData_is_badAlg_by_its_type(target, sealed, cipher):
    """CVE-2025-15467, CVE-2026-34182."""
    dotted, parameters = CIPHERS[cipher]
    authenticated = sealed.change(outer_type="1.2.840.113549.1.9.16.1.23",
                                  cipher=der.sequence(der.oid(dotted), parameters),
                                  extra=[der.octets(bytes(16))])
    refused(target, authenticated, "badAlg", "EnvelopeTypeUnsupported")


INNER_TYPES = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.7.4", "1.2.840.113549.1.7.5",
               "1.2.840.113549.1.7.6", "1.2.840.113549.1.9.16.1.9", "1.2.3.4"]


@pytest.mark.attack("S04")
@pytest.mark.parametrize("dotted", INNER_TYPES)
def test_another_type_inside_or_in_place_of_the_envelope_is_badRequest(target, sealed, dotted):
    refused(target, sealed.change(outer_type=dotted), "badRequest", "EnvelopeTypeUnsupported")
    refused(target, sealed.change(content_type=dotted), "badRequest", "EnvelopeMalformed")


@pytest.mark.attack("E12")
def test_an_envelope_without_content_is_badRequest(target, sealed):
    """Detached (CVE-2015-1790); an element of another type in its place."""
    for content in (b"", der.NULL, der.octets(bytes(16)), der.tlv(0x81, bytes(16)),
                    der.tlv(0xA0, der.integer(1)), sealed.ciphertext * 2):
        refused(target, sealed.change(ciphertext=content), "badRequest", "EnvelopeMalformed")


@pytest.mark.attack("E12", "E06")
@pytest.mark.parametrize("size", [0, 1, 8, 15, 17, 31, 16, 32])
def test_a_ciphertext_of_another_length_does_not_open(target, sealed, size):
    refused(target, sealed.change(ciphertext=der.tlv(0x80, bytes(size))), "badMessageCheck",
            "Undecryptable")
    refused(target, sealed.change(ciphertext=der.tlv(0xA0, der.octets(bytes(size)))),
            "badMessageCheck", "Undecryptable")


@pytest.mark.attack("E12", "S01")
def test_a_ciphertext_in_segments_is_read(target, sealed):
    whole = sealed.ciphertext[-(len(sealed.ciphertext) // 16 * 16):]
    segments = b"".join(der.octets(whole[i:i + 7]) for i in range(0, len(whole), 7))
    target.granted(target.around(sealed.change(ciphertext=der.tlv(0xA0, segments)).der()))


@pytest.mark.attack("E10")
@pytest.mark.parametrize("first", [True, False], ids=["smuggled-first", "smuggled-last"])
def test_a_reply_is_encrypted_to_the_signer_and_nobody_else_in_the_bag(target, first):
    """`granted` opens it: one recipient, the certificate that signed."""
    smuggled = scep.cert_der(scep.self_signed(target.mallory))
    message = target.request()
    own = scep.cert_der(message.signer)
    bag = [smuggled, own] if first else [own, smuggled]
    octets = SignedData.of(message).change(certificates=bag).der()
    target.granted(message, octets)


@pytest.mark.attack("E12")
def test_attributes_that_nobody_protects_change_nothing(target, sealed):
    unprotected = der.tlv(0xA1, scep.attribute(oids.CHALLENGE_PASSWORD, der.printable("x")))
    target.granted(target.around(sealed.change(version=2, unprotected=unprotected).der()))
