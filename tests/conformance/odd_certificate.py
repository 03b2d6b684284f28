"""A self-signed certificate that no library would make, with as much of x509.Certificate as
scep_client uses."""

import datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import der
import oids


class OddSerial:
    """Its serial number may be longer than the 20 octets of RFC 5280."""

    def __init__(self, key, subject, serial):
        self.subject = self.issuer = subject
        self.serial_number = int.from_bytes(serial, "big")
        self._key = key.public_key()
        now = datetime.datetime.utcnow()
        dates = (now - datetime.timedelta(days=1), now + datetime.timedelta(days=6))
        validity = der.sequence(*(der.tlv(0x17, t.strftime("%y%m%d%H%M%SZ").encode())
                                  for t in dates))
        algorithm = der.algorithm(oids.RSA_WITH["sha256"])
        spki = self._key.public_bytes(serialization.Encoding.DER,
                                      serialization.PublicFormat.SubjectPublicKeyInfo)
        body = der.sequence(der.integer(self.serial_number), algorithm, subject.public_bytes(),
                            validity, subject.public_bytes(), spki)
        signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
        self._der = der.sequence(body, algorithm, der.bits(signature))

    def public_key(self):
        return self._key

    def public_bytes(self, _encoding):
        return self._der
