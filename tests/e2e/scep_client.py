"""A SCEP client that shares no code with scepgate.

It can send what no honest client would, and it reads replies more strictly than any real client
does. Writing is done octet by octet (der.py), reading with asn1crypto, keys with cryptography.
"""

import datetime
import hashlib
import os
import subprocess
from dataclasses import dataclass, field

from asn1crypto import cms as asn1_cms
from asn1crypto import core as asn1_core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

import der
import oids

HASH = {"md5": hashes.MD5, "sha1": hashes.SHA1, "sha256": hashes.SHA256,
        "sha384": hashes.SHA384, "sha512": hashes.SHA512}
CIPHERS = {  # name -> (algorithm, key octets, block octets); one-key 3DES is single DES
    "des": (algorithms.TripleDES, 8, 8),
    "des3": (algorithms.TripleDES, 24, 8),
    "aes128": (algorithms.AES, 16, 16),
    "aes192": (algorithms.AES, 24, 16),
    "aes256": (algorithms.AES, 32, 16),
}


# --- CSRs -------------------------------------------------------------------------------------

def name(*pairs):
    """A subject from ("CN", "x") pairs in DER order; text alone is a common name."""
    kinds = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME,
             "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "C": NameOID.COUNTRY_NAME}
    if len(pairs) == 1 and isinstance(pairs[0], str):
        pairs = (("CN", pairs[0]),)
    return x509.Name([x509.NameAttribute(kinds[kind], value) for kind, value in pairs])


def subject_alt_name(*names):
    """From ("dns", "a.example"), ("upn", …), ("email", …), ("uri", …), ("ip", b"octets") pairs."""
    tags = {"email": 0x81, "dns": 0x82, "uri": 0x86, "ip": 0x87}
    out = b""
    for kind, value in names:
        if kind == "upn":
            out += der.tlv(0xA0, der.oid(oids.UPN) + der.tlv(0xA0, der.utf8(value)))
        else:
            out += der.tlv(tags[kind], value if isinstance(value, bytes) else value.encode())
    return (oids.SUBJECT_ALT_NAME, False, der.tlv(0x30, out))


def key_usage(*bits):
    """From bit numbers: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign …"""
    value = sum(0x80 >> bit for bit in bits)
    unused = (value & -value).bit_length() - 1
    return (oids.KEY_USAGE, True, der.tlv(0x03, bytes([unused, value])))


BASIC_CONSTRAINTS_CA = (oids.BASIC_CONSTRAINTS, True, der.sequence(b"\x01\x01\xff"))


def sid_extension(sid="S-1-5-21-1004336348-1177238915-682003330-500"):
    value = der.sequence(der.tlv(0xA0, der.oid("1.3.6.1.4.1.311.25.2.1")
                                 + der.tlv(0xA0, der.octets(sid.encode()))))
    return (oids.SID, False, value)


def extensions(items):
    return der.sequence(*(der.sequence(der.oid(o), b"\x01\x01\xff" if critical else b"",
                                       der.octets(value)) for o, critical, value in items))


def attribute(dotted, *values):
    return der.sequence(der.oid(dotted), der.set_of(*values))


def _sign(key, octets_, digest):
    """(signatureAlgorithm, signature) by an RSA or EC key."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return (der.algorithm(oids.ECDSA_WITH[digest], b""),
                key.sign(octets_, ec.ECDSA(HASH[digest]())))
    return (der.algorithm(oids.RSA_WITH[digest]),
            key.sign(octets_, padding.PKCS1v15(), HASH[digest]()))


@dataclass
class Csr:
    """What to put into a PKCS#10 request; `attributes` are more of them, as DER."""

    key: object
    subject: object = None
    challenge: str = None
    extensions: list = field(default_factory=list)
    extension_request: str = oids.EXTENSION_REQUEST
    attributes: list = field(default_factory=list)
    challenge_string: int = 0x13
    digest: str = "sha256"
    break_signature: bool = False

    def der(self):
        subject = name("device") if self.subject is None else self.subject
        subject = subject if isinstance(subject, bytes) else subject.public_bytes()
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        attributes = list(self.attributes)
        if self.challenge is not None:
            attributes.append(attribute(oids.CHALLENGE_PASSWORD,
                                        der.tlv(self.challenge_string, self.challenge.encode())))
        if self.extensions:
            attributes.append(attribute(self.extension_request, extensions(self.extensions)))
        info = der.sequence(der.integer(0), subject, spki,
                            der.tlv(0xA0, b"".join(sorted(attributes))))
        algorithm, signature = _sign(self.key, info, self.digest)
        if self.break_signature:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return der.sequence(info, algorithm, der.bits(signature))


