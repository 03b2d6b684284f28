"""CRLs and OCSP on the plain listener, asked by openssl, GnuTLS and plain HTTP."""

import base64
import datetime
import json
import subprocess
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from harness import run, wait_until


@pytest.fixture
def issued(new_lab, tmp_path):
    """A running lab with one certificate: its serial number in hex and its file."""
    lab = new_lab()
    challenge = lab.challenge("--subject", "CN=one,O=Example")
    made = run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
               "CN=one,O=Example", "--out", tmp_path / "one")
    assert made.returncode == 0, made.stderr
    lab.device = tmp_path / "one"
    lab.certificate = x509.load_pem_x509_certificate((lab.device / "cert.pem").read_bytes())
    lab.serial = f"{lab.certificate.serial_number:x}"
    lab.issuer = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    return lab


def cert(lab, *arguments):
    done = run("cert", *arguments, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          timeout=30)


def openssl_ocsp(lab, *more):
    return openssl("ocsp", *more, "-issuer", lab.dir / "ca.pem", "-CAfile", lab.dir / "ca.pem", "-cert",
                   lab.device / "cert.pem", "-url", lab.url.replace("/scep", "/ocsp"))


def request(lab, issuer=None):
    """About the lab's certificate, as `issuer`'s."""
    builder = ocsp.OCSPRequestBuilder()
    builder = builder.add_certificate(lab.certificate, issuer or lab.issuer, hashes.SHA1())
    return builder.build().public_bytes(serialization.Encoding.DER)


def get_target(der):
    return "/ocsp/" + urllib.parse.quote(base64.b64encode(der), safe="")


def test_a_certificate_says_where_its_crl_and_responder_are(issued):
    points = issued.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    assert points.value[0].full_name[0].value.endswith("/crl/lab.crl")
    access = issued.certificate.extensions.get_extension_for_class(
        x509.AuthorityInformationAccess)
    assert access.value[0].access_method == x509.AuthorityInformationAccessOID.OCSP
    assert access.value[0].access_location.value.endswith("/ocsp")


