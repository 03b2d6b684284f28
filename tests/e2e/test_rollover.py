"""CA rollover: before the switch, the switch by the clock, and after it (RFC 8894 section 4.7)."""

import datetime
import json
import signal
import stat
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding

import der
import harness
import scep_client as scep
import two_tier
from scep_client import Csr, name

SAN = scep.subject_alt_name(("dns", "rollover.example"))
SUBJECT = name("rollover")
OLD = "CN=scepgate Lab CA"
NEW = "CN=scepgate Lab CA G2"


def at(seconds):
    """That many seconds from now, as the configuration writes it."""
    time_ = datetime.datetime.fromtimestamp(int(time.time() + seconds), datetime.timezone.utc)
    return time_.strftime("%Y-%m-%dT%H:%M:%SZ")


def rollover(lab, *arguments, from_=None):
    return harness.run("ca", "rollover", "--config", lab.config_file, "--ca", "lab", "--from",
                       from_ or at(86400), "--ca-key", "ec:p256", *arguments)


def switch_at(lab, moment):
    lab.edit(lambda config: config["endpoints"][0]["next"].update({"from": moment}))


@pytest.fixture
def prepared(new_lab):
    """A lab, not started, whose CA rolls over tomorrow."""
    lab = new_lab(start=False)
    made = rollover(lab)
    assert made.returncode == 0, made.stderr
    return lab


def next_ca(lab, present, tmp_path):
    """GetNextCACert, judged by the openssl program: signed under the present CA."""
    reply = lab.get("/scep?operation=GetNextCACert")
    assert (reply.status, reply.content_type) == (200, "application/x-x509-next-ca-cert")
    (tmp_path / "next.der").write_bytes(reply.body)
    (tmp_path / "present.pem").write_bytes(
        present.ca.public_bytes(scep.serialization.Encoding.PEM))
    subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any",
                    "-in", tmp_path / "next.der", "-CAfile", tmp_path / "present.pem",
                    "-out", tmp_path / "inner.der"], check=True, capture_output=True)
    return scep.sort_certificates(scep.certs_only((tmp_path / "inner.der").read_bytes()))


def capabilities(lab):
    return lab.get("/scep?operation=GetCACaps").body.split()


def request(lab, key, recipient, **options):
    challenge = lab.challenge("--subject", "CN=rollover", "--dns", "rollover.example",
                              "--key-usage", "both")
    csr = Csr(key, SUBJECT, challenge, [SAN, scep.key_usage(0, 2)])
    return scep.pkcs_req(csr, [recipient], **options)


def enrol(lab, key, ca, recipient=None, **options):
    """The certificate of an enrolment whose reply must come from the RA of `ca`."""
    reply = lab.send(request(lab, key, recipient or ca.encryption, **options), ca)
    assert reply.status == "success"
    return reply.certificate


def issued_by(certificate, ca):
    """The name of the CA, whose key must have signed it."""
    verify_issued_by(certificate, ca.ca)
    return certificate.issuer.rfc4514_string()


def verify_issued_by(certificate, ca):
    assert certificate.issuer == ca.subject
    arguments = [certificate.signature, certificate.tbs_certificate_bytes]
    if isinstance(ca.public_key(), ec.EllipticCurvePublicKey):
        arguments.append(ec.ECDSA(certificate.signature_hash_algorithm))
    else:
        arguments += [padding.PKCS1v15(), certificate.signature_hash_algorithm]
    ca.public_key().verify(*arguments)


def crl(lab, of, ca, signer, key):
    reply = lab.send(scep.get_crl(of, ca, signer, key), ca)
    assert reply.status == "success"
    return reply.crl


def is_switched(lab):
    return lab.get("/scep?operation=GetNextCACert").status == 404


# --- Before ------------------------------------------------------------------------------------

def test_E18_E20_D03_the_next_CA_can_be_fetched(prepared, tmp_path):
    lab = prepared.start()
    present = lab.ca()
    coming = next_ca(lab, present, tmp_path)
    assert coming.ca.subject.rfc4514_string() == NEW
    for ra in (coming.signing, coming.encryption):
        verify_issued_by(ra, coming.ca)
    assert b"GetNextCACert" in capabilities(lab)
    assert present.ca.subject.rfc4514_string() == OLD
    assert coming.ca not in present.all


