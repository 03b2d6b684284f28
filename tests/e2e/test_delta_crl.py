"""Delta CRLs, judged by openssl and GnuTLS; certificates that the store does not know."""

import datetime
import json
import sqlite3
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from harness import run

DELTA_URL = "http://pki.example/crl/lab+.crl"


def tool(*arguments):
    return subprocess.run([str(one) for one in arguments], capture_output=True, text=True,
                          timeout=30)


@pytest.fixture
def lab(new_lab):
    made = new_lab(start=False)
    made.edit(lambda config: config["cas"]["lab"].update(
        crl={"period": "7d", "overlap": "1d", "delta": {"period": "1h"}},
        freshest_crl_urls=[DELTA_URL]))
    made.start()
    return made


@pytest.fixture
def key_of_ca(new_lab):
    """A lab, and its CA's key, which is in a file of it until it serves first."""
    made = new_lab(start=False)
    key = serialization.load_pem_private_key((made.dir / "ca.key").read_bytes(), None)
    return made.start(), key


def enrol(lab, out, name):
    challenge = lab.challenge("--subject", f"CN={name},O=Example")
    made = run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
               f"CN={name},O=Example", "--out", out / name)
    assert made.returncode == 0, made.stderr
    certificate = x509.load_pem_x509_certificate((out / name / "cert.pem").read_bytes())
    return out / name / "cert.pem", f"{certificate.serial_number:x}"


def command(lab, *arguments, status=0):
    done = run(*arguments, "--config", lab.config_file)
    assert done.returncode == status, done.stderr
    return done


def fetch(lab, path, file):
    reply = lab.get(path)
    assert reply.status == 200 and reply.content_type == "application/pkix-crl", reply
    file.write_bytes(reply.body)
    return x509.load_der_x509_crl(reply.body)


def fetch_both(lab, folder):
    return (fetch(lab, "/crl/lab.crl", folder / "lab.crl"),
            fetch(lab, "/crl/lab+.crl", folder / "lab+.crl"))


def verify(lab, certificate, *crls):
    files = [word for crl in crls for word in ("-CRLfile", crl)]
    return tool("openssl", "verify", "-crl_check", "-extended_crl", "-use_deltas", "-CAfile",
                lab.dir / "ca.pem", *files, certificate)