def self_signed(key, subject=None, days=30):
    """The transient certificate of RFC 8894 section 2.3."""
    subject = name("device") if subject is None else subject
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256()))


# --- Messages ---------------------------------------------------------------------------------

def assert_signed_by(issuer, certificate):
    """Of either kind of key; raises when it is not."""
    how = () if isinstance(issuer.public_key(), ec.EllipticCurvePublicKey) else (
        padding.PKCS1v15(),)
    digest = certificate.signature_hash_algorithm
    how += (digest,) if how else (ec.ECDSA(digest),)
    issuer.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, *how)


def cert_der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def issuer_and_serial(certificate):
    return der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))


@dataclass
class Envelope:
    """How to envelope the content of a message."""

    recipients: list
    cipher: str = "aes128"
    transport: str = "pkcs1"  # pkcs1, oaep-sha1, oaep-sha256
    encoding: object = der.DER
    content_type: str = oids.DATA
    iv: bytes = None
    encrypted_key: bytes = None         # instead of an honest one, for every recipient
    cipher_oid: str = None
    mangle_ciphertext: object = None    # bytes -> bytes

    def _recipient(self, certificate, key):
        if self.transport == "pkcs1":
            algorithm, pad = der.algorithm(oids.RSA), padding.PKCS1v15()
        elif self.transport == "oaep-sha1":
            algorithm = der.algorithm(oids.OAEP, der.sequence())
            pad = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        else:
            sha256 = der.algorithm(oids.DIGEST["sha256"])
            algorithm = der.algorithm(oids.OAEP, der.sequence(
                der.tlv(0xA0, sha256), der.tlv(0xA1, der.algorithm(oids.MGF1, sha256))))
            pad = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        encrypted = self.encrypted_key or certificate.public_key().encrypt(key, pad)
        return der.sequence(der.integer(0), issuer_and_serial(certificate), algorithm,
                            der.octets(encrypted))

    def seal(self, content):
        kind, key_octets, block = CIPHERS[self.cipher]
        key = os.urandom(key_octets)
        iv = os.urandom(block) if self.iv is None else self.iv
        fill = block - len(content) % block
        encryptor = Cipher(kind(key), modes.CBC((iv + bytes(block))[:block])).encryptor()
        ciphertext = encryptor.update(content + bytes([fill]) * fill) + encryptor.finalize()
        if self.mangle_ciphertext:
            ciphertext = self.mangle_ciphertext(ciphertext)
        e = self.encoding
        enveloped = e.sequence(
            der.integer(0),
            der.set_as_is(*(self._recipient(r, key) for r in self.recipients)),
            e.sequence(der.oid(self.content_type),
                       der.algorithm(self.cipher_oid or oids.CIPHER[self.cipher], der.octets(iv)),
                       e.implicit_octets(0, ciphertext)))
        return e.sequence(der.oid(oids.ENVELOPED_DATA), e.explicit(0, enveloped))


