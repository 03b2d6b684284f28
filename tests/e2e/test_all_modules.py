"""Every policy module at once: two endpoints, one store, and nobody sees another's state."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import scep_client as scep
from harness import Http, slow_binary, wait_until
from intune_service import serving
from scep_client import Csr, name, pkcs_req
from webhook_service import ALLOW, Service

pytestmark = pytest.mark.load

FIRST, SECOND = "/scep", "/second"
INTUNES_OWN = "M" * 5000  # what nobody but Intune can read
DEVICES = 4 if slow_binary() else 8


@pytest.fixture
def intune(tmp_path):
    with serving(tmp_path / "intune") as service:
        yield service


@pytest.fixture
def webhook(tmp_path):
    directory = tmp_path / "webhook"
    directory.mkdir()
    service = Service(directory)
    yield service
    service.stop()


@pytest.fixture
def lab(new_lab, intune, webhook):
    """/scep: blobs, Intune or one-time passwords. /second: the static password and the webhook, or
    passwords; its certificates are for sign.example alone."""
    made = new_lab(start=False)

    def change(config):
        (made.dir / "static.password").write_text("a shared password\n")
        (made.dir / "static.password").chmod(0o600)
        policies = config["policies"]
        blob = next(iter(policies))
        policies["otp"] = {"type": "one_time_password", "PasswordMax": 1000}
        policies["static"] = {"type": "static_password", "password": {"file": "static.password"}}
        policies["intune"] = intune.policy()
        policies["hook"] = {"type": "webhook", "timeout": "20s", **webhook.settings(made)}
        config["notifiers"] = {"siem": {**webhook.settings(made), "events": ["issued", "refused"]}}
        first = config["endpoints"][0]
        second = {**first, "paths": [SECOND],
                  "policy": {"any_of": [{"all_of": ["static", "hook"]}, "otp"]},
                  "rules": {"dns_suffixes": ["sign.example"]}}
        first["policy"] = {"any_of": [blob, "otp", "intune"]}
        config["endpoints"].append(second)

    made.edit(change)
    return made.start()


class Device:
    """One request, and what it has to come to: the policy that grants it, or a refusal's code."""

    def __init__(self, path, number, subject, challenge, outcome, dns=None):
        self.path, self.number, self.subject = path, number, subject
        self.challenge, self.outcome, self.dns = challenge, outcome, dns

    def ask(self, lab, keys, ca):
        extensions = [scep.subject_alt_name(("dns", self.dns))] if self.dns else []
        csr = Csr(keys(self.number % 8), name(self.subject), self.challenge, extensions)
        message = pkcs_req(csr, [ca.encryption], transaction_id=self.subject)
        with Http(lab.port) as http:
            reply = http.request("POST", f"{self.path}?operation=PKIOperation", message.der(),
                                 {"Content-Type": "application/x-pki-message"})
        return lab.open(reply, message, ca)


def devices(lab):
    blobs = lab.challenge("--subject", "CN=blob-%d", "--policy-name", blob_policy(lab), "--count",
                          str(DEVICES))
    passwords = lab.challenge("--policy-name", "otp", "--count", str(3 * DEVICES))
    for n in range(DEVICES):
        yield Device(FIRST, n, f"blob-{n}", blobs[n], blob_policy(lab))
        yield Device(FIRST, n, f"first-otp-{n}", passwords[n], "otp")
        yield Device(FIRST, n, f"intune-{n}", INTUNES_OWN, "intune")
        yield Device(SECOND, n, f"second-otp-{n}", passwords[DEVICES + n], "otp")
        yield Device(SECOND, n, f"both-{n}", "a shared password", "static+hook",
                     dns=f"d{n}.sign.example")
        # Each of these is another's, in one thing.
        yield Device(SECOND, n, f"blob-at-second-{n}", blobs[n], None)
        yield Device(FIRST, n, f"static-at-first-{n}", "a shared password", None)
        yield Device(SECOND, n, f"denied-{n}", "a shared password", None, dns="a.sign.example")
        yield Device(SECOND, n, f"outside-{n}", passwords[2 * DEVICES + n], None,
                     dns=f"d{n}.example.com")


def blob_policy(lab):
    return next(key for key, policy in lab.config()["policies"].items()
                if policy["type"] == "challenge_blob")


def test_all_modules_at_once_grant_their_own_and_nothing_else(lab, keys, intune, webhook):
    def decide(heard):
        if heard.json.get("event") == "verify" and "denied" in heard.json["subject"]["text"]:
            return 200, {}, {"decision": "deny", "reason": "not this one"}
        return 200, {}, ALLOW

    webhook.answer = decide
    # Intune knows nothing of what the other modules' devices send.
    intune.refuses = lambda request: \
        None if request["transactionId"].startswith("intune-") else "ChallengeDecodingError"
    asked = list(devices(lab))
    ca = lab.ca()
    for n in range(8):
        keys(n)
    barrier = threading.Barrier(len(asked))

    def one(device):
        barrier.wait()
        return device.ask(lab, keys, ca)

    with ThreadPoolExecutor(len(asked)) as pool:
        replies = list(pool.map(one, asked))

    rows = {row["transaction_id"]: row for row in lab.certificates()}
    for device, reply in zip(asked, replies):
        if device.outcome is None:
            assert reply.status == "failure", device.subject
            assert device.subject not in rows
            continue
        assert reply.status == "success", (device.subject, reply.fail_info)
        issued = reply.certificate
        assert issued.subject.rfc4514_string() == f"CN={device.subject}"
        assert issued.public_key().public_numbers() == \
            keys(device.number % 8).public_key().public_numbers()
        row = rows.pop(device.subject)
        assert (row["policy"], row["endpoint"]) == (device.outcome, device.path)
        assert int(row["serial"], 16) == issued.serial_number
    assert rows == {}
    granted = {device.subject for device in asked if device.outcome == "intune"}
    assert set(intune.issued) == granted, "Intune hears of its own alone"
    # Refused by a rule of the endpoint after it was granted: the password is still good.
    outside = next(device for device in asked if device.subject == "outside-0")
    again = Device(SECOND, 0, "inside", outside.challenge, "otp", dns="inside.sign.example")
    assert again.ask(lab, keys, ca).status == "success"

    # Everybody outside hears of everything, in its own time.
    def heard():
        events = [each.json for each in list(webhook.heard)]
        return sum(event["event"] in ("issued", "refused") for event in events) == len(asked) + 1

    wait_until(heard, "the notifier's messages")
