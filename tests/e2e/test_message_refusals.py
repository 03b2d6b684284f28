"""Each refusal that is not policy's (docs/refusals.md) says in log and audit file which check failed,
what was expected and found, and what to do about it; and tells no secret."""

import json
import re

import pytest
from asn1crypto import cms as asn1_cms

import der
import harness
import oids
import scep_client as scep
from scep_client import Csr, Envelope, Message, name, pkcs_req

SERIAL = r"serial [0-9a-f]+ of "
AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
RSASSA_PSS = "1.2.840.113549.1.1.10"


class Parts:
    """What a test makes its message of: an honest request of the device, and the lab it goes to."""

    def __init__(self, lab, keys):
        self.lab, self.keys, self.ca = lab, keys, lab.ca()
        self.challenge = lab.challenge("--subject", "CN=mutant", "--key-usage", "both")
        self.stranger = scep.self_signed(keys(1), name("stranger"))

    def csr(self, subject=name("mutant"), usage=(0, 2), key=None):
        return Csr(key or self.keys(), subject, self.challenge, [scep.key_usage(*usage)])

    def request(self, recipients=None, csr=None, **options):
        return pkcs_req(csr or self.csr(), recipients or [self.ca.encryption], **options)

    def with_content(self, content, **options):
        return Message(content, self.keys(), scep.self_signed(self.keys()), **options)

    def without_content(self):
        message = asn1_cms.ContentInfo.load(self.request().der())
        message["content"]["encap_content_info"]["content"] = None
        return message.dump(force=True)

    def sealed(self, recipient_info):
        """An envelope with this RecipientInfo alone."""
        class Odd(Envelope):
            def _recipient(self, certificate, key):
                return recipient_info(certificate)
        return self.with_content(Odd([self.ca.encryption]).seal(self.csr().der()))


def of_unknown_transport(certificate):
    return der.sequence(der.integer(0), scep.issuer_and_serial(certificate),
                        der.algorithm("1.2.3.4"), der.octets(bytes(256)))


def content_info(content_type, content=der.NULL):
    return der.sequence(der.oid(content_type), der.tlv(0xA0, content))


def flipped(ciphertext):
    return ciphertext[:-1] + bytes([ciphertext[-1] ^ 0x40])


