"""What stands between a client and its certificate: wrong URLs, servers that are none, CAs that nobody
vouches for. Each failure is one message: what, where, and how to mend it."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import der
import fake_server
import harness
import oids
import scep_client as scep
from fake_server import FakeServer
from harness import run

WEB_PAGE = b"\r\n <!DOCTYPE html><title>Sign in</title>"


@pytest.fixture
def server(keys):
    with FakeServer(keys(0)) as fake:
        yield fake


def enroll(url, out, *more):
    return run("enroll", "--url", url, "--challenge", "x", "--subject", "CN=client", "--out", out,
               *more)


def fingerprint(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


def write_pem(file, *certificates):
    file.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
    return file


def assert_one_message(result, *words, status=1):
    assert result.returncode == status, result.stderr
    said = [line for line in result.stderr.splitlines() if line.startswith("scepgate: ")]
    assert len(said) == 1, result.stderr
    for word in words:
        assert word in said[0]


# --- The URL --------------------------------------------------------------------------------------

@pytest.mark.parametrize("url, why", [
    ("ftp://host/scep", "http://HOST"), ("host/scep", "http://HOST"), ("http:/host", "http://HOST"),
    ("http://", "no host"), ("http:///scep", "no host"), ("http://:80/scep", "no host"),
    ("http://host/scep#top", "#"), ("http://host/sc ep", "http://HOST"),
    ("http://host/scep?operation=GetCACaps", "operation="),
])
def test_E02_a_URL_that_is_none_is_bad_usage(tmp_path, url, why):
    result = enroll(url, tmp_path / "a")
    assert result.returncode == 2 and why in result.stderr
    assert not (tmp_path / "a").exists()


def test_E02_scepgate_serves_the_path_that_a_URL_without_one_leads_to(blob_lab, tmp_path):
    result = run("getca", "--url", f"HTTP://127.0.0.1:{blob_lab.port}", "--out", tmp_path / "got")
    assert result.returncode == 0, result.stderr


def test_Nobody_listens(tmp_path):
    url = f"http://127.0.0.1:{harness.free_port()}/scep"
    assert_one_message(enroll(url, tmp_path / "a"), url, "refused", "port")


def test_No_such_host(tmp_path):
    """A label longer than names may have: no name server is asked."""
    url = f"http://{'x' * 64}.example/scep"
    assert_one_message(enroll(url, tmp_path / "a"), url, "host name")


def test_A_password_in_the_URL_is_not_shown(server, tmp_path):
    server.overrides = {"GetCACert": (404, b"")}
    result = enroll(server.url.replace("://", "://user:hidden@"), tmp_path / "a")
    assert_one_message(result, "404")
    assert "hidden" not in result.stderr


# --- Servers that are none ------------------------------------------------------------------------

@pytest.mark.parametrize("operation", ["GetCACert", "PKIOperation"])
@pytest.mark.parametrize("answer, words", [
    ((200, WEB_PAGE), ["web page", "captive portal", "path"]),
    ((200, b""), ["nothing", "path"]),
    ((302, b""), ["302", "redirect"]),
    ((400, b""), ["400", "could not read"]),
    ((401, b""), ["401", "login"]),
    ((403, b""), ["403", "path"]),
    ((404, b""), ["404", "path"]),
    ((405, b""), ["405"]),
    ((413, b""), ["413", "too long"]),
    ((500, b"\x1b[2J"), ["500", "log"]),
    ((503, b""), ["503", "later"]),
    ("lose", ["hung up", "port"]),
    (b"SSH-2.0-fake\r\n", ["speaks no HTTP", "port"]),
], ids=lambda value: value[0] if isinstance(value, tuple) else None)
def test_An_answer_that_is_none_says_where_to_look(server, tmp_path, operation, answer, words):
    server.overrides = {operation: answer}
    result = enroll(server.url, tmp_path / "a")
    assert_one_message(result, operation, server.url, *words)
    assert "\x1b" not in result.stderr and not (tmp_path / "a" / "cert.pem").exists()
    server.overrides = {}
    assert enroll(server.url, tmp_path / "a").returncode == 0


@pytest.mark.parametrize("status", [405, 413, 414])
@pytest.mark.parametrize("method, other", [("get", "post"), ("post", "get")])
def test_A_message_that_does_not_pass_may_go_by_the_other_method(server, tmp_path, status, method,
                                                                 other):
    server.overrides = {"PKIOperation": (status, b"")}
    assert_one_message(enroll(server.url, tmp_path / "a", "--method", method),
                       f"try --method {other}")


@pytest.mark.parametrize("lie, words", [
    (lambda f: f.update(transaction_id="another"), ["another transactionID", "replays"]),
    (lambda f: f["replace"].update({oids.RECIPIENT_NONCE: der.octets(bytes(16))}),
     ["another recipientNonce", "replays"]),
    (lambda f: f.update(break_signature=True), ["GetCACert", "in between"]),
    (lambda f: f["replace"].update({oids.PKI_STATUS: der.printable("7")}), ["pkiStatus"]),
], ids=["transactionID", "nonce", "signature", "status"])
def test_A_reply_that_is_not_believed_says_why(server, tmp_path, lie, words):
    def reply(request, status, content=None, fail_info=None):
        fields = dict(content=scep.Envelope([request.signer]).seal(content),
                      signer_key=server.key, signer=server.ca,
                      transaction_id=request.transaction_id, message_type="3",
                      replace={oids.PKI_STATUS: der.printable(status),
                               oids.RECIPIENT_NONCE: der.octets(request.nonce)})
        lie(fields)
        return scep.Message(**fields).der()

    server.reply = reply
    result = enroll(server.url, tmp_path / "a")
    assert_one_message(result, server.url, "not believed", "--trace", *words)


@pytest.mark.parametrize("begins, ends, word", [(-9, -1, "expired at"), (1, 9, "begins at")])
def test_A_CA_that_is_not_valid_now_is_told_with_both_times(server, keys, tmp_path, begins, ends,
                                                            word):
    now = datetime.datetime.utcnow()
    server.ca = (x509.CertificateBuilder().subject_name(server.ca.subject)
                 .issuer_name(server.ca.subject).public_key(keys(0).public_key()).serial_number(7)
                 .not_valid_before(now + datetime.timedelta(days=begins))
                 .not_valid_after(now + datetime.timedelta(days=ends))
                 .add_extension(x509.BasicConstraints(True, None), True)
                 .sign(keys(0), hashes.SHA256()))
    assert_one_message(enroll(server.url, tmp_path / "a"), server.url, "CN=Fake CA", word,
                       now.strftime("%Y-%m-%d"), "clock")
    assert server.requests == []


@pytest.mark.parametrize("number, name", enumerate(
    ["badAlg", "badMessageCheck", "badRequest", "badTime", "badCertId"]))
def test_A_refusal_is_told_with_the_server_and_its_own_words(server, tmp_path, number, name):
    plain = server.reply

    def reply(request, status, content=None, fail_info=None):
        extra = {oids.PKI_STATUS: der.printable(status), oids.FAIL_INFO: der.printable(fail_info),
                 oids.RECIPIENT_NONCE: der.octets(request.nonce),
                 oids.FAIL_INFO_TEXT: der.utf8("ask the helpdesk")}
        return scep.Message(b"", server.key, server.ca, request.transaction_id, message_type="3",
                            replace=extra).der()

    server.reply = reply
    server.answers = [str(number)]
    assert_one_message(enroll(server.url, tmp_path / "a"), server.url, f"refuses: {name}",
                       '("ask the helpdesk")')
    server.reply = plain
    assert enroll(server.url, tmp_path / "a").returncode == 0


# --- Who vouches for the CA -----------------------------------------------------------------------

def test_A07_over_http_a_CA_that_nobody_vouches_for_is_warned_of(server, keys, tmp_path):
    server.next_ca = fake_server.signed_next_ca(server, [fake_server.make_ca(keys(1), "Next CA")])
    url = server.url.replace("127.0.0.1", "0.0.0.0")  # this machine, by an address that does not say so
    assert url != server.url
    for result in (enroll(url, tmp_path / "a"),
                   run("getca", "--url", url, "--out", tmp_path / "b"),
                   run("getnextca", "--url", url, "--out", tmp_path / "c")):
        assert result.returncode == 0, result.stderr
        said = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
        assert len(said) == 1
        for word in ("unseen", "CN=Fake CA", fingerprint(server.ca), "--ca-fingerprint"):
            assert word in said[0]


def test_on_this_machine_nobody_is_in_between_to_be_warned_of(server, tmp_path):
    for host in ("127.0.0.1", "localhost"):
        result = run("getca", "--url", server.url.replace("127.0.0.1", host), "--out", tmp_path / host)
        assert result.returncode == 0 and result.stderr == "", result.stderr
    elsewhere = server.url.replace("127.0.0.1", "127.0.0.1:80@0.0.0.0")
    result = run("getca", "--url", elsewhere, "--out", tmp_path / "elsewhere")
    assert result.returncode != 0 or "unseen" in result.stderr


@pytest.mark.parametrize("command", ["renew", "getcrl"])
def test_A07_an_enrolled_client_knows_its_CA_and_is_not_warned(server, tmp_path, command):
    assert enroll(server.url, tmp_path / "a").returncode == 0
    more = [] if command == "renew" else ["--out", tmp_path / "crl.pem"]
    result = run(command, "--url", server.url, "--in", tmp_path / "a", *more)
    assert result.returncode == 0 and "warning" not in result.stderr


def test_A07_a_file_of_CA_certificates_vouches_for_one_of_them(server, keys, tmp_path):
    other = fake_server.make_ca(keys(1), "Other CA")
    known = write_pem(tmp_path / "known.pem", other, server.ca)
    result = enroll(server.url, tmp_path / "a", "--ca-file", known)
    assert result.returncode == 0 and "warning" not in result.stderr
    server.requests.clear()
    refused = enroll(server.url, tmp_path / "b", "--ca-file", write_pem(tmp_path / "o.pem", other))
    assert_one_message(refused, server.url, "o.pem", fingerprint(server.ca), "operator")
    for text in ("", "damaged"):
        (tmp_path / "bad.pem").write_text(text)
        assert_one_message(enroll(server.url, tmp_path / "b", "--ca-file", tmp_path / "bad.pem"),
                           "bad.pem", status=2)
    assert_one_message(enroll(server.url, tmp_path / "b", "--ca-file", tmp_path / "none.pem"),
                       "none.pem", status=2)
    assert server.requests == []
    both = enroll(server.url, tmp_path / "b", "--ca-file", known, "--ca-fingerprint",
                  fingerprint(server.ca))
    assert both.returncode == 2


@pytest.fixture
def tls_server(server, keys, tmp_path):
    """The same behind TLS, and the certificate to trust."""
    now = datetime.datetime.utcnow()
    name = scep.name("127.0.0.1")
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(keys(1).public_key()).serial_number(1)
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName(
                       [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
                   .sign(keys(1), hashes.SHA256()))
    pem = write_pem(tmp_path / "tls.pem", certificate)
    (tmp_path / "tls.key").write_bytes(keys(1).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, tmp_path / "tls.key")
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.url = server.url.replace("http:", "https:")
    return server, pem


def test_A07_over_https_there_is_no_warning(tls_server, tmp_path):
    server, pem = tls_server
    result = enroll(server.url, tmp_path / "a", "--tls-ca", pem)
    assert result.returncode == 0, result.stderr
    assert "warning" not in result.stderr


def test_A_TLS_certificate_that_is_not_trusted(tls_server, tmp_path):
    server, _ = tls_server
    assert_one_message(enroll(server.url, tmp_path / "a"), server.url, "certificate", "--tls-ca")


def test_http_where_https_is_spoken_and_the_reverse(tls_server, keys, tmp_path):
    server, pem = tls_server
    assert_one_message(enroll(server.url.replace("https:", "http:"), tmp_path / "a"), "https://")
    with FakeServer(keys(2)) as plain:
        url = plain.url.replace("http:", "https:")
        assert_one_message(enroll(url, tmp_path / "b"), url, "http://")
