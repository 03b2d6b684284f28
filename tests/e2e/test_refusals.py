"""What must not lead to a certificate: each refused with its code in the audit file, and with the
same few octets on the wire whatever the reason."""

import contextlib
import hashlib
import sqlite3

import pytest

import der
import harness
import oids
import scep_client as scep
from scep_client import Csr, name, pkcs_req

SUBJECT = ("CN", "mutant")
SAN = [("dns", "mutant.example"), ("upn", "mia@example")]


def blob_for(lab, *more):
    return lab.challenge("--subject", "CN=mutant", "--dns", "mutant.example", "--upn",
                         "mia@example", "--key-usage", "both", *more)


def mutant(key, challenge, subject=name(SUBJECT), san=SAN, usage=(0, 2), more=(), **options):
    wanted = ([scep.subject_alt_name(*san)] if san else []) + \
        ([scep.key_usage(*usage)] if usage else []) + list(more)
    return Csr(key, subject, challenge, wanted, **options)


def last_refusal(lab, transaction_id):
    found = [line for line in lab.audit() if line.get("transaction_id") == transaction_id]
    assert found and found[-1]["event"] == "refuse", found
    return found[-1]


def assert_refused(lab, message, fail_info, code=None):
    before = lab.serials()
    reply = lab.send(message)
    assert (reply.status, reply.fail_info) == ("failure", fail_info)
    refusal = last_refusal(lab, message.transaction_id)
    if code:
        assert refusal["code"] == code, refusal
    assert refusal["reason"], "the operator is told why"
    assert refusal["code"].encode() not in reply.raw, "the device is not"
    assert lab.serials() == before, "no certificate"
    return reply


MUTATIONS = {
    "one SAN more": (dict(san=SAN + [("dns", "more.example")]), "SubjectAltNameMismatch"),
    "one SAN less": (dict(san=SAN[:1]), "SubjectAltNameMismatch"),
    "no SAN": (dict(san=[]), "SubjectAltNameMissing"),
    "another DNS name": (dict(san=[("dns", "other.example"), SAN[1]]), "SubjectAltNameMismatch"),
    "another UPN": (dict(san=[SAN[0], ("upn", "admin@example")]), "SubjectAltNameMismatch"),
    "the UPN as email": (dict(san=[SAN[0], ("email", "mia@example")]), "SubjectAltNameMismatch"),
    "a foreign SID as URI": (
        dict(san=SAN + [("uri", "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500")]),
        "SubjectAltNameMismatch"),
    "another subject": (dict(subject=name("other")), "SubjectNameMismatch"),
    "one RDN more": (dict(subject=name(SUBJECT, ("OU", "x"))), "SubjectNameMismatch"),
    "a second CN": (dict(subject=name(SUBJECT, ("CN", "admin"))), "SubjectNameMismatch"),
    "an empty subject": (dict(subject=name()), None),
    "less key usage": (dict(usage=(0,)), "KeyUsageMismatch"),
    "no key usage": (dict(usage=()), "KeyUsageMismatch"),
    "keyCertSign": (dict(usage=(0, 2, 5)), None),
    "keyAgreement too": (dict(usage=(0, 2, 4)), None),
}


@pytest.mark.attack("N05", "N06", "N07", "N11")
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.replace(" ", "-"))
def test_N01_to_N11_a_CSR_that_is_not_what_the_blob_says_is_refused(blob_lab, keys, mutation):
    changes, code = MUTATIONS[mutation]
    csr = mutant(keys(), blob_for(blob_lab), **changes)
    message = pkcs_req(csr, [blob_lab.ca().encryption], signer=scep.self_signed(keys()))
    message.transaction_id = hashlib.sha256(mutation.encode()).hexdigest()
    assert_refused(blob_lab, message, "badRequest", code)


@pytest.mark.attack("K03")
@pytest.mark.parametrize("file", ["ra-signing.key", "ra-encryption.key", "ca.key"])
def test_A_K03_a_key_of_the_server_gets_no_certificate(blob_lab, file):
    key = scep.serialization.load_pem_private_key((blob_lab.dir / file).read_bytes(), None)
    message = pkcs_req(mutant(key, blob_for(blob_lab)), [blob_lab.ca().encryption])
    assert_refused(blob_lab, message, "badRequest", "KeyIsServers")


