"""Signers of challenges: what each may grant, and changing their keys while devices enrol."""

import concurrent.futures
import datetime
import fcntl
import itertools
import json
import os
import pathlib
import signal
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import harness
import scep_client as scep
from scep_client import Csr, name

LIMITS = {"name": "mdm2", "templates": ["DeviceSignature"], "max_validity": "30d",
          "max_lifetime": "2h", "rules": {"dns_suffixes": ["example.com"],
                                          "subject": {"patterns": {"CN": "kiosk-[0-9]+"}}}}


def make_signer(folder, file, days=365, key=None):
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, file)])
    now = datetime.datetime.utcnow()
    usage = x509.KeyUsage(True, *[False] * 8)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=2))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .add_extension(usage, True).sign(key, hashes.SHA256()))
    (folder / f"{file}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{file}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    (folder / f"{file}.key").chmod(0o600)


@pytest.fixture
def two_mdms(new_lab):
    """A serving lab with a second signer under LIMITS, and how that one makes challenges."""
    lab = new_lab(start=False)
    make_signer(lab.dir, "mdm2")
    alone = lab.config()
    alone["policies"]["mdm"]["signer"] = {"certificate": "mdm2.pem", "key": {"file": "mdm2.key"}}
    alone["policies"]["mdm"]["trusted_signers"] = ["mdm2.pem"]
    (lab.dir / "mdm2.json").write_text(json.dumps(alone))
    (lab.dir / "mdm2.json").chmod(0o600)
    lab.edit(lambda c: c["policies"]["mdm"]["trusted_signers"].append(
        {"certificate": "mdm2.pem", **LIMITS}))
    lab.start()

    def challenge(*arguments):
        made = harness.run("challenge", "create", "--config", lab.dir / "mdm2.json", *arguments)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    return lab, challenge


def ask(lab, key, common_name, challenge, *extensions):
    return lab.enrol(Csr(key, name(common_name), challenge, list(extensions)))


def last_refusal(lab):
    return [line for line in lab.audit() if line["event"] == "refuse"][-1]


def test_a_second_MDM_grants_within_its_limits(two_mdms, keys):
    lab, challenge = two_mdms
    made = challenge("--subject", "CN=kiosk-1", "--dns", "k1.example.com", "--key-usage",
                     "signature")
    reply = ask(lab, keys(), "kiosk-1", made, scep.subject_alt_name(("dns", "k1.example.com")),
                scep.key_usage(0))
    assert reply.status == "success"
    issued = reply.certificate
    days = (issued.not_valid_after - issued.not_valid_before).days
    assert days <= 30, "the template would have given 365"


@pytest.mark.parametrize("common_name, dns, usage, options", [
    ("admin", "k1.example.com", "signature", []),
    ("kiosk-1", "k1.evil.net", "signature", []),
    ("kiosk-1", "k1.example.com", "both", []),
    ("kiosk-1", "k1.example.com", "signature", ["--expires", "3h"]),
    ("kiosk-1", "k1.example.com", "signature", ["--sid", "S-1-5-21-1-2-3-500"]),
], ids=["subject", "dns", "template", "lifetime", "sid"])
def test_a_second_MDM_grants_nothing_beyond_its_limits(two_mdms, keys, common_name, dns, usage,
                                                       options):
    lab, challenge = two_mdms
    made = challenge("--subject", f"CN={common_name}", "--dns", dns, "--key-usage", usage, *options)
    bits = [0] if usage == "signature" else [0, 2]
    reply = ask(lab, keys(), common_name, made, scep.subject_alt_name(("dns", dns)),
                scep.key_usage(*bits))
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    line = last_refusal(lab)
    assert line["code"] == "SignerNotAllowed"
    assert "mdm2" in line["reason"]
    assert lab.serials() == []
    # The first one, which has no limits, still may.
    if not options:
        first = lab.challenge("--subject", f"CN={common_name}", "--dns", dns, "--key-usage", usage)
        reply = ask(lab, keys(), common_name, first, scep.subject_alt_name(("dns", dns)),
                    scep.key_usage(*bits))
        assert reply.status == "success"


def build_subjects(config):
    for template in config["templates"].values():
        template["subject"] = "CN={device_id},O=Fleet"


@pytest.mark.attack("N05")
def test_N05_a_second_MDM_names_nobody_else_by_what_a_template_builds(two_mdms, keys):
    lab, challenge = two_mdms
    lab.edit(build_subjects)
    reload(lab)

    def order(device):
        return challenge("--subject", "CN=kiosk-1", "--dns", "k1.example.com", "--key-usage",
                         "signature", "--device-id", device)

    asked = scep.subject_alt_name(("dns", "k1.example.com")), scep.key_usage(0)
    reply = ask(lab, keys(), "kiosk-1", order("domain-controller.corp.example"), *asked)
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    line = last_refusal(lab)
    assert line["code"] == "SignerNotAllowed"
    assert "mdm2" in line["reason"] and "domain-controller" in line["reason"]
    assert lab.serials() == []
    reply = ask(lab, keys(1), "kiosk-1", order("kiosk-2"), *asked)
    assert reply.status == "success", lab.log()
    assert reply.certificate.subject == name(("O", "Fleet"), ("CN", "kiosk-2"))


def test_an_MDM_under_approval_waits_for_the_operator(new_lab, keys):
    lab = new_lab(edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm-signer.pem", "approval": True}]))
    reply = ask(lab, keys(), "a", lab.challenge("--subject", "CN=a"))
    assert reply.status == "pending"


def test_challenge_create_makes_nothing_beyond_the_limits_of_its_signer(new_lab):
    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm-signer.pem", **LIMITS}]))
    made = harness.run("challenge", "create", "--config", lab.config_file, "--subject", "CN=admin")
    assert made.returncode == 1
    assert "mdm2" in made.stderr and "rules.subject.patterns" in made.stderr
    assert lab.challenge("--subject", "CN=kiosk-7", "--dns", "k7.example.com")
    lab.edit(build_subjects)
    made = harness.run("challenge", "create", "--config", lab.config_file, "--subject",
                       "CN=kiosk-7", "--device-id", "boss", "--key-usage", "signature")
    assert made.returncode == 1
    assert "mdm2" in made.stderr and "boss" in made.stderr


def check(lab):
    done = harness.run("config", "check", "--config", lab.config_file)
    return done.returncode, done.stdout + done.stderr


def again(lab, file, copy):
    """Another certificate for FILE.key."""
    key = serialization.load_pem_private_key((lab.dir / f"{file}.key").read_bytes(), None)
    make_signer(lab.dir, copy, key=key)


@pytest.mark.parametrize("limits, others", [
    (LIMITS, {"approval": True}),
    (LIMITS, {**LIMITS, "max_lifetime": "2d"}),
    (LIMITS, {**LIMITS, "rules": {"dns_suffixes": ["example.com"]}}),
    (LIMITS, {}), ({}, LIMITS), (None, LIMITS), (LIMITS, None),
])
@pytest.mark.parametrize("second", ["mdm-signer.pem", "again.pem"])
def test_different_limits_for_one_key_are_a_fault(new_lab, limits, others, second):
    def entry(file, limits):
        return file if limits is None else {"certificate": file, **limits}

    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[entry("mdm-signer.pem", limits), entry(second, others)]))
    again(lab, "mdm-signer", "again")
    status, said = check(lab)
    assert status == 2
    assert "policies.mdm.trusted_signers[1]" in said and "not with the same limits" in said