def test_R_O08_the_next_CA_comes_whatever_CA_identifier_is_sent(prepared):
    lab = prepared.start()
    target = "/scep?operation=GetNextCACert"
    inner = {scep.asn1_cms.ContentInfo.load(reply.body)["content"]["encap_content_info"].dump()
             for reply in (lab.get(target + message) for message in (
                 "", "&message=", "&message=0", "&message=CAIdentifier", "&message=NDESCA"))}
    assert len(inner) == 1


@pytest.mark.parametrize("from_", [86400, -10], ids=["before", "after"])
def test_A_K03_no_key_of_either_RA_gets_a_certificate(prepared, from_):
    switch_at(prepared, at(from_))
    lab = prepared.start()
    ca = lab.ca()
    endpoint = lab.config()["endpoints"][0]
    for side in (endpoint["ra"], endpoint["next"]["ra"]):
        for role in ("signing", "encryption"):
            file = (lab.dir / side[role]["certificate"]).with_suffix(".key")
            key = scep.serialization.load_pem_private_key(file.read_bytes(), None)
            reply = lab.send(request(lab, key, ca.encryption), ca)
            assert (reply.status, reply.fail_info) == ("failure", "badRequest")
            assert lab.audit()[-1]["code"] == "KeyIsServers"
    assert lab.serials() == []


def test_E19_our_own_client_takes_the_next_CA(prepared, tmp_path):
    lab = prepared.start()
    fetched = harness.run("getnextca", "--url", lab.url, "--out", tmp_path / "next")
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "next" / "next-ca.pem").read_text() \
        == next(lab.dir.glob("next-*/ca.pem")).read_text()


def test_our_own_client_goes_on_over_the_switch(prepared, tmp_path):
    """renew, getcert and getcrl of a device that fetched the next CA in time."""
    lab = prepared.start()
    challenge = tmp_path / "challenge"
    challenge.write_text(lab.challenge("--subject", "CN=rollover"))
    device = tmp_path / "device"
    known = ("--url", lab.url, "--in", device)
    for command in (("enroll", "--url", lab.url, "--subject", "CN=rollover", "--challenge-file",
                     challenge, "--out", device),
                    ("getnextca", *known, "--out", device)):
        made = harness.run(*command)
        assert made.returncode == 0, made.stderr
    old = x509.load_pem_x509_certificate((device / "cert.pem").read_bytes())
    lab.stop()
    switch_at(lab, at(-5))
    lab.start()

    fetched = harness.run("getcrl", *known, "--out", tmp_path / "crl.pem")
    assert fetched.returncode == 0, fetched.stderr
    crl = x509.load_pem_x509_crl((tmp_path / "crl.pem").read_bytes())
    assert crl.issuer.rfc4514_string() == OLD
    fetched = harness.run("getcert", *known, "--serial", f"{old.serial_number:x}",
                          "--out", tmp_path / "again.pem")
    assert fetched.returncode == 0, fetched.stderr
    assert x509.load_pem_x509_certificate((tmp_path / "again.pem").read_bytes()) == old
    renewed = harness.run("renew", *known, "--out", tmp_path / "renewed")
    assert renewed.returncode == 0, renewed.stderr
    new = x509.load_pem_x509_certificate((tmp_path / "renewed" / "cert.pem").read_bytes())
    assert new.issuer.rfc4514_string() == NEW

    (device / "next-ca.pem").unlink()
    refused = harness.run("renew", *known, "--out", tmp_path / "refused")
    assert refused.returncode == 1 and "getnextca" in refused.stderr


def test_jscep_finds_the_next_CA_among_the_outer_certificates(prepared):
    lab = prepared.start()
    body = lab.get("/scep?operation=GetNextCACert").body
    signed = scep.asn1_cms.ContentInfo.load(body, strict=True)["content"]
    assert signed["encap_content_info"]["content_type"].native == "data", "sscep reads no other"
    outer = [scep.x509.load_der_x509_certificate(c.dump()) for c in signed["certificates"]]
    assert NEW in [c.subject.rfc4514_string() for c in outer]
    signer = signed["signer_infos"][0]["sid"].chosen.dump()
    assert signer == scep.issuer_and_serial(lab.ca().signing), "the signer of GetCACert"