def number(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def base(crl):
    indicator = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical
    return indicator.value.crl_number


def reasons(crl):
    return {f"{one.serial_number:x}":
            one.extensions.get_extension_for_class(x509.CRLReason).value.reason for one in crl}


def test_openssl_believes_the_base_and_its_delta(lab, tmp_path):
    held_file, held = enrol(lab, tmp_path, "held")
    good_file, _ = enrol(lab, tmp_path, "good")
    first, empty = fetch_both(lab, tmp_path)
    (tmp_path / "base.crl").write_bytes((tmp_path / "lab.crl").read_bytes())
    assert base(empty) == number(first) and number(empty) > number(first) and len(empty) == 0
    freshest = first.extensions.get_extension_for_class(x509.FreshestCRL)
    assert freshest.value[0].full_name[0].value == DELTA_URL
    assert verify(lab, held_file, tmp_path / "base.crl", tmp_path / "lab+.crl").returncode == 0

    command(lab, "cert", "hold", held)
    full, delta = fetch_both(lab, tmp_path)
    assert reasons(delta) == reasons(full) == {held: x509.ReasonFlags.certificate_hold}
    assert number(delta) == number(full) and base(delta) == number(first)
    judged = verify(lab, held_file, tmp_path / "base.crl", tmp_path / "lab+.crl")
    assert judged.returncode != 0 and "certificate revoked" in judged.stderr
    assert verify(lab, good_file, tmp_path / "base.crl", tmp_path / "lab+.crl").returncode == 0
    assert verify(lab, held_file, tmp_path / "base.crl").returncode == 0, "without the delta"

    (tmp_path / "held.crl").write_bytes((tmp_path / "lab.crl").read_bytes())
    command(lab, "cert", "release", held)
    full, delta = fetch_both(lab, tmp_path)
    assert reasons(full) == {} and base(delta) == number(first)
    assert reasons(delta) == {held: x509.ReasonFlags.remove_from_crl}
    assert verify(lab, held_file, tmp_path / "held.crl").returncode != 0
    assert verify(lab, held_file, tmp_path / "held.crl", tmp_path / "lab+.crl").returncode == 0


def test_tools_read_both(lab, tmp_path):
    _, serial = enrol(lab, tmp_path, "one")
    command(lab, "cert", "revoke", serial, "--reason", "keyCompromise", "--invalidity-date",
            "2026-01-02T03:04:05Z")
    for path in ("/crl/lab.crl", "/crl/lab+.crl"):
        fetch(lab, path, tmp_path / "any.crl")
        shown = tool("openssl", "crl", "-inform", "DER", "-in", tmp_path / "any.crl", "-CAfile",
                     lab.dir / "ca.pem", "-noout", "-text")
        assert "verify OK" in shown.stderr and "Key Compromise" in shown.stdout
        assert "Jan  2 03:04:05 2026 GMT" in shown.stdout, "the invalidity date"
        assert ("Delta CRL Indicator: critical" in shown.stdout) == ("+" in path)
        pem = tmp_path / "any.pem"
        tool("openssl", "crl", "-inform", "DER", "-in", tmp_path / "any.crl", "-out", pem)
        judged = tool("certtool", "--verify-crl", "--infile", pem, "--load-ca-certificate",
                      lab.dir / "ca.pem")
        assert judged.returncode == 0 and "Verified" in judged.stdout, judged


def test_the_delta_by_command(lab, tmp_path):
    _, serial = enrol(lab, tmp_path, "one")
    command(lab, "cert", "revoke", serial)
    fetch_both(lab, tmp_path)  # a complete CRL that the server makes brings another delta
    out = tmp_path / "delta.crl"
    done = command(lab, "ca", "crl", "--delta", "--out", out)
    assert done.stdout.startswith("Delta CRL ")
    crl = x509.load_pem_x509_crl(out.read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(int(serial, 16))
    shown = json.loads(command(lab, "ca", "crl", "--delta", "--json").stdout)
    assert int(shown["base_number"], 16) == base(crl)
    assert int(shown["number"], 16) == number(crl), "the server's and the command's are one"
    records = [line for line in lab.audit(crls=True) if line["event"] == "crl"]
    assert {line["kind"] for line in records} == {"complete", "delta"}
    assert all(line["base"] for line in records if line["kind"] == "delta")


def test_without_delta_there_is_none(new_lab):
    lab = new_lab()
    assert lab.get("/crl/lab+.crl").status == 404
    refused = command(lab, "ca", "crl", "--delta", status=1)
    assert "crl.delta" in refused.stderr


def test_the_issuing_distribution_point_matches_the_certificates(lab, tmp_path):
    lab.stop()
    lab.edit(lambda config: config["cas"]["lab"]["crl"].update(issuing_distribution_point=True))
    lab.start()
    file, serial = enrol(lab, tmp_path, "one")
    full, delta = fetch_both(lab, tmp_path)
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    for crl in (full, delta):
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
        assert point.critical and list(point.value.full_name) == list(points[0].full_name)
        assert not point.value.only_contains_user_certs
    assert verify(lab, file, tmp_path / "lab.crl", tmp_path / "lab+.crl").returncode == 0
    command(lab, "cert", "revoke", serial)
    (tmp_path / "base.crl").write_bytes((tmp_path / "lab.crl").read_bytes())
    fetch_both(lab, tmp_path)
    judged = verify(lab, file, tmp_path / "base.crl", tmp_path / "lab+.crl")
    assert "certificate revoked" in judged.stderr


@pytest.mark.parametrize("change, words", [
    (lambda ca: ca.pop("freshest_crl_urls"), "no certificate and no CRL says where the delta is"),
    (lambda ca: ca["crl"].pop("delta"), "certificates name a delta CRL, and none is made"),
    (lambda ca: ca["crl"]["delta"].update(period="7d"), "as long as the complete CRL's"),
    (lambda ca: ca["crl"]["delta"].update(path="/crl/lab.crl"), "is taken by"),
    (lambda ca: ca["crl"].update(publish_to=["lab.crl"]), "complete and delta CRL would be one"),
    (lambda ca: ca["crl"].update(publish_to=["%3/lab%9.crl"]), "is not the path of a file"),
    (lambda ca: (ca["crl"].update(issuing_distribution_point=True), ca.pop("crl_urls")),
     "there are no crl_urls"),
])
def test_config_check_says_what_does_not_go_together(lab, change, words):
    lab.edit(lambda config: change(config["cas"]["lab"]))
    done = run("config", "check", "--config", lab.config_file)
    assert words in done.stderr + done.stdout


def not_recorded(lab, serial, *more, status=0):
    return command(lab, "cert", "revoke", serial, "--not-recorded", *more, status=status)


def test_a_certificate_that_a_restore_has_lost_is_taken_back(lab, tmp_path):
    backup = tmp_path / "backup.db"
    fetch_both(lab, tmp_path)  # nobody is making one while it is taken
    command(lab, "store", "backup", "--out", backup)
    lost_file, lost = enrol(lab, tmp_path, "lost")
    _, known = enrol(lab, tmp_path, "known")
    command(lab, "cert", "hold", known)
    first, _ = fetch_both(lab, tmp_path)
    assert reasons(first) == {known: x509.ReasonFlags.certificate_hold}
    lab.stop()
    store = lab.dir / lab.config()["store"]["sqlite"]
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    store.write_bytes(backup.read_bytes())
    lab.start()

    refused = command(lab, "cert", "revoke", lost, status=1)
    assert "--not-recorded" in refused.stderr
    not_recorded(lab, lost, "--reason", "keyCompromise", "--not-after", "2031-01-01")
    full, delta = fetch_both(lab, tmp_path)
    assert number(full) > number(first), "no number comes twice"
    assert reasons(full) == reasons(delta) == {lost: x509.ReasonFlags.key_compromise}
    assert "certificate revoked" in verify(lab, lost_file, tmp_path / "lab.crl").stderr
    asked = tool("openssl", "ocsp", "-issuer", lab.dir / "ca.pem", "-CAfile", lab.dir / "ca.pem",
                 "-cert", lost_file, "-url", lab.url.replace("/scep", "/ocsp"))
    assert "cert.pem: revoked" in asked.stdout and "keyCompromise" in asked.stdout
    assert run("renew", "--url", lab.url, "--in", lost_file.parent).returncode == 1
    assert "for ever" in not_recorded(lab, lost, status=1).stderr
    line, = [line for line in lab.audit() if line["event"] == "revoke"]
    assert line["recorded"] == "no" and line["not_after"].startswith("2031-01-01")


@pytest.mark.parametrize("serial", ["", "0", "00:00", "0x0", "ab" * 300])
def test_what_is_no_serial_number_is_not_revoked(lab, tmp_path, serial):
    first, _ = fetch_both(lab, tmp_path)
    refused = not_recorded(lab, serial, status=2)
    assert "serial number: " in refused.stderr
    assert command(lab, "cert", "revoke", serial, status=2)
    _, known = enrol(lab, tmp_path, "known")
    command(lab, "cert", "revoke", known, "--reason", "superseded")
    assert set(reasons(fetch_both(lab, tmp_path)[0])) == {known}


def test_serial_numbers_are_taken_as_people_paste_them(lab, tmp_path):
    for pasted in ("00:55:60:ab", "0x5561AB", "5562Ab"):
        not_recorded(lab, pasted, "--reason", "superseded")
    assert set(reasons(fetch_both(lab, tmp_path)[0])) == {"5560ab", "5561ab", "5562ab"}


def test_what_ended_before_any_crl_that_could_list_it_is_not_revoked(lab):
    day = datetime.datetime.utcnow()
    long_ago = (day - datetime.timedelta(days=40)).strftime("%Y-%m-%d")
    refused = not_recorded(lab, "5560ab", "--not-after", long_ago, status=2)
    assert "trusted by nobody" in refused.stderr
    not_recorded(lab, "5560ab", "--not-after",
                 (day - datetime.timedelta(days=20)).strftime("%Y-%m-%d"))


def test_a_row_that_no_crl_can_list_is_told_of_and_keeps_no_other_from_the_list(lab, tmp_path):
    _, known = enrol(lab, tmp_path, "known")
    command(lab, "cert", "revoke", known, "--reason", "superseded")
    with sqlite3.connect(lab.dir / "scepgate.db") as store:
        store.execute("INSERT INTO revocations SELECT issuer, X'00', revoked_at, reason, "
                      "invalidity_date, not_after, revision FROM revocations")
    for crl in fetch_both(lab, tmp_path):
        assert set(reasons(crl)) == {known}
    line = [line for line in lab.audit(crls=True) if line["event"] == "crl"][-1]
    assert line["left_out"].startswith("1: ") and "of number 0" in line["left_out"]
    told = [line for line in lab.log().splitlines() if "were left out" in line]
    assert told and all("error" in line and "of number 0" in line for line in told)


def test_what_not_recorded_is_not_for(lab, tmp_path):
    _, serial = enrol(lab, tmp_path, "one")
    assert "is recorded" in not_recorded(lab, serial, status=1).stderr
    assert not_recorded(lab, "no hex", status=2)
    assert "2027-01-01T00:00:00Z" in not_recorded(lab, "0abc", "--not-after", "soon",
                                                  status=2).stderr
    assert command(lab, "cert", "revoke", serial, "--not-after", "2031-01-01", status=2)
    future = (datetime.datetime.utcnow() + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
    refused = command(lab, "cert", "revoke", serial, "--invalidity-date", future, status=2)
    assert "future" in refused.stderr


HIGH = 9_999_999_999  # in the year 2286


def test_numbers_go_on_above_another_crl_of_the_ca(key_of_ca, tmp_path):
    lab, key = key_of_ca
    ca = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    now = datetime.datetime.utcnow()
    old = (x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(now)
           .next_update(now + datetime.timedelta(days=1))
           .add_extension(x509.CRLNumber(HIGH), False)
           .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()),
                          False).sign(key, hashes.SHA256()))
    file = tmp_path / "old.crl"
    file.write_bytes(old.public_bytes(serialization.Encoding.PEM))
    command(lab, "ca", "crl", "--above", file)
    _, serial = enrol(lab, tmp_path, "one")
    command(lab, "cert", "revoke", serial)
    assert number(fetch(lab, "/crl/lab.crl", tmp_path / "lab.crl")) > HIGH
    line, = [line for line in lab.audit() if line["event"] == "crl_number"]
    assert line["above"] == HIGH
    stranger = tmp_path / "stranger.crl"
    stranger.write_bytes(lab.get("/crl/lab.crl").body[:-1] + b"\0")
    assert command(lab, "ca", "crl", "--above", stranger, status=1)