# What is sent: code, check, failInfo, and what expected and found look like.
CASES = {
    "no senderNonce": (
        lambda p: p.request(leave_out=(oids.SENDER_NONCE,)),
        "MessageAttributesUnreadable", "attributes", "badRequest", "once each", "senderNonce"),
    "messageType 18": (
        lambda p: p.request(message_type="18"),
        "MessageTypeUnsupported", "messageType", "badRequest", "19, 17", "octets 3138"),
    "a CertRep": (
        lambda p: p.request(message_type="3"),
        "MessageTypeUnsupported", "messageType", "badRequest", "19, 17", "CertRep"),
    "MD5": (
        lambda p: p.request(digest="md5"),
        "DigestUnsupported", "digest", "badAlg", "SHA-256", r"1\.2\.840\.113549\.2\.5"),
    "RSASSA-PSS": (
        lambda p: p.request(signature_oid=RSASSA_PSS),
        "SignatureAlgorithmUnsupported", "signature algorithm", "badAlg", "RSA.* with SHA-256",
        re.escape(RSASSA_PSS)),
    "RSA of 1024 bits": (
        lambda p: p.request(csr=p.csr(key=p.keys(0, 1024))),
        "SignerKeyUnsupported", "signer's key", "badAlg", "RSA of 2048 to 8192 bits", "1024"),
    "a wrong signature": (
        lambda p: p.request(break_signature=True),
        "SignatureInvalid", "signature", "badMessageCheck", "by the key rsa:2048 of certificate",
        "not by the signer's key"),
    "a wrong messageDigest": (
        lambda p: p.request(replace={oids.MESSAGE_DIGEST: der.octets(bytes(32))}),
        "SignatureInvalid", "signature", "badMessageCheck", "sha256WithRSA", "messageDigest differs"),
    "no content": (
        lambda p: p.without_content(),
        "EnvelopeMissing", "envelope", "badRequest", "EnvelopedData", "no content"),
    "no DER": (
        lambda p: p.with_content(b"hello"),
        "EnvelopeMalformed", "envelope", "badRequest", "EnvelopedData", "."),
    "id-data in place of the envelope": (
        lambda p: p.with_content(content_info(oids.DATA, der.octets(b"x"))),
        "EnvelopeTypeUnsupported", "envelope type", "badRequest", "EnvelopedData",
        re.escape(oids.DATA)),
    "more than a request may have": (
        lambda p: p.with_content(Envelope([p.ca.encryption]).seal(bytes(262_144 + 16))),
        "EnvelopeTooLarge", "envelope", "badRequest", "262160 octets", "262176 octets"),
    "AuthEnvelopedData": (
        lambda p: p.with_content(content_info(AUTH_ENVELOPED_DATA)),
        "EnvelopeTypeUnsupported", "envelope type", "badAlg", "EnvelopedData",
        re.escape(AUTH_ENVELOPED_DATA)),
    "two recipients of ours": (
        lambda p: p.request([p.ca.encryption, p.ca.encryption]),
        "SeveralRecipients", "recipient", "badRequest", "one certificate", "two of the 2"),
    "a recipient by KEK": (
        lambda p: p.sealed(lambda _: der.tlv(0xA2, der.integer(0))),
        "RecipientTypeUnsupported", "recipient", "badAlg", "key transport", "1 by password or"),
    "another server's certificate": (
        lambda p: p.request([p.stranger]),
        "Undecryptable", "recipient", "badMessageCheck", SERIAL, SERIAL + "CN=stranger"),
    "an unknown key transport": (
        lambda p: p.sealed(of_unknown_transport),
        "KeyTransportUnsupported", "key transport", "badAlg", "OAEP", r"1\.2\.3\.4"),
    "single DES": (
        lambda p: p.request(envelope={"cipher": "des"}),
        "ContentCipherUnsupported", "content cipher", "badAlg", "AES-128-CBC.*3DES-CBC$",
        "DES-CBC"),
    "an IV of 8 octets": (
        lambda p: p.request(envelope={"iv": bytes(8)}),
        "ContentCipherUnsupported", "content cipher", "badAlg", "AES-128-CBC", "IV of 8 octets"),
    "a changed envelope": (
        lambda p: p.request(envelope={"mangle_ciphertext": flipped}),
        "Undecryptable", "content", "badMessageCheck", "a certificate request", "does not open"),
    "a GetCert that holds something else": (
        lambda p: p.request(message_type="21"),
        "Undecryptable", "content", "badCertId", "serial number", "does not open"),
    "NUL in a name": (
        lambda p: p.request(csr=p.csr(subject=name("mutant\0.evil"))),
        "CertificateRequestDecodingFailed", "certificate request", "badRequest", None, None),
    "a RenewalReq signed by a stranger": (
        lambda p: scep.renewal_req(p.csr(), [p.ca.encryption], p.stranger, p.keys(1)),
        "RenewalSignerUnknown", "signer", "badRequest", "by a CA of", SERIAL + "CN=stranger"),
    "an envelope signed by another key": (
        lambda p: Message(p.request().content, p.keys(1), p.stranger),
        "SignerKeyMismatch", "key", "badRequest", "rsa:2048 with SHA-256 [0-9a-f]{64}$",
        "rsa:2048 with SHA-256 [0-9a-f]{64}$"),
    "the key usage of a CA": (
        lambda p: p.request(csr=p.csr(usage=(0, 2, 5))),
        "KeyUsageUnsupported", "key usage", "badRequest", "digitalSignature", "keyCertSign"),
    "a poll for nothing": (
        lambda p: scep.cert_poll(p.request(transaction_id="never-asked-for"), p.ca),
        "PollUnknown", "transaction", "badCertId", "by the key that polls", "none"),
    "a GetCert for the CA": (
        lambda p: scep.get_cert(p.ca.ca, p.ca, p.stranger, p.keys(1)),
        "CertificateUnknown", "certificate", "badCertId", "issued to the key that asks",
        SERIAL + ".*, which it did not issue"),
    "a GetCRL of a stranger": (
        lambda p: scep.get_crl(p.stranger, p.ca, p.stranger, p.keys(1)),
        "CrlUnknownIssuer", "issuer", "badCertId", "CN=", "CN=stranger"),
}