@pytest.mark.parametrize("limits, others", [
    (LIMITS, {**dict(reversed(LIMITS.items())), "name": "renewed"}),
    ({}, {"name": "without limits"}),
])
@pytest.mark.parametrize("second", ["mdm-signer.pem", "again.pem"])
def test_the_same_limits_for_one_key_are_no_fault(new_lab, limits, others, second):
    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm-signer.pem", **limits},
                         {"certificate": second, **others}]))
    again(lab, "mdm-signer", "again")
    status, said = check(lab)
    assert status == 0, said


def rotate(lab, *arguments):
    done = harness.run("policy", "rotate", "--json", "--config", lab.config_file, "--policy", "mdm",
                       *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused_rotation(lab, *arguments):
    """Nothing is changed by it; its message."""
    def state():
        return {file: file.read_bytes() for file in lab.dir.iterdir()
                if file.is_file() and file.name not in ("audit.jsonl", "audit.jsonl.head", "server.log")}

    before = state()
    done = harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "mdm",
                       *arguments)
    assert done.returncode in (1, 2) and not done.stdout
    assert state() == before
    return done.stderr


def reload(lab):
    before = len(lab.audit())
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: any(line["event"] == "reload" for line in lab.audit()[before:]),
                       "the reload")


def test_challenges_from_before_a_rotation_still_enrol(lab, keys):
    old_files = {f: f.read_bytes() for f in lab.dir.iterdir() if f.suffix in (".pem", ".key")}
    before = lab.challenge("--subject", "CN=%d", "--count", "2")
    rotated = rotate(lab, "--signer", "--decryption")
    assert rotated["changed"]
    assert [key["key"] for key in rotated["keys"]] == ["signer", "decryption"]
    for key in rotated["keys"]:
        assert (lab.dir / key["key_file"]).stat().st_mode & 0o777 == 0o600
    assert all(file.read_bytes() == octets for file, octets in old_files.items())
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr

    reload(lab)
    after = lab.challenge("--subject", "CN=%d", "--count", "2")
    assert ask(lab, keys(), "0", before[0]).status == "success"
    assert ask(lab, keys(1), "0", after[0]).status == "success"

    def take_out(config):
        policy = config["policies"]["mdm"]
        for key in ("signer", "decryption", "trusted_signers"):
            assert len(policy[key]) == 2
            del policy[key][1]

    lab.edit(take_out)
    reload(lab)
    refused = ask(lab, keys(2), "1", before[1])
    assert (refused.status, refused.fail_info) == ("failure", "badMessageCheck")
    assert last_refusal(lab)["code"] == "SigningCertThumbprintMismatch"
    assert ask(lab, keys(2), "1", after[1]).status == "success"


