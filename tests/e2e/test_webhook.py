"""The policy "webhook": a service of the organisation's own decides."""

import base64
import threading

import pytest
from cryptography import x509

import scep_client as scep
from harness import Http, run
from scep_client import Csr, name, pkcs_req
from webhook_service import ALLOW, KEY, OLD_KEY, Service, signed

pytestmark = pytest.mark.kernel

OPEN_PATH = "/open"


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    yield made
    made.stop()


def use_webhook(lab_dir, service, **settings):
    """A lab whose endpoint asks the service; a second endpoint needs nobody."""
    def edit(config):
        lab = type("Where", (), {"dir": lab_dir})
        config["policies"]["hook"] = {"type": "webhook", "timeout": "6s",
                                      **service.settings(lab, **settings)}
        config["policies"]["open"] = {"type": "none"}
        endpoint = config["endpoints"][0]
        endpoint["policy"] = "hook"
        config["endpoints"].append({**endpoint, "paths": [OPEN_PATH], "policy": "open"})
    return edit


@pytest.fixture
def hooked(new_lab, service):
    def make(**settings):
        lab = new_lab("--policy", "static", start=False)
        lab.edit(use_webhook(lab.dir, service, **settings))
        return lab.start()
    return make


def ask(lab, keys, challenge="the challenge", extensions=(), subject="device", **options):
    csr = Csr(keys(), name(("O", "Example"), ("CN", subject)), challenge, list(extensions))
    ca = lab.ca()
    message = pkcs_req(csr, [ca.encryption], **options)
    reply = lab.post(message)
    if reply.status != 200:
        return reply.status, None
    opened = scep.read_cert_rep(reply.body, message, ca.signing)
    return opened.status, opened


def last_refusal(lab):
    return [line for line in lab.audit() if line["event"] == "refuse"][-1]


def test_it_is_asked_with_the_decoded_request_and_grants(hooked, service, keys):
    lab = hooked()
    status, reply = ask(lab, keys, extensions=[scep.subject_alt_name(("dns", "a.example"))],
                        transaction_id="T-1")
    assert status == "success"
    (heard,) = service.heard
    assert heard.headers["Content-Type"] == "application/json"
    assert heard.is_signed_by(KEY) and not heard.is_signed_by(OLD_KEY)
    asked = heard.json
    assert asked["id"] == heard.id and asked["version"] == 1 and asked["event"] == "verify"
    assert asked["subject"]["text"] == "CN=device,O=Example"
    assert asked["san"] == [{"type": "dns", "value": "a.example"}]
    assert asked["transaction_id"] == "T-1" and asked["message_type"] == "PKCSReq"
    assert asked["client_address"] == "127.0.0.1" and asked["kind"] == "initial"
    csr = x509.load_der_x509_csr(base64.b64decode(asked["csr"]))
    assert csr.public_key().public_numbers() == keys().public_key().public_numbers()
    assert b"the challenge" not in base64.b64decode(asked["csr"]) and "challenge" not in asked
    assert reply.certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == ["a.example"]


def test_the_challenge_is_sent_when_that_is_configured(hooked, service, keys):
    lab = hooked(send_challenge=True)
    service.answer = lambda heard: (200, {}, ALLOW if heard.json["challenge"] == "sesame"
                                    else {"decision": "deny", "reason": "who are you?"})
    assert ask(lab, keys, "sesame")[0] == "success"
    status, reply = ask(lab, keys, "guess", transaction_id="2")
    assert (status, reply.fail_info) == ("failure", "badRequest")
    assert last_refusal(lab)["code"] == "WebhookDenied"
    assert "who are you?" in last_refusal(lab)["reason"]
    for secret in ("sesame", "guess", KEY):
        assert secret not in lab.text_everywhere()


def test_what_the_answer_names_is_what_the_certificate_says(hooked, service, keys):
    lab = hooked()
    service.answer = lambda heard: (200, {}, {
        "decision": "allow", "subject": {"text": "CN=given,O=Example"},
        "san": [{"type": "dns", "value": "given.example"}], "extended_key_usage": ["clientAuth"],
        "max_validity": 3600, "device_id": "d-1", "user_id": "u-1"})
    status, reply = ask(lab, keys, extensions=[scep.subject_alt_name(("dns", "a.example"))])
    assert status == "success"
    issued = reply.certificate
    assert issued.subject.rfc4514_string() == "CN=given,O=Example"
    assert issued.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == ["given.example"]
    assert (issued.not_valid_after - issued.not_valid_before).total_seconds() <= 3600 + 600
    line = [line for line in lab.audit() if line["event"] == "issue"][-1]
    assert (line["policy"], line["device_id"], line["user_id"]) == ("hook", "d-1", "u-1")


