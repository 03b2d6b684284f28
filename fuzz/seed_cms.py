"""DER, BER and CMS for make_seeds.py, written octet by octet, and the keys of fuzz/keys."""

import datetime
import pathlib

from asn1crypto import algos, cms, core, pem, x509 as asn1_x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

FUZZ = pathlib.Path(__file__).resolve().parent
KEYS = {path.stem: path.read_bytes() for path in (FUZZ / "keys").glob("*.pem")}
NOW = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)


def key(name):
    return serialization.load_pem_private_key(KEYS[name + "_key"], None)


def certificate(name):
    return pem.unarmor(KEYS[name + "_certificate"])[2]


# --- DER and BER ------------------------------------------------------------------------------

def tlv(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def read_tlv(data):
    """(tag, content, rest) of the first element; definite lengths."""
    size, at = data[1], 2
    if size & 0x80:
        at = 2 + (size & 0x7F)
        size = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + size], data[at + size:]


def indefinite(data):
    """The same in BER: indefinite lengths, OCTET STRINGs in two segments."""
    out = b""
    while data:
        tag, content, data = read_tlv(data)
        if tag & 0x20:
            out += bytes([tag, 0x80]) + indefinite(content) + b"\0\0"
        elif tag == 0x04 and len(content) > 8:
            half = len(content) // 2
            out += b"\x24\x80" + tlv(4, content[:half]) + tlv(4, content[half:]) + b"\0\0"
        else:
            out += tlv(tag, content)
    return out


# --- CMS ----------------------------------------------------------------------------------------

def issuer_and_serial(der):
    parsed = asn1_x509.Certificate.load(der)
    return {"issuer": parsed.issuer, "serial_number": parsed.serial_number}


def attribute(oid, value):
    return tlv(0x30, core.ObjectIdentifier(oid).dump() + tlv(0x31, value.dump()))


SCEP = "2.16.840.1.113733.1.9."


def sign(content, owner, attributes, content_type="data", digest="sha256"):
    """A SignedData by `owner`, with asn1crypto's encoding."""
    hash_of = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}[digest]
    hasher = hashes.Hash(hash_of)
    hasher.update(content)
    if content_type.startswith("1."):
        type_oid = content_type
    else:
        type_oid = cms.ContentType(content_type).dotted
    signed = sorted([
        attribute("1.2.840.113549.1.9.3", core.ObjectIdentifier(type_oid)),
        attribute("1.2.840.113549.1.9.4", core.OctetString(hasher.finalize())),
        attribute("1.2.840.113549.1.9.5", core.UTCTime(NOW)),
        *(attribute(oid, value) for oid, value in attributes)])
    joined = b"".join(signed)
    private = key(owner)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        signature = private.sign(tlv(0x31, joined), ec.ECDSA(hash_of))
        algorithm = tlv(0x30, core.ObjectIdentifier("1.2.840.10045.4.3.2").dump())
    else:
        signature = private.sign(tlv(0x31, joined), padding.PKCS1v15(), hash_of)
        algorithm = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.1.1").dump() + b"\x05\0")
    digest_id = tlv(0x30, core.ObjectIdentifier(algos.DigestAlgorithmId(digest).dotted).dump())
    who = cms.IssuerAndSerialNumber(issuer_and_serial(certificate(owner))).dump()
    signer = tlv(0x30, b"\x02\x01\x01" + who + digest_id + tlv(0xA0, joined) + algorithm
                 + tlv(4, signature))
    encapsulated = tlv(0x30, core.ObjectIdentifier(type_oid).dump() + tlv(0xA0, tlv(4, content)))
    body = tlv(0x30, b"\x02\x01\x01" + tlv(0x31, digest_id) + encapsulated
               + tlv(0xA0, certificate(owner)) + tlv(0x31, signer))
    return content_info("1.2.840.113549.1.7.2", body)


def content_info(oid, body):
    return tlv(0x30, core.ObjectIdentifier(oid).dump() + tlv(0xA0, body))


def pad(data, block):
    count = block - len(data) % block
    return data + bytes([count]) * count


