"""An EnvelopedData taken apart: each recipient and each field can be replaced before it is written."""

import os
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import der
import oids
import scep_client as scep

PKCS1 = der.algorithm(oids.RSA)


def ktri(certificate, key, algorithm=PKCS1, encrypted=None, rid=None, version=0):
    """KeyTransRecipientInfo; `encrypted`: instead of `key` for `certificate`."""
    if encrypted is None:
        encrypted = certificate.public_key().encrypt(key, padding.PKCS1v15())
    return der.sequence(der.integer(version), rid or scep.issuer_and_serial(certificate), algorithm,
                        der.octets(encrypted))


def probe(certificate, block):
    """An encryptedKey that raw RSA decrypts to `block`: no padding but what is in it."""
    numbers = certificate.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(size, "big")


@dataclass
class Enveloped:
    """Honest when sealed by `of`; parts are DER."""

    key: bytes
    recipients: list
    cipher: bytes
    ciphertext: bytes                      # the element [0] itself, or nothing
    content_type: str = oids.DATA
    outer_type: str = oids.ENVELOPED_DATA
    version: int = 0
    originator: bytes = b""
    unprotected: bytes = b""
    set_of_recipients: int = 0x31
    extra: list = field(default_factory=list)

    @classmethod
    def of(cls, content, certificate):
        key, iv = os.urandom(16), os.urandom(16)
        fill = 16 - len(content) % 16
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        ciphertext = encryptor.update(content + bytes([fill]) * fill) + encryptor.finalize()
        return cls(key, [ktri(certificate, key)],
                   der.algorithm(oids.CIPHER["aes128"], der.octets(iv)), der.tlv(0x80, ciphertext))

    def change(self, **changes):
        return replace(self, **changes)

    def der(self):
        inner = der.sequence(der.oid(self.content_type), self.cipher, self.ciphertext)
        body = der.sequence(der.integer(self.version), self.originator,
                            der.tlv(self.set_of_recipients, b"".join(self.recipients)), inner,
                            self.unprotected, *self.extra)
        return der.sequence(der.oid(self.outer_type), der.tlv(0xA0, body))


# --- Recipients of other types (RFC 5652 section 6.2) ---------------------------------------------

def pbkdf2(iterations=1000, salt=b"salt1234", length=None, prf="1.2.840.113549.2.9"):
    parts = [der.octets(salt), iterations if isinstance(iterations, bytes) else der.integer(iterations)]
    if length is not None:
        parts.append(der.integer(length))
    return der.sequence(der.oid("1.2.840.113549.1.5.12"),
                        der.sequence(*parts, der.algorithm(prf)))


def pwri(derivation=None, kek=None, encrypted=bytes(32)):
    """PasswordRecipientInfo, key wrapped as RFC 3211 has it."""
    kek = kek or der.algorithm(oids.CIPHER["aes128"], der.octets(bytes(16)))
    wrap = der.algorithm("1.2.840.113549.1.9.16.3.9", kek)
    derivation = pbkdf2() if derivation is None else derivation
    return der.tlv(0xA3, der.integer(0) + (b"\xa0" + derivation[1:] if derivation else b"") + wrap
                   + der.octets(encrypted))


def kekri(wrap="2.16.840.1.101.3.4.1.5", encrypted=bytes(24), identifier=b"kek"):
    return der.tlv(0xA2, der.integer(4) + der.sequence(der.octets(identifier))
                   + der.sequence(der.oid(wrap)) + der.octets(encrypted))


def kari(certificate, algorithm=None, originator=None, encrypted=bytes(24), material=b""):
    """KeyAgreeRecipientInfo to the certificate whose key is RSA: nothing that can be agreed on."""
    point = b"\x04" + bytes(64)
    originator = originator or der.tlv(0xA1, der.sequence(der.oid("1.2.840.10045.2.1"))
                                       + der.bits(point))
    algorithm = algorithm or der.algorithm("1.3.132.1.11.1",
                                           der.sequence(der.oid("2.16.840.1.101.3.4.1.5")))
    return der.tlv(0xA1, der.integer(3) + der.tlv(0xA0, originator)
                   + (der.tlv(0xA1, der.octets(material)) if material else b"") + algorithm
                   + der.sequence(der.sequence(scep.issuer_and_serial(certificate),
                                               der.octets(encrypted))))


def ori(kind="1.2.840.113549.1.9.16.13.3", value=b"\x30\x00"):
    """OtherRecipientInfo; by default the KEM of RFC 9629."""
    return der.tlv(0xA4, der.oid(kind) + value)
