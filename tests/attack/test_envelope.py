"""Whom a request is encrypted to (attack matrix E01 to E04, E10, S20, Z06, Z08, Z09): what can be seen is
judged before the RA's key works."""

import os

import pytest

import der
import harness
import oids
import scep_client as scep
from raw_cms import SignedData
from raw_envelope import kari, kekri, ktri, ori, pbkdf2, probe, pwri


@pytest.fixture
def stranger(target):
    return scep.self_signed(target.mallory, scep.name("stranger"))


@pytest.mark.attack("E01")
def test_an_envelope_to_nobody_or_somebody_else_does_not_open(target, sealed, stranger):
    """To the CA's or the RA's other certificate neither."""
    theirs = ktri(stranger, sealed.key)
    named = [ktri(stranger, sealed.key, rid=scep.issuer_and_serial(certificate))
             for certificate in (target.ca.ca, target.ca.signing)]
    for recipients in ([], [theirs], [theirs] * 3, [named[0]], [named[1]], [theirs, *named],
                       [ktri(target.ca.signing, sealed.key)]):
        target.refused_envelope(sealed.change(recipients=recipients), "badMessageCheck", "Undecryptable")


@pytest.mark.attack("E01", "E06")
def test_our_name_with_a_key_for_somebody_else_does_not_open_either(target, sealed, stranger):
    ours = scep.issuer_and_serial(target.ca.encryption)
    for certificate in (stranger, target.ca.signing):
        target.refused_envelope(sealed.change(recipients=[ktri(certificate, sealed.key, rid=ours)]),
                "badMessageCheck", "Undecryptable")


@pytest.mark.attack("E15")
@pytest.mark.parametrize("kind, longest, told", [
    ("19", 262_144, "badMessageCheck"), ("20", 262_144, "badCertId"),
    ("21", 16_384, "badCertId"), ("22", 16_384, "badCertId")])
def test_more_than_any_request_may_have_is_refused_by_its_length(target, sealed, kind, longest, told):
    """For whomever else it is, too; up to there it is opened."""
    theirs = ktri(scep.self_signed(target.mallory, scep.name("stranger")), sealed.key)
    ours = sealed.recipients[0]
    for recipients in ([ours], [theirs, ours]):
        for octets, fail_info in ((longest + 16, told), (longest + 32, "badRequest")):
            envelope = sealed.change(recipients=recipients, ciphertext=der.tlv(0x80, os.urandom(octets)))
            target.refused(target.around(envelope.der(), message_type=kind), fail_info,
                           "EnvelopeTooLarge" if fail_info == "badRequest" else None)


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
        replies.add(target.refused_envelope(both, "badRequest", "SeveralRecipients").without_the_varying())
    assert len(replies) == 1


@pytest.mark.attack("E02")
def test_recipients_are_limited_and_those_of_others_are_not_looked_into(target, sealed, stranger):
    ours, theirs = ktri(target.ca.encryption, sealed.key), ktri(stranger, sealed.key)
    target.granted(target.around(sealed.change(recipients=[theirs] * 8 + [ours]
                                               + [theirs] * 7).der()))
    target.refused_envelope(sealed.change(recipients=[theirs] * 16 + [ours]), "badRequest",
            "EnvelopeMalformed")
    target.refused_envelope(sealed.change(recipients=[theirs] * 3000), "badRequest", "EnvelopeMalformed")


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
    target.refused_envelope(sealed.change(version=3, recipients=[recipient]), "badAlg",
            "RecipientTypeUnsupported")
    target.refused_envelope(sealed.change(version=3, recipients=[recipient] * 3), "badAlg",
            "RecipientTypeUnsupported")


@pytest.mark.attack("E03")
def test_beside_ours_another_type_of_recipient_is_passed_over(target, sealed):
    ours = ktri(target.ca.encryption, sealed.key)
    everything = [make(target.ca.encryption) for make in OTHERS.values()][:15]
    target.granted(target.around(sealed.change(version=3, recipients=[*everything, ours]).der()))


@pytest.mark.attack("E03")
@pytest.mark.parametrize("tag", [0xA0, 0xA5, 0xBE, 0x02, 0x04, 0x31], ids=hex)
def test_what_is_no_recipient_at_all_is_badRequest(target, sealed, tag):
    odd = der.tlv(tag, der.NULL if tag & 0x20 else b"\0")
    target.refused_envelope(sealed.change(recipients=[*sealed.recipients, odd]), "badRequest",
                            "EnvelopeMalformed")


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
        replies.add(target.refused_envelope(sealed.change(recipients=[recipient]), "badAlg",
                            "KeyTransportUnsupported").without_the_varying())
    assert len(replies) == 1


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