@dataclass
class Message:
    """A pkiMessage. Every field is free; the defaults make an honest PKCSReq."""

    content: bytes                       # the enveloped content, from Envelope.seal()
    signer_key: object
    signer: object                       # x509.Certificate
    transaction_id: str = None
    message_type: str = "19"
    sender_nonce: bytes = None
    digest: str = "sha256"
    signature_oid: str = None            # default: <digest>WithRSAEncryption
    encoding: object = der.DER
    sid: str = "issuer"                  # issuer or ski
    extra_certificates: list = field(default_factory=list)
    leave_out: tuple = ()                # OIDs of signed attributes
    doubled: tuple = ()
    replace: dict = field(default_factory=dict)   # OID -> DER of the one value
    content_type: str = oids.DATA
    break_signature: bool = False
    signed_attributes: bool = True
    trailing: bytes = b""
    new_key: object = None               # of the certificate that comes back, when not the signer's
    challenge: str = None                # under which an EC key gets its reply

    def __post_init__(self):
        if self.transaction_id is None:
            self.transaction_id = transaction_id(self.signer_key)
        if self.sender_nonce is None:
            self.sender_nonce = os.urandom(16)

    @property
    def has_nonce(self):
        """One that can be sent back."""
        touched = (*self.leave_out, *self.doubled, *self.replace)
        return 1 <= len(self.sender_nonce) <= 64 and oids.SENDER_NONCE not in touched

    def _attributes(self):
        now = datetime.datetime.utcnow().strftime("%y%m%d%H%M%SZ")
        values = {
            oids.CONTENT_TYPE: der.oid(self.content_type),
            oids.SIGNING_TIME: der.tlv(0x17, now.encode()),
            oids.MESSAGE_DIGEST: der.octets(hashlib.new(self.digest, self.content).digest()),
            oids.MESSAGE_TYPE: der.printable(self.message_type),
            oids.TRANSACTION_ID: der.printable(self.transaction_id),
            oids.SENDER_NONCE: der.octets(self.sender_nonce),
        } | self.replace
        out = [attribute(o, v) for o, v in values.items() if o not in self.leave_out]
        return out + [attribute(o, values[o]) for o in self.doubled]

    def der(self):
        e = self.encoding
        if self.sid == "issuer":
            sid, version = issuer_and_serial(self.signer), 1
        else:
            ski = self.signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            sid, version = der.tlv(0x80, ski.value.digest), 3
        digest = der.algorithm(oids.DIGEST[self.digest])
        attributes = b"".join(sorted(self._attributes())) if self.signed_attributes else b""
        to_sign = der.tlv(0x31, attributes) if self.signed_attributes else self.content
        algorithm, signature = _sign(self.signer_key, to_sign, self.digest)
        if self.break_signature:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        signer_info = der.sequence(
            der.integer(version), sid, digest,
            der.tlv(0xA0, attributes) if self.signed_attributes else b"",
            der.algorithm(self.signature_oid) if self.signature_oid else algorithm,
            der.octets(signature))
        certificates = b"".join(cert_der(c) for c in [self.signer, *self.extra_certificates])
        signed = e.sequence(
            der.integer(version), der.set_of(digest),
            e.sequence(der.oid(self.content_type), e.explicit(0, e.octets(self.content))),
            der.tlv(0xA0, certificates), der.set_of(signer_info))
        return e.sequence(der.oid(oids.SIGNED_DATA), e.explicit(0, signed)) + self.trailing


def transaction_id(key):
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def pkcs_req(csr, recipients, *, envelope=None, **message):
    """An honest PKCSReq for `csr`, signed by a transient certificate for its key."""
    subject = csr.subject if isinstance(csr.subject, x509.Name) else None
    signer = message.pop("signer", None) or self_signed(csr.key, subject)
    sealed = Envelope(list(recipients), **(envelope or {})).seal(csr.der())
    message.setdefault("challenge", csr.challenge)
    return Message(sealed, message.pop("signer_key", csr.key), signer, **message)


def renewal_req(csr, recipients, old, old_key, *, message_type="17", envelope=None, **message):
    """A renewal of the certificate `old`, which with its key signs the message."""
    sealed = Envelope(list(recipients), **(envelope or {})).seal(csr.der())
    message.setdefault("transaction_id", transaction_id(csr.key) + "-renewal")
    message.setdefault("challenge", csr.challenge)
    return Message(sealed, old_key, old, message_type=message_type, new_key=csr.key, **message)