UNREADABLE = "CertificateRequestDecodingFailed"


@pytest.mark.attack("N04")
def test_N04_NUL_in_a_name_is_refused(blob_lab, keys):
    csr = mutant(keys(), blob_for(blob_lab), subject=name("mutant\0.evil"))
    message = pkcs_req(csr, [blob_lab.ca().encryption], transaction_id="NUL")
    assert_refused(blob_lab, message, "badRequest", UNREADABLE)


@pytest.mark.attack("C14")
def test_C14_a_failed_attempt_does_not_use_up_the_challenge(blob_lab, keys):
    challenge = blob_for(blob_lab)
    wrong = pkcs_req(mutant(keys(), challenge, subject=name("thief")), [blob_lab.ca().encryption])
    assert_refused(blob_lab, wrong, "badRequest")
    assert blob_lab.enrol(mutant(keys(), challenge)).status == "success"


@pytest.mark.attack("N11")
@pytest.mark.parametrize("extension", [scep.BASIC_CONSTRAINTS_CA,
                                       ("1.3.6.1.4.1.311.20.2", False, der.utf8("SubCA")),
                                       ("1.2.3.4.5", True, der.NULL)],
                         ids=["CA-TRUE", "MS-template", "unknown-critical"])
def test_N09_N11_what_no_grant_carries_never_reaches_the_certificate(blob_lab, keys, extension):
    csr = mutant(keys(), blob_for(blob_lab), more=[extension])
    message = pkcs_req(csr, [blob_lab.ca().encryption],
                       transaction_id=hashlib.sha256(extension[0].encode()).hexdigest())
    reply = blob_lab.send(message)
    line = [e for e in blob_lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert reply.status == "success"
    raw = scep.cert_der(reply.certificate)
    assert der.oid(extension[0]) not in raw or extension[0] == oids.BASIC_CONSTRAINTS
    assert extension not in [(e.oid.dotted_string, e.critical, e.value.public_bytes())
                             for e in reply.certificate.extensions]
    assert line["left_out"], "the audit file says what was left out"


@pytest.mark.attack("N09")
def test_N09_a_SID_that_the_blob_does_not_name_is_refused(blob_lab, keys):
    csr = mutant(keys(), blob_for(blob_lab), more=[scep.sid_extension()])
    message = pkcs_req(csr, [blob_lab.ca().encryption], transaction_id="SID")
    assert_refused(blob_lab, message, "badRequest", "SidMismatch")


@pytest.mark.attack("N10")
def test_N10_two_extension_requests_are_refused(blob_lab, keys):
    second = scep.attribute(oids.MS_EXTENSION_REQUEST,
                            scep.extensions([scep.subject_alt_name(("dns", "evil.example"))]))
    csr = mutant(keys(), blob_for(blob_lab), attributes=[second])
    message = pkcs_req(csr, [blob_lab.ca().encryption], transaction_id="N10")
    assert_refused(blob_lab, message, "badRequest", UNREADABLE)


@pytest.mark.attack("C12")
def test_C12_two_challenges_are_refused(blob_lab, keys):
    challenge = blob_for(blob_lab)
    second = scep.attribute(oids.CHALLENGE_PASSWORD, der.printable(challenge))
    message = pkcs_req(mutant(keys(), challenge, attributes=[second]),
                       [blob_lab.ca().encryption], transaction_id="C12")
    assert_refused(blob_lab, message, "badRequest", UNREADABLE)


BROKEN_BLOBS = {
    "none": lambda blob: None,
    "empty": lambda blob: "",
    "a word": lambda blob: "secret",
    "not base64": lambda blob: blob[:100] + "!" + blob[101:],
    "half": lambda blob: blob[: len(blob) // 2 // 4 * 4],
    "one bit changed": lambda blob: blob[:-30] + ("A" if blob[-30] != "A" else "B") + blob[-29:],
    "twice": lambda blob: blob + blob,
}


@pytest.mark.attack("C12")
@pytest.mark.parametrize("breakage", BROKEN_BLOBS, ids=lambda b: b.replace(" ", "-"))
def test_C01_to_C12_a_broken_blob_is_refused(blob_lab, keys, breakage):
    message = pkcs_req(mutant(keys(), BROKEN_BLOBS[breakage](blob_for(blob_lab))),
                       [blob_lab.ca().encryption],
                       transaction_id=hashlib.sha256(breakage.encode()).hexdigest())
    assert_refused(blob_lab, message, "badMessageCheck")


@pytest.mark.attack("C03", "C04", "C06")
def test_C03_C04_a_blob_of_another_lab_is_refused(blob_lab, new_lab, keys):
    challenge = blob_for(new_lab("--ca-name", "Foreign", start=False))
    assert_refused(blob_lab, pkcs_req(mutant(keys(), challenge), [blob_lab.ca().encryption],
                                      transaction_id="foreign"), "badMessageCheck")


@pytest.mark.attack("C02")
def test_C02_an_expired_blob_is_refused(blob_lab, new_lab, keys):
    import time

    def no_skew(config):
        next(iter(config["policies"].values()))["clock_skew"] = "0s"

    lab = new_lab(edit=no_skew)
    challenge = blob_for(lab, "--expires", "1s")
    time.sleep(2.1)
    assert_refused(lab, pkcs_req(mutant(keys(), challenge), [lab.ca().encryption]),
                   "badMessageCheck", "ChallengeExpired")


@pytest.mark.attack("C01")
def test_C01_a_used_blob_gives_nothing_to_another_request(blob_lab, keys):
    challenge = blob_for(blob_lab)
    first = blob_lab.enrol(mutant(keys(), challenge))
    assert first.status == "success"
    other = pkcs_req(mutant(keys(1), challenge), [blob_lab.ca().encryption])
    assert_refused(blob_lab, other, "badMessageCheck", "ChallengeAlreadyRedeemed")


@pytest.mark.attack("C01")
@pytest.mark.parametrize("poll", [False, True], ids=["the-request", "a-poll"])
def test_C01_a_request_whose_record_is_lost_gets_no_second_certificate(new_lab, keys, poll):
    """The store lost the row by which a retry is known; the redemption is still there."""
    lab = new_lab()
    message = pkcs_req(mutant(keys(), blob_for(lab)), [lab.ca().encryption])
    assert lab.send(message).status == "success"
    lab.stop()
    with contextlib.closing(sqlite3.connect(lab.dir / "scepgate.db")) as database, database:
        assert database.execute("DELETE FROM transactions").rowcount == 1
    lab.start()
    if poll:
        message.message_type = "20"
        assert_refused(lab, message, "badCertId", "PollUnknown")
    else:
        assert_refused(lab, message, "badMessageCheck", "ChallengeAlreadyRedeemed")
    assert len(lab.serials()) == 1


@pytest.mark.attack("E09")
def test_E09_B20_a_resigned_envelope_is_refused_and_burns_nothing(blob_lab, keys):
    honest = pkcs_req(mutant(keys(), blob_for(blob_lab)), [blob_lab.ca().encryption])
    thief = scep.Message(honest.content, keys(1), scep.self_signed(keys(1)))
    assert_refused(blob_lab, thief, "badRequest", "SignerKeyMismatch")
    assert blob_lab.send(honest).status == "success"


@pytest.mark.attack("C13")
def test_the_wire_never_tells_refusals_of_one_kind_apart(blob_lab, keys):
    replies = set()
    ca = blob_lab.ca()
    for number, mutation in enumerate(MUTATIONS):
        csr = mutant(keys(), blob_for(blob_lab), **MUTATIONS[mutation][0])
        message = pkcs_req(csr, [ca.encryption], transaction_id=f"{number:064}")
        reply = blob_lab.send(message, ca)
        replies.add((reply.fail_info, reply.without_the_varying()))
    assert len(replies) == 1, sorted(fail for fail, _ in replies)


# --- The message itself ---------------------------------------------------------------------------

@pytest.fixture
def hostile(blob_lab, keys):
    """Sends a PKCSReq that is right but for `options`."""
    def message(envelope=None, recipients=None, csr=None, **options):
        csr = csr or mutant(keys(), blob_for(blob_lab))
        ca = blob_lab.ca()
        return pkcs_req(csr, recipients or [ca.encryption], envelope=envelope, **options)
    return message


TYPES = ["0", "1", "3", "18", "23", "255", "19 ", " 19", "019", "-1", "+19", "1 9"]


@pytest.mark.attack("S16")
@pytest.mark.parametrize("text", TYPES, ids=[repr(t) for t in TYPES])
def test_B16_S16_an_unknown_message_type_never_gives_a_certificate(blob_lab, hostile, text):
    message = hostile(message_type=text, transaction_id=hashlib.sha256(text.encode()).hexdigest())
    assert_refused(blob_lab, message, "badRequest")


@pytest.mark.attack("C17")
@pytest.mark.parametrize("text", ["17", "20", "21", "22"])
def test_C17_A17_other_types_get_nothing_for_a_challenge(blob_lab, hostile, text):
    message = hostile(message_type=text, transaction_id=hashlib.sha256(text.encode()).hexdigest())
    before = blob_lab.serials()
    assert blob_lab.send(message).status == "failure"
    assert blob_lab.serials() == before


@pytest.mark.attack("E05", "S13")
@pytest.mark.parametrize("options", [
    dict(envelope=dict(cipher="des")),
    dict(digest="md5"),
    dict(envelope=dict(cipher_oid="1.2.840.113549.3.2")),             # RC2
    dict(envelope=dict(cipher_oid="2.16.840.1.101.3.4.1.6")),         # AES-128-GCM
    dict(envelope=dict(iv=b"")), dict(envelope=dict(iv=b"x" * 8)), dict(envelope=dict(iv=b"x" * 32)),
], ids=["DES", "MD5", "RC2", "GCM", "IV-0", "IV-8", "IV-32"])
def test_A23_E05_B32_forbidden_algorithms_are_badAlg(blob_lab, hostile, options):
    message = hostile(**options)
    before = blob_lab.serials()
    if options.get("digest") == "md5":
        reply = blob_lab.send(message, digest="sha256")
    else:
        reply = blob_lab.send(message)
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")
    assert blob_lab.serials() == before


@pytest.mark.attack("K01")
def test_K01_a_short_RSA_key_is_badAlg(blob_lab, keys, hostile):
    csr = mutant(keys(0, 1024), blob_for(blob_lab))
    message = hostile(csr=csr)
    reply = blob_lab.send(message)
    assert (reply.status, reply.fail_info) == ("failure", "badAlg")


@pytest.mark.attack("S09")
def test_S09_a_wrong_outer_signature_is_badMessageCheck(blob_lab, hostile):
    assert_refused(blob_lab, hostile(break_signature=True), "badMessageCheck")


@pytest.mark.attack("S09")
def test_B29_a_wrong_message_digest_is_badMessageCheck(blob_lab, hostile):
    message = hostile(replace={oids.MESSAGE_DIGEST: der.octets(bytes(32))})
    assert_refused(blob_lab, message, "badMessageCheck")


@pytest.mark.attack("E02")
def test_E02_two_recipients_of_ours_are_refused_before_any_decryption(blob_lab, hostile):
    encryption = blob_lab.ca().encryption
    assert_refused(blob_lab, hostile(recipients=[encryption, encryption]), "badRequest")


FAULTS = {
    "no messageType": dict(leave_out=(oids.MESSAGE_TYPE,)),
    "two messageTypes": dict(doubled=(oids.MESSAGE_TYPE,)),
    "a messageType that is an INTEGER": dict(replace={oids.MESSAGE_TYPE: der.integer(19)}),
    "a messageType that is a UTF8String": dict(replace={oids.MESSAGE_TYPE: der.utf8("19")}),
    "no senderNonce": dict(leave_out=(oids.SENDER_NONCE,)),
    "two nonces": dict(doubled=(oids.SENDER_NONCE,)),
    "an empty nonce": dict(sender_nonce=b""),
    "a nonce of 65": dict(sender_nonce=bytes(65)),
    "a nonce that is a PrintableString": dict(
        replace={oids.SENDER_NONCE: der.printable("0123456789abcdef")}),
    "neither type nor nonce": dict(leave_out=(oids.MESSAGE_TYPE, oids.SENDER_NONCE)),
    "two signingTimes": dict(doubled=(oids.SIGNING_TIME,)),
}


@pytest.mark.attack("S10", "S11")
@pytest.mark.parametrize("what", FAULTS, ids=lambda w: w.replace(" ", "-"))
def test_B08_B11_B15_B22_S10_S11_a_fault_beside_the_transactionID_is_badRequest(blob_lab, hostile,
                                                                                what):
    message = hostile(transaction_id=hashlib.sha256(what.encode()).hexdigest(), **FAULTS[what])
    assert_refused(blob_lab, message, "badRequest", "MessageAttributesUnreadable")


@pytest.mark.attack("S11")
@pytest.mark.parametrize("what", FAULTS, ids=lambda w: w.replace(" ", "-"))
def test_B08_S09_who_did_not_sign_the_faulty_message_gets_no_answer(blob_lab, hostile, what):
    message = hostile(break_signature=True, **FAULTS[what])
    lines = len(blob_lab.audit())
    reply = blob_lab.post(message)
    assert (reply.status, reply.content_type) == (400, "text/plain")
    assert len(blob_lab.audit()) == lines


def test_B08_a_challenge_in_a_faulty_message_is_still_good(blob_lab, keys):
    csr = mutant(keys(), blob_for(blob_lab))
    faulty = pkcs_req(csr, [blob_lab.ca().encryption], leave_out=(oids.SENDER_NONCE,))
    assert_refused(blob_lab, faulty, "badRequest")
    assert blob_lab.enrol(csr).status == "success"


NOT_EVEN_A_MESSAGE = {
    "no transactionID": dict(leave_out=(oids.TRANSACTION_ID,)),
    "two transactionIDs": dict(doubled=(oids.TRANSACTION_ID,)),
    "an empty transactionID": dict(transaction_id=""),
    "a transactionID with NUL": dict(transaction_id="a\0b"),
    "a transactionID of 256": dict(transaction_id="a" * 256),
    "a transactionID that is an INTEGER": dict(replace={oids.TRANSACTION_ID: der.integer(7)}),
    "two contentTypes": dict(doubled=(oids.CONTENT_TYPE,)),
    "two messageDigests": dict(doubled=(oids.MESSAGE_DIGEST,)),
    "no signed attributes": dict(signed_attributes=False),
    "a trailing octet": dict(trailing=b"\0"),
}


@pytest.mark.attack("S02", "S10", "S11", "S12", "S15")
@pytest.mark.parametrize("what", NOT_EVEN_A_MESSAGE, ids=lambda w: w.replace(" ", "-"))
def test_B07_B08_B14_S02_S10_S11_S12_a_message_of_nobody_is_400(blob_lab, hostile, what):
    message = hostile(**NOT_EVEN_A_MESSAGE[what])
    before = blob_lab.serials()
    reply = blob_lab.post(message)
    assert (reply.status, reply.content_type) == (400, "text/plain")
    assert len(reply.body) < 64, "a short constant text"
    assert blob_lab.serials() == before


@pytest.mark.attack("S19")
def test_S19_a_reply_sent_back_gives_nothing(blob_lab, hostile):
    message = hostile()
    reply = blob_lab.post(message)
    before = blob_lab.serials()
    back = blob_lab.post(reply.body)
    assert back.status == 400 or b"pki-message" in back.content_type.encode()
    assert blob_lab.serials() == before


@pytest.mark.attack("S03")
def test_S03_every_truncation_of_a_message_is_400(blob_lab, hostile):
    octets = hostile().der()
    with blob_lab.http() as http:
        for end in [*range(0, 64), *range(64, len(octets), 97), len(octets) - 1]:
            reply = http.request("POST", f"{harness.PATH}?operation=PKIOperation", octets[:end])
            assert reply.status == 400, end