def refusals(lab):
    return [line for line in lab.audit() if line["event"] == "refuse"]


def log_lines(text, code):
    """The fields of each line of the log with this code."""
    lines = [{key: json.loads(value) if value.startswith('"') else value for key, value in
              re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)} for line in text.splitlines()]
    return [fields for fields in lines if fields.get("code") == code]


def assert_explained(line, code, check, fail_info, expected, found):
    assert (line["code"], line["check"], line["fail_info"]) == (code, check, fail_info)
    assert line["reason"] and len(line["hint"]) > 20
    if expected is None:
        assert "expected" not in line and "found" not in line
        return
    assert re.search(expected, line["expected"]), line
    assert re.search(found, line["found"]), line
    assert line["reason"] == f"{check}: expected '{line['expected']}', found '{line['found']}'"


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_a_refused_message_is_explained_and_tells_no_secret(blob_lab, keys, case):
    make, *what = CASES[case]
    parts = Parts(blob_lab, keys)
    before = len(refusals(blob_lab))
    logged = len(blob_lab.log())
    reply = blob_lab.post(make(parts))
    assert (reply.status, reply.content_type) == (200, "application/x-pki-message")
    line, = refusals(blob_lab)[before:]
    assert_explained(line, *what)
    told = log_lines(blob_lab.log()[logged:], line["code"])
    assert [{k: each[k] for k in ("check", "reason", "hint")} for each in told] == \
        [{k: line[k] for k in ("check", "reason", "hint")}], "the log says the same"
    everything = json.dumps(line) + blob_lab.log()[logged:]
    assert parts.challenge not in everything and parts.challenge[:40] not in everything
    for said in (line["code"], line["hint"][:20], line["reason"][:20]):
        assert said.encode() not in reply.body, "the device is not told"


def test_every_check_of_a_message_has_a_case_above():
    source = (harness.TOP / "scep" / "reasons.hpp").read_text()
    checks = re.findall(r'FailInfo::k\w+,\s*"(\w+)",\s*"([^"]+)"', source)
    assert len(checks) > 15
    checks.remove(("KeyUnavailable", "key"))  # no message makes a token go: test_pkcs11.py
    assert {(code, check) for _, code, check, *_ in CASES.values()} >= set(checks)


def test_what_a_stranger_makes_long_is_cut(blob_lab, keys):
    long = scep.self_signed(keys(1), name(*[("OU", "x" * 64)] * 40))
    before = len(refusals(blob_lab))
    blob_lab.post(Parts(blob_lab, keys).request([long]))
    line, = refusals(blob_lab)[before:]
    assert 500 <= len(line["found"]) <= 510 and line["found"].endswith("…")


def test_a_message_of_nobody_is_explained_in_the_log(blob_lab, keys):
    audited, logged = len(blob_lab.audit()), len(blob_lab.log())
    for octets in (b"hello", Parts(blob_lab, keys).request(leave_out=(oids.TRANSACTION_ID,))):
        assert blob_lab.post(octets).status == 400
    told = log_lines(blob_lab.log()[logged:], "MessageUnreadable")
    assert len(told) == 2 and len(blob_lab.audit()) == audited
    for line in told:
        assert line["check"] == "message" and line["reason"] and "proxies.md" in line["hint"]


