"""Requests that wait for an operator (RFC 8894 sections 3.3.3, 4.4, 5): what no other suite
shows."""

import harness
import oids
import scep_client as scep
from scep_client import name


def decide(lab, verdict, message):
    done = harness.run("pending", verdict, message.transaction_id, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr


def test_R_B24_R_C07_R_E13_each_poll_stands_for_itself(approval_lab, request_to):
    """New senderNonce each time, no recipientNonce, and no failInfo in a PENDING."""
    ca = approval_lab.ca()
    message = request_to(approval_lab, "b24")
    replies = [approval_lab.send(m, ca) for m in
               (message, scep.cert_poll(message, ca), scep.cert_poll(message, ca))]
    assert {r.status for r in replies} == {"pending"}
    assert len({r.attributes[oids.SENDER_NONCE] for r in replies}) == 3
    assert all(oids.FAIL_INFO not in r.attributes for r in replies)


def test_R_E17_requests_of_one_device_are_kept_apart(approval_lab, request_to):
    ca = approval_lab.ca()
    first = request_to(approval_lab, "e17", transaction_id="e17-first")
    second = request_to(approval_lab, "e17", transaction_id="e17-second")
    assert approval_lab.send(first, ca).status == approval_lab.send(second, ca).status == "pending"
    decide(approval_lab, "approve", first)
    decide(approval_lab, "reject", second)
    assert approval_lab.send(scep.cert_poll(first, ca), ca).status == "success"
    assert approval_lab.send(scep.cert_poll(second, ca), ca).status == "failure"


def test_R_E16_R_O07_a_poll_for_nothing_is_badCertId(approval_lab, request_to):
    ca = approval_lab.ca()
    reply = approval_lab.send(scep.cert_poll(request_to(approval_lab, "e16"), ca), ca)
    assert (reply.status, reply.fail_info) == ("failure", "badCertId")


def test_R_T06_polls_after_a_lost_reply_get_the_same_certificate(approval_lab, request_to):
    ca = approval_lab.ca()
    message = request_to(approval_lab, "t06")
    assert approval_lab.send(message, ca).status == "pending"
    decide(approval_lab, "approve", message)
    found = [approval_lab.send(scep.cert_poll(message, ca), ca).certificate for _ in range(3)]
    assert len({c.serial_number for c in found}) == 1


def test_R_O01_a_poll_has_the_number_that_GetCertInitial_had(approval_lab, request_to, tmp_path):
    """The older name of CertPoll, of the same content."""
    poll = scep.cert_poll(request_to(approval_lab, "o01"), approval_lab.ca())
    assert poll.message_type == "20"
    (tmp_path / "poll.der").write_bytes(poll.der())
    told = harness.run("decode", tmp_path / "poll.der")
    assert told.returncode == 0 and "CertPoll" in told.stdout


def test_R_C09_a_poll_is_answered_whatever_it_is_about(approval_lab, request_to):
    """Transaction and key decide; what is in the envelope is not even asked for."""
    ca = approval_lab.ca()
    message = request_to(approval_lab, "c09")
    assert approval_lab.send(message, ca).status == "pending"
    wrong = scep.CaCertificates(scep.self_signed(message.signer_key, name("x")), ca.signing,
                                ca.encryption, ca.all)
    assert approval_lab.send(scep.cert_poll(message, wrong, name("y")), ca).status == "pending"
