"""Certificates and CSRs around any SubjectPublicKeyInfo whatever, with any signature."""

import datetime
import itertools

import der
import oids
import scep_client as scep

_serials = itertools.count(1000)
SHA256_WITH_RSA = der.algorithm(oids.RSA_WITH["sha256"])


def utc(days):
    when = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    return der.tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())


def rsa_spki(n, e, parameters=der.NULL):
    """`n` and `e` are numbers, or the INTEGERs as DER."""
    parts = [x if isinstance(x, bytes) else der.integer(x) for x in (n, e)]
    return der.sequence(der.algorithm(oids.RSA, parameters), der.bits(der.sequence(*parts)))


class Certificate:
    """As much of cryptography's Certificate as messages need, around any DER."""

    def __init__(self, spki, key, subject=None, serial=None, extensions=(), version=3, days=(-1, 30),
                 algorithm=SHA256_WITH_RSA, signature=None):
        subject = (subject or scep.name("device")).public_bytes()
        serial = next(_serials) if serial is None else serial
        serial = serial if isinstance(serial, bytes) else der.integer(serial)
        parts = [der.tlv(0xA0, der.integer(version - 1)) if version > 1 else b"", serial,
                 algorithm, subject, der.sequence(utc(days[0]), utc(days[1])), subject, spki]
        if extensions:
            parts.append(der.tlv(0xA3, scep.extensions(extensions)))
        tbs = der.sequence(*parts)
        signature = scep._sign(key, tbs, "sha256")[1] if signature is None else signature
        self.der = der.sequence(tbs, algorithm, der.bits(signature))
        self.reference = der.sequence(subject, serial)


class Csr:
    """A PKCS#10 request, by what `.der()` gives."""

    def __init__(self, spki, sign, subject=None, attributes=(), algorithm=SHA256_WITH_RSA,
                 after_info=b"", after=b"", bits=der.bits):
        self.spki, self.sign, self.algorithm, self.bits = spki, sign, algorithm, bits
        self.subject = (subject or scep.name("device")).public_bytes()
        self.attributes, self.after_info, self.after = list(attributes), after_info, after

    def der(self):
        info = der.sequence(der.integer(0), self.subject, self.spki,
                            der.tlv(0xA0, b"".join(sorted(self.attributes))), self.after_info)
        return der.sequence(info, self.algorithm, self.bits(self.sign(info)), self.after)


def asking(challenge, usage=(0, 2)):
    """The attributes of an honest CSR."""
    return [scep.attribute(oids.CHALLENGE_PASSWORD, der.printable(challenge)),
            scep.attribute(oids.EXTENSION_REQUEST, scep.extensions([scep.key_usage(*usage)]))]
