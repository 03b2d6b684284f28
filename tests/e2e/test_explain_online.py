"""`policy explain` and the services that policies ask: asked with --online alone, once, and told nothing
but the question; without it, what could not be judged is said, and why."""

import base64
import json
import threading

import pytest

import harness
import intune_service
import scep_client as scep
import webhook_service
from intune_service import Answer, SECRET, code
from scep_client import Csr, name
from webhook_service import ALLOW, KEY, signed

CHALLENGE = "QUJD" * 1200  # as long as Intune's own
SID = "S-1-5-21-1-2-3-1104"


@pytest.fixture
def explain(tmp_path):
    """Runs the command on a CSR; gives exit status, the JSON and all that was printed."""
    def run(lab, csr, *more):
        file = tmp_path / "request.csr"
        file.write_bytes(csr.der())
        done = harness.run("policy", "explain", "--config", lab.config_file, "--csr", file,
                           "--endpoint", "/scep", "--json", *more)
        text = done.stdout + done.stderr
        assert done.stdout, done.stderr
        for secret in (CHALLENGE[:60], SECRET, KEY, "Bearer"):
            assert secret not in text
        return done.returncode, json.loads(done.stdout), text
    return run


@pytest.fixture
def asking(new_lab):
    """A lab, not started, whose /scep asks by the policy that is given."""
    def make(policy):
        def change(config):
            config["policies"]["asked"] = policy
            config["endpoints"][0].update(paths=["/scep"], name="/scep", policy="asked")
        return new_lab("--policy", "static", edit=change, start=False)
    return make


def csr_of(key, challenge=CHALLENGE, subject="device", extensions=()):
    return Csr(key, name(subject), challenge, list(extensions))


def verdict(said, check):
    return next(v for v in said["verdicts"] if v["check"] == check)


def skipped(said):
    return {v["check"]: v["found"] for v in said["verdicts"] if v["outcome"] == "skipped"}


# --- Intune ---------------------------------------------------------------------------------------

@pytest.fixture
def intune(tmp_path):
    with intune_service.serving(tmp_path / "service") as service:
        yield service


@pytest.fixture
def intune_lab(intune, asking):
    return asking(intune.policy())


def test_what_intune_allows_is_granted_and_it_is_told_of_nothing(intune, intune_lab, keys, explain):
    status, said, _ = explain(intune_lab, csr_of(keys()), "--online")
    assert (status, said["result"], said["policy"]) == (0, "granted", "asked"), said
    assert said["subject"] == "CN=device"
    assert verdict(said, "Intune")["outcome"] == "passed"
    assert "only Intune" in skipped(said)["challenge"]
    assert sorted(intune.steps()) == ["discovery", "token", "token", "validate"]
    assert intune_lab.audit() == [] and intune_lab.serials() == []


@pytest.mark.parametrize("answer, refused, told", [
    (code("ChallengeExpired", "why it is so"), "ChallengeExpired", "badMessageCheck"),
    (code("SubjectNameMismatch"), "SubjectNameMismatch", "badRequest"),
    (code("SomethingNew"), "IntuneCodeUnknown", "badRequest"),
    (Answer(500, {}), "IntuneUnavailable", "none (503)"),
    (Answer(200, b"no JSON"), "IntuneUnavailable", "none (503)"),
], ids=["the challenge", "the names", "an unknown code", "a failure", "nonsense"])
def test_what_intune_refuses_is_refused_with_its_reason(intune, intune_lab, keys, explain, answer,
                                                        refused, told):
    intune.plan("validate", answer, answer)
    status, said, _ = explain(intune_lab, csr_of(keys()), "--online")
    intune.plan("validate")
    assert (status, said["result"], said["code"]) == (1, "refused", refused), said
    assert said["fail_info"] == told and said["hint"]
    assert verdict(said, "Intune")["code"] == refused
    assert intune.count("success") == intune.count("failure") == 0


