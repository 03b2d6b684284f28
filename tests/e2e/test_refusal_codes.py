"""Each of Intune's refusal codes that means something without Intune (docs/policy.md): a request
that leads to it, no certificate, and nothing on the wire that tells one code from another of its
class."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import der
import oids
import scep_client as scep
from blobs import Mdm
from scep_client import Csr, name, pkcs_req

CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
NAMES = [("dns", "mutant.example")]
HOUR = 3600


def eku(*usages):
    return (oids.EXTENDED_KEY_USAGE, False, der.sequence(*(der.oid(u) for u in usages)))


def spki_hash(key):
    return hashlib.sha256(key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class Case:
    """A right request, and what is changed in it."""

    def __init__(self, claims=None, subject=name("mutant"), san=NAMES, usage=(0, 2),
                 usages=(CLIENT_AUTH,), challenge=lambda blob: blob, stranger=None):
        self.changes = claims or (lambda now, key: {})
        self.subject, self.san, self.usage, self.usages = subject, san, usage, usages
        self.challenge, self.stranger = challenge, stranger

    def claims(self, mdm, key):
        whole = mdm.claims(subject={"text": "CN=mutant"},
                           san=[{"type": kind, "value": text} for kind, text in NAMES],
                           key_usage=["digitalSignature", "keyEncipherment"],
                           extended_key_usage=["clientAuth"],
                           key={"types": ["rsa"], "minimum_bits": 2048,
                                "spki_sha256": spki_hash(key)})
        whole.update(self.changes(whole["iat"], key))
        return whole

    def csr(self, mdm, key):
        sealing = {"signer": {"signer": mdm.stranger()},
                   "recipient": {"recipient": mdm.stranger()[0]}}.get(self.stranger, {})
        blob = mdm.seal(self.claims(mdm, key), **sealing)
        wanted = ([scep.subject_alt_name(*self.san)] if self.san else []) + \
            ([scep.key_usage(*self.usage)] if self.usage else []) + \
            ([eku(*self.usages)] if self.usages else [])
        return Csr(key, self.subject, self.challenge(blob), wanted)


def changed_signature(blob):
    octets = bytearray(base64.b64decode(blob))
    octets[-1] ^= 1
    return base64.b64encode(octets).decode()


BAD_CHALLENGE = {
    "ChallengePasswordMissing": Case(challenge=lambda blob: None),
    "ChallengeDecodingError": Case(challenge=lambda blob: blob[:100] + "!" + blob[101:]),
    "ChallengeDeserializationError": Case(
        challenge=lambda blob: base64.b64encode(b"hello, world").decode()),
    "ChallengeDecryptionError": Case(stranger="recipient"),
    "SigningCertThumbprintMismatch": Case(stranger="signer"),
    "SignatureValidationFailed": Case(challenge=changed_signature),
    "ChallengeInvalidTimestamp": Case(lambda now, key: {"exp": now - 1}),
    "ChallengeExpired": Case(
        lambda now, key: {"iat": now - 2 * HOUR, "nbf": now - 2 * HOUR, "exp": now - HOUR}),
    "BadCertificateRequestIdInChallenge": Case(lambda now, key: {"jti": "1234"}),
    "BadDeviceIdInChallenge": Case(lambda now, key: {"device_id": "a\u0000b"}),
    "BadUserIdInChallenge": Case(lambda now, key: {"user_id": ["mia"]}),
}
BAD_REQUEST = {
    "CertificateRequestDecodingFailed": Case(subject=name("mutant\0.evil")),
    "SubjectNameMissing": Case(subject=name()),
    "SubjectNameMismatch": Case(subject=name("other")),
    "SubjectAltNameMissing": Case(san=[]),
    "SubjectAltNameMismatch": Case(san=NAMES + [("dns", "more.example")]),
    "KeyUsageMismatch": Case(usage=(0,)),
    "KeyLengthMismatch": Case(lambda now, key: {"key": {"minimum_bits": 3072}}),
    "EnhancedKeyUsageMissing": Case(usages=()),
    "EnhancedKeyUsageMismatch": Case(usages=(CLIENT_AUTH, "1.3.6.1.5.5.7.3.1")),
    "RegisteredKeyMismatch": Case(lambda now, key: {"key": {"spki_sha256": "00" * 32}}),
}
#: What was looked at, without a word of the request.
CHECKS = {"challenge", "challengePassword", "challenge: signer", "challenge: exp", "challenge: now",
          "certificate request", "subject", "subjectAltName", "key usage", "key length",
          "extended key usage", "key (SHA-256)"}
#: What only Intune knows, and what no refusal has.
NOT_HERE = {"Unknown", "Success", "AadKeyIdentifierListMissing",
            "ScepProfileNoLongerTargetedToTheClient"}
INTUNE = """Unknown, Success, CertificateRequestDecodingFailed, ChallengePasswordMissing,
    ChallengeDeserializationError, ChallengeDecryptionError, ChallengeDecodingError,
    ChallengeInvalidTimestamp, ChallengeExpired, SubjectNameMissing, SubjectNameMismatch,
    SubjectAltNameMissing, SubjectAltNameMismatch, KeyUsageMismatch, KeyLengthMismatch,
    EnhancedKeyUsageMissing, EnhancedKeyUsageMismatch, AadKeyIdentifierListMissing,
    RegisteredKeyMismatch, SigningCertThumbprintMismatch, ScepProfileNoLongerTargetedToTheClient,
    SignatureValidationFailed, BadCertificateRequestIdInChallenge, BadDeviceIdInChallenge,
    BadUserIdInChallenge"""


@pytest.fixture(scope="module")
def mdm(blob_lab, tmp_path_factory):
    return Mdm(blob_lab, tmp_path_factory.mktemp("mdm"))


def send(lab, csr, key, number):
    message = pkcs_req(csr, [lab.ca().encryption], signer=scep.self_signed(key),
                       transaction_id=f"{number:064}")
    return message, lab.send(message)


def test_every_code_of_Intunes_is_accounted_for():
    assert {code.strip() for code in INTUNE.split(",")} == \
        NOT_HERE | set(BAD_CHALLENGE) | set(BAD_REQUEST)


def test_the_request_that_is_changed_is_right_to_begin_with(blob_lab, mdm, keys):
    assert send(blob_lab, Case().csr(mdm, keys()), keys(), 1)[1].status == "success"


@pytest.mark.parametrize("fail_info, cases", [("badMessageCheck", BAD_CHALLENGE),
                                              ("badRequest", BAD_REQUEST)],
                         ids=["badMessageCheck", "badRequest"])
def test_each_code_leads_to_no_certificate_and_none_shows_on_the_wire(blob_lab, mdm, keys,
                                                                      fail_info, cases):
    before = blob_lab.serials()
    seen = {}
    for number, (code, case) in enumerate(cases.items(), 100 * len(cases)):
        message, reply = send(blob_lab, case.csr(mdm, keys()), keys(), number)
        assert (reply.status, reply.fail_info) == ("failure", fail_info), code
        line = [e for e in blob_lab.audit() if e.get("transaction_id") == message.transaction_id]
        assert line[-1]["event"] == "refuse" and line[-1]["code"] == code, line
        assert line[-1]["check"] in CHECKS, line
        seen[code] = (len(reply.raw), reply.without_the_varying())
    assert len(set(seen.values())) == 1, {code: size for code, (size, _) in seen.items()}
    assert blob_lab.serials() == before


def test_a_refusal_says_what_was_expected_and_found_and_what_to_do(blob_lab, mdm, keys):
    case = BAD_REQUEST["SubjectNameMismatch"]
    csr = case.csr(mdm, keys())
    message, _ = send(blob_lab, csr, keys(), 9)
    line = [e for e in blob_lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert (line["expected"], line["found"]) == ("CN=mutant", "CN=other") and line["hint"]
    log = [entry for entry in blob_lab.log().splitlines() if message.transaction_id in entry][-1]
    for part in ("SubjectNameMismatch", "CN=mutant", "CN=other", line["hint"]):
        assert part in log, part
    assert csr.challenge not in blob_lab.text_everywhere()
    assert json.dumps(line)
