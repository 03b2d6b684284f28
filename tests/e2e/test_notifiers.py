"""Notifiers: others hear what became of certificates, in order and at least once."""

import json
import threading

import pytest

import scep_client as scep
from harness import run, wait_until
from scep_client import Csr, name
from webhook_service import KEY, Service

EVERYTHING = ["issued", "refused", "pending", "revoked", "held", "released"]


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    made.answer = lambda heard: (204, {}, b"")
    yield made
    made.stop()


@pytest.fixture
def told(new_lab, service):
    """A lab under one static password, with the notifier "ops"."""
    def make(start=True, more=None, **settings):
        lab = new_lab("--policy", "static", start=False)
        settings = {"events": EVERYTHING, **settings}

        def edit(config):
            config["notifiers"] = {"ops": service.settings(lab, **settings)}
            if more:
                more(config)

        lab.edit(edit)
        return lab.start() if start else lab
    return make


def enrol(lab, keys, number=0, challenge=None):
    source = next(p for p in lab.config()["policies"].values() if p["type"] == "static_password")
    password = (lab.dir / source["password"]["file"]).read_text().strip()
    csr = Csr(keys(), name(("O", "Example"), ("CN", f"device-{number}")),
              password if challenge is None else challenge,
              [scep.subject_alt_name(("dns", "a.example"))])
    return lab.enrol(csr, transaction_id=f"t{number}")


def cert(lab, act, serial, *arguments):
    done = run("cert", act, f"{serial:x}", "--config", lab.config_file, *arguments)
    assert done.returncode == 0, done.stderr


def waiting(lab):
    listed = run("notify", "list", "--json", "--config", lab.config_file)
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)["messages"]


def test_it_hears_of_an_issued_certificate(told, service, keys):
    lab = told()
    issued = enrol(lab, keys).certificate
    (heard,) = service.wait_for(1)
    assert heard.is_signed_by(KEY)
    event = heard.json
    assert event["event"] == "issued" and event["id"] == heard.id and event["version"] == 1
    assert event["transaction_id"] == "t0" and event["message_type"] == "PKCSReq"
    assert event["client_address"] == "127.0.0.1" and event["template"]
    assert int(event["certificate"]["serial"], 16) == issued.serial_number
    assert event["certificate"]["subject"] == "CN=device-0,O=Example"
    assert event["certificate"]["san"] == [{"type": "dns", "value": "a.example"}]
    assert "der" not in event["certificate"]
    wait_until(lambda: waiting(lab) == [], "it is forgotten once it was heard")


def test_the_certificate_goes_along_when_asked_for(told, service, keys):
    import base64
    from cryptography.hazmat.primitives.serialization import Encoding
    lab = told(include=["certificate"])
    issued = enrol(lab, keys).certificate
    (heard,) = service.wait_for(1)
    assert base64.b64decode(heard.json["certificate"]["der"]) == issued.public_bytes(Encoding.DER)


def test_it_hears_what_an_operator_does_beside_the_server(told, service, keys):
    lab = told()
    serial = enrol(lab, keys).certificate.serial_number
    cert(lab, "hold", serial)
    cert(lab, "release", serial)
    cert(lab, "revoke", serial, "--reason", "keyCompromise")
    heard = [each.json for each in service.wait_for(4)]
    assert [each["event"] for each in heard] == ["issued", "held", "released", "revoked"]
    assert all(int(each["certificate"]["serial"], 16) == serial for each in heard)
    assert heard[3]["revocation"]["reason"] == "keyCompromise"
    assert "revocation" not in heard[2]


def test_it_hears_of_refusals_and_no_secret(told, service, keys):
    lab = told()
    assert enrol(lab, keys, challenge="wrong password").status == "failure"
    (heard,) = service.wait_for(1)
    event = heard.json
    assert (event["event"], event["code"]) == ("refused", "ChallengeMismatch")
    assert event["subject"] == "CN=device-0,O=Example"
    assert "wrong password" not in heard.text


def test_it_hears_of_what_waits_for_an_operator(told, service, keys):
    def approve(config):
        for template in config["templates"].values():
            template["approval"] = True

    lab = told(more=approve)
    assert enrol(lab, keys).status == "pending"
    (heard,) = service.wait_for(1)
    assert heard.json["event"] == "pending" and heard.json["csr_sha256"]


def test_only_what_was_asked_for_is_told(told, service, keys):
    lab = told(events=["revoked"])
    issued = enrol(lab, keys).certificate
    enrol(lab, keys, 1, challenge="wrong")
    cert(lab, "revoke", issued.serial_number)
    (heard,) = service.wait_for(1)
    assert heard.json["event"] == "revoked"
    wait_until(lambda: waiting(lab) == [], "it is forgotten once it was heard")


