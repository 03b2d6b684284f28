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


def building(subject, rules):
    """Every template writes this in place of the granted subject."""
    def edit(config):
        for template in config["templates"].values():
            template["subject"] = subject
        config["endpoints"][0]["rules"] = rules
    return edit


@pytest.mark.attack("N05")
@pytest.mark.parametrize("subject, rules, option, good, bad, code", [
    ("CN={device_id},O=Fleet", {"subject": {"patterns": {"CN": "kiosk-[0-9]+"}}}, "--device-id",
     "kiosk-7", "domain-controller.corp.example", "RuleSubjectPattern"),
    ("CN={common_name},OU={user_id}", {"subject": {"patterns": {"OU": "users"}}}, "--user-id",
     "users", "Domain Admins", "RuleSubjectPattern"),
    ("CN={common_name},emailAddress={user_id}", {"email_domains": ["example.com"]}, "--user-id",
     "ada@example.com", "boss@example.net", "RuleEmail"),
], ids=["CN", "OU", "email"])
def test_N05_rules_hold_for_the_subject_that_a_template_builds(new_lab, keys, subject, rules, option,
                                                               good, bad, code):
    lab = new_lab(edit=building(subject, rules))

    def ask(key, value):
        challenge = lab.challenge("--subject", "CN=kiosk-1", option, value)
        return lab.enrol(Csr(key, name("kiosk-1"), challenge))

    reply = ask(keys(), bad)
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    line = last_refusal(lab)
    assert line["code"] == code and bad in line["found"]
    assert lab.serials() == []
    reply = ask(keys(1), good)
    assert reply.status == "success", lab.log()
    assert good in reply.certificate.subject.rfc4514_string()


def test_policy_explain_shows_a_built_subject_that_breaks_the_rules(new_lab, keys, tmp_path):
    lab = new_lab(start=False, edit=building("CN={device_id},O=Fleet", {
        "subject": {"patterns": {"CN": "kiosk-[0-9]+"}}}))
    file = tmp_path / "device.csr"
    for device, code in (("boss", "RuleSubjectPattern"), ("kiosk-7", None)):
        challenge = lab.challenge("--subject", "CN=kiosk-1", "--device-id", device)
        file.write_bytes(Csr(keys(), name("kiosk-1"), challenge).der())
        said = json.loads(harness.run("policy", "explain", "--config", lab.config_file, "--csr",
                                      file, "--json").stdout)
        assert said.get("code") == code
        verdict = next(one for one in said["verdicts"] if one["check"] == "built subject")
        assert device in verdict["found"] and verdict.get("code") == code


def test_config_check_names_a_template_of_which_nothing_can_keep_the_rules(new_lab):
    lab = new_lab(start=False, edit=building("CN={device_id},O=Fleet", {
        "subject": {"allowed": ["CN"]}}))
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "endpoints[0].templates." in checked.stderr and "rules.subject.allowed" in checked.stderr


def test_config_check_names_the_path_of_a_broken_pattern(new_lab):
    lab = new_lab(start=False, edit=with_rules({"subject": {"patterns": {"CN": "("}}}))
    checked = harness.run("config", "check", "--json", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "endpoints[0].rules.subject.patterns.CN" in json.dumps(json.loads(checked.stdout))