def envelope(plain, to, cipher="aes128", oaep=None):
    """A ContentInfo with EnvelopedData to the RSA key of `to`."""
    content_key, iv = b"K" * {"aes128": 16, "aes256": 32, "des3": 24}[cipher], b"I" * 16
    kind, oid = {"aes128": (algorithms.AES, "2.16.840.1.101.3.4.1.2"),
                 "aes256": (algorithms.AES, "2.16.840.1.101.3.4.1.42"),
                 "des3": (algorithms.TripleDES, "1.2.840.113549.3.7")}[cipher]
    iv = iv[:kind.block_size // 8]
    encryptor = Cipher(kind(content_key), modes.CBC(iv)).encryptor()
    encrypted = encryptor.update(pad(plain, len(iv))) + encryptor.finalize()
    public = key(to).public_key()
    if oaep:
        wrapped = public.encrypt(content_key, padding.OAEP(padding.MGF1(oaep()), oaep(), None))
        hash_id = tlv(0x30, core.ObjectIdentifier(
            {"sha256": "2.16.840.1.101.3.4.2.1", "sha1": "1.3.14.3.2.26"}[oaep.name]).dump()
            + b"\x05\0")
        mgf = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.1.8").dump() + hash_id)
        transport = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.1.7").dump()
                        + tlv(0x30, b"" if oaep.name == "sha1"
                              else tlv(0xA0, hash_id) + tlv(0xA1, mgf)))
    else:
        wrapped = public.encrypt(content_key, padding.PKCS1v15())
        transport = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.1.1").dump() + b"\x05\0")
    who = cms.IssuerAndSerialNumber(issuer_and_serial(certificate(to))).dump()
    recipient = tlv(0x30, b"\x02\x01\0" + who + transport + tlv(4, wrapped))
    content = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
                  + tlv(0x30, core.ObjectIdentifier(oid).dump() + tlv(4, iv))
                  + tlv(0x80, encrypted))
    return content_info("1.2.840.113549.1.7.3",
                        tlv(0x30, b"\x02\x01\0" + tlv(0x31, recipient) + content))


def certificates_only(*ders):
    return content_info("1.2.840.113549.1.7.2", tlv(
        0x30, b"\x02\x01\x01\x31\0" + tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump())
        + tlv(0xA0, b"".join(ders)) + b"\x31\0"))


def blob_envelope(plain):
    """AuthEnvelopedData to the blob recipient: ECDH, AES-256 key wrap, AES-256-GCM."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    shared = ephemeral.exchange(ec.ECDH(), key("blob").public_key())
    wrap_id = tlv(0x30, core.ObjectIdentifier("2.16.840.1.101.3.4.1.45").dump())
    info = tlv(0x30, wrap_id + tlv(0xA2, tlv(4, (256).to_bytes(4, "big"))))
    kek = X963KDF(hashes.SHA256(), 32, info).derive(shared)
    content_key, nonce = b"G" * 32, b"N" * 12
    sealed = aead.AESGCM(content_key).encrypt(nonce, plain, None)
    point = ephemeral.public_key().public_bytes(serialization.Encoding.X962,
                                                serialization.PublicFormat.UncompressedPoint)
    who = cms.IssuerAndSerialNumber(issuer_and_serial(certificate("blob"))).dump()
    originator = tlv(0xA0, tlv(0xA1, tlv(0x30, core.ObjectIdentifier("1.2.840.10045.2.1").dump())
                               + tlv(3, b"\0" + point)))
    agreement = tlv(0x30, core.ObjectIdentifier("1.3.132.1.11.1").dump() + wrap_id)
    keys = tlv(0x30, tlv(0x30, who + tlv(4, keywrap.aes_key_wrap(kek, content_key))))
    recipient = tlv(0xA1, b"\x02\x01\x03" + originator + agreement + keys)
    gcm = tlv(0x30, tlv(4, nonce) + b"\x02\x01\x10")
    content = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
                  + tlv(0x30, core.ObjectIdentifier("2.16.840.1.101.3.4.1.46").dump() + gcm)
                  + tlv(0x80, sealed[:-16]))
    return tlv(0x30, b"\x02\x01\0" + tlv(0x31, recipient) + content + tlv(4, sealed[-16:]))
