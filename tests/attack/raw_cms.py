"""A pkiMessage taken apart: each field of its SignedData can be replaced before it is written."""

import hashlib
from dataclasses import dataclass, field, replace

import der
import oids
import scep_client as scep

DIGEST_INFO = {name: bytes.fromhex(prefix) for name, prefix in {
    "md5": "3020300c06082a864886f70d020505000410",
    "sha1": "3021300906052b0e03021a05000414",
    "sha224": "302d300d06096086480165030402040500041c",
    "sha256": "3031300d060960864801650304020105000420",
}.items()}


def rsa_raw(key, block):
    """m^d mod n: an RSA signature (or decryption) of any block whatever."""
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    return pow(int.from_bytes(block, "big"), numbers.d, n).to_bytes((n.bit_length() + 7) // 8, "big")


def pkcs1_block(size, info, fill=b"\xff", kind=b"\x01"):
    """00 01 FF … 00 info."""
    return b"\0" + kind + fill * (size - 3 - len(info)) + b"\0" + info


def digest_info(octets, digest="sha256"):
    return DIGEST_INFO[digest] + hashlib.new(digest, octets).digest()


@dataclass
class Signer:
    """A SignerInfo; parts are DER."""

    key: object
    sid: bytes
    attributes: list                       # signed ones; None: the field is absent
    digest: bytes = der.algorithm(oids.DIGEST["sha256"])
    algorithm: bytes = der.algorithm(oids.RSA_WITH["sha256"])
    unsigned: list = field(default_factory=list)
    version: int = 1
    signature: object = None               # octets, or a function of what has to be signed

    def der(self, content):
        signed = None if self.attributes is None else b"".join(self.attributes)
        to_sign = content if signed is None else der.tlv(0x31, signed)
        signature = self.signature
        if signature is None:
            signature = scep._sign(self.key, to_sign, "sha256")[1]
        elif callable(signature):
            signature = signature(to_sign)
        return der.sequence(
            der.integer(self.version), self.sid, self.digest,
            b"" if signed is None else der.tlv(0xA0, signed), self.algorithm, der.octets(signature),
            der.tlv(0xA1, b"".join(self.unsigned)) if self.unsigned else b"")


@dataclass
class SignedData:
    """The whole message; parts are DER but for `content`."""

    content: bytes                         # eContent's octets; None: it is absent
    signers: list
    certificates: list
    crls: list = field(default_factory=list)
    digests: list = field(default_factory=lambda: [der.algorithm(oids.DIGEST["sha256"])])
    outer_type: str = oids.SIGNED_DATA
    content_type: str = oids.DATA
    version: int = 1
    after_content: bytes = b""
    after_signers: bytes = b""
    trailing: bytes = b""

    @classmethod
    def of(cls, message):
        """The same as message.der() writes."""
        signer = Signer(message.signer_key, scep.issuer_and_serial(message.signer),
                        sorted(message._attributes()))
        return cls(message.content, [signer], [scep.cert_der(message.signer)])

    def der(self):
        encapsulated = der.sequence(
            der.oid(self.content_type),
            b"" if self.content is None else der.tlv(0xA0, der.octets(self.content)),
            self.after_content)
        body = der.sequence(
            der.integer(self.version), der.set_as_is(*self.digests), encapsulated,
            der.tlv(0xA0, b"".join(self.certificates)) if self.certificates else b"",
            der.tlv(0xA1, b"".join(self.crls)) if self.crls else b"",
            der.set_as_is(*(s if isinstance(s, bytes) else s.der(self.content or b"")
                            for s in self.signers)),
            self.after_signers)
        return der.sequence(der.oid(self.outer_type), der.tlv(0xA0, body)) + self.trailing

    def change_signer(self, **changes):
        self.signers[0] = replace(self.signers[0], **changes)
        return self

    def change(self, **changes):
        return replace(self, **changes)


def without(attributes, dotted):
    """Attributes but for those of one type."""
    return [a for a in attributes if not _is(a, dotted)]


def _is(attribute, dotted):
    """DER: SEQUENCE, then the type."""
    header = 2 if attribute[1] < 0x80 else 2 + (attribute[1] & 0x7F)
    return attribute[header:].startswith(der.oid(dotted))