def test_a_new_decryption_key_is_used_at_once_and_the_old_one_still_opens(lab, keys):
    before = lab.challenge("--subject", "CN=a")
    least, policy = time.time(), lab.config()["policies"]["mdm"]
    assert not {"max_lifetime", "clock_skew"} & policy.keys()
    rotated = rotate(lab, "--decryption")
    most = time.time()
    after = lab.challenge("--subject", "CN=b")
    reply = ask(lab, keys(), "b", after)
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck"), "not before SIGHUP"
    reload(lab)
    assert ask(lab, keys(), "a", before).status == "success"
    assert ask(lab, keys(1), "b", lab.challenge("--subject", "CN=b")).status == "success"
    until = datetime.datetime.fromisoformat(rotated["old_needed_until"].replace("Z", "+00:00"))
    after_all = until.timestamp() - (31 * 86400 + 300)  # the defaults of max_lifetime, clock_skew
    assert int(least) <= after_all <= most


def test_the_time_that_old_keys_are_needed_is_told_in_days(new_lab):
    lab = new_lab(start=False)
    done = harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "mdm",
                       "--signer")
    assert "take them out 31 days and 5 minutes after the last challenge" in done.stdout


def test_a_rotated_signer_keeps_its_limits(new_lab):
    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm-signer.pem", **LIMITS}]))
    rotate(lab, "--signer")
    rotate(lab, "--signer")
    trusted = lab.config()["policies"]["mdm"]["trusted_signers"]
    assert len({entry["certificate"] for entry in trusted}) == 3
    assert all({**entry, "certificate": 0} == {**LIMITS, "certificate": 0} for entry in trusted)


def test_limits_are_those_of_whichever_entry_has_the_certificate(new_lab):
    lab = new_lab(start=False)
    make_signer(lab.dir, "mdm2")
    pins = (lab.dir / "mdm2.pem").read_bytes() + (lab.dir / "mdm-signer.pem").read_bytes()
    (lab.dir / "pins.pem").write_bytes(pins)
    lab.edit(lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "pins.pem", **LIMITS}]))
    rotate(lab, "--signer")
    first, second = lab.config()["policies"]["mdm"]["trusted_signers"]
    assert second["certificate"] == "pins.pem"
    assert first == {**second, "certificate": lab.config()["policies"]["mdm"]["signer"][0]
                     ["certificate"]}