def cert_poll(of, ca, subject=None, **message):
    """The CertPoll for a request, signed like that, with a nonce of its own."""
    subject = of.signer.subject if subject is None else subject
    content = der.sequence(ca.ca.subject.public_bytes(), subject.public_bytes())
    message.setdefault("transaction_id", of.transaction_id)
    message.setdefault("signer", of.signer)
    return Message(Envelope([ca.encryption]).seal(content), message.pop("signer_key", of.signer_key),
                   message_type="20", new_key=of.new_key, **message)


def _look_up(message_type, certificate, ca, signer, signer_key, **message):
    sealed = Envelope([ca.encryption]).seal(issuer_and_serial(certificate))
    return Message(sealed, signer_key, signer, message_type=message_type, **message)


def get_cert(certificate, ca, signer, signer_key, **message):
    return _look_up("21", certificate, ca, signer, signer_key, **message)


def get_crl(certificate, ca, signer, signer_key, **message):
    """Asks for the CRL that would list `certificate`."""
    return _look_up("22", certificate, ca, signer, signer_key, **message)


# --- Replies ----------------------------------------------------------------------------------

@dataclass
class CaCertificates:
    """GetCACert's answer by role."""

    ca: x509.Certificate
    signing: x509.Certificate
    encryption: x509.Certificate
    all: list


def certs_only(octets_):
    """The certificates of a degenerate SignedData, which must be just that."""
    info = asn1_cms.ContentInfo.load(octets_, strict=True)
    assert info["content_type"].native == "signed_data"
    signed = info["content"]
    assert len(signed["signer_infos"]) == 0
    assert len(signed["digest_algorithms"]) == 0
    assert signed["encap_content_info"]["content_type"].native == "data"
    assert signed["encap_content_info"]["content"].native is None
    return [x509.load_der_x509_certificate(c.dump()) for c in signed["certificates"]]


def crl_only(octets_):
    """The CRL of a degenerate SignedData, which must hold nothing else."""
    signed = asn1_cms.ContentInfo.load(octets_, strict=True)["content"]
    assert len(signed["signer_infos"]) == 0
    assert signed["certificates"].native is None
    assert len(signed["crls"]) == 1
    return x509.load_der_x509_crl(signed["crls"][0].dump())


def sort_certificates(certificates):
    def usage(c):
        return c.extensions.get_extension_for_class(x509.KeyUsage).value

    cas = [c for c in certificates if usage(c).key_cert_sign]
    ras = [c for c in certificates if not usage(c).key_cert_sign] or cas
    issuing = next((c for c in cas if c.subject == ras[0].issuer), cas[0])
    return CaCertificates(issuing, next(c for c in ras if usage(c).digital_signature),
                          next(c for c in ras if usage(c).key_encipherment), certificates)


@dataclass
class CertRep:
    status: str                     # success, failure, pending
    fail_info: str
    certificates: list              # the issued one first
    attributes: dict                # OID -> DER of the value
    signature: bytes
    raw: bytes
    crl: object = None              # x509.CertificateRevocationList, of a GetCRL

    @property
    def certificate(self):
        return self.certificates[0]

    def without_the_varying(self):
        """The reply with nonces, time, digest, transactionID and signature blanked out: the rest
        must be the same for all requests that fail alike."""
        out = self.raw.replace(self.signature, b"SIG")
        for o in (oids.SENDER_NONCE, oids.RECIPIENT_NONCE, oids.SIGNING_TIME, oids.TRANSACTION_ID):
            out = out.replace(self.attributes[o], b"#")
        return out


STATUS = {"0": "success", "2": "failure", "3": "pending"}
FAIL = {"0": "badAlg", "1": "badMessageCheck", "2": "badRequest", "3": "badTime", "4": "badCertId"}


def _require(condition, what):
    assert condition, f"CertRep: {what}"