def test_C16_what_a_request_is_encrypted_to_decides_who_issues(prepared, keys, tmp_path):
    lab = prepared.start()
    present = lab.ca()
    coming = next_ca(lab, present, tmp_path)
    assert issued_by(enrol(lab, keys(), present), present) == OLD
    early = enrol(lab, keys(1), coming)
    assert issued_by(early, coming) == NEW

    assert lab.send(scep.get_cert(early, present, early, keys(1)), present).certificate == early
    assert crl(lab, early, present, early, keys(1)).issuer == early.issuer
    new_csr = Csr(keys(), SUBJECT, None, [SAN, scep.key_usage(0, 2)])
    renewed = lab.send(scep.renewal_req(new_csr, [present.encryption], early, keys(1)), present)
    assert issued_by(renewed.certificate, present) == OLD


def test_C16_what_does_not_open_is_answered_by_the_RA_it_was_for(prepared, keys, tmp_path):
    lab = prepared.start()
    coming = next_ca(lab, lab.ca(), tmp_path)
    message = request(lab, keys(), coming.encryption)
    broken = bytearray(message.content)
    broken[-1] ^= 1
    message.content = bytes(broken)
    reply = lab.send(message, coming)
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")


# --- The switch ----------------------------------------------------------------------------------

def test_the_clock_alone_brings_the_switch(prepared, keys):
    lab = prepared
    moment = int(time.time()) + 8
    switch_at(lab, at(moment - time.time()))
    lab.start()
    seen = []

    def switched():
        before = time.time()
        state = is_switched(lab)
        if not state and before >= moment + 1:
            raise AssertionError("the switch is late")
        if state:
            assert time.time() >= moment, "the switch is early"
        seen.append(state)
        return state

    harness.wait_until(switched, "the switch")
    fresh = lab.ca()
    assert fresh.ca.subject.rfc4514_string() == NEW
    assert issued_by(enrol(lab, keys(), fresh), fresh) == NEW


def test_a_restart_changes_nothing_on_either_side_of_the_switch(prepared, keys):
    lab = prepared
    for moment, issuer in ((at(3600), OLD), (at(-5), NEW)):
        switch_at(lab, moment)
        for number in range(2):
            lab.start()
            ca = lab.ca()
            certificate = enrol(lab, keys(), ca, transaction_id=f"{issuer}-{number}")
            assert issued_by(certificate, ca) == issuer
            lab.stop()


def test_a_retry_gets_its_certificate_over_the_switch(prepared, keys):
    lab = prepared.start()
    old = lab.ca()
    message = request(lab, keys(), old.encryption)
    issued = lab.send(message, old).certificate
    lab.stop()
    switch_at(lab, at(-5))
    lab.start()
    assert lab.send(message, old).certificate == issued


# --- After ---------------------------------------------------------------------------------------

@pytest.fixture
def switched(prepared, keys):
    """(lab after the switch, GetCACert before it, a certificate of keys() from before it)"""
    lab = prepared.start()
    old = lab.ca()
    certificate = enrol(lab, keys(), old)
    switch_at(lab, at(-5))
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: is_switched(lab), "the reload")
    return lab, old, certificate


def test_E18_D03_after_the_switch_there_is_no_next_CA(switched):
    lab, old, _ = switched
    assert b"GetNextCACert" not in capabilities(lab)
    now = lab.ca()
    assert now.ca.subject.rfc4514_string() == NEW
    assert not set(now.all) & set(old.all)


def test_sscep_is_answered_by_the_old_RA_that_it_wrote_to_with_a_certificate_of_the_new_CA(
        switched, keys):
    lab, old, _ = switched
    assert issued_by(enrol(lab, keys(1), old), lab.ca()) == NEW
    refused = lab.send(scep.pkcs_req(Csr(keys(1), SUBJECT, "wrong", [SAN]), [old.encryption]), old)
    assert refused.status == "failure"