def test_a_signer_that_is_not_trusted_is_not_rotated(new_lab):
    lab = new_lab(start=False)
    make_signer(lab.dir, "mdm2")
    lab.edit(lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm2.pem", **LIMITS}]))
    assert "policies.mdm.trusted_signers" in refused_rotation(lab, "--signer")


@pytest.mark.parametrize("key", ["signer", "decryption"])
def test_the_key_in_place_of_an_encrypted_one_is_encrypted(new_lab, keys, key):
    lab = new_lab(start=False)
    file = lab.dir / lab.config()["policies"]["mdm"][key]["key"]["file"]
    plain = serialization.load_pem_private_key(file.read_bytes(), None)
    file.write_bytes(plain.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"correct horse")))
    (lab.dir / "passphrase").write_text("correct horse\n")
    (lab.dir / "passphrase").chmod(0o600)
    lab.edit(lambda c: c["policies"]["mdm"][key]["key"].update(passphrase={"file": "passphrase"}))
    made = lab.dir / rotate(lab, f"--{key}")["keys"][0]["key_file"]
    with pytest.raises(TypeError, match="encrypted"):
        serialization.load_pem_private_key(made.read_bytes(), None)
    serialization.load_pem_private_key(made.read_bytes(), b"correct horse")
    lab.start()
    assert ask(lab, keys(), "a", lab.challenge("--subject", "CN=a")).status == "success"


def test_what_cannot_be_entered_or_audited_leaves_nothing_behind(new_lab):
    lab = new_lab(start=False)
    (lab.dir / "scepgate.json.bak").mkdir()
    assert "scepgate.json.bak" in refused_rotation(lab, "--signer", "--decryption")
    intended, failed = lab.audit()
    assert (intended["event"], failed["event"]) == ("intend", "fail")
    assert intended["act"] == failed["act"] == "rotate"
    assert failed["fingerprints"] == intended["fingerprints"] and failed["error"]

    lab.edit(lambda c: c.update(audit={"file": "/dev/full"}))
    assert "nothing was done" in refused_rotation(lab, "--signer", "--decryption")

    lab.edit(lambda c: c.pop("audit"))
    (lab.dir / lab.config()["policies"]["mdm"]["decryption"]["certificate"]).write_text("none")
    assert "policies.mdm.decryption" in refused_rotation(lab, "--signer", "--decryption")


def test_rotations_at_once_lose_no_key(new_lab):
    lab = new_lab(start=False)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: rotate(lab, "--signer")["keys"][0], range(4)))
    policy = lab.config()["policies"]["mdm"]
    assert len(policy["signer"]) == len(policy["trusted_signers"]) == 5
    for key in made:
        file = pathlib.Path(key["certificate"]).name
        assert file in policy["trusted_signers"] and (lab.dir / file).exists()
        assert file in [pair["certificate"] for pair in policy["signer"]]
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr


def test_an_edit_during_a_rotation_is_kept(new_lab):
    lab = new_lab(start=False)
    os.mkfifo(lab.dir / "audit.pipe")
    limited = [{"certificate": "mdm-signer.pem", **LIMITS}]
    lab.edit(lambda c: c.update(audit={"file": "audit.pipe"}))
    audit = os.open(lab.dir / "audit.pipe", os.O_RDWR | os.O_NONBLOCK)
    filler = b"\n" * fcntl.fcntl(audit, fcntl.F_GETPIPE_SZ)
    assert os.write(audit, filler) == len(filler)  # so the rotation's first line waits
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        rotation = pool.submit(harness.run, "policy", "rotate", "--config", lab.config_file,
                               "--policy", "mdm", "--signer")
        try:
            harness.wait_until(lambda: list(lab.dir.glob("mdm-signer-*.key")), "the new key")
            lab.edit(lambda c: c["policies"]["mdm"].update(trusted_signers=limited))
        finally:
            os.read(audit, len(filler))
        done = rotation.result()
    os.close(audit)
    assert lab.config()["policies"]["mdm"]["trusted_signers"] == limited
    assert done.returncode == 2 and "was changed by somebody else" in done.stderr
    assert not list(lab.dir.glob("mdm-signer-*")), "no new key is left"


def test_a_rotation_is_audited_with_who_did_it(new_lab):
    lab = new_lab(start=False)
    rotated = rotate(lab, "--signer", "--decryption")
    intended, done = lab.audit()
    assert (intended["event"], done["event"]) == ("intend", "rotate")
    assert done["fingerprints"] == [key["fingerprint"] for key in rotated["keys"]]
    assert (done["policy"], done["step"], done["keys"]) == (
        "mdm", "at once", ["signer", "decryption"]) and done["by"]