def _signed_attributes(signer_info):
    """Each attribute once, each with one value, in DER order."""
    encoded = [a.dump() for a in signer_info["signed_attrs"]]
    _require(encoded == sorted(encoded), "signed attributes are sorted")
    out = {}
    for attr in signer_info["signed_attrs"]:
        dotted = attr["type"].dotted
        _require(dotted not in out, f"one attribute {dotted}")
        _require(len(attr["values"]) == 1, f"one value of {dotted}")
        out[dotted] = attr["values"][0].dump()
    return out


def _value(encoded, tag, what):
    _require(encoded[0] == tag, f"{what} has tag {tag:#x}, not {encoded[0]:#x}")
    return asn1_core.load(encoded).native


def _open_envelope(content, message):
    info = asn1_cms.ContentInfo.load(content, strict=True)
    _require(info["content_type"].native == "enveloped_data", "content is EnvelopedData")
    enveloped = info["content"]
    _require(len(enveloped["recipient_infos"]) == 1, "exactly one recipient")
    recipient = enveloped["recipient_infos"][0]
    if isinstance(message.signer_key, ec.EllipticCurvePrivateKey):
        return _open_under_challenge(content, enveloped, recipient, message)
    _require(enveloped["version"].native == "v0", "EnvelopedData version 0")
    _require(recipient.name == "ktri", "KeyTransRecipientInfo")
    ktri = recipient.chosen
    _require(ktri["rid"].chosen.dump() == issuer_and_serial(message.signer),
             "recipient is the certificate that signed the request")
    algorithm = ktri["key_encryption_algorithm"]
    _require(algorithm.dump() == der.algorithm(oids.RSA), "PKCS#1 v1.5 key transport, NULL")
    inner = enveloped["encrypted_content_info"]
    _require(inner["content_type"].native == "data", "enveloped content is id-data")
    oid = inner["content_encryption_algorithm"]["algorithm"].dotted
    cipher = {v: k for k, v in oids.CIPHER.items()}[oid]
    _require(cipher != "des", "never single DES in a reply")
    _require(inner["encrypted_content"].method == 0, "encryptedContent is primitive")
    kind, key_octets, block = CIPHERS[cipher]
    iv = inner["content_encryption_algorithm"]["parameters"].native
    _require(len(iv) == block, "IV length")
    key = message.signer_key.decrypt(ktri["encrypted_key"].native, padding.PKCS1v15())
    _require(len(key) == key_octets, "content key length")
    decryptor = Cipher(kind(key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(inner["encrypted_content"].native) + decryptor.finalize()
    fill = plain[-1]
    _require(1 <= fill <= block and plain[-fill:] == bytes([fill]) * fill, "padding")
    return cipher, plain[:-fill]


def _open_under_challenge(content, enveloped, recipient, message):
    """RFC 8894 section 3.1: "PasswordRecipientInfo" where the key cannot decrypt."""
    _require(enveloped["version"].native == "v3", "EnvelopedData version 3")
    _require(recipient.name == "pwri", "PasswordRecipientInfo")
    inner = enveloped["encrypted_content_info"]
    _require(inner["content_type"].native == "data", "enveloped content is id-data")
    oid = inner["content_encryption_algorithm"]["algorithm"].dotted
    opened = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "DER", "-binary",
                             "-pwri_password", message.challenge],
                            input=content, capture_output=True)
    _require(opened.returncode == 0, "opens with the challenge")
    return {v: k for k, v in oids.CIPHER.items()}[oid], opened.stdout