def test_what_happens_while_the_listener_is_down_arrives_in_order(told, service, keys):
    lab = told()
    service.stop()
    serials = [enrol(lab, keys, number).certificate.serial_number for number in range(3)]
    wait_until(lambda: any(row["attempts"] for row in waiting(lab)), "it was tried")
    assert [row["event"] for row in waiting(lab)] == ["issued"] * 3
    service.start()
    done = run("notify", "retry", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    heard = service.wait_for(3)
    assert [int(each.json["certificate"]["serial"], 16) for each in heard] == serials
    run("notify", "retry", "ops", "--config", lab.config_file)
    first, second = [line for line in lab.audit() if line["event"] == "notify_retry"]
    assert "notifier" not in first and second["notifier"] == "ops" and second["by"]


def test_a_server_that_dies_tells_when_it_is_back(told, service, keys):
    lab = told()
    service.stop()
    serial = enrol(lab, keys).certificate.serial_number
    # A message that it was just sending would be its own until the lease ends.
    wait_until(lambda: any(row.get("error") for row in waiting(lab)), "it was tried")
    lab.kill()
    service.start()
    lab.start()
    run("notify", "retry", "--config", lab.config_file)
    (heard,) = service.wait_for(1)
    assert int(heard.json["certificate"]["serial"], 16) == serial


def test_what_a_killed_server_was_sending_is_said_to_be_with_it(told, service, keys):
    gate = threading.Event()
    service.answer = lambda heard: gate.wait() and (204, {}, b"")
    lab = told(http={"ca_bundle": str(service.certificate), "timeout": "100s"})
    enrol(lab, keys)
    service.wait_for(1)
    lab.kill()
    (row,) = waiting(lab)
    assert row["attempts"] == 1
    text = run("notify", "list", "--config", lab.config_file).stdout
    assert f"with a sender until {row['leased_until']}" in text
    done = run("notify", "retry", "--json", "--config", lab.config_file)
    assert json.loads(done.stdout) == {"due": 0, "being_sent": 1}
    said = run("notify", "retry", "--config", lab.config_file).stdout
    assert said.startswith("0 messages are due now") and "1 before them are being sent" in said
    gate.set()


def test_what_was_not_taken_comes_again_under_the_same_id(told, service, keys):
    answers = [(500, {}, b""), (404, {}, b""), (302, {"Location": "https://x/"}, b""), (204, {}, b"")]
    service.answer = lambda heard: answers[min(len(service.heard), len(answers)) - 1]
    lab = told()
    enrol(lab, keys)
    heard = service.wait_for(4)
    assert len({each.id for each in heard}) == 1 and len({each.text for each in heard}) == 1
    assert all(each.is_signed_by(KEY) for each in heard)
    wait_until(lambda: waiting(lab) == [], "heard at last")


def test_a_listener_that_is_down_holds_up_no_other(told, service, keys, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = Service(other)
    second.answer = lambda heard: (204, {}, b"")
    try:
        def add(config):
            config["notifiers"]["second"] = {
                **config["notifiers"]["ops"], "url": second.url,
                "http": {"ca_bundle": str(second.certificate)}}

        lab = told(more=add)
        service.stop()
        enrol(lab, keys)
        assert second.wait_for(1)[0].json["event"] == "issued"
        assert {row["notifier"] for row in waiting(lab)} <= {"ops", "second"}
        service.start()
        run("notify", "retry", "ops", "--config", lab.config_file)
        service.wait_for(1)
    finally:
        second.stop()


def test_a_server_without_notifiers_writes_nothing(new_lab, keys):
    lab = new_lab("--policy", "static")
    enrol(lab, keys)
    assert waiting(lab) == []


def test_the_list_shows_why_it_waits(told, service, keys):
    lab = told()
    service.answer = lambda heard: (500, {}, b"")
    enrol(lab, keys)
    row = wait_until(lambda: next((row for row in waiting(lab) if row.get("error")), None), "failed")
    assert row["notifier"] == "ops" and row["error"] == "status 500"
    text = run("notify", "list", "--config", lab.config_file).stdout
    assert "ops: 1 waiting" in text and "status 500" in text
    wrong = run("notify", "retry", "nobody", "--config", lab.config_file)
    assert wrong.returncode == 1 and "nobody" in wrong.stderr


def test_what_waits_for_a_notifier_that_is_gone_can_be_forgotten(told, service, keys):
    lab = told()
    service.stop()
    enrol(lab, keys)
    wait_until(lambda: waiting(lab), "it waits")

    def drop():
        return run("notify", "drop", "ops", "--json", "--config", lab.config_file)

    refused = drop()
    assert refused.returncode == 1 and "in the configuration" in refused.stderr
    lab.stop()
    lab.edit(lambda config: config.pop("notifiers"))
    lab.start()
    assert "notify drop" in lab.log()
    typo = run("notify", "drop", "opz", "--config", lab.config_file)
    assert typo.returncode == 1 and "'opz'" in typo.stderr and not typo.stdout
    done = drop()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"dropped": 1}
    empty = run("notify", "list", "--config", lab.config_file)
    assert (empty.returncode, empty.stdout) == (0, "") and "nothing waits" in empty.stderr
    assert waiting(lab) == []
    lines = [line for line in lab.audit() if line.get("notifier") == "ops"]
    assert [line["event"] for line in lines] == ["intend", "notify_drop"]
    assert lines[1]["messages"] == 1


def test_what_waits_is_sent_when_the_server_is_told_to_stop(told, service, keys):
    lab = told()
    enrol(lab, keys)
    lab.stop()
    assert len(service.heard) == 1