def test_a_wrong_clock_is_told_with_both_times(new_lab, keys):
    lab = new_lab(edit=lambda config: config["endpoints"][0].update(signing_time_window="60s"))
    late = der.tlv(0x17, b"200101000000Z")
    lab.post(Parts(lab, keys).request(replace={oids.SIGNING_TIME: late}))
    assert_explained(refusals(lab)[-1], "SigningTimeOutsideWindow", "signingTime", "badTime",
                     r"^\d{4}-.*Z to \d{4}-.*Z$", "^2020-01-01T00:00:00Z")


def approving(config):
    for template in config["templates"].values():
        template["approval"] = True


def operate(lab, *arguments):
    done = harness.run(*arguments, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr


def test_what_waits_or_is_over_is_explained(new_lab, keys):
    def strict(config):
        approving(config)
        config["endpoints"][0]["max_pending"] = 2

    lab = new_lab(edit=strict)
    first = Parts(lab, keys).request()
    assert lab.send(first).status == "pending"
    taken = Parts(lab, keys).request(transaction_id=first.transaction_id)
    lab.post(taken)
    assert_explained(refusals(lab)[-1], "TransactionIdTaken", "transactionID", "badRequest",
                     "nothing waits", "another request of this key")
    second = Parts(lab, keys).request(transaction_id="second")
    assert lab.send(second).status == "pending"
    assert lab.post(Parts(lab, keys).request(transaction_id="third")).status == 503
    assert_explained(refusals(lab)[-1], "TooManyPending", "waiting requests", "none (503)",
                     "^at most 2 ", "as many already")
    operate(lab, "pending", "reject", first.transaction_id, "--reason", "not ours")
    lab.send(scep.cert_poll(first, lab.ca()))
    assert_explained(refusals(lab)[-1], "ApprovalRejected", "approval", "badRequest",
                     "an operator's approval", "rejected it .*not ours")
    operate(lab, "pending", "approve", "second")
    assert lab.send(second).status == "success"
    serial = lab.certificates()[0]["serial"]
    operate(lab, "cert", "revoke", serial, "--reason", "keyCompromise")
    lab.send(scep.cert_poll(second, lab.ca()))
    assert_explained(refusals(lab)[-1], "PollOver", "certificate", "badCertId", "valid",
                     f"serial {serial}, ")
    lab.send(second)
    assert_explained(refusals(lab)[-1], "RequestOver", "earlier answer", "badRequest",
                     "a new request", f"certificate {serial}, which was revoked")


def test_a_renewal_that_waits_is_told_of_the_next(new_lab, keys):
    def renewing(config):
        approving(config)
        config["endpoints"][0]["renewal"] = {"newest_only": True}

    lab = new_lab(edit=renewing)
    parts = Parts(lab, keys)
    request = parts.request()
    assert lab.send(request).status == "pending"
    operate(lab, "pending", "approve", request.transaction_id)
    old = lab.send(request).certificate
    for number in (2, 3):
        csr = Csr(keys(number), name("mutant"), None, [scep.key_usage(0, 2)])
        lab.send(scep.renewal_req(csr, [parts.ca.encryption], old, keys()))
    assert_explained(refusals(lab)[-1], "RenewalWaits", "renewed certificate", "badRequest",
                     "one renewal at a time", "another one waits")


def test_a_certificate_of_another_key_or_endpoint_is_named_as_such(new_lab, keys):
    def two(config):
        second = json.loads(json.dumps(config["endpoints"][0]))
        second["paths"], second["name"] = ["/other"], "other"
        config["endpoints"].append(second)

    lab = new_lab(edit=two)
    parts = Parts(lab, keys)
    issued = lab.send(parts.request()).certificate
    lab.send(scep.get_cert(issued, parts.ca, parts.stranger, keys(1)))
    assert refusals(lab)[-1]["found"].endswith(", which has another key")
    elsewhere = scep.get_cert(issued, parts.ca, scep.self_signed(keys()), keys())
    with lab.http() as http:
        http.request("POST", "/other?operation=PKIOperation", elsewhere.der())
    assert refusals(lab)[-1]["found"].endswith(", which another endpoint issued")
