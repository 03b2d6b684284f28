"""Name and key rules of an endpoint: what is certified, whatever policy granted."""

import json
import signal

import pytest

import harness
import scep_client as scep
from scep_client import Csr, name

RULES = {
    "subject": {"allowed": ["CN", "O"], "required": ["CN"], "patterns": {"CN": "device-[0-9]+"}},
    "dns_suffixes": ["example.com"],
    "upn_domains": ["example.com"],
    "email_domains": ["example.com"],
    "uri_prefixes": ["https://a.example"],
    "ip_ranges": ["10.0.0.0/8"],
}

RULES_OF_NAMES = {*RULES, "dns_wildcards"} - {"subject"}
RULES_OF_SUBJECTS = {f"subject.{rule}" for rule in RULES["subject"]}


def with_rules(rules):
    return lambda config: config["endpoints"][0].update(rules=rules)


@pytest.fixture
def ruled(new_lab):
    """A serving lab that certifies whatever RULES allow."""
    return new_lab("--policy", "none", edit=with_rules(RULES))


def last_refusal(lab):
    return [line for line in lab.audit() if line["event"] == "refuse"][-1]


def test_names_within_the_rules_are_certified(ruled, keys):
    for number, san in enumerate([
            ("dns", "host.example.com"), ("dns", "EXAMPLE.com"), ("upn", "anna@example.com"),
            ("email", "anna@mail.example.com"), ("uri", "https://a.example/devices/1"),
            ("ip", bytes([10, 1, 2, 3]))]):
        csr = Csr(keys(), name(f"device-{number}"), None, [scep.subject_alt_name(san)])
        assert ruled.enrol(csr, transaction_id=f"within-{number}").status == "success", san


@pytest.mark.attack("N08")
def test_N08_names_outside_of_the_rules_are_refused(ruled, keys):
    for number, (san, code) in enumerate([
            (("dns", "notexample.com"), "RuleDnsName"),
            (("dns", "example.com.evil.net"), "RuleDnsName"),
            (("dns", "*.example.com"), "RuleDnsName"),
            (("upn", "anna@evil.net"), "RuleUpn"),
            (("upn", "anna@evil.net@example.com"), "RuleUpn"),
            (("upn", "anna@hr.example.com"), "RuleUpn"),
            (("email", "anna@notexample.com"), "RuleEmail"),
            (("uri", "https://a.example.evil.com/"), "RuleUri"),
            (("uri", "https://a.example@evil.com/"), "RuleUri"),
            (("uri", "http://a.example/"), "RuleUri"),
            (("ip", bytes([11, 1, 2, 3])), "RuleIpAddress"),
            (("ip", bytes(10) + b"\xff\xff" + bytes([8, 8, 8, 8])), "RuleIpAddress")]):
        csr = Csr(keys(), name("device-1"), None, [scep.subject_alt_name(san)])
        reply = ruled.enrol(csr, transaction_id=f"outside-{number}")
        assert (reply.status, reply.fail_info) == ("failure", "badRequest"), san
        line = last_refusal(ruled)
        assert line["code"] == code, san
        assert line["check"] in RULES_OF_NAMES, san
    assert ruled.serials() == []


@pytest.mark.attack("N05")
def test_N05_subjects_outside_of_the_rules_are_refused(ruled, keys):
    for number, (subject, code) in enumerate([
            (name("admin"), "RuleSubjectPattern"),
            (name("xdevice-1"), "RuleSubjectPattern"),
            (name(("CN", "device-1"), ("CN", "admin")), "RuleSubjectPattern"),
            (name(("CN", "device-1"), ("OU", "admins")), "RuleSubjectAttribute"),
            (name(("O", "Example")), "RuleSubjectRequired")]):
        reply = ruled.enrol(Csr(keys(), subject, None), transaction_id=f"subject-{number}")
        assert (reply.status, reply.fail_info) == ("failure", "badRequest"), subject
        line = last_refusal(ruled)
        assert line["code"] == code, subject
        assert line["check"] in RULES_OF_SUBJECTS, subject
    assert ruled.serials() == []


def test_all_refusals_by_rules_look_alike_to_the_device(ruled, keys):
    replies = {ruled.enrol(Csr(keys(), name("device-1"), None, [scep.subject_alt_name(san)]))
               .without_the_varying()
               for san in [("dns", "evil.net"), ("upn", "anna@evil.net"), ("uri", "urn:x:y")]}
    assert len(replies) == 1


def test_rules_hold_for_renewals_after_a_reload(new_lab, keys):
    lab = new_lab("--policy", "none")
    ca = lab.ca()
    old = lab.enrol(Csr(keys(), name("printer-1"), None)).certificate
    lab.edit(with_rules(RULES))
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: lab.audit()[-1]["event"] == "reload", "the reload")
    csr = Csr(keys(1), name("printer-1"), None)
    reply = lab.send(scep.renewal_req(csr, [ca.encryption], old, keys()), ca)
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert last_refusal(lab)["code"] == "RuleSubjectPattern"
    assert len(lab.serials()) == 1


@pytest.mark.attack("N09")
def test_N09_a_granted_SID_needs_the_rule_too(new_lab, keys):
    sid = "S-1-5-21-1-2-3-1104"
    tag = f"tag:microsoft.com,2022-09-14:sid:{sid}"

    def ask(lab, subject):
        challenge = lab.challenge("--subject", f"CN={subject}", "--sid", sid, "--uri", tag)
        return lab.enrol(Csr(keys(), name(subject), challenge, [scep.subject_alt_name(("uri", tag))]))

    closed = new_lab(edit=with_rules({}))
    assert ask(closed, "a").status == "failure"
    assert last_refusal(closed)["code"] == "RuleSid"
    open_to = new_lab(edit=with_rules({"sid": {"patterns": "S-1-5-21-1-2-3-[0-9]{4,}"}}))
    assert ask(open_to, "b").status == "success"


def test_config_check_names_the_path_of_a_broken_pattern(new_lab):
    lab = new_lab(start=False, edit=with_rules({"subject": {"patterns": {"CN": "("}}}))
    checked = harness.run("config", "check", "--json", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "endpoints[0].rules.subject.patterns.CN" in json.dumps(json.loads(checked.stdout))
