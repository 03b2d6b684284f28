"""Challenge blobs (docs/challenge-blob.md) part by part, so that each part can be another than the
openssl command line would make: who signs, to whom, in which order, around what."""

import base64
import hashlib
import json
import os
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, padding as fill, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

import der
import oids
from scep_client import _sign, attribute, cert_der, issuer_and_serial

AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
AES256_GCM, AES256_CBC = "2.16.840.1.101.3.4.1.46", oids.CIPHER["aes256"]
AES256_WRAP = der.algorithm("2.16.840.1.101.3.4.1.45", b"")
ECDH_SHA256 = "1.3.132.1.11.1"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"


def explicit(number, content):
    return der.tlv(0xA0 | number, content)


# --- Recipients: each takes the content key and gives a RecipientInfo ----------------------------

def to_ec(certificate, *, scheme=ECDH_SHA256, named=None, change=None, mangle=None):
    """KeyAgreeRecipientInfo (RFC 5753) to `certificate`, whose name may be another's. `change`: the key
    before it is wrapped; `mangle`: what it is wrapped to."""
    def seal(key):
        ephemeral = ec.generate_private_key(certificate.public_key().curve)
        point = ephemeral.public_key().public_bytes(serialization.Encoding.X962,
                                                    serialization.PublicFormat.UncompressedPoint)
        shared = der.sequence(AES256_WRAP, explicit(2, der.octets((256).to_bytes(4, "big"))))
        agreed = ephemeral.exchange(ec.ECDH(), certificate.public_key())
        kek = X963KDF(hashes.SHA256(), 32, shared).derive(agreed)
        originator = der.tlv(0xA1, der.sequence(der.oid(EC_PUBLIC_KEY)) + der.bits(point))
        wrapped = keywrap.aes_key_wrap(kek, change(key) if change else key)
        encrypted = der.sequence(issuer_and_serial(named or certificate),
                                 der.octets(mangle(wrapped) if mangle else wrapped))
        return der.tlv(0xA1, der.integer(3) + explicit(0, originator)
                       + der.sequence(der.oid(scheme), AES256_WRAP) + der.sequence(encrypted))
    return seal


def to_rsa(certificate, pkcs1=False, encrypted=None):
    """KeyTransRecipientInfo; `encrypted` in place of an honest key."""
    def seal(key):
        if pkcs1:
            algorithm, pad = der.algorithm(oids.RSA), padding.PKCS1v15()
        else:
            sha256 = der.algorithm(oids.DIGEST["sha256"])
            algorithm = der.algorithm(oids.OAEP, der.sequence(
                explicit(0, sha256), explicit(1, der.algorithm(oids.MGF1, sha256))))
            pad = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        octets = encrypted or certificate.public_key().encrypt(key, pad)
        return der.sequence(der.integer(0), issuer_and_serial(certificate), algorithm,
                            der.octets(octets))
    return seal


def to_key(key_encryption_key):
    """KEKRecipientInfo."""
    def seal(key):
        return der.tlv(0xA2, der.integer(4) + der.sequence(der.octets(b"kek")) + AES256_WRAP
                       + der.octets(keywrap.aes_key_wrap(key_encryption_key, key)))
    return seal


def to_password(iterations):
    """PasswordRecipientInfo, which nobody opens: `iterations` is what opening would cost."""
    def seal(_):
        derivation = der.sequence(der.octets(b"salt" * 4), der.integer(iterations))
        scheme = der.algorithm(oids.CIPHER["aes256"], der.octets(bytes(16)))
        return der.tlv(0xA3, der.integer(0)
                       + der.tlv(0xA0, der.oid("1.2.840.113549.1.5.12") + derivation)
                       + der.sequence(der.oid("1.2.840.113549.1.9.16.3.9"), scheme)
                       + der.octets(os.urandom(48)))
    return seal


# --- Envelopes and signatures ---------------------------------------------------------------------