def test_a_service_that_is_down_leaves_nothing_granted(intune, intune_lab, keys, explain):
    intune.close()
    status, said, _ = explain(intune_lab, csr_of(keys()), "--online")
    assert (status, said["code"], said["fail_info"]) == (1, "IntuneUnavailable", "none (503)")


def test_offline_intune_is_not_asked_and_that_is_said(intune, intune_lab, keys, explain):
    status, said, _ = explain(intune_lab, csr_of(keys()))
    assert (status, said["result"]) == (1, "undecided")
    assert set(skipped(said)) >= {"challenge", "Intune"}
    assert "only Intune" in skipped(said)["challenge"]
    assert "--online" in verdict(said, "Intune")["hint"]
    assert verdict(said, "names")["outcome"] == "passed"
    assert intune.calls == []


@pytest.mark.parametrize("reach", [(), ("--online",)], ids=["offline", "online"])
@pytest.mark.parametrize("csr, refused", [
    (dict(challenge=None), "ChallengePasswordMissing"),
    (dict(extensions=[scep.sid_extension(SID)]), "SidNotGranted"),
], ids=["no challenge", "a SID that Intune did not see"])
def test_what_is_judged_here_needs_no_service(intune, intune_lab, keys, explain, csr, refused,
                                              reach):
    status, said, _ = explain(intune_lab, csr_of(keys(), **csr), *reach)
    assert (status, said["result"], said["code"]) == (1, "refused", refused), said
    assert intune.calls == []


def test_a_challenge_that_is_not_in_the_CSR_cannot_be_asked_about(intune, intune_lab, keys, explain,
                                                                  tmp_path):
    (tmp_path / "challenge").write_text("another" * 20)
    status, said, text = explain(intune_lab, csr_of(keys()), "--online", "--challenge-file",
                                 tmp_path / "challenge")
    assert (status, said["result"]) == (1, "undecided")
    assert "another challenge" in skipped(said)["Intune"] and "another" * 20 not in text
    assert intune.calls == []


def test_a_device_still_gets_its_certificate_after_it_was_asked_about(intune, intune_lab, keys,
                                                                      explain):
    csr = csr_of(keys())
    assert explain(intune_lab, csr, "--online")[0] == 0
    assert intune_lab.start().enrol(csr).status == "success"
    assert intune.count("success") == 1 and intune.count("failure") == 0


# --- A webhook ------------------------------------------------------------------------------------

