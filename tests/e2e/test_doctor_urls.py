"""`scepgate doctor --config`: whether CRLs, OCSP and the CA's certificate are where certificates say."""

import contextlib
import datetime
import http.server
import json
import threading

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import fake_server
import signer_lab
from harness import Lab, free_port, run

KINDS = ("url-ca", "url-crl", "url-delta-crl", "url-ocsp")
KEYS = dict(zip(KINDS, ("ca_issuers_urls", "crl_urls", "freshest_crl_urls", "ocsp_urls")))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """All that certificates can name, served where they say."""
    lab = Lab.init(tmp_path_factory.mktemp("doctor") / "lab", "--policy", "none")
    at = f"http://127.0.0.1:{lab.port}"

    def publish(config):
        ca = config["cas"]["lab"]
        ca["crl"]["delta"] = {}
        ca.update(certificate_path="/lab.crt", ca_issuers_urls=[f"{at}/lab.crt"],
                  freshest_crl_urls=[f"{at}/crl/lab+.crl"])

    lab.edit(publish)
    # As it was written, whoever has the key while it serves.
    config = lab.config()
    key = serialization.load_pem_private_key((lab.dir / "ca.key").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    lab.start()
    yield lab, config, key, certificate
    lab.stop()


@pytest.fixture
def diagnose(lab):
    """With other URLs than those of the lab: kind -> list."""

    def ask(*arguments, **urls):
        lab_, config, _, _ = lab
        other = json.loads(json.dumps(config))
        other["cas"]["lab"].update({KEYS[kind.replace("_", "-")]: places
                                    for kind, places in urls.items()})
        file = lab_.dir / "doctor.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(other))
        done = run("doctor", "--config", file, "--json", *arguments)
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert found["config"] == str(file)
        assert done.returncode == (1 if found["failed"] else 0)
        return found["checks"]

    return ask


@contextlib.contextmanager
def serving(**files):
    """A web server with these files; every POST gets the first."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = files.get(self.path.lstrip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.path = next(iter(files))
            self.do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def crl(key, issuer, ends=datetime.timedelta(days=1), delta=False):
    now = datetime.datetime.utcnow()
    made = (x509.CertificateRevocationListBuilder().issuer_name(issuer)
            .last_update(now - datetime.timedelta(days=3)).next_update(now + ends)
            .add_extension(x509.CRLNumber(7), False))
    if delta:
        made = made.add_extension(x509.DeltaCRLIndicator(3), True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def only(checks, kind):
    [found] = [check for check in checks if check["id"] == kind]
    return found


def outcomes(checks):
    return {check["id"]: check["outcome"] for check in checks}


def assert_fails_alone(checks, kind, *words):
    """And says what to do."""
    assert outcomes(checks) == {each: "failed" if each == kind else "ok" for each in KINDS}, checks
    found = only(checks, kind)
    for word in words:
        assert word in found["came"] + found["cause"], found
    assert found["remedies"] and found["sent"]


def test_all_is_well_where_the_server_serves_what_its_certificates_say(lab, diagnose):
    checks = diagnose()
    assert outcomes(checks) == dict.fromkeys(KINDS, "ok"), checks
    assert f"http://127.0.0.1:{lab[0].port}/crl/lab.crl" in only(checks, "url-crl")["came"]
    assert "signed answer: unknown" in only(checks, "url-ocsp")["came"]
    both = diagnose("--url", lab[0].url)
    assert len(both) == 36 + 4 and not [check for check in both if check["outcome"] == "failed"]


def test_for_people_each_url_is_a_line(lab):
    said = run("doctor", "--config", lab[0].dir / "doctor.json").stdout
    assert [line.split()[:2] for line in said.splitlines()[:4]] == [["ok", kind] for kind in KINDS]
    assert said.endswith("doctor.json: 4 ok\n") or "4 ok, 0 warning, 0 failed" in said


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_answers_it_says_so(diagnose, kind):
    url = f"http://127.0.0.1:{free_port()}/gone"
    checks = diagnose(**{kind: [url]})
    assert_fails_alone(checks, kind, url, "nobody answers")


@pytest.mark.parametrize("kind", KINDS)
def test_another_path_and_a_page_are_told_from_what_belongs_there(lab, diagnose, kind):
    at = f"http://127.0.0.1:{lab[0].port}"
    assert_fails_alone(diagnose(**{kind: [f"{at}/nowhere"]}), kind, "HTTP 404")
    with serving(page=b"welcome") as other:
        assert_fails_alone(diagnose(**{kind: [f"{other}/page"]}), kind, "7 octets")


def test_a_crl_that_is_over_is_found(lab, diagnose):
    _, _, key, ca = lab
    stale = crl(key, ca.subject, ends=-datetime.timedelta(days=1))
    with serving(crl=stale) as at:
        assert_fails_alone(diagnose(url_crl=[f"{at}/crl"]), "url-crl", "CRL 07", "it is over")


def test_a_crl_of_another_ca_is_found(lab, diagnose):
    _, _, key, ca = lab
    other = ec.generate_private_key(ec.SECP256R1())
    issuer = fake_server.make_ca(other).subject
    for foreign in (crl(other, issuer), crl(other, ca.subject), crl(key, issuer)):
        with serving(crl=foreign) as at:
            assert_fails_alone(diagnose(url_crl=[f"{at}/crl"]), "url-crl", "not signed by 'CN=")


def test_a_delta_in_the_place_of_a_crl_is_found_and_the_reverse(lab, diagnose):
    _, _, key, ca = lab
    files = {"whole": crl(key, ca.subject), "delta": crl(key, ca.subject, delta=True)}
    with serving(**files) as at:
        assert_fails_alone(diagnose(url_crl=[f"{at}/delta"]), "url-crl", "a delta is at the place")
        checks = diagnose(url_delta_crl=[f"{at}/whole"])
        assert_fails_alone(checks, "url-delta-crl", "a complete CRL is at the place")


def test_a_crl_and_a_certificate_in_pem_are_found(lab, diagnose):
    _, _, key, ca = lab
    pem = x509.load_der_x509_crl(crl(key, ca.subject)).public_bytes(serialization.Encoding.PEM)
    with serving(crl=pem, crt=ca.public_bytes(serialization.Encoding.PEM)) as at:
        assert_fails_alone(diagnose(url_crl=[f"{at}/crl"]), "url-crl", "DER")
        assert_fails_alone(diagnose(url_ca=[f"{at}/crt"]), "url-ca", "DER")


def test_the_certificate_of_another_ca_is_found(diagnose):
    other = fake_server.make_ca(ec.generate_private_key(ec.SECP256R1()))
    with serving(crt=other.public_bytes(serialization.Encoding.DER)) as at:
        assert_fails_alone(diagnose(url_ca=[f"{at}/crt"]), "url-ca", "Fake CA", "not the CA's")


def test_another_cas_responder_and_a_forged_answer_are_found(tmp_path, lab, diagnose):
    _, _, _, ca = lab
    another = Lab.init(tmp_path / "another", "--policy", "none", "--ca-name", "Another CA")
    another.start()
    try:
        url = f"http://127.0.0.1:{another.port}/ocsp"
        checks = diagnose(url_ocsp=[url])
        assert_fails_alone(checks, "url-ocsp", "unauthorized", "does not answer for this CA")
    finally:
        another.stop()
    key = ec.generate_private_key(ec.SECP256R1())
    forger = fake_server.make_ca(key)
    now = datetime.datetime.utcnow()
    forged = (ocsp.OCSPResponseBuilder()
              .add_response(ca, ca, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now, None, None, None)
              .responder_id(ocsp.OCSPResponderEncoding.HASH, forger).certificates([forger])
              .sign(key, hashes.SHA256()))
    with serving(ocsp=forged.public_bytes(serialization.Encoding.DER)) as at:
        assert_fails_alone(diagnose(url_ocsp=[f"{at}/ocsp"]), "url-ocsp", "signature is not the CA's")


def test_what_is_not_asked_is_told(lab, diagnose):
    checks = diagnose("--skip", "url-ocsp", url_crl=["ldap:///CN=lab", *lab[1]["cas"]["lab"]["crl_urls"]],
                      url_delta_crl=[])
    told = [(check["id"], check["outcome"]) for check in checks]
    assert told == [("url-ca", "ok"), ("url-crl", "skipped"), ("url-crl", "ok"),
                    ("url-delta-crl", "skipped"), ("url-ocsp", "skipped")]
    assert "only http is asked" in checks[1]["cause"]


def test_of_a_signers_ca_the_signers_file_says_where(lab, diagnose):
    lab_, config, _, _ = lab
    theirs = {"type": "signer", "certificate": "ca.pem", "socket": "/run/none.sock"}
    file = lab_.dir / "with-signer.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({**config, "cas": {"lab": theirs}}))
    done = run("doctor", "--config", file)
    assert done.returncode == 0 and "give --config the signer's file" in done.stdout, done.stdout


def test_of_a_signers_file_the_cas_urls_are_asked(tmp_path):
    lab = Lab.init(tmp_path / "lab", "--policy", "none")
    signer = signer_lab.separated(lab, start=False)
    done = run("doctor", "--config", signer.config_file)
    assert done.returncode == 1 and "skipped  url-ca" in done.stdout
    for path in ("/crl/lab.crl", "/ocsp"):
        assert f"http://127.0.0.1:{lab.port}{path}: no reply" in done.stdout, done.stdout


def test_without_anything_to_ask_it_is_bad_usage():
    done = run("doctor")
    assert done.returncode == 2 and "--config" in done.stderr