def auth_enveloped(content, recipients, *, tag=16, cipher=AES256_GCM, iv=12, mangle=None):
    """AuthEnvelopedData (RFC 5083)."""
    key, nonce = os.urandom(32), os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, content, None)
    text, mac = sealed[:-16], sealed[-16:]
    if mangle:
        text = mangle(text)
    parameters = der.sequence(der.octets((nonce * 100)[:iv]), der.integer(tag))
    return der.sequence(
        der.integer(0), der.set_as_is(*(to(key) for to in recipients)),
        der.sequence(der.oid(oids.DATA), der.algorithm(cipher, parameters), der.tlv(0x80, text)),
        der.octets(mac[:tag]))


def enveloped(content, recipients, *, cipher=AES256_CBC):
    """EnvelopedData with AES-256-CBC, whatever `cipher` says."""
    key, iv = os.urandom(32), os.urandom(16)
    padder = fill.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    text = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    return der.sequence(
        der.integer(2), der.set_as_is(*(to(key) for to in recipients)),
        der.sequence(der.oid(oids.DATA), der.algorithm(cipher, der.octets(iv)),
                     der.tlv(0x80, text)))


def signed(content, content_type, signers, *, bag=(), leave_out=(), digest="sha256",
           said_type=None, attributes=True):
    """ContentInfo of a SignedData; `signers` are (certificate, key) pairs."""
    algorithm = der.algorithm(oids.DIGEST[digest])
    infos = []
    for certificate, key in signers:
        values = {oids.CONTENT_TYPE: der.oid(said_type or content_type),
                  oids.MESSAGE_DIGEST: der.octets(hashlib.new(digest, content).digest())}
        carried = b"".join(sorted(attribute(o, v) for o, v in values.items()
                                  if o not in leave_out))
        to_sign = der.tlv(0x31, carried) if attributes else content
        signature_algorithm, signature = _sign(key, to_sign, digest)
        infos.append(der.sequence(
            der.integer(1), issuer_and_serial(certificate), algorithm,
            der.tlv(0xA0, carried) if attributes else b"", signature_algorithm,
            der.octets(signature)))
    certificates = der.tlv(0xA0, b"".join(cert_der(c) for c in bag)) if bag else b""
    return der.sequence(der.oid(oids.SIGNED_DATA), explicit(0, der.sequence(
        der.integer(3), der.set_of(algorithm),
        der.sequence(der.oid(content_type), explicit(0, der.octets(content))),
        certificates, der.set_of(*infos))))


def base64_of(octets):
    return base64.b64encode(octets).decode()


def fingerprint(certificate):
    return hashlib.sha256(cert_der(certificate)).hexdigest()


class BlobMaker:
    """The MDM of a lab; `claims` and every layer may be other than they should."""

    def __init__(self, lab):
        policy = next(p for p in lab.config()["policies"].values()
                      if p["type"] == "challenge_blob")
        decryption = policy["decryption"]
        first = decryption[0] if isinstance(decryption, list) else decryption
        self.audience = policy["audience"]
        self.recipient = self._certificate(lab.dir / first["certificate"])
        signer = lab.dir / policy["signer"]["certificate"]
        # Beside it, also where the server has the key in a token.
        key = signer.with_suffix(".key").read_bytes()
        self.signer = self._certificate(signer), serialization.load_pem_private_key(key, None)

    @staticmethod
    def _certificate(file):
        return x509.load_pem_x509_certificate(file.read_bytes())

    def claims(self, subject="CN=attacked", **changes):
        """Claims that are right but for `changes`; a claim that is None is left out."""
        now = int(time.time())
        claims = {"v": 1, "jti": os.urandom(16).hex(),
                  "iss": fingerprint(self.signer[0]),
                  "aud": self.audience, "iat": now, "nbf": now, "exp": now + 3600,
                  "subject": {"text": subject}}
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def to(self):
        return (to_rsa if hasattr(self.recipient.public_key(), "encrypt") else to_ec)(
            self.recipient)

    def text(self, json_text, *, recipients=None, signer=None, **signing):
        """The blob for claims in octets, as written."""
        inner = auth_enveloped(json_text, recipients or [self.to()])
        return base64_of(signed(inner, AUTH_ENVELOPED_DATA, [signer or self.signer], **signing))

    def blob(self, claims=None, **options):
        return self.text(json.dumps(claims or self.claims()).encode(), **options)
