"""one_time_password: NDES's enrolment challenge passwords, each good for one certificate."""

import json
import stat

import pytest
from cryptography import x509

import scep_client as scep
from harness import Lab, run, wait_until
from scep_client import Csr, name, pkcs_req
from test_load import at_once


def settings(**values):
    return lambda config: config["policies"]["mdm"].update(values)


@pytest.fixture
def passwords(new_lab):
    """A lab under a one_time_password policy with these settings, serving."""
    return lambda **values: new_lab("--policy", "one_time", edit=settings(**values))


def command(lab, *arguments):
    return run("challenge", *arguments, "--config", lab.config_file)


def listed(lab, *arguments):
    done = command(lab, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(lab, keys, password, subject="device", key=0, extensions=(), **options):
    return lab.enrol(Csr(keys(key), name(subject), password, list(extensions)), **options)


def refused(reply, lab, fail_info="badMessageCheck"):
    """The refusal's code, as the audit file has it."""
    assert (reply.status, reply.fail_info) == ("failure", fail_info)
    return [line for line in lab.audit() if line["event"] == "refuse"][-1]["code"]


def test_a_password_is_16_digits_and_gives_one_certificate_for_what_the_CSR_asks(passwords, keys):
    lab = passwords()
    password = lab.challenge()
    assert len(password) == 16 and set(password) <= set("0123456789ABCDEF")
    reply = ask(lab, keys, password, "anything",
                extensions=[scep.subject_alt_name(("dns", "a.example"))])
    assert reply.status == "success" and reply.certificate.subject == name("anything")
    san = reply.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["a.example"]
    again = ask(lab, keys, password, "another", key=1)
    assert refused(again, lab) == "ChallengeAlreadyRedeemed"
    assert len(lab.serials()) == 1


@pytest.mark.attack("C13", "M01")
def test_C13_a_wrong_or_missing_password_gives_nothing(passwords, keys):
    lab = passwords()
    password = lab.challenge()
    assert refused(ask(lab, keys, None), lab) == "ChallengePasswordMissing"
    for number, wrong in enumerate(["0123456789ABCDEF", password[1:], password + "0"]):
        reply = ask(lab, keys, wrong, transaction_id=f"guess-{number}")
        assert refused(reply, lab) == "ChallengeUnknown"
    assert lab.serials() == []


@pytest.mark.attack("C16")
def test_no_password_stands_in_store_log_or_audit_file(passwords, keys):
    lab = passwords()
    unused, used = lab.challenge(), lab.challenge()
    assert ask(lab, keys, used).status == "success"
    assert refused(ask(lab, keys, used, key=1), lab)
    lab.stop()
    for file in (each for each in lab.dir.rglob("*") if each.is_file()):
        octets = file.read_bytes().upper()
        for password in (unused, used):
            assert password.encode() not in octets, file.name
            assert bytes.fromhex(password) not in file.read_bytes(), file.name


def test_who_got_a_password_is_audited_with_its_hash_and_so_is_its_use(passwords, keys):
    lab = passwords()
    password = lab.challenge("--subject", "CN=device", "--dns", "a.example", "--device-id", "d7")
    made = [line for line in lab.audit() if line["event"] == "challenge"][-1]
    assert made["policy"] == "mdm" and made["caller"]
    assert (made["subject"], made["subject_alt_name"]) == ("CN=device", "dns:a.example")
    assert made["device_id"] == "d7" and made["expires"] and len(made["challenge"]) == 64
    reply = ask(lab, keys, password, extensions=[scep.subject_alt_name(("dns", "a.example"))])
    assert reply.status == "success"
    issued = [line for line in lab.audit() if line["event"] == "issue"][-1]
    assert issued["challenge"] == made["challenge"] and issued["device_id"] == "d7"


@pytest.mark.attack("C01")
def test_C01_one_password_32_clients_and_two_nodes_give_exactly_one_certificate(
        passwords, second_node, keys):
    lab = passwords()
    other = second_node(lab)
    ca = lab.ca()
    password = lab.challenge()
    messages = [pkcs_req(Csr(keys(i % 8), name("contested"), password), [ca.encryption],
                         transaction_id=f"client-{i}") for i in range(32)]
    octets = [message.der() for message in messages]

    def round_of_requests():
        replies = at_once([lambda i=i: (lab, other)[i % 2].post(octets[i]) for i in range(32)])
        opened = [lab.open(r, m, ca) for r, m in zip(replies, messages)]
        for reply in opened:
            assert reply.status == "success" or reply.fail_info == "badMessageCheck"
        return {i: r.certificate.serial_number for i, r in enumerate(opened)
                if r.status == "success"}

    first = round_of_requests()
    assert len(first) == 1 and lab.serials() == list(first.values())
    assert round_of_requests() == first, "a retry of the same request gets that same certificate"
    codes = {line["code"] for line in lab.audit() if line["event"] == "refuse"}
    assert codes == {"ChallengeAlreadyRedeemed"}


def test_C01_32_copies_of_one_request_on_two_nodes_all_get_the_one_certificate(
        passwords, second_node, keys):
    lab = passwords()
    other = second_node(lab)
    ca = lab.ca()
    message = pkcs_req(Csr(keys(), name("impatient"), lab.challenge()), [ca.encryption])
    octets = message.der()
    replies = at_once([lambda i=i: (lab, other)[i % 2].post(octets) for i in range(32)])
    opened = [lab.open(reply, message, ca) for reply in replies]
    assert {reply.status for reply in opened} == {"success"}
    assert {reply.certificate.serial_number for reply in opened} == set(lab.serials())


@pytest.mark.attack("A04")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_A04_a_password_outlives_a_restart_and_so_does_its_use(passwords, keys, end):
    lab = passwords()
    first, second = lab.challenge(), lab.challenge()
    assert ask(lab, keys, first).status == "success"
    getattr(lab, end)()
    lab.start()
    assert refused(ask(lab, keys, first, "later", key=1), lab) == "ChallengeAlreadyRedeemed"
    assert ask(lab, keys, second, "later", key=1).status == "success"


def test_a_failed_issue_uses_nothing_up(passwords, keys):
    lab = passwords()
    password = lab.challenge("--max-validity", "30d")
    lab.edit(lambda config: config.update(audit={"file": "/dev/full"}))
    lab.stop()
    lab.start()
    csr = Csr(keys(), name("device"), password)
    ca = lab.ca()
    message = pkcs_req(csr, [ca.encryption])
    assert lab.post(message).status == 503
    lab.edit(lambda config: config.update(audit={"file": "audit.jsonl"}))
    lab.stop()
    lab.start()
    issued = lab.send(message, ca).certificate
    assert (issued.not_valid_after - issued.not_valid_before).days <= 30


@pytest.mark.attack("M01")
def test_PasswordMax_is_a_limit_that_use_and_withdrawal_free(passwords, keys):
    lab = passwords(PasswordMax=2)
    first = lab.challenge()
    lab.challenge()
    full = command(lab, "create")
    assert full.returncode == 1 and full.stdout == ""
    assert "PasswordMax" in full.stderr and "2 challenges outstanding" in full.stderr
    assert lab.audit()[-1]["event"] == "no_challenge"
    assert ask(lab, keys, first).status == "success"
    lab.challenge()
    assert command(lab, "create").returncode == 1
    token = listed(lab)[0]["challenge"]
    assert command(lab, "withdraw", token[:16]).returncode == 0
    lab.challenge()


def test_PasswordMax_holds_for_many_who_ask_at_once(passwords):
    lab = passwords(PasswordMax=3)
    made = at_once([lambda: command(lab, "create")] * 8)
    assert sorted(done.returncode for done in made) == [0] * 3 + [1] * 5
    assert len({done.stdout for done in made if done.returncode == 0}) == 3


@pytest.mark.attack("M01")
def test_PasswordValidity_ends_a_password_and_frees_its_place(passwords, keys):
    lab = passwords(PasswordMax=1, PasswordValidity="1s")
    password = lab.challenge()
    wait_until(lambda: listed(lab, "--state", "expired"), "it expires")
    assert refused(ask(lab, keys, password), lab) == "ChallengeExpired"
    lab.challenge()


def test_a_withdrawn_password_is_refused(passwords, keys):
    lab = passwords()
    password = lab.challenge("--subject", "CN=device")
    row, = listed(lab)
    assert row["state"] == "outstanding" and row["bound_to"]["subject"]["text"] == "CN=device"
    done = command(lab, "withdraw", row["challenge"][:8].upper(), "--reason", "lost")
    assert done.returncode == 0, done.stderr
    assert refused(ask(lab, keys, password), lab) == "ChallengeWithdrawn"
    assert listed(lab) == []
    assert listed(lab, "--state", "any")[0]["state"] == "withdrawn"
    told = [line for line in lab.audit() if line["event"] in ("intend", "withdraw")]
    assert [line["challenge"] for line in told] == [row["challenge"]] * 2
    assert told[1]["by"] and told[1]["reason"] == "lost"
    again = command(lab, "withdraw", row["challenge"])
    assert again.returncode == 1 and "withdrawn already" in again.stderr


def test_only_what_is_there_can_be_withdrawn(passwords, keys):
    lab = passwords()
    password = lab.challenge()
    assert command(lab, "withdraw", "0" * 64).returncode == 1
    assert command(lab, "withdraw", "1234567").returncode != 0, "too short to be sure"
    assert ask(lab, keys, password).status == "success"
    row, = listed(lab, "--state", "used")
    used = command(lab, "withdraw", row["challenge"])
    assert used.returncode == 1 and "used already" in used.stderr


def test_the_list_is_for_people_too(passwords):
    lab = passwords()
    lab.challenge()
    lab.challenge("--subject", "CN=device", "--template", "DeviceGeneral")
    lines = command(lab, "list").stdout.splitlines()
    assert "bound to 'CN=device', template" in lines[0]
    assert lines[1].endswith("bound to nothing") and "  mdm  by " in lines[1]


@pytest.mark.parametrize("bound, asks, code", [
    (("--subject", "CN=device"), dict(subject="other"), "SubjectNameMismatch"),
    (("--subject", "CN=device", "--dns", "a.example"), dict(), "SubjectAltNameMissing"),
    (("--subject", "CN=device"),
     dict(extensions=[scep.subject_alt_name(("dns", "a.example"))]), "SubjectAltNameMismatch"),
    (("--purpose", "signature"), dict(), "PurposeMismatch"),
    (("--template", "DeviceSignature"), dict(), "TemplateMismatch"),
], ids=["subject", "SAN-missing", "SAN-extra", "purpose", "template"])
def test_what_a_password_is_bound_to_is_what_it_gives(passwords, keys, bound, asks, code):
    lab = passwords()
    password = lab.challenge(*bound)
    assert refused(ask(lab, keys, password, **asks), lab, "badRequest") == code
    assert lab.serials() == []
    assert listed(lab)[0]["state"] == "outstanding", "a mismatch uses nothing up"


@pytest.mark.parametrize("option", ["--subject", "--dns", "--upn", "--email", "--uri", "--ip",
                                    "--key-usage", "--eku", "--purpose", "--template",
                                    "--max-validity", "--expires", "--sid", "--policy-name",
                                    "--device-id", "--user-id", "--endpoint"])
def test_a_variable_that_is_not_set_makes_no_password_that_is_good_for_all(passwords, option):
    lab = passwords()
    for empty in ["", "/", " "] if option == "--subject" else [""]:
        done = command(lab, "create", option, empty)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert command(lab, "create", f"{option}=").returncode == 2
    assert listed(lab) == []


@pytest.mark.attack("C03")
@pytest.mark.parametrize("policy", ["one_time", "challenge_blob"])
def test_C03_a_challenge_for_one_endpoint_is_refused_at_another(new_lab, keys, policy):
    def edit(config):
        config["templates"]["Other"] = dict(config["templates"]["DeviceGeneral"], validity="30d")
        config["endpoints"].append({**config["endpoints"][0], "paths": ["/other"], "name": "other",
                                    "templates": {"general_purpose": "Other"}})

    lab = new_lab("--policy", policy, edit=edit)
    made = command(lab, "create", "--subject", "CN=device", "--endpoint", "other")
    assert (made.returncode, made.stderr) == (0, "") or policy == "challenge_blob"
    assert refused(ask(lab, keys, made.stdout.strip()), lab) == "EndpointMismatch"
    both = command(lab, "create", "--subject", "CN=device", "--endpoint", "other", "--endpoint",
                   lab.config()["endpoints"][0]["paths"][0])
    assert "endpoints that certify differently" not in both.stderr
    assert ask(lab, keys, both.stdout.strip()).status == "success"
    free = command(lab, "create", "--subject", "CN=device")
    assert "endpoints that certify differently" in free.stderr and "--endpoint" in free.stderr
    assert ask(lab, keys, free.stdout.strip(), key=1).status == "success"


def test_an_endpoint_that_does_not_ask_the_policy_makes_no_password(passwords):
    lab = passwords()
    done = command(lab, "create", "--endpoint", "Nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--endpoint: " in done.stderr and lab.config()["endpoints"][0]["paths"][0] in done.stderr
    assert listed(lab) == []


def test_the_list_says_for_which_endpoint_a_password_is(passwords):
    lab = passwords()
    endpoint = lab.config()["endpoints"][0]["paths"][0]
    lab.challenge("--endpoint", endpoint)
    assert listed(lab)[0]["bound_to"] == {"endpoint": endpoint}
    assert f"bound to endpoint {endpoint}" in command(lab, "list").stdout


def test_a_template_that_no_endpoint_has_makes_no_password(passwords):
    lab = passwords()
    done = command(lab, "create", "--template", "Nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--template: " in done.stderr and "DeviceGeneral" in done.stderr
    assert listed(lab) == []


@pytest.mark.attack("C14")
def test_C14_names_that_do_not_match_lock_the_password(passwords, keys):
    lab = passwords()
    password = lab.challenge("--subject", "CN=device")
    for number in range(5):
        reply = ask(lab, keys, password, f"guess-{number}", transaction_id=f"guess-{number}")
        assert refused(reply, lab, "badRequest") == "SubjectNameMismatch"
    assert refused(ask(lab, keys, password, "device"), lab, "badRequest") == "ChallengeLocked"


def test_a_longer_life_than_PasswordValidity_is_not_to_be_had(passwords):
    lab = passwords(PasswordValidity=10)
    assert "PasswordValidity" in command(lab, "create", "--expires", "11m").stderr
    assert command(lab, "create", "--expires", "10m").returncode == 0


def test_UseSinglePassword_shows_the_one_password_each_time(passwords, keys):
    lab = passwords()

    def single(config):
        config["policies"]["mdm"].update(UseSinglePassword=1, password={"file": "single"})

    secret = lab.dir / "single"
    secret.touch(mode=0o600)
    secret.write_text("1ED0DD50F7459D6E\n")
    lab.edit(single)
    lab.stop()
    lab.start()
    assert lab.challenge("--count", "3") == ["1ED0DD50F7459D6E"] * 3
    for number in range(3):
        assert ask(lab, keys, "1ED0DD50F7459D6E", f"device-{number}", number).status == "success"
    assert refused(ask(lab, keys, "1ED0DD50F7459D6F"), lab) == "ChallengeMismatch"
    assert "1ED0DD50F7459D6E" not in lab.text_everywhere()
    assert command(lab, "create", "--subject", "CN=device").returncode == 1


def test_EnforcePassword_0_is_open_to_all_and_warned_of(passwords, keys):
    lab = passwords(EnforcePassword=0)
    assert ask(lab, keys, None).status == "success"
    check = run("config", "check", "--config", lab.config_file)
    assert "warning" in (check.stdout + check.stderr)


def test_a_hash_key_makes_what_is_stored_useless_without_it(passwords, keys):
    lab = passwords()
    key = lab.dir / "hash-key"
    key.touch(mode=0o600)
    key.write_text("0" * 64)
    lab.edit(settings(hash_key={"file": "hash-key"}))
    lab.stop()
    lab.start()
    password = lab.challenge()
    key.write_text("1" * 64)
    lab.stop()
    lab.start()
    assert refused(ask(lab, keys, password), lab) == "ChallengeUnknown"
    key.write_text("0" * 64 + "\n")
    lab.stop()
    lab.start()
    assert ask(lab, keys, password).status == "success"


@pytest.mark.parametrize("wrong, told", [
    (dict(PasswordLength=7), "PasswordLength"),
    (dict(PasswordMax=0), "PasswordMax"),
    (dict(PasswordValidity=0), "PasswordValidity"),
    (dict(PasswordValidity="soon"), "PasswordValidity"),
    (dict(UseSinglePassword=2), "UseSinglePassword"),
    (dict(UseSinglePassword=1), "policies.mdm.password"),
    (dict(password={"env": "PASSWORD"}), "policies.mdm.password"),
    (dict(EnforcePassword="no"), "EnforcePassword"),
    (dict(PasswordLen=8), "did you mean 'PasswordLength'"),
    (dict(hash_key={"env": "SCEPGATE_SHORT_KEY"}), "policies.mdm.hash_key"),
])
def test_wrong_settings_are_named(new_lab, monkeypatch, wrong, told):
    monkeypatch.setenv("SCEPGATE_SHORT_KEY", "short")
    lab = new_lab("--policy", "one_time", edit=settings(**wrong), start=False)
    check = run("config", "check", "--config", lab.config_file)
    assert check.returncode == 2 and told in check.stdout + check.stderr


@pytest.mark.parametrize("policy", ["one_time", "one_time_password"])
def test_init_makes_a_lab_whose_next_steps_work(tmp_path, policy):
    lab = Lab.init(tmp_path / "lab", "--policy", policy)
    assert lab.config()["policies"]["mdm"]["type"] == "one_time_password"
    assert stat.S_IMODE(lab.dir.stat().st_mode) == 0o700
    assert len(lab.challenge()) == 16