def test_a_token_is_used_once_however_many_come(hooked, service, keys):
    lab = hooked()
    service.answer = lambda heard: (200, {}, {**ALLOW, "once": "voucher-7"})
    outcomes = []

    def one(number):
        outcomes.append(ask(lab, keys, transaction_id=f"once-{number}")[0])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["failure"] * 7 + ["success"]
    assert len(lab.serials()) == 1
    assert last_refusal(lab)["code"] == "ChallengeAlreadyRedeemed"


def test_approval_waits_for_an_operator(hooked, service, keys):
    lab = hooked()
    service.answer = lambda heard: (200, {}, {**ALLOW, "approval": True})
    assert ask(lab, keys)[0] == "pending"


BROKEN = {
    "not JSON": (200, {}, b"allow"),
    "no decision": (200, {}, {}),
    "another decision": (200, {}, {"decision": "maybe"}),
    "an unknown member": (200, {}, {**ALLOW, "validity": 1}),
    "a member twice": (200, {}, b'{"decision":"deny","decision":"allow"}'),
    "a wrong type": (200, {}, {**ALLOW, "max_validity": "1h"}),
    "octets behind it": (200, {}, b'{"decision":"allow"} '[:-1] + b"x"),
    "too large": (200, {}, b'{"decision":"allow"' + b" " * 70_000 + b"}"),
    "another type": (200, {"Content-Type": "text/html"}, ALLOW),
    "created": (201, {}, ALLOW),
    "elsewhere": (302, {"Location": "https://127.0.0.1/"}, ALLOW),
    "forbidden": (403, {}, ALLOW),
    "a wrong signature": (200, {"X-Scepgate-Signature": "v1=" + "0" * 64}, ALLOW),
    "a SAN without a subject": (200, {}, {**ALLOW, "san": [{"type": "dns", "value": "a.example"}]}),
}


@pytest.mark.attack("C15", "X02")
@pytest.mark.parametrize("kind", BROKEN)
def test_an_answer_that_is_none_is_a_final_refusal(hooked, service, keys, kind):
    lab = hooked()
    service.answer = lambda heard: BROKEN[kind]
    status, reply = ask(lab, keys)
    assert (status, reply.fail_info) == ("failure", "badRequest")
    assert last_refusal(lab)["code"] == "WebhookAnswerInvalid"
    assert lab.serials() == []
    if kind == "an unknown member":
        assert '"validity"' in last_refusal(lab)["reason"]


@pytest.mark.attack("C15", "X02")
@pytest.mark.parametrize("answer", [(500, {}, ALLOW), (503, {}, ALLOW), (429, {}, ALLOW), None,
                                    (200, {"Content-Length": "1000"}, ALLOW)],
                         ids=["500", "503", "429", "broken off", "cut short"])
def test_a_service_that_fails_is_asked_again_later(hooked, service, keys, answer):
    lab = hooked()
    service.answer = lambda heard: answer
    assert ask(lab, keys)[0] == 503
    assert last_refusal(lab)["code"] in ("WebhookUnavailable", "PolicyTimeout")
    assert lab.serials() == []
    service.answer = lambda heard: (200, {}, ALLOW)
    assert ask(lab, keys)[0] == "success"


@pytest.mark.attack("X02")
def test_a_service_that_is_not_there_or_not_who_it_should_be(hooked, service, keys, tmp_path):
    lab = hooked()
    service.stop()
    assert ask(lab, keys)[0] == 503
    other = tmp_path / "other"
    other.mkdir()
    impostor = Service(other, port=service.port)
    try:
        assert ask(lab, keys)[0] == 503
        assert impostor.heard == [], "nothing is said to it"
    finally:
        impostor.stop()
    assert lab.serials() == []
    service.start()


@pytest.mark.attack("C15")
def test_a_slow_service_holds_up_nobody_else(hooked, service, keys):
    lab = hooked(timeout="60s", http={"ca_bundle": str(service.certificate), "timeout": "50s"})
    free = threading.Event()

    def wait(heard):
        free.wait(60)
        return 200, {}, ALLOW

    service.answer = wait
    outcomes = []
    slow = [threading.Thread(target=lambda i=i: outcomes.append(
        ask(lab, keys, transaction_id=f"slow-{i}")[0])) for i in range(8)]
    for thread in slow:
        thread.start()
    service.wait_for(8)
    ca = lab.ca()
    message = pkcs_req(Csr(keys(), name("meanwhile")), [ca.encryption], transaction_id="meanwhile")
    with Http(lab.port) as http_:
        reply = http_.request("POST", f"{OPEN_PATH}?operation=PKIOperation", message.der(),
                              {"Content-Type": "application/x-pki-message"})
    assert scep.read_cert_rep(reply.body, message, ca.signing).status == "success"
    assert outcomes == [], "they still wait"
    free.set()
    for thread in slow:
        thread.join()
    assert outcomes == ["success"] * 8