def test_the_crl_is_served_and_new_after_a_revocation_by_another_process(issued, tmp_path):
    first = issued.get("/crl/lab.crl")
    assert first.status == 200 and first.content_type == "application/pkix-crl"
    assert x509.load_der_x509_crl(first.body).is_signature_valid(issued.issuer.public_key())
    cert(issued, "revoke", issued.serial, "--reason", "keyCompromise")
    second = issued.get("/crl/lab.crl")
    crl = x509.load_der_x509_crl(second.body)
    entry = crl.get_revoked_certificate_by_serial_number(issued.certificate.serial_number)
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason == x509.ReasonFlags.key_compromise
    file = tmp_path / "lab.crl"
    file.write_bytes(second.body)
    verified = openssl("verify", "-crl_check", "-CAfile", issued.dir / "ca.pem", "-CRLfile", file,
                       issued.device / "cert.pem")
    assert verified.returncode != 0 and "certificate revoked" in verified.stderr
    shown = subprocess.run(["certtool", "--crl-info", "--inder", "--infile", str(file)],
                           capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0 and "Revoked certificates (1)" in shown.stdout


def test_the_crl_has_its_period_and_overlap(issued):
    issued.stop()
    issued.edit(lambda config: config["cas"]["lab"].update(
        crl={"period": "3d", "overlap": "12h", "path": "/pki/Lab+.crl"}))
    issued.start()
    crl = x509.load_der_x509_crl(issued.get("/pki/Lab+.crl").body)
    dated_back = 600
    assert (crl.next_update - crl.last_update).total_seconds() == 3.5 * 86400 + dated_back
    assert issued.get("/pki/Lab%2B.crl").body == issued.get("/pki/Lab+.crl").body
    assert issued.get("/pki/lab+.crl").status == 404
    assert issued.get("/pki/Lab%20.crl").status == 404
    assert issued.get("/crl/lab.crl").status == 404


def test_a_verifier_whose_clock_is_late_takes_crl_and_answer(issued, tmp_path):
    late = int(time.time()) - 540
    file = tmp_path / "lab.crl"
    file.write_bytes(issued.get("/crl/lab.crl").body)
    verified = openssl("verify", "-crl_check", "-attime", late, "-CAfile", issued.dir / "ca.pem",
                       "-CRLfile", file, issued.device / "cert.pem")
    assert verified.returncode == 0, verified.stderr
    with issued.http() as http:
        answer = ocsp.load_der_ocsp_response(http.request("GET", get_target(request(issued))).body)
    moment = datetime.datetime.utcfromtimestamp(late)
    assert answer.this_update <= moment < answer.next_update
    assert moment < answer.produced_at, "that is when it was signed"
    assert answer.certificates[0].not_valid_before <= answer.this_update


def test_caches_can_ask_whether_the_crl_is_new(issued):
    with issued.http() as http:
        first = http.request("GET", "/crl/lab.crl")
        tag = first.header("ETag")
        assert "max-age=" in first.header("Cache-Control")
        assert first.header("Last-Modified").endswith("GMT")
        same = http.request("GET", "/crl/lab.crl", headers=[("If-None-Match", tag)])
        assert same.status == 304 and same.body == b"" and same.header("ETag") == tag
        other = http.request("GET", "/crl/lab.crl", headers=[("If-None-Match", '"x"')])
        assert other.status == 200 and other.body == first.body
        head = http.request("HEAD", "/crl/lab.crl")
        assert head.status == 200 and head.body == b""
        assert int(head.header("Content-Length")) == len(first.body)
        assert http.request("POST", "/crl/lab.crl", body=b"x").status == 405
        cert(issued, "hold", issued.serial)
        new = http.request("GET", "/crl/lab.crl", headers=[("If-None-Match", tag)])
        assert new.status == 200 and new.header("ETag") != tag


def obsolete_dates(date):
    """As RFC 850 and asctime() have it: RFC 9110 section 5.6.7."""
    at = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
    return at.strftime("%A, %d-%b-%y %H:%M:%S GMT"), at.strftime("%a %b ") + f"{at.day:2}" + at.strftime(" %H:%M:%S %Y")


def test_caches_can_ask_by_the_date_of_a_crl(issued):
    with issued.http() as http:
        def status(date, more=(), method="GET"):
            fields = [("If-Modified-Since", date), *more]
            return http.request(method, "/crl/lab.crl", headers=fields).status

        first = http.request("GET", "/crl/lab.crl")
        date, tag = first.header("Last-Modified"), first.header("ETag")
        for same in (date, *obsolete_dates(date)):
            assert status(same) == 304
        assert status(date, method="HEAD") == 304
        assert status("Fri, 01 Jan 2100 00:00:00 GMT") == 200, "it is of no CRL"
        assert status("yesterday") == 200
        assert status(date, more=[("If-None-Match", '"x"')]) == 200, "that counts alone"
        assert status("yesterday", more=[("If-None-Match", tag)]) == 304


def test_no_two_crls_have_the_same_date(issued):
    """Made within a second, all with one thisUpdate."""
    seen = []
    with issued.http() as http:
        for change in ["hold", "release"] * 3:
            cert(issued, change, issued.serial)
            since = [("If-Modified-Since", date) for date in seen[-1:]]
            reply = http.request("GET", "/crl/lab.crl", headers=since)
            assert reply.status == 200
            date = reply.header("Last-Modified")
            assert date is None or date not in seen
            if date:
                seen.append(date)
            crl = x509.load_der_x509_crl(reply.body)
            assert len(list(crl)) == (change == "hold")
        date = wait_until(lambda: http.request("GET", "/crl/lab.crl").header("Last-Modified"),
                          "the clock comes to the last number")
        assert http.request("GET", "/crl/lab.crl", headers=[("If-Modified-Since", date)]).status == 304


def test_answers_and_certificates_have_no_date_to_ask_by(issued):
    issued.edit(lambda config: config["cas"]["lab"].update(certificate_path="/ca.crt"))
    issued.stop()
    issued.start()
    with issued.http() as http:
        for target in ("/ca.crt", get_target(request(issued))):
            date = http.request("GET", target).header("Last-Modified")
            assert http.request("GET", target, headers=[("If-Modified-Since", date)]).status == 200


def test_openssl_is_told_good_revoked_held_and_released(issued):
    good = openssl_ocsp(issued)
    assert "Response verify OK" in good.stderr and "cert.pem: good" in good.stdout
    cert(issued, "hold", issued.serial)
    held = openssl_ocsp(issued, "-no_nonce")
    assert "cert.pem: revoked" in held.stdout and "certificateHold" in held.stdout
    cert(issued, "release", issued.serial)
    assert "cert.pem: good" in openssl_ocsp(issued, "-no_nonce").stdout
    cert(issued, "revoke", issued.serial, "--reason", "superseded")
    revoked = openssl_ocsp(issued, "-sha256")
    assert "Response verify OK" in revoked.stderr
    assert "cert.pem: revoked" in revoked.stdout and "superseded" in revoked.stdout
    assert "Nonce" not in revoked.stderr, "the nonce came back"


def test_gnutls_takes_the_answers(issued):
    asked = ["ocsptool", "--ask=" + issued.url.replace("/scep", "/ocsp"), "--load-cert",
             str(issued.device / "cert.pem"), "--load-issuer", str(issued.dir / "ca.pem"),
             "--load-trust", str(issued.dir / "ca.pem")]
    good = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    assert good.returncode == 0 and "Certificate Status: good" in good.stdout, good
    cert(issued, "revoke", issued.serial)
    revoked = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    assert "Certificate Status: revoked" in revoked.stdout


def test_a_get_is_answered_from_memory_until_the_status_changes(issued):
    """RFC 5019: without a nonce the same octets go to all, and caches may keep them."""
    target = get_target(request(issued))
    with issued.http() as http:
        first = http.request("GET", target)
        assert first.status == 200 and first.content_type == "application/ocsp-response"
        answer = ocsp.load_der_ocsp_response(first.body)
        assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
        assert answer.next_update > answer.this_update
        signer = answer.certificates[0]
        assert signer.issuer == issued.issuer.subject
        usages = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert x509.ExtendedKeyUsageOID.OCSP_SIGNING in usages
        assert signer.extensions.get_extension_for_class(x509.OCSPNoCheck)
        assert "max-age=" in first.header("Cache-Control")
        assert http.request("GET", target).body == first.body
        same = http.request("GET", target, headers=[("If-None-Match", first.header("ETag"))])
        assert same.status == 304
        unpadded = target.replace("%3D", "")
        assert http.request("GET", unpadded).body == first.body
        cert(issued, "revoke", issued.serial, "--reason", "keyCompromise")
        answer = ocsp.load_der_ocsp_response(http.request("GET", target).body)
        assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
        assert answer.revocation_reason == x509.ReasonFlags.key_compromise


@pytest.mark.parametrize("path, target", [("/ocsp", "/ocsp//"), ("/ocsp/", "/ocsp/"), ("/ocsp/", "/ocsp//")])
def test_slashes_before_the_request_of_a_get_do_not_matter(issued, path, target):
    """RFC 5019 section 5: clients append to the URL of the certificate, with a slash or without."""
    issued.edit(lambda config: config["cas"]["lab"]["ocsp"].update(path=path))
    issued.stop()
    issued.start()
    asked = get_target(request(issued, issued.ca().ca)).removeprefix("/ocsp/")
    answer = ocsp.load_der_ocsp_response(issued.get(target + asked).body)
    assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL


def test_what_was_never_issued_is_unknown(issued):
    done = openssl("ocsp", "-issuer", issued.dir / "ca.pem", "-CAfile", issued.dir / "ca.pem",
                   "-serial", "0x123456", "-url", issued.url.replace("/scep", "/ocsp"))
    assert "0x123456: unknown" in done.stdout and "Response verify OK" in done.stderr


def test_who_asks_about_another_issuer_is_told_unauthorized(issued):
    reply = issued.http().request("POST", "/ocsp", body=request(issued, issued.certificate))
    answer = ocsp.load_der_ocsp_response(reply.body)
    assert answer.response_status == ocsp.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.parametrize("body", [b"", b"x", b"0\0", b"\x30\x80\0\0", bytes(20_000)],
                         ids=["nothing", "letter", "empty", "indefinite", "zeros"])
def test_garbage_is_a_malformed_request(issued, body):
    reply = issued.http().request("POST", "/ocsp", body=body)
    assert reply.status == 200 and reply.header("Cache-Control") == "no-store"
    answer = ocsp.load_der_ocsp_response(reply.body)
    assert answer.response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    if len(body) < 100:
        got = issued.get("/ocsp/" + urllib.parse.quote(base64.b64encode(body), safe=""))
        assert got.body == reply.body


def test_a_revoked_or_held_device_cannot_renew(issued):
    cert(issued, "hold", issued.serial)
    held = run("renew", "--url", issued.url, "--in", issued.device)
    assert held.returncode == 1
    cert(issued, "release", issued.serial)
    cert(issued, "revoke", issued.serial)
    assert run("renew", "--url", issued.url, "--in", issued.device).returncode == 1


def test_paths_that_are_taken_are_faults(new_lab):
    lab = new_lab(start=False)
    lab.edit(lambda config: config["cas"]["lab"]["ocsp"].update(path="/scep"))
    refused = run("config", "check", "--config", lab.config_file)
    assert refused.returncode == 2 and "taken" in refused.stdout + refused.stderr
    lab.edit(lambda config: config["cas"]["lab"].update(
        ocsp={}, crl_validity="2d"))
    refused = run("config", "check", "--config", lab.config_file, "--json")
    assert refused.returncode == 2
    assert "crl_validity" in json.dumps(refused.stdout + refused.stderr)
