"""The CA's key in a process of its own: what the server gets from it, and what nobody gets."""

import grp
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import der
import scep_client
from harness import BINARY, Lab, load_json_with_comments, run, send_until_gone, wait_until
from signer_lab import Connection, Signer, frame, order, separated, spki


@pytest.fixture
def signers():
    """Signers are stopped, and judged, at the end of the test."""
    made = []

    def make(lab, **options):
        made.append(separated(lab, **options))
        return made[-1]

    yield make
    try:
        for signer in made:
            if signer.process is not None:
                signer.stop()
    finally:
        for signer in made:
            signer.kill()


@pytest.fixture
def pair(new_lab, signers):
    """A signer, and a server that serves with it."""
    lab = new_lab(start=False)
    signer = signers(lab)
    lab.start()
    return lab, signer


def enroll(lab, out, name="CN=device,O=Example", **options):
    challenge = lab.challenge("--subject", name)
    return run("enroll", "--url", lab.url, "--challenge", challenge, "--subject", name, "--out",
               out, **options)


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def lone(tmp_path_factory, templates):
    """A signer without a server: these tests are the server that was taken over."""
    path = tmp_path_factory.mktemp("lone") / "lab"
    shutil.copytree(templates(), path)
    lab = Lab(path)
    lab.edit(lambda config: config["templates"].update(
        Fleet={**config["templates"]["DeviceGeneral"], "subject": "CN={device_id},O=Fleet"}))
    signer = separated(lab, rules={"subject": {"allowed": ["CN", "O"],
                                               "patterns": {"CN": "forged|kiosk-[0-9]+"}},
                                   "dns_suffixes": ["example"]})
    yield signer
    signer.stop()


def test_init_makes_a_lab_whose_key_is_the_signers(tmp_path):
    lab = Lab(Path(tempfile.mkdtemp(prefix="sgn")) / "lab")
    made = run("init", lab.dir, "--signer", "--listen", f"127.0.0.1:{lab.port}", "--policy", "none")
    assert made.returncode == 0, made.stderr
    assert "scepgate signer --config" in made.stdout
    assert not (lab.dir / "ca.key").exists()
    assert (lab.dir / "signer").stat().st_mode & 0o777 == 0o700
    assert (lab.dir / "signer/ca.key").stat().st_mode & 0o777 == 0o600
    log = open(lab.dir / "signer/signer.log", "ab")
    signer = subprocess.Popen([BINARY, "signer", "--config", lab.dir / "signer/signer.json"],
                              stdout=log, stderr=log)
    try:
        wait_until((lab.dir / "signer/signer.sock").exists, "the signer listens")
        lab.start()
        done = run("enroll", "--url", lab.url, "--challenge", "none", "--subject", "CN=device",
                   "--out", tmp_path / "device")
        assert done.returncode == 0, done.stderr + lab.log()
        assert lab.get("/crl/lab.crl").status == 200
        answered = subprocess.run(
            ["openssl", "ocsp", "-issuer", lab.dir / "ca.pem", "-CAfile", lab.dir / "ca.pem",
             "-cert", tmp_path / "device/cert.pem", "-url", lab.url.replace("/scep", "/ocsp")],
            capture_output=True, text=True, timeout=30)
        assert "cert.pem: good" in answered.stdout, answered.stderr + lab.log()
        assert "Response verify OK" in answered.stderr
        config = load_json_with_comments((lab.dir / "signer/signer.json").read_text())
        assert config["audit"]["sync"] == "every"
        lab.stop()
        signer.send_signal(signal.SIGTERM)
        assert signer.wait(20) == 0
    finally:
        lab.kill()
        signer.kill()
        signer.wait()
        log.close()
        shutil.rmtree(lab.dir.parent)


# -- with an honest server ----------------------------------------------------------------------

def test_however_many_SIGTERMs_come_the_signer_ends_well(pair):
    _, signer = pair
    send_until_gone(signer.process, signal.SIGTERM)
    signer.stop()  # asserts exit status 0