@pytest.mark.attack("C15", "X02")
def test_a_service_that_never_answers_is_given_up(hooked, service, keys):
    lab = hooked(http={"ca_bundle": str(service.certificate), "timeout": "1s"})
    free = threading.Event()
    service.answer = lambda heard: free.wait(60) and (200, {}, ALLOW)
    try:
        assert ask(lab, keys)[0] == 503
    finally:
        free.set()
    assert last_refusal(lab)["code"] == "WebhookUnavailable"
    assert lab.serials() == []


def test_it_shows_its_certificate_to_a_service_that_asks_for_one(new_lab, keys, tmp_path):
    service = Service(tmp_path, ask_for_certificate=True)
    try:
        pair = {"certificate": str(service.certificate), "key": {"file": str(service.key)}}
        for client, expected in ((None, 503), (pair, "success")):
            http = {"ca_bundle": str(service.certificate)}
            if client:
                http["client_certificate"] = client
            lab = new_lab("--policy", "static", start=False)
            lab.edit(use_webhook(lab.dir, service, http=http))
            assert ask(lab.start(), keys)[0] == expected
    finally:
        service.stop()


def test_answers_must_be_signed_where_that_is_required(hooked, service, keys):
    lab = hooked(require_signed_answer=True)
    assert ask(lab, keys)[0] == "failure"
    replayed = []

    def sign(heard):
        replayed.append(signed(heard, ALLOW))
        return replayed[-1]

    service.answer = sign
    assert ask(lab, keys, transaction_id="2")[0] == "success"
    service.answer = lambda heard: replayed[0]
    assert ask(lab, keys, transaction_id="3")[0] == "failure", "an answer to another request"
    service.answer = lambda heard: signed(heard, ALLOW, OLD_KEY)
    assert ask(lab, keys, transaction_id="4")[0] == "failure"
    service.answer = lambda heard: (200, {"X-Scepgate-Signature":
                                          heard.headers["X-Scepgate-Signature"]}, ALLOW)
    assert ask(lab, keys, transaction_id="5")[0] == "failure", "our own signature"


def test_keys_change_with_both_in_use(new_lab, service, keys):
    lab = new_lab("--policy", "static", start=False)
    (lab.dir / "old.key").write_text(OLD_KEY)
    (lab.dir / "old.key").chmod(0o600)
    lab.edit(use_webhook(lab.dir, service, require_signed_answer=True,
                         key=[{"file": "webhook.key"}, {"file": "old.key"}]))
    lab.start()
    for number, key in enumerate((OLD_KEY, KEY)):
        service.answer = lambda heard, key=key: signed(heard, ALLOW, key)
        assert ask(lab, keys, transaction_id=f"t{number}")[0] == "success"
    assert all(heard.is_signed_by(KEY) and heard.is_signed_by(OLD_KEY) for heard in service.heard)


@pytest.mark.attack("N09")
def test_N09_a_SID_is_only_for_whom_the_service_names(hooked, service, keys):
    lab = hooked()
    assert ask(lab, keys, extensions=[scep.sid_extension()])[0] == "failure"
    assert last_refusal(lab)["code"] == "SidNotGranted"
    assert service.heard[0].json["sid"].startswith("S-1-5-21-")


def test_beside_a_service_without_names_the_challenge_says_which_name_comes_first(new_lab, service,
                                                                                keys):
    lab = new_lab(start=False)
    service.answer = lambda heard: (200, {}, {"decision": "allow"})

    def edit(config):
        config["policies"]["hook"] = {"type": "webhook", "timeout": "6s", **service.settings(lab)}
        config["endpoints"][0]["policy"] = {"all_of": ["hook", "mdm"]}
        for template in config["templates"].values():
            template["subject"] = "CN={dns}"

    lab.edit(edit)
    lab.start()
    for number, order in enumerate([("a.example", "shared.example"),
                                    ("shared.example", "a.example")]):
        challenge = lab.challenge("--subject", "CN=dev", "--dns", "a.example", "--dns",
                                  "shared.example")
        asked = scep.subject_alt_name(*(("dns", one) for one in order))
        reply = lab.enrol(Csr(keys(number), name("dev"), challenge, [asked]))
        assert reply.status == "success", lab.log()
        assert reply.certificate.subject == name("a.example")
        names = reply.certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        assert names == ["a.example", "shared.example"]


@pytest.mark.parametrize("where", ["policies.hook", "notifiers.ops"])
def test_a_short_key_and_a_plain_url_are_told_with_the_remedy(new_lab, service, where):
    lab = new_lab("--policy", "static", start=False)
    (lab.dir / "short.key").write_text("too short")
    (lab.dir / "short.key").chmod(0o600)

    def edit(config):
        settings = service.settings(lab, key={"file": "short.key"})
        config["policies"]["hook"] = {"type": "webhook", **settings}
        config["notifiers"] = {"ops": {**settings, "events": ["issued"]}}

    lab.edit(edit)
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert f"{where}.key" in checked.stdout + checked.stderr
    assert "openssl rand -hex 32" in checked.stdout + checked.stderr
    assert "too short" not in checked.stdout + checked.stderr
