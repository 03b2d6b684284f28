"""Signals, a full disk, and what stands in log and audit file."""

import base64
import json
import resource
import signal

import pytest

import harness
import scep_client as scep
from scep_client import Csr, name, pkcs_req


def test_SIGHUP_takes_a_new_configuration_without_dropping_a_connection(lab):
    with lab.http() as http:
        before = http.request("GET", "/scep?operation=GetCACaps").body
        assert b"DES3" in before

        def change(config):
            config["endpoints"][0]["algorithms"] = {"des3": False}

        lab.edit(change)
        lab.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: b"DES3" not in
                           http.request("GET", "/scep?operation=GetCACaps").body, "reload")
    # It is in effect before the line is written.
    harness.wait_until(lambda: [line["event"] for line in lab.audit()] == ["start", "config_change", "reload"],
                       "the audit line")


def test_SIGHUP_with_a_wrong_configuration_changes_nothing_and_says_so(lab, keys):
    def break_it(config):
        config["endpoints"][0]["polcy"] = "mdm"

    lab.edit(break_it)
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "polcy" in lab.log(), "the fault is logged")
    csr = Csr(keys(), name("still"), None)
    assert lab.enrol(csr).status == "failure", "it still answers"


def test_SIGHUP_opens_log_and_audit_anew_for_logrotate(lab, keys):
    (lab.dir / "audit.jsonl").rename(lab.dir / "audit.1")
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: lab.audit_text(), "a new audit file")
    assert (lab.dir / "audit.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.attack("A05")
def test_A05_a_full_disk_releases_nothing_and_passes(new_lab, keys):
    lab = new_lab(start=False).start(restore_signals=False)  # SIGXFSZ stays ignored: EFBIG
    challenge = lab.challenge("--subject", "CN=patient")
    ca = lab.ca()
    message = pkcs_req(Csr(keys(), name("patient"), challenge), [ca.encryption])
    unlimited = resource.prlimit(lab.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(lab.process.pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
    for _ in range(3):
        reply = lab.post(message)
        assert reply.status == 503, reply
        assert reply.header("Retry-After")
    assert lab.get("/scep?operation=GetCACaps").status == 200
    resource.prlimit(lab.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert lab.serials() == []
    issued = lab.send(message, ca)
    assert issued.status == "success", "the challenge was not burnt"
    assert lab.serials() == [issued.certificate.serial_number]


@pytest.mark.attack("A05")
def test_A05_nothing_is_released_that_cannot_be_audited(new_lab, keys):
    def full(config):
        config["audit"] = {"file": "/dev/full"}

    lab = new_lab(edit=full)
    challenge = lab.challenge("--subject", "CN=unaudited")
    reply = lab.post(pkcs_req(Csr(keys(), name("unaudited"), challenge), [lab.ca().encryption]))
    assert reply.status == 503


def test_A05_a_retry_and_a_refused_second_use_stand_in_the_audit_file(lab, keys):
    ca = lab.ca()
    challenge = lab.challenge("--subject", "CN=audited", "--dns", "audited.example")
    san = [scep.subject_alt_name(("dns", "audited.example"))]
    first = pkcs_req(Csr(keys(), name("audited"), challenge, san), [ca.encryption])
    issued = lab.send(first, ca).certificate
    assert lab.send(first, ca).certificate == issued
    second = pkcs_req(Csr(keys(1), name("audited"), challenge, san), [ca.encryption])
    assert lab.send(second, ca).fail_info == "badMessageCheck"

    lines = [line for line in lab.audit() if line["event"] != "start"]
    assert [line["event"] for line in lines] == ["sign", "issue", "retry", "refuse"]
    issue, retry, refusal = lines[1:]
    for key in ("endpoint", "client", "transaction_id", "message_type", "serial", "subject",
                "fingerprint", "not_after", "ca", "template", "policy", "subject_alt_name",
                "challenge"):
        assert retry[key] == issue[key], key
    assert int(issue["serial"], 16) == issued.serial_number
    assert refusal["code"] == "ChallengeAlreadyRedeemed"
    assert refusal["policy"] == issue["policy"]
    assert refusal["subject"] == "CN=audited"
    assert refusal["subject_alt_name"] == "dns:audited.example"
    assert refusal["transaction_id"] == second.transaction_id


@pytest.mark.attack("A05")
def test_a_lost_database_is_not_replaced_by_an_empty_one(new_lab):
    lab = new_lab(start=False)
    for file in lab.dir.glob("scepgate.db*"):
        file.unlink()
    served = harness.run("serve", "--config", lab.config_file)
    assert served.returncode == 2
    assert "store.sqlite" in served.stderr


def test_certificates_survive_a_restart_and_so_do_used_challenges(lab, keys):
    challenge = lab.challenge("--subject", "CN=survivor")
    ca = lab.ca()
    message = pkcs_req(Csr(keys(), name("survivor"), challenge), [ca.encryption])
    issued = lab.send(message, ca).certificate
    lab.stop()
    lab.start()
    assert lab.serials() == [issued.serial_number]
    assert lab.send(message, ca).certificate == issued
    other = pkcs_req(Csr(keys(1), name("survivor"), challenge), [ca.encryption])
    assert lab.send(other, ca).fail_info == "badMessageCheck"


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_request_is_one_log_line_with_all_that_matters(new_lab, keys, form):
    def json_log(config):
        config["log"] = {"format": form, "file": "request.log"}

    lab = new_lab(edit=json_log)
    challenge = lab.challenge("--subject", "CN=logged")
    message = pkcs_req(Csr(keys(), name("logged"), challenge), [lab.ca().encryption],
                       transaction_id="log-me")
    target = harness.get_target(message.der())
    with lab.http() as http:
        reply = http.request("GET", target, headers={"User-Agent": "device/1.0"})
    issued = lab.open(reply, message).certificate
    lab.stop()
    lines = [line for line in (lab.dir / "request.log").read_text().splitlines()
             if "log-me" in line]
    assert len(lines) == 1
    for word in ("PKCSReq", "/scep", "127.0.0.1", "device/1.0", "GET", str(len(target)), "SHA-256",
                 "general", "DeviceGeneral", "Success", "issued", format(issued.serial_number, "x")):
        assert word.lower() in lines[0].lower(), word
    if form == "json":
        json.loads(lines[0])


@pytest.mark.attack("M04")
def test_M04_control_characters_reach_neither_log_nor_audit(blob_lab, keys):
    evil = "evil\r\n{\"event\":\"issue\"}\x1b[31m\u202e"
    ca = blob_lab.ca()
    blob_lab.send(pkcs_req(Csr(keys(), name(evil), "x"), [ca.encryption]), ca)
    harness.raw_exchange(blob_lab.port, b"GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: x\r\n"
                         b"User-Agent: a\x1b[31mb\xe2\x80\xae\r\nConnection: close\r\n\r\n")
    for line in blob_lab.audit_text().splitlines():
        json.loads(line)
    for text in (blob_lab.log(), blob_lab.audit_text()):
        assert "\x1b[31m" not in text and "\u202e" not in text
        assert '\n{"event":"issue"}' not in text


@pytest.mark.attack("H15")
def test_H15_a_forwarded_address_is_believed_only_from_trusted_proxies(new_lab, keys):
    for trusted, seen in ([[], "127.0.0.1"], [["127.0.0.1"], "198.51.100.7"]):
        def trust(config):
            config["trusted_proxies"] = trusted

        lab = new_lab(edit=trust)
        message = pkcs_req(Csr(keys(), name("x"), "x"), [lab.ca().encryption])
        with lab.http() as http:
            http.request("POST", "/scep?operation=PKIOperation", message.der(),
                         {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
        refusals = [line for line in lab.audit() if line["event"] == "refuse"]
        assert [line["client"] for line in refusals] == [seen]


@pytest.mark.attack("C16")
def test_C16_no_secret_reaches_log_audit_or_error_messages(new_lab, keys):
    """Challenges, passwords and keys, also when something about them is wrong."""
    def talkative(config):
        config["log"] = {"level": "debug"}

    blob = new_lab(edit=talkative)
    static = new_lab("--policy", "static", edit=talkative)
    challenge = blob.challenge("--subject", "CN=quiet")
    source = next(iter(static.config()["policies"].values()))["password"]["file"]
    password = (static.dir / source).read_text().strip()
    for lab, secret in ((blob, challenge), (static, password)):
        ca = lab.ca()
        for subject, value in (("quiet", secret), ("other", secret), ("quiet", secret + "x")):
            message = pkcs_req(Csr(keys(), name(subject), value), [ca.encryption])
            lab.get(harness.get_target(message.der()))
        text = lab.text_everywhere()
        assert secret not in text
        assert secret[:40] not in text
        for file in lab.dir.glob("*.key"):
            for line in file.read_text().splitlines()[1:-1]:
                assert line not in text
        assert base64.b64encode(message.der()).decode()[:60] not in text, "nor whole messages"


@pytest.mark.attack("A07")
def test_secret_files_of_a_lab_are_its_owners_alone(templates):
    for arguments in ((), ("--policy", "static")):
        directory = templates(*arguments)
        assert directory.stat().st_mode & 0o077 == 0
        secret = [*directory.glob("*.key"), *directory.glob("challenge-password")]
        assert secret
        for file in [*secret, *directory.glob("*.db*")]:
            assert file.stat().st_mode & 0o007 == 0, file