def test_a_device_enrols_with_a_key_that_the_server_does_not_have(pair, tmp_path):
    lab, signer = pair
    assert not (lab.dir / "ca.key").exists()
    done = enroll(lab, tmp_path / "device")
    assert done.returncode == 0, done.stderr + lab.log()
    checked = subprocess.run(["openssl", "verify", "-CAfile", lab.dir / "ca.pem",
                              tmp_path / "device/cert.pem"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    certificate = x509.load_pem_x509_certificate((tmp_path / "device/cert.pem").read_bytes())
    (line,) = signer.audit("sign")
    assert int(line["serial"], 16) == certificate.serial_number
    assert line["sha256"] == certificate.fingerprint(hashes.SHA256()).hex()
    assert line["template"] == "DeviceGeneral" and line["subject"] == "CN=device,O=Example"
    assert [int(row["serial"], 16) for row in lab.certificates()] == [certificate.serial_number]


def test_renewal_revocation_and_the_crl_work_as_with_the_key_at_hand(pair, tmp_path):
    lab, signer = pair
    assert enroll(lab, tmp_path / "device").returncode == 0
    renewed = run("renew", "--url", lab.url, "--in", tmp_path / "device", "--out",
                  tmp_path / "renewed")
    assert renewed.returncode == 0, renewed.stderr
    serial = lab.certificates()[0]["serial"]
    revoked = run("cert", "revoke", serial, "--reason", "keyCompromise", "--config",
                  lab.config_file)
    assert revoked.returncode == 0, revoked.stderr
    made = run("ca", "crl", "--out", tmp_path / "ca.crl", "--config", lab.config_file)
    assert made.returncode == 0, made.stderr + signer.log()
    text = subprocess.run(["openssl", "crl", "-in", tmp_path / "ca.crl", "-noout", "-text",
                           "-CAfile", lab.dir / "ca.pem"], capture_output=True, text=True)
    assert "verify OK" in text.stderr and serial.upper().lstrip("0") in text.stdout.replace(" ", "")
    assert signer.audit("crl")[-1]["revoked"] == 1


def test_the_server_of_a_dead_signer_tells_devices_to_come_again(pair, tmp_path):
    lab, signer = pair
    signer.kill()
    challenge = lab.challenge("--subject", "CN=device,O=Example")
    arguments = ("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
                 "CN=device,O=Example", "--out", tmp_path / "device")
    done = run(*arguments)
    assert done.returncode == 1
    assert "SignerUnavailable" in lab.log() and "no signer at" in lab.log()
    assert not lab.certificates()
    signer.start()
    # The challenge was not used up.
    again = run(*arguments)
    assert again.returncode == 0, again.stderr + lab.log()


def test_a_signer_killed_under_load_loses_and_doubles_nothing(pair, tmp_path):
    lab, signer = pair
    count = 6
    challenges = lab.challenge("--subject", "CN=device%d,O=Example", "--count", str(count))
    outcomes = {}

    def device(number):
        for _ in range(30):
            done = run("enroll", "--url", lab.url, "--challenge", challenges[number], "--subject",
                       f"CN=device{number},O=Example", "--out", tmp_path / f"d{number}")
            outcomes[number] = done.returncode
            if done.returncode == 0:
                return

    threads = [threading.Thread(target=device, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        wait_until(lambda: signer.audit("sign") or not any(t.is_alive() for t in threads),
                   "something is signed")
        signer.kill()
        signer.start()
    for thread in threads:
        thread.join()
    assert outcomes == dict.fromkeys(range(count), 0), lab.log()[-3000:]
    recorded = lab.serials()
    assert len(recorded) == len(set(recorded)) == count
    signed = [int(line["serial"], 16) for line in signer.audit("sign")]
    assert set(recorded) <= set(signed)


def test_config_check_holds_server_and_signer_against_each_other(pair):
    lab, signer = pair

    def check():
        return run("config", "check", "--config", lab.config_file)

    good = check()
    assert good.returncode == 0 and "signer" not in good.stderr, good.stderr
    lab.edit(lambda config: config["templates"].update(More=config["templates"]["DeviceGeneral"]))
    lab.edit(lambda config: config["endpoints"][0]["templates"].update(signature="More"))
    missing = check()
    assert missing.returncode == 2 and "the signer has no template 'More'" in missing.stderr
    signer.kill()
    away = check()
    assert away.returncode == 0 and "no signer at" in away.stderr


def test_a_rollover_is_not_begun_where_the_key_is_not(pair):
    lab, _ = pair
    before = lab.config_file.read_text()
    done = run("ca", "rollover", "--config", lab.config_file, "--ca", "lab", "--from",
               "2030-01-01T00:00:00Z")
    assert done.returncode == 2 and "docs/signer.md" in done.stderr
    assert lab.config_file.read_text() == before


def test_config_check_judges_a_signers_configuration(pair):
    lab, signer = pair
    good = run("config", "check", "--config", signer.config_file)
    assert good.returncode == 0, good.stderr
    assert "signer.limits" in good.stderr and "signer.rules" in good.stderr  # warnings
    signer.edit(lambda config: config.update(endpoints=[]))
    bad = run("config", "check", "--config", signer.config_file)
    assert bad.returncode == 2 and "endpoints" in bad.stderr
    assert run("serve", "--config", signer.config_file).returncode == 2
    assert run("signer", "--config", lab.config_file).returncode == 2


@pytest.mark.parametrize("key", ["crl_urls", "ocsp_urls", "ca_issuers_urls", "freshest_crl_urls"])
def test_what_certificates_say_is_refused_on_the_servers_side(pair, key):
    lab, _ = pair
    lab.edit(lambda config: config["cas"]["lab"].update({key: ["http://pki.example/x"]}))
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert f"cas.lab.{key}" in checked.stderr and "signer's configuration" in checked.stderr


@pytest.mark.parametrize("key", ["crl", "ocsp"])
def test_what_is_served_is_refused_on_the_signers_side(pair, key):
    _, signer = pair
    signer.edit(lambda config: config["cas"]["lab"].update({key: {}}))
    checked = run("config", "check", "--config", signer.config_file)
    assert checked.returncode == 2
    assert f"cas.lab.{key}" in checked.stderr and "server's configuration" in checked.stderr


def test_a_missing_type_names_both(pair):
    lab, _ = pair
    lab.edit(lambda config: config["cas"]["lab"].pop("type"))
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "embedded" in checked.stderr and "signer" in checked.stderr


# -- with a server that was taken over ----------------------------------------------------------

def test_an_order_as_the_server_makes_it_is_signed(lone, key):
    answer = lone.ask(order(key, san=["dns:a.example"]))
    assert answer.kind == "issued", answer.text
    certificate = x509.load_der_x509_certificate(answer.fields[1][0])
    assert spki(key) == certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


FORGED = {
    "AnotherKeyThanTheRequests": (lambda key: order(key, csr=scep_client.Csr(
        ec.generate_private_key(ec.SECP256R1())).der()), "SignerKeyMismatch"),
    "ARequestWithABrokenSignature": (lambda key: order(key, csr=scep_client.Csr(
        key, break_signature=True).der()), "SignerProofInvalid"),
    "NoRequest": (lambda key: order(key, csr=b"0"), "SignerProofInvalid"),
    "AUsageThatTheTemplateLacks": (lambda key: order(key, key_usage=["nonRepudiation"]),
                                   "TemplateKeyUsageMismatch"),
    "KeyCertSign": (lambda key: order(key, key_usage=["keyCertSign"]), "TemplateKeyUsageMismatch"),
    "AnExtendedUsageThatTheTemplateLacks": (
        lambda key: order(key, extended_key_usage=["codeSigning"]),
        "TemplateExtendedKeyUsageMismatch"),
    "ATemplateOfNobody": (lambda key: order(key, by="Admin"), "TemplateUnknown"),
    "AnotherTemplateThanTheGrants": (lambda key: order(key, template="DeviceSignature"),
                                     "TemplateMismatch"),
    "ACaOfNobody": (lambda key: order(key, ca="root"), "SignerCaUnknown"),
    "ANameOutsideTheRules": (lambda key: order(key, san=["dns:bank.test"]), "RuleDnsName"),
    "ASubjectThatTheTemplateBuildsOutsideTheRules": (
        lambda key: order(key, by="Fleet", device_id="domain-controller"), "RuleSubjectPattern"),
    "ASubjectThatTheTemplateCannotBuild": (lambda key: order(key, by="Fleet"),
                                           "SubjectClaimMissing"),
    "AGrantOfAnotherVersion": (lambda key: order(key, v=2), "SignerGrantMalformed"),
    "AnUnknownMember": (lambda key: order(key, ca_too=True), "SignerGrantMalformed"),
    "NoName": (lambda key: order(key, subject="MAA="), "SignerGrantMalformed"),
    "NoKey": (lambda key: order(key, key=None), "SignerGrantMalformed"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_the_signers_own_templates_and_rules_do_not_allow_is_refused(lone, key, what):
    forge, code = FORGED[what]
    before = len(lone.audit("sign"))
    answer = lone.ask(forge(key))
    assert answer.code == code, answer.text
    assert len(lone.audit("sign")) == before
    assert lone.audit("refuse")[-1]["code"] == code


def test_validity_is_the_signers_templates_whatever_the_grant_says(lone, key):
    answer = lone.ask(order(key, max_validity=100 * 365 * 86400))
    certificate = x509.load_der_x509_certificate(answer.fields[1][0])
    length = certificate.not_valid_after - certificate.not_valid_before
    assert length.days <= 366


def test_an_order_asked_twice_gets_one_certificate(lone, key):
    one = order(key, order_id=bytes(32))
    first, second = lone.ask(one), lone.ask(one)
    assert first.kind == second.kind == "issued"
    assert first.fields[1] == second.fields[1]
    signed = len(lone.audit("sign"))
    # At the same time, too.
    same, answers = order(key), []
    threads = [threading.Thread(target=lambda: answers.append(lone.ask(same))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.fields[1][0] for answer in answers}) == 1
    assert len(lone.audit("sign")) == signed + 1


def test_an_order_is_remembered_over_a_crash(lone, key):
    one = order(key)
    first = lone.ask(one)
    lone.kill()
    lone.start()
    assert lone.ask(one).fields[1] == first.fields[1]


GARBAGE = {
    "Http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "AnotherVersion": b"SG\x02\x01\0\0\0\0",
    "AnUnknownKind": b"SG\x01\x7f\0\0\0\0",
    "AnAnswer": frame("signature", b"x"),
    "Endless": b"SG\x01\x02\xff\xff\xff\xff" + b"x" * 100,
    "NoFields": b"SG\x01\x02\0\0\0\0",
    "FieldsOutOfOrder": frame("issue", (2, "lab"), (1, bytes(32))),
    "Zeros": bytes(4096),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_cut_off_and_nobody_else_notices(lone, key, what):
    with Connection(lone.socket) as good, Connection(lone.socket) as bad:
        assert bad.ask(GARBAGE[what]) is None
        assert good.ask(frame("describe", "lab")).kind == "description"
    assert lone.ask(order(key)).kind == "issued"


def test_a_header_that_promises_much_does_not_hold_others_up(lone, key):
    with Connection(lone.socket) as slow:
        slow.send(b"SG\x01\x03" + struct.pack(">I", 60 << 20) + b"x" * 1000)
        assert lone.ask(order(key)).kind == "issued"


def tbs_of(crl):
    return x509.load_pem_x509_crl(crl.read_bytes()).tbs_certlist_bytes


def test_the_crl_key_signs_no_certificate(lone, key):
    issued = x509.load_der_x509_certificate(lone.ask(order(key)).fields[1][0])
    answer = lone.ask(frame("crl", "lab", issued.tbs_certificate_bytes))
    assert answer.code == "SignerCrlRefused"
    assert lone.ask(frame("crl", "lab", os.urandom(32))).code == "SignerCrlRefused"


def test_a_crl_is_not_taken_back(pair, tmp_path):
    lab, signer = pair
    assert enroll(lab, tmp_path / "device").returncode == 0
    empty, full = tmp_path / "empty.crl", tmp_path / "full.crl"
    assert run("ca", "crl", "--out", empty, "--config", lab.config_file).returncode == 0
    serial = lab.certificates()[0]["serial"]
    assert run("cert", "revoke", serial, "--config", lab.config_file).returncode == 0
    assert run("ca", "crl", "--out", full, "--config", lab.config_file).returncode == 0
    # The same order once more is answered; the one before it never again.
    assert signer.ask(frame("crl", "lab", tbs_of(full))).kind == "signature"
    older = signer.ask(frame("crl", "lab", tbs_of(empty)))
    assert older.code == "SignerCrlRefused" and "number" in older.text
    # With a new number and without the revoked certificate: still not.
    lists = tbs_of(empty)
    number = x509.load_pem_x509_crl(empty.read_bytes()).extensions.get_extension_for_class(
        x509.CRLNumber).value.crl_number
    old_extension, new_extension = (der.tlv(4, der.integer(value))
                                    for value in (number, number + 1000))
    assert lists.count(old_extension) == 1
    forged = signer.ask(frame("crl", "lab", lists.replace(old_extension, new_extension)))
    assert forged.code == "SignerCrlRefused" and "leaves out" in forged.text


# -- how much, and who --------------------------------------------------------------------------

def test_the_rate_is_limited_in_all_and_for_each_template_and_over_a_restart(new_lab, signers, key):
    lab = new_lab(start=False)
    signer = signers(lab, limits={"per_day": 4, "templates": {"DeviceGeneral": {"per_hour": 2}}})
    kinds = [signer.ask(order(key)).kind for _ in range(2)]
    assert kinds == ["issued", "issued"]
    third = signer.ask(order(key))
    assert third.code == "SignerRateLimited" and third.temporary
    assert "DeviceGeneral" in third.text
    signer.kill()
    signer.start()
    assert signer.ask(order(key)).code == "SignerRateLimited"
    others = [signer.ask(order(key, by="DeviceSignature")) for _ in range(3)]
    assert [answer.kind for answer in others] == ["issued", "issued", "refused"]
    assert "all certificates" in others[2].text
    assert signer.ask(order(key, by="Admin")).code == "TemplateUnknown", "names are not counted"
    signer.edit(lambda config: config["signer"].update(limits={"per_day": 5}))
    signer.reload()
    assert signer.ask(order(key)).kind == "issued"


def test_a_user_who_may_not_ask_is_refused_before_anything_is_read(new_lab, signers):
    signer = signers(new_lab(start=False), allow=["nobody"])
    assert signer.ask(frame("describe", "lab")) is None
    wait_until(lambda: "a user who may not ask" in signer.log(), "the refusal is logged")
    assert f"uid {os.geteuid()} " in signer.log()
    signer.edit(lambda config: config["signer"].update(allow=["nobody", str(os.geteuid())]))
    signer.reload()
    assert signer.ask(frame("describe", "lab")).kind == "description"


def as_two_users(new_lab, tmp_path):
    network, keeper = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
    lab = new_lab(start=False)
    signer = Signer(lab, allow=["nobody"], socket_group=grp.getgrgid(network.pw_gid).gr_name)
    config = lab.config()
    signer.take_over(config)
    shutil.copy(lab.dir / "ca.pem", signer.dir)
    signer.edit(lambda made: made["cas"]["lab"].update(certificate=str(signer.dir / "ca.pem")))
    lab.write_config(config)
    for folder, owner in ((lab.dir, network), (signer.dir, keeper)):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    os.chown(signer.dir, keeper.pw_uid, network.pw_gid)  # 0750: the network user may pass
    for path in lab.dir.parents:
        if path.stat().st_mode & 0o077 == 0:  # pytest's own folders
            path.chmod(0o711)
    # Where it was built, others may not look.
    program = shutil.copy(BINARY, tmp_path / "scepgate")
    tmp_path.chmod(0o711)
    signer.start(user=keeper.pw_uid, group=keeper.pw_gid, extra_groups=[network.pw_gid],
                 executable=program)
    try:
        read = subprocess.run(["cat", signer.dir / "lab.key"], user=network.pw_uid,
                              group=network.pw_gid, extra_groups=[], capture_output=True)
        assert read.returncode == 1 and b"BEGIN" not in read.stdout
        lab.start(user=network.pw_uid, group=network.pw_gid, extra_groups=[], executable=program)
        done = enroll(lab, tmp_path / "device")
        assert done.returncode == 0, done.stderr + lab.log() + signer.log()
        assert f"uid {network.pw_uid} " in signer.audit("sign")[0]["peer"]
        lab.stop()
    finally:
        lab.kill()
        signer.stop()


if os.geteuid() == 0:  # it takes root to become two users
    def test_server_and_signer_run_as_two_users_and_only_one_can_read_the_key(new_lab, tmp_path):
        as_two_users(new_lab, tmp_path)


def test_a_second_signer_and_a_foreign_file_are_not_pushed_aside(new_lab, signers):
    lab = new_lab(start=False)
    signer = signers(lab)
    second = run("signer", "--config", signer.config_file)
    assert second.returncode == 2 and "another signer listens" in second.stderr
    assert signer.ask(frame("describe", "lab")).kind == "description"
    signer.stop()
    assert not signer.socket.exists()
    signer.socket.write_text("precious")
    refused = run("signer", "--config", signer.config_file)
    assert refused.returncode == 2 and signer.socket.read_text() == "precious"


def test_a_signer_that_was_killed_leaves_a_socket_that_does_not_stand_in_the_way(new_lab, signers):
    signer = signers(new_lab(start=False))
    signer.kill()
    assert signer.socket.exists()
    with pytest.raises(OSError), socket.socket(socket.AF_UNIX) as dead:
        dead.connect(str(signer.socket))
    signer.start()
    assert signer.ask(frame("describe", "lab")).kind == "description"


def test_a_full_audit_disk_lets_no_certificate_out(new_lab, signers, key):
    lab = new_lab(start=False)
    signer = signers(lab, start=False)
    signer.edit(lambda config: config["audit"].update(file="/dev/full"))
    status = run("signer", "--config", signer.config_file)
    assert status.returncode != 0 and "/dev/full" in status.stderr