def read_cert_rep(raw, message, signing, digest=None):
    """Opens a CertRep, holding it to all that ten real clients between them insist on."""
    info = asn1_cms.ContentInfo.load(raw, strict=True)
    _require(info.copy().dump(force=True) == raw, "DER")
    _require(info["content_type"].native == "signed_data", "SignedData")
    signed = info["content"]
    _require(signed["version"].native == "v1", "SignedData version 1")
    _require(len(signed["signer_infos"]) == 1, "one SignerInfo")
    signer = signed["signer_infos"][0]
    _require(signer["version"].native == "v1", "SignerInfo version 1")
    _require(signer["sid"].name == "issuer_and_serial_number", "sid by issuer and serial")
    _require(signer["sid"].chosen.dump() == issuer_and_serial(signing),
             "signed by the RA certificate of GetCACert")
    _require(signer["signature_algorithm"].dump() == der.algorithm(oids.RSA),
             "signatureAlgorithm rsaEncryption with NULL")
    _require(signer["unsigned_attrs"].native is None, "no unsigned attributes")
    algorithm = signer["digest_algorithm"]["algorithm"].native
    _require(algorithm == (digest or message.digest), f"digest {algorithm}")
    _require([d["algorithm"].native for d in signed["digest_algorithms"]] == [algorithm],
             "digestAlgorithms")
    bag = [c.dump() for c in signed["certificates"]]
    _require(cert_der(signing) in bag, "the signer's certificate is in the message")

    attributes = _signed_attributes(signer)
    to_verify = b"\x31" + signer["signed_attrs"].dump()[1:]
    signature = signer["signature"].native
    signing.public_key().verify(signature, to_verify, padding.PKCS1v15(), HASH[algorithm]())

    encap = signed["encap_content_info"]
    _require(encap["content_type"].native == "data", "eContentType id-data")
    content = encap["content"].native
    if content is not None and not isinstance(content, bytes):
        content = encap["content"].parsed.dump()
    _require(attributes[oids.CONTENT_TYPE] == der.oid(oids.DATA), "contentType attribute")
    _require(attributes[oids.MESSAGE_DIGEST]
             == der.octets(hashlib.new(algorithm, content or b"").digest()), "messageDigest")
    _require(attributes[oids.SIGNING_TIME][0] == 0x17, "signingTime is UTCTime")
    _require(_value(attributes[oids.MESSAGE_TYPE], 0x13, "messageType") == "3", "messageType 3")
    _require(attributes[oids.TRANSACTION_ID][2:].endswith(message.transaction_id.encode()[-120:])
             and attributes[oids.TRANSACTION_ID][0] == 0x13,
             "transactionID echoed in the string type of the request")
    if message.has_nonce:
        _require(_value(attributes[oids.RECIPIENT_NONCE], 0x04, "recipientNonce")
                 == message.sender_nonce, "recipientNonce is the request's senderNonce")
    else:
        _require(oids.RECIPIENT_NONCE not in attributes, "no recipientNonce without a senderNonce")
    nonce = _value(attributes[oids.SENDER_NONCE], 0x04, "senderNonce")
    _require(len(nonce) == 16 and nonce != message.sender_nonce, "fresh senderNonce of 16 octets")
    status = STATUS[_value(attributes[oids.PKI_STATUS], 0x13, "pkiStatus")]

    fail_info, certificates, crl = None, [], None
    if status == "failure":
        fail_info = FAIL[_value(attributes[oids.FAIL_INFO], 0x13, "failInfo")]
    else:
        _require(oids.FAIL_INFO not in attributes, "no failInfo unless FAILURE")
    if status == "success":
        cipher, plain = _open_envelope(content, message)
        if message.message_type == "22":
            crl = crl_only(plain)
        else:
            certificates = certs_only(plain)
            _require(cert_key(certificates[0]) == cert_key(message.new_key or message.signer),
                     "the issued certificate comes first")
    else:
        _require(content is None, "no content unless SUCCESS")
    known = {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME, oids.MESSAGE_TYPE,
             oids.TRANSACTION_ID, oids.SENDER_NONCE, oids.RECIPIENT_NONCE, oids.PKI_STATUS,
             oids.FAIL_INFO}
    _require(set(attributes) <= known, "no other signed attributes")
    return CertRep(status, fail_info, certificates, attributes, signature, raw, crl)


def cert_key(holder):
    """The SubjectPublicKeyInfo of a certificate or a private key."""
    return holder.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
