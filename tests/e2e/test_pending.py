"""Requests that an operator decides: PENDING, polls, approval and rejection."""

import json

import pytest

import harness
import scep_client as scep
from scep_client import Csr, name, pkcs_req


def wants_approval(config):
    for template in config["templates"].values():
        template["approval"] = True


@pytest.fixture
def lab(new_lab):
    return new_lab(edit=wants_approval)


@pytest.fixture
def request_of(lab, keys):
    """A PKCSReq with a challenge of its own, for CN=waiting-<number>."""
    def make(number=0, **options):
        subject = f"waiting-{number}"
        challenge = lab.challenge("--subject", f"CN={subject}", "--dns", f"{subject}.example",
                                  "--key-usage", "both")
        csr = Csr(keys(number), name(subject), challenge,
                  [scep.subject_alt_name(("dns", f"{subject}.example")), scep.key_usage(0, 2)])
        return pkcs_req(csr, [lab.ca().encryption], **options)
    return make


def decide(lab, verdict, transaction_id, *more):
    done = harness.run("pending", verdict, transaction_id, "--config", lab.config_file, *more)
    assert done.returncode == 0, done.stderr


def events(lab, transaction_id):
    return [line["event"] for line in lab.audit() if line.get("transaction_id") == transaction_id]


def test_T01_a_request_is_issued_once_an_operator_approves(lab, request_of):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    assert lab.send(scep.cert_poll(message, ca), ca).status == "pending"
    assert lab.serials() == []
    decide(lab, "approve", message.transaction_id)
    assert lab.serials() == [], "it is issued when the device comes back"
    reply = lab.send(scep.cert_poll(message, ca), ca)
    assert reply.status == "success"
    assert lab.serials() == [reply.certificate.serial_number]
    assert reply.certificate.subject == name("waiting-0")
    again = lab.send(scep.cert_poll(message, ca), ca)
    assert again.certificate == reply.certificate, "R:T06 a reply that was lost comes again"


def test_T04_pending_requests_survive_kill_and_restart(lab, request_of):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    lab.kill()
    decide(lab, "approve", message.transaction_id)
    lab.start()
    assert lab.send(scep.cert_poll(message, ca), ca).status == "success"


@pytest.mark.parametrize("anew", [False, True], ids=["the same octets", "signed anew"])
def test_clients_that_send_their_request_again_instead_of_polling_are_served(lab, keys, request_of,
                                                                             anew):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    if anew:  # certmonger: another transient certificate, the same CSR and transactionID
        message.signer = scep.self_signed(keys(), name("waiting-0"))
    assert lab.send(message, ca).status == "pending"
    decide(lab, "approve", message.transaction_id)
    assert lab.send(message, ca).status == "success"
    assert len(lab.serials()) == 1


@pytest.mark.attack("T02")
def test_T02_who_polls_for_somebody_elses_request_learns_nothing(lab, keys, request_of):
    ca = lab.ca()
    message = request_of()
    stranger = dict(signer=scep.self_signed(keys(1)), signer_key=keys(1))
    unknown = lab.send(scep.cert_poll(message, ca, **stranger), ca)
    assert lab.send(message, ca).status == "pending"
    decide(lab, "approve", message.transaction_id)
    known = lab.send(scep.cert_poll(message, ca, **stranger), ca)
    assert (known.status, known.fail_info) == ("failure", "badCertId")
    assert known.without_the_varying() == unknown.without_the_varying()
    assert lab.serials() == []


@pytest.mark.attack("T03")
def test_T03_a_transaction_id_that_somebody_squats_on_is_still_its_owners(lab, keys, request_of):
    ca = lab.ca()
    squatter = request_of(1, transaction_id="EUI-00:11:22")
    owner = request_of(0, transaction_id="EUI-00:11:22")
    assert lab.send(squatter, ca).status == "pending"
    assert lab.send(owner, ca).status == "pending"
    listed = harness.run("pending", "list", "--json", "--config", lab.config_file)
    rows = json.loads(listed.stdout)
    rows = rows if isinstance(rows, list) else next(iter(rows.values()))
    mine = next(row for row in rows if "waiting-0" in row["subject"])
    decide(lab, "approve", "EUI-00:11:22", "--request", str(mine["request"]))
    assert lab.send(scep.cert_poll(owner, ca), ca).status == "success"
    assert lab.send(scep.cert_poll(squatter, ca), ca).status == "pending"


def test_C09_the_names_in_a_poll_do_not_matter(lab, request_of):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    root = scep.CaCertificates(ca.signing, ca.signing, ca.encryption, ca.all)
    assert lab.send(scep.cert_poll(message, root, name("else")), ca).status == "pending"


def test_a_rejected_request_fails_and_its_challenge_is_gone(lab, keys, request_of):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    decide(lab, "reject", message.transaction_id, "--reason", "not ours")
    for again in (scep.cert_poll(message, ca), message):
        reply = lab.send(again, ca)
        assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert lab.serials() == []
    refusals = [line for line in lab.audit() if line["event"] == "refuse"]
    assert {line["code"] for line in refusals} == {"ApprovalRejected"}
    assert "not ours" in refusals[-1]["reason"]


@pytest.mark.attack("C01")
def test_C01_the_challenge_is_used_up_while_the_request_waits(lab, keys, request_of):
    ca = lab.ca()
    challenge = lab.challenge("--subject", "CN=twice")
    first = pkcs_req(Csr(keys(), name("twice"), challenge), [ca.encryption])
    second = pkcs_req(Csr(keys(1), name("twice"), challenge), [ca.encryption])
    assert lab.send(first, ca).status == "pending"
    assert lab.send(second, ca).fail_info == "badMessageCheck"


@pytest.mark.attack("T05")
def test_T05_no_more_requests_wait_than_may(new_lab, keys):
    def one(config):
        wants_approval(config)
        config["endpoints"][0]["max_pending"] = 1

    lab = new_lab(edit=one)
    ca = lab.ca()
    messages = [pkcs_req(Csr(keys(n), name(f"n{n}"), lab.challenge("--subject", f"CN=n{n}")),
                         [ca.encryption]) for n in (0, 1)]
    assert lab.send(messages[0], ca).status == "pending"
    assert lab.post(messages[1]).status == 503
    decide(lab, "reject", messages[0].transaction_id)
    assert lab.send(messages[1], ca).status == "pending", "its challenge was not used up"


def test_the_audit_file_tells_the_whole_story(lab, request_of):
    ca = lab.ca()
    message = request_of()
    assert lab.send(message, ca).status == "pending"
    decide(lab, "approve", message.transaction_id)
    assert lab.send(scep.cert_poll(message, ca), ca).status == "success"
    told = [e for e in events(lab, message.transaction_id) if e in ("pending", "sign", "issue")]
    assert told == ["pending", "sign", "issue"]
    lines = {line["event"]: line for line in lab.audit()
             if line.get("transaction_id") == message.transaction_id}
    assert lines["pending"]["challenge"] == lines["issue"]["challenge"]
    assert lines["pending"]["subject_alt_name"] == "dns:waiting-0.example"
    assert lines["pending"]["expires"]
