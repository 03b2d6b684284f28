"""C01, C12–C14: challenges that are used again, too long, none at all, or guessed at."""

import os

import pytest

import der
import oids
import scep_client as scep
from blob_maker import BlobMaker
from scep_client import name


@pytest.fixture(scope="module")
def mdm(target):
    return BlobMaker(target.lab)


TOO_LONG = {
    "64 KiB and one": (65537, "badRequest"), "100 KiB of base64": (100_000, "badRequest"),
    "more than a CSR may be": (400_000, "badRequest"),
}


@pytest.mark.attack("C12")
@pytest.mark.parametrize("what", TOO_LONG)
def test_a_challenge_without_end_is_refused(target, what):
    size, fail_info = TOO_LONG[what]
    target.refused(target.request(target.csr(challenge="QUJD" * (size // 4) + "Q" * (size % 4))),
                   fail_info)


@pytest.mark.attack("C12")
def test_a_challenge_of_a_megabyte_does_not_even_get_in(target):
    message = target.request(target.csr(challenge="QUJD" * 262144))
    reply = target.post(message)
    assert reply.status == 413


NO_CHALLENGES = {
    "of no octet": der.printable(""), "of spaces": der.printable("   "),
    "a BMPString of half a character": der.tlv(0x1E, b"\0a\0"),
    "a BMPString of a surrogate": der.tlv(0x1E, b"\xd8\0"),
    "no UTF-8": der.tlv(0x0C, b"\xff\xfe"), "NUL": der.tlv(0x0C, b"\0" * 16),
    "an INTEGER": der.integer(1), "an OCTET STRING": der.octets(b"QUJD"),
    "a SEQUENCE": der.sequence(der.printable("QUJD")),
    "base64 in two alphabets": der.printable("QUJD-_+/"),
    "base64 of one character": der.printable("Q"), "padding alone": der.printable("===="),
    "a format string": der.printable("%s%s%s%n"), "SQL": der.printable("' OR 1=1 --"),
    "markup": der.utf8("<svg onload=alert(1)>"), "of another script": der.utf8("\u0430" * 16),
}


@pytest.mark.attack("C12", "C13")
def test_whatever_is_no_challenge_is_answered_alike(target):
    replies = {}
    for what, value in NO_CHALLENGES.items():
        csr = target.csr(challenge=None,
                         attributes=[scep.attribute(oids.CHALLENGE_PASSWORD, value)])
        reply = target.lab.send(target.request(csr, transaction_id="0" * 64), target.ca)
        assert reply.status == "failure", what
        if reply.fail_info == "badMessageCheck":
            replies.setdefault(bytes(reply.without_the_varying()), []).append(what)
        else:  # no string at all: the CSR cannot be read
            assert target.lab.audit()[-1]["code"] == "CertificateRequestDecodingFailed", what
    assert len(replies) == 1, list(replies.values())


@pytest.mark.attack("C14")
def test_who_tries_names_on_a_challenge_locks_it_and_learns_nothing_more(target, mdm):
    blob = mdm.blob(mdm.claims("CN=victim"))

    def ask(subject):
        csr = target.csr(subject=name(subject), challenge=blob, extensions=[])
        return target.request(csr, transaction_id="1" * 64)

    for guess in range(5):
        target.refused(ask(f"guess-{guess}"), "badRequest", "SubjectNameMismatch")
    wrong = target.refused(ask("guess-5"), "badRequest", "SubjectNameMismatch")
    right = target.refused(ask("victim"), "badRequest", "ChallengeLocked")
    assert wrong.without_the_varying() == right.without_the_varying()
    other = mdm.blob(mdm.claims("CN=attacked"))
    target.granted(target.request(target.csr(challenge=other, extensions=[])))


USER_ID = "0.9.2342.19200300.100.1.1"  # without an upper bound


@pytest.mark.attack("C14")
def test_C14_spaces_before_a_name_hide_no_guess(target, mdm):
    """Matching drops them; and what refusals quote ends before the name begins."""
    blob = mdm.blob(mdm.claims("UID=victim"))

    def ask(user):
        value = der.sequence(der.oid(USER_ID), der.utf8(" " * 600 + user))
        csr = target.csr(subject=der.sequence(der.set_of(value)), challenge=blob, extensions=[])
        return target.request(csr, signer=scep.self_signed(target.key))

    for guess in range(5):
        target.refused(ask(f"guess-{guess}"), "badRequest", "SubjectNameMismatch")
    target.refused(ask("victim"), "badRequest", "ChallengeLocked")


@pytest.mark.attack("C14", "N05")
def test_C14_a_name_over_its_bound_is_refused_as_such_and_is_a_guess(target, mdm):
    blob = mdm.blob(mdm.claims("CN=victim"))

    def ask(subject):
        csr = target.csr(subject=name(subject), challenge=blob, extensions=[])
        return target.request(csr, signer=scep.self_signed(target.key))

    padded = der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"),
                                                  der.utf8(" " * 64 + "victim"))))
    csr = target.csr(subject=padded, challenge=blob, extensions=[])
    target.refused(target.request(csr, signer=scep.self_signed(target.key)), "badRequest",
                   "SubjectNameInvalid")
    for guess in range(4):
        target.refused(ask(f"guess-{guess}"), "badRequest", "SubjectNameMismatch")
    target.refused(ask("victim"), "badRequest", "ChallengeLocked")


@pytest.mark.attack("C01", "C14")
def test_a_challenge_that_was_stolen_off_a_refused_request_is_its_owners(target, mdm):
    """Whoever sees a challenge has neither the key nor, without it, a message that verifies."""
    blob = mdm.blob(mdm.claims("CN=attacked"))
    owner = target.request(target.csr(challenge=blob, extensions=[]))
    thief = scep.Message(owner.content, target.mallory, scep.self_signed(target.mallory))
    target.refused(thief, "badRequest", "SignerKeyMismatch")
    target.refused(scep.Message(owner.content, target.mallory, owner.signer), "badMessageCheck",
                   "SignatureInvalid")
    target.granted(owner)


@pytest.mark.attack("C01")
def test_a_used_challenge_and_its_copies_give_nothing_to_another_key(target, mdm):
    blob = mdm.blob(mdm.claims("CN=attacked"))
    first = target.request(target.csr(challenge=blob, extensions=[]))
    issued = target.granted(first).certificate
    for copy in (blob, f" {blob}\n", blob.replace("+", "-").replace("/", "_").rstrip("="),
                 "\n".join(blob[i:i + 76] for i in range(0, len(blob), 76))):
        csr = target.csr(challenge=copy, extensions=[], key=target.mallory, challenge_string=0x0C)
        target.refused(target.request(csr), "badMessageCheck", "ChallengeAlreadyRedeemed")
    assert target.lab.send(first, target.ca).certificate == issued, "a retry gets the same one"


@pytest.mark.attack("C01")
def test_another_blob_of_the_same_number_is_the_same_challenge(target, mdm):
    jti = os.urandom(16).hex()
    first = mdm.blob(mdm.claims(jti=jti))
    target.granted(target.request(target.csr(challenge=first, extensions=[])))
    for same in (jti, jti.upper()):
        again = mdm.blob(mdm.claims(jti=same))
        reply = target.lab.send(target.request(target.csr(challenge=again, extensions=[])),
                                target.ca)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck"), same