@pytest.fixture
def webhook(tmp_path):
    made = webhook_service.Service(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def hooked(webhook, asking):
    def make(**settings):
        lab = asking({"type": "none"})
        policy = {"type": "webhook", "timeout": "2s", **webhook.settings(lab, **settings)}
        lab.edit(lambda config: config["policies"].update(asked=policy))
        return lab
    return make


def test_what_the_webhook_allows_is_granted_and_it_hears_one_question(webhook, hooked, keys,
                                                                      explain):
    lab = hooked()
    status, said, _ = explain(lab, csr_of(keys()), "--online")
    assert (status, said["result"], said["policy"]) == (0, "granted", "asked"), said
    assert verdict(said, "webhook")["outcome"] == "passed"
    (heard,) = webhook.heard
    assert heard.is_signed_by(KEY) and heard.json["event"] == "verify"
    assert heard.json["transaction_id"] == "explain", "so that the service can tell"
    assert lab.audit() == [] and lab.serials() == []


def test_what_the_webhook_wants_used_once_is_not_used_up(webhook, hooked, keys, explain):
    lab = hooked()
    webhook.answer = lambda heard: (200, {}, {**ALLOW, "once": "token-1"})
    csr = csr_of(keys())
    for _ in range(2):
        status, said, _ = explain(lab, csr, "--online")
        assert status == 0 and verdict(said, "redemption")["outcome"] == "passed"
    assert lab.start().enrol(csr).status == "success"
    status, said, _ = explain(lab, csr_of(keys(1)), "--online")
    assert (status, said["code"]) == (1, "ChallengeAlreadyRedeemed")


@pytest.mark.parametrize("answer, refused, told", [
    (lambda heard: signed(heard, {"decision": "deny", "reason": "not in the inventory"}),
     "WebhookDenied", "badRequest"),
    (lambda heard: (200, {}, ALLOW), "WebhookAnswerInvalid", "badRequest"),
    (lambda heard: signed(heard, {"decision": "perhaps"}), "WebhookAnswerInvalid", "badRequest"),
    (lambda heard: (404, {}, {}), "WebhookAnswerInvalid", "badRequest"),
    (lambda heard: (500, {}, {}), "WebhookUnavailable", "none (503)"),
    (lambda heard: None, "WebhookUnavailable", "none (503)"),
], ids=["denied", "not signed", "nonsense", "404", "500", "broken off"])
def test_what_the_webhook_refuses_is_refused_with_its_reason(webhook, hooked, keys, explain, answer,
                                                             refused, told):
    lab = hooked(require_signed_answer=True)
    webhook.answer = answer
    status, said, text = explain(lab, csr_of(keys()), "--online")
    assert (status, said["result"], said["code"]) == (1, "refused", refused), said
    assert said["fail_info"] == told and said["hint"]
    assert verdict(said, "webhook")["code"] == refused
    assert refused != "WebhookDenied" or "not in the inventory" in text


def test_a_webhook_that_is_down_or_slow_leaves_nothing_granted(webhook, hooked, keys, explain):
    lab = hooked()
    gate = threading.Event()
    webhook.answer = lambda heard: gate.wait() and (200, {}, ALLOW)
    status, said, _ = explain(lab, csr_of(keys()), "--online")
    gate.set()
    assert (status, said["code"], said["fail_info"]) == (1, "PolicyTimeout", "none (503)")
    webhook.stop()
    status, said, _ = explain(lab, csr_of(keys()), "--online")
    webhook.start()
    assert (status, said["code"], said["fail_info"]) == (1, "WebhookUnavailable", "none (503)")


def test_offline_the_webhook_is_not_asked_and_that_is_said(webhook, hooked, keys, explain):
    status, said, _ = explain(hooked(), csr_of(keys()))
    assert (status, said["result"]) == (1, "undecided")
    assert set(skipped(said)) >= {"challenge", "webhook"}
    assert "--online" in verdict(said, "webhook")["hint"]
    assert webhook.heard == []


def test_the_webhook_is_sent_no_challenge_unless_that_is_configured(webhook, hooked, keys, explain,
                                                                    tmp_path):
    given = "another-challenge"
    (tmp_path / "challenge").write_text(given)
    more = ("--online", "--challenge-file", tmp_path / "challenge")
    explain(hooked(), csr_of(keys()), *more)
    explain(hooked(send_challenge=True), csr_of(keys()), *more)
    without, sent = webhook.heard
    assert "challenge" not in without.json and sent.json.get("challenge", "") == given
    for heard in (without, sent):
        csr = base64.b64decode(heard.json["csr"])
        assert CHALLENGE.encode() not in csr


def test_each_policy_of_a_composition_is_asked_and_its_verdict_told(webhook, hooked, keys, explain):
    lab = hooked()
    webhook.answer = lambda heard: (200, {}, {"decision": "deny"})

    def both(config):
        static = next(n for n, p in config["policies"].items() if p["type"] == "static_password")
        config["endpoints"][0]["policy"] = {"any_of": [static, "asked"]}

    lab.edit(both)
    status, said, _ = explain(lab, csr_of(keys(), "no password"))
    assert (status, said["result"]) == (1, "undecided")
    status, said, _ = explain(lab, csr_of(keys(), "no password"), "--online")
    assert (status, said["code"]) == (1, "WebhookDenied")
    assert {v.get("code") for v in said["verdicts"]} >= {"ChallengeMismatch", "WebhookDenied"}