def test_a_certificate_of_the_old_CA_is_renewed_by_the_new_one(switched, keys):
    lab, _, certificate = switched
    now = lab.ca()
    csr = Csr(keys(1), SUBJECT, None, [SAN, scep.key_usage(0, 2)])
    reply = lab.send(scep.renewal_req(csr, [now.encryption], certificate, keys()), now)
    assert reply.status == "success"
    assert issued_by(reply.certificate, now) == NEW


def test_a_certificate_of_the_old_CA_is_still_found(switched, keys):
    lab, _, certificate = switched
    now = lab.ca()
    assert lab.send(scep.get_cert(certificate, now, certificate, keys()), now).certificate \
        == certificate


def test_jscep_names_the_CA_of_today_for_a_certificate_of_the_old_one(switched, keys):
    """Client.getCertificate takes the issuer from GetCACert, whoever issued the certificate."""
    lab, _, certificate = switched
    now = lab.ca()

    def ask(key):
        content = der.sequence(now.ca.subject.public_bytes(), der.integer(certificate.serial_number))
        return lab.send(scep.Message(scep.Envelope([now.encryption]).seal(content), key,
                                     scep.self_signed(key), message_type="21",
                                     transaction_id="0"), now)

    assert ask(keys()).certificates == [certificate]
    assert ask(keys(1)).fail_info == "badCertId", "it is for the holder of its key only"


def test_each_CA_goes_on_with_its_own_CRL(switched, keys):
    lab, old, certificate = switched
    now = lab.ca()
    new = enrol(lab, keys(1), now)
    for gone in (certificate, new):
        done = harness.run("cert", "revoke", format(gone.serial_number, "x"), "--config",
                           lab.config_file)
        assert done.returncode == 0, done.stderr
    for gone, other, ca in ((certificate, new, old), (new, certificate, now)):
        found = crl(lab, gone, now, new, keys(1))
        assert found.is_signature_valid(ca.ca.public_key())
        assert found.get_revoked_certificate_by_serial_number(gone.serial_number) is not None
        assert found.get_revoked_certificate_by_serial_number(other.serial_number) is None


# --- scepgate ca rollover --------------------------------------------------------------------------

def test_rollover_keeps_secrets_to_their_owner_and_the_old_configuration(new_lab):
    lab = new_lab(start=False)
    before = lab.config_file.read_text()
    mode = stat.S_IMODE(lab.config_file.stat().st_mode)
    made = rollover(lab, "--json")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    assert (said["added"], said["subject"]) == (True, NEW)
    folder = lab.dir / said["folder"]
    secrets = list(folder.glob("*.key"))
    assert len(secrets) == 3
    assert {stat.S_IMODE(f.stat().st_mode) for f in secrets} == {0o600}
    assert (lab.dir / "scepgate.json.bak").read_text() == before
    assert stat.S_IMODE(lab.config_file.stat().st_mode) == mode
    assert [line["event"] for line in lab.audit()] == ["rollover"]
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr


def test_rollover_does_nothing_twice(prepared):
    before = prepared.config_file.read_text()
    folders = list(prepared.dir.glob("next-*"))
    again = rollover(prepared)
    assert again.returncode == 1
    assert "endpoints[0].next stands already" in again.stderr
    assert prepared.config_file.read_text() == before
    assert list(prepared.dir.glob("next-*")) == folders


def test_rollover_goes_on_where_an_attempt_was_broken_off(new_lab):
    lab = new_lab(start=False)
    before = lab.config_file.read_text()
    moment = at(86400)
    first = json.loads(rollover(lab, "--json", from_=moment).stdout)
    lab.config_file.write_text(before)  # as if it had ended before the last step
    second = json.loads(rollover(lab, "--json", from_=moment).stdout)
    assert second == first


def test_rollover_keeps_the_comment_that_init_writes(new_lab):
    lab = new_lab(start=False)
    comment = "// Made by 'scepgate init'. {}\n/* more */\n"
    lab.config_file.write_text(comment + lab.config_file.read_text())
    assert rollover(lab).returncode == 0
    assert lab.config_file.read_text().startswith(comment)
    assert lab.config()["endpoints"][0]["next"]["ca"] in lab.config()["cas"]