def test_a_staged_rotation_refuses_no_challenge_at_any_step(lab, second_node, keys):
    other = second_node(lab)
    number = itertools.count()

    def all_enrol():
        """What either configuration makes enrols at either server."""
        for maker in (lab, other):
            made = [next(number), next(number)]
            for server, each in zip((lab, other), made):
                challenge = maker.challenge("--subject", f"CN=d{each}")
                reply = ask(server, keys(), f"d{each}", challenge)
                assert reply.status == "success", (maker.port, server.port)

    def spread():
        """From the first configuration to the other, and one server after the other."""
        all_enrol()
        policies = lab.config()["policies"]
        other.edit(lambda c: c.update(policies=policies))
        all_enrol()
        for server in (lab, other):
            reload(server)
            all_enrol()

    before = lab.config()["policies"]["mdm"]
    staged = rotate(lab, "--signer", "--decryption", "--stage")
    policy = lab.config()["policies"]["mdm"]
    assert policy["signer"][0] == before["signer"]
    assert policy["decryption"][0] == before["decryption"]
    spread()
    promoted = rotate(lab, "--signer", "--decryption", "--promote")
    assert [key["fingerprint"] for key in promoted["keys"]] == \
        [key["fingerprint"] for key in staged["keys"]]
    spread()

    def take_out(config):
        for key in ("signer", "decryption"):
            assert config["policies"]["mdm"][key][1] == before[key]
            del config["policies"]["mdm"][key][1]
        config["policies"]["mdm"]["trusted_signers"].remove(*before["trusted_signers"])

    lab.edit(take_out)
    spread()


def test_what_is_staged_has_the_limits_of_the_one_before(new_lab):
    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].update(
        trusted_signers=[{"certificate": "mdm-signer.pem", **LIMITS}]))
    rotate(lab, "--signer", "--stage")
    old, new = lab.config()["policies"]["mdm"]["trusted_signers"]
    assert {**new, "certificate": "mdm-signer.pem"} == old != new


def test_only_what_was_staged_is_promoted_and_only_behind_a_valid_key(new_lab):
    lab = new_lab(start=False)
    assert "--stage" in refused_rotation(lab, "--decryption", "--promote")
    assert refused_rotation(lab, "--decryption", "--promote", "--stage")
    make_signer(lab.dir, "over", days=-1)
    pair = {"certificate": "over.pem", "key": {"file": "over.key"}}
    lab.edit(lambda c: c["policies"]["mdm"].update(signer=pair, trusted_signers=["over.pem"]))
    assert "leave --stage out" in refused_rotation(lab, "--signer", "--stage")


def test_config_check_names_the_command_before_a_key_ends(new_lab):
    lab = new_lab(start=False)
    make_signer(lab.dir, "short", days=10)
    pair = {"certificate": "short.pem", "key": {"file": "short.key"}}
    lab.edit(lambda c: c["policies"]["mdm"].update(signer=pair, trusted_signers=["short.pem"]))
    command = f"scepgate policy rotate --config {lab.config_file} --policy mdm --signer"
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr
    assert command in checked.stdout + checked.stderr
    assert f"{command} --promote" not in checked.stdout + checked.stderr
    for step in ("--stage", "--promote"):
        done = harness.run(*command.split()[1:], step)
        assert done.returncode == 0, done.stderr
        checked = harness.run("config", "check", "--config", lab.config_file)
        assert (f"{command} --promote" in checked.stdout + checked.stderr) == (step == "--stage")
    assert command not in checked.stdout + checked.stderr


def test_a_configuration_with_comments_is_told_what_to_change(new_lab):
    lab = new_lab(start=False)
    text = lab.config_file.read_text()
    assert text.startswith("{")
    lab.config_file.write_text(text.replace("{", "{ // ours\n", 1))
    done = harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "mdm",
                       "--decryption")
    assert done.returncode == 0, done.stderr
    assert "Change in policies.mdm" in done.stdout
    assert "challenge-decryption-" in done.stdout
    assert "// ours" in lab.config_file.read_text()


def test_keys_that_only_the_MDM_has_are_not_rotated_here(new_lab):
    lab = new_lab(start=False, edit=lambda c: c["policies"]["mdm"].pop("signer"))
    done = harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "mdm",
                       "--signer")
    assert done.returncode == 1
    assert "policies.mdm.trusted_signers" in done.stderr
    assert harness.run("policy", "rotate", "--config", lab.config_file, "--policy", "nobody",
                       "--signer").returncode == 2
    assert harness.run("policy", "rotate", "--config", lab.config_file, "--policy",
                       "mdm").returncode == 2
