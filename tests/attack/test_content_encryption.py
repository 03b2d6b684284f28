"""With what a request is encrypted (attack matrix E05, E12, S04, Z09): ciphers and their parameters are
judged before the RA's key works."""

import os

import pytest

import der
import oids
import scep_client as scep
from raw_envelope import ktri


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
        replies.add(target.refused_envelope(odd, "badAlg", "ContentCipherUnsupported").without_the_varying())
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
    target.refused_envelope(authenticated, "badAlg", "EnvelopeTypeUnsupported")


INNER_TYPES = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.7.4", "1.2.840.113549.1.7.5",
               "1.2.840.113549.1.7.6", "1.2.840.113549.1.9.16.1.9", "1.2.3.4"]


@pytest.mark.attack("S04")
@pytest.mark.parametrize("dotted", INNER_TYPES)
def test_another_type_inside_or_in_place_of_the_envelope_is_badRequest(target, sealed, dotted):
    target.refused_envelope(sealed.change(outer_type=dotted), "badRequest", "EnvelopeTypeUnsupported")
    target.refused_envelope(sealed.change(content_type=dotted), "badRequest", "EnvelopeMalformed")


@pytest.mark.attack("E12")
def test_an_envelope_without_content_is_badRequest(target, sealed):
    """Detached (CVE-2015-1790); an element of another type in its place."""
    for content in (b"", der.NULL, der.octets(bytes(16)), der.tlv(0x81, bytes(16)),
                    der.tlv(0xA0, der.integer(1)), sealed.ciphertext * 2):
        target.refused_envelope(sealed.change(ciphertext=content), "badRequest", "EnvelopeMalformed")


@pytest.mark.attack("E12", "E06")
@pytest.mark.parametrize("size", [0, 1, 8, 15, 17, 31, 16, 32])
def test_a_ciphertext_of_another_length_does_not_open(target, sealed, size):
    target.refused_envelope(sealed.change(ciphertext=der.tlv(0x80, bytes(size))), "badMessageCheck",
            "Undecryptable")
    target.refused_envelope(sealed.change(ciphertext=der.tlv(0xA0, der.octets(bytes(size)))),
            "badMessageCheck", "Undecryptable")


@pytest.mark.attack("E12", "S01")
def test_a_ciphertext_in_segments_is_read(target, sealed):
    whole = sealed.ciphertext[-(len(sealed.ciphertext) // 16 * 16):]
    segments = b"".join(der.octets(whole[i:i + 7]) for i in range(0, len(whole), 7))
    target.granted(target.around(sealed.change(ciphertext=der.tlv(0xA0, segments)).der()))


@pytest.mark.attack("E12")
def test_attributes_that_nobody_protects_change_nothing(target, sealed):
    unprotected = der.tlv(0xA1, scep.attribute(oids.CHALLENGE_PASSWORD, der.printable("x")))
    target.granted(target.around(sealed.change(version=2, unprotected=unprotected).der()))