def test_rollover_leaves_a_commented_configuration_alone_and_says_what_to_add(new_lab):
    lab = new_lab(start=False)
    text = lab.config_file.read_text().replace("{", "{ // ours\n", 1)
    lab.config_file.write_text(text)
    made = rollover(lab)
    assert made.returncode == 0, made.stderr
    assert lab.config_file.read_text() == text
    assert "comments" in made.stdout
    for part in ('"cas"', '"next"', '"type": "embedded"', "endpoints[0]"):
        assert part.strip('"') in made.stdout


@pytest.mark.parametrize("arguments,complaint,status", [
    (["--from", "2020-01-01T00:00:00Z"], "is over", 1),
    (["--from", "tomorrow"], "is no time", 2),
    (["--ca", "other"], "there is no CA 'other'", 2),
    (["--ca-key", "dsa:1024"], "--ca-key", 2),
    (["--ca-name", "x" * 65], "--ca-name", 1)])
def test_rollover_says_what_it_cannot_do(new_lab, arguments, complaint, status):
    lab = new_lab(start=False)
    before = lab.config_file.read_text()
    options = {"--ca": "lab", "--from": at(86400), "--ca-key": "ec:p256"}
    options.update(zip(arguments[::2], arguments[1::2]))
    flat = [word for pair in options.items() for word in pair]
    made = harness.run("ca", "rollover", "--config", lab.config_file, *flat)
    assert made.returncode == status
    assert complaint in made.stderr
    assert lab.config_file.read_text() == before
    assert not list(lab.dir.glob("next-*"))


def test_the_successor_of_a_CA_under_another_is_not_ours_to_make(new_lab):
    lab = new_lab(start=False)
    two_tier.rebuild(lab)
    made = rollover(lab)
    assert made.returncode == 1
    assert "is no self-signed root" in made.stderr
    assert '"next"' in made.stderr


# --- What config check says ------------------------------------------------------------------------

def check(lab):
    done = harness.run("config", "check", "--config", lab.config_file)
    return done.returncode, done.stdout + done.stderr


def test_a_switch_that_is_over_is_worth_a_warning(prepared):
    switch_at(prepared, at(-60))
    status, said = check(prepared)
    assert status == 0
    assert "warning: endpoints[0].next.from: is over" in said


def test_an_old_CA_may_expire_after_the_switch_but_not_before(prepared):
    key = scep.serialization.load_pem_private_key((prepared.dir / "ca.key").read_bytes(), None)
    subject = name("scepgate Lab CA")
    expired = two_tier.certify(subject, key, subject, key, ("key_cert_sign", "crl_sign"), True,
                               days=-1)
    two_tier.write(prepared, "ca", key, expired)
    status, said = check(prepared)
    assert status == 2
    assert "error: cas.lab.certificate" in said
    switch_at(prepared, at(-60))
    status, said = check(prepared)
    assert status == 0, said
    assert "cas.lab.certificate" not in said, "nothing is to be done about it"
    assert "warning: endpoints[0].next.from" in said


def test_a_switch_after_the_next_CAs_end_is_an_error(prepared):
    switch_at(prepared, "9000-01-01T00:00:00Z")
    status, said = check(prepared)
    assert status == 2
    assert "is not valid then" in said


def test_the_present_CA_cannot_be_its_own_successor(prepared):
    prepared.edit(lambda config: config["endpoints"][0]["next"].update(ca="lab"))
    status, said = check(prepared)
    assert status == 2
    assert "endpoints[0].next.ca: the next CA has the name of the present one" in said


def test_the_present_RA_cannot_serve_the_next_CA(prepared):
    prepared.edit(lambda config: config["endpoints"][0]["next"].update(
        ra=config["endpoints"][0]["ra"]))
    status, said = check(prepared)
    assert status == 2
    assert "requests would be encrypted to the same certificate as now" in said
    assert "is not issued by this endpoint's CA 'CN=scepgate Lab CA G2'" in said
