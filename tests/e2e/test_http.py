"""HTTP as real clients, proxies and browsers speak it (rfc8894.md section 5, attacks.md H and B)."""

import base64
import email.utils
import re
import time
import urllib.parse

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep
from harness import raw_exchange
from scep_client import Csr, name, pkcs_req

CAPS = "/scep?operation=GetCACaps"


# --- What is the same for everybody -------------------------------------------------------------

def test_D01_D02_GetCACaps_lists_exactly_what_works(static_lab):
    reply = static_lab.get(CAPS)
    assert (reply.status, reply.content_type) == (200, "text/plain")
    words = reply.body.decode("ascii").split("\n")
    assert words.pop() == "", "each keyword ends its line"
    assert sorted(words) == sorted(["AES", "DES3", "POSTPKIOperation", "Renewal", "SCEPStandard",
                                    "SHA-1", "SHA-256", "SHA-384", "SHA-512"])


def test_D03_switched_off_algorithms_are_not_listed_and_not_taken(new_lab, keys):
    def modern_only(config):
        config["endpoints"][0]["algorithms"] = {"sha1": False, "des3": False}

    lab = new_lab("--policy", "static", edit=modern_only)
    words = lab.get(CAPS).body.decode().split()
    assert "DES3" not in words and "SHA-1" not in words and "AES" in words
    ca = lab.ca()
    csr = Csr(keys(), name("old"), "x")
    for options in (dict(digest="sha1"), dict(envelope=dict(cipher="des3"))):
        message = pkcs_req(csr, [ca.encryption], **options)
        reply = lab.send(message, ca, digest="sha256")
        assert (reply.status, reply.fail_info) == ("failure", "badAlg")


def test_E10_GetCACert_gives_RA_signing_RA_encryption_CA_in_this_order(static_lab):
    reply = static_lab.get("/scep?operation=GetCACert")
    assert (reply.status, reply.content_type) == (200, "application/x-x509-ca-ra-cert")
    certificates = scep.certs_only(reply.body)
    roles = scep.sort_certificates(certificates)
    assert certificates[:3] == [roles.signing, roles.encryption, roles.ca]
    assert roles.signing != roles.encryption != roles.ca
    usage = scep.x509.KeyUsage
    signing = roles.signing.extensions.get_extension_for_class(usage).value
    encryption = roles.encryption.extensions.get_extension_for_class(usage).value
    assert signing.digital_signature and not signing.key_encipherment
    assert encryption.key_encipherment and not encryption.digital_signature
    assert len({scep.cert_key(c) for c in certificates}) == len(certificates), "keys of their own"


@pytest.mark.attack("E11")
def test_E09_CA_mode_gives_one_bare_certificate_and_enrols(new_lab, keys, tmp_path):
    """The CA speaks SCEP itself: its certificate needs the usages for it."""
    lab = new_lab("--policy", "static", start=False)
    make_ca_speak_scep(lab)
    lab.start()
    reply = lab.get("/scep?operation=GetCACert")
    assert (reply.status, reply.content_type) == (200, "application/x-x509-ca-cert")
    pem = (lab.dir / lab.config()["cas"]["lab"]["certificate"]).read_bytes()
    ca = scep.x509.load_pem_x509_certificate(pem)
    assert reply.body == scep.cert_der(ca)
    source = next(iter(lab.config()["policies"].values()))["password"]["file"]
    csr = Csr(keys(), name("ca-mode"), (lab.dir / source).read_text().strip())
    assert lab.enrol(csr).status == "success"
    assert "ra" in lab.log(), "CA mode is warned about"


def make_ca_speak_scep(lab):
    config = lab.config()
    (ca,) = config["cas"].values()
    key = serialization.load_pem_private_key((lab.dir / ca["key"]["file"]).read_bytes(), None)
    old = scep.x509.load_pem_x509_certificate((lab.dir / ca["certificate"]).read_bytes())
    usage = dict.fromkeys(["content_commitment", "data_encipherment", "key_agreement",
                           "encipher_only", "decipher_only"], False) | dict.fromkeys(
        ["digital_signature", "key_encipherment", "key_cert_sign", "crl_sign"], True)
    new = (scep.x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.subject)
           .public_key(key.public_key()).serial_number(scep.x509.random_serial_number())
           .not_valid_before(old.not_valid_before).not_valid_after(old.not_valid_after)
           .add_extension(scep.x509.BasicConstraints(True, 0), True)
           .add_extension(scep.x509.KeyUsage(**usage), True)
           .add_extension(scep.x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
           .sign(key, scep.hashes.SHA256()))
    (lab.dir / ca["certificate"]).write_bytes(new.public_bytes(serialization.Encoding.PEM))
    del config["endpoints"][0]["ra"]
    lab.write_config(config)


def test_E18_GetNextCACert_without_a_next_CA_is_404(static_lab):
    assert static_lab.get("/scep?operation=GetNextCACert").status == 404


def test_a_browser_is_shown_403_when_there_is_a_policy(static_lab):
    reply = static_lab.get("/scep")
    assert (reply.status, reply.content_type) == (403, "text/html")


def test_a_browser_is_shown_the_page_of_NDES_when_there_is_none(new_lab):
    reply = new_lab("--policy", "none").get("/scep")
    assert reply.status == 200
    assert b"Network Device Enrollment Service" in reply.body


@pytest.mark.parametrize("path", [
    "/scep", "/SCEP", "/Scep/", "/scep/pkiclient.exe", "/scep/PKICLIENT.EXE",
    "/certsrv/mscep/mscep.dll", "/CertSrv/mscep/mscep.dll", "/certsrv/mscep/mscep.dll/",
    "/certsrv/mscep/mscep.dll/pkiclient.exe"])
def test_E03_paths_match_without_case_and_with_any_suffix(static_lab, path):
    assert static_lab.get(f"{path}?operation=GetCACaps").status == 200


@pytest.mark.attack("H11")
@pytest.mark.parametrize("path", ["/", "/sce", "/scepx", "/other", "/scep/../etc/passwd",
                                  "/scep/%2e%2e/x", "/scep//x", "/admin", "/metrics"])
def test_H11_other_paths_are_404_or_400(static_lab, path):
    assert static_lab.get(f"{path}?operation=GetCACaps").status in (400, 404)


@pytest.mark.attack("H16")
@pytest.mark.parametrize("query,status", [
    ("operation=getcacaps", 200), ("OPERATION=GetCACaps", 200), ("x=1&operation=GetCACaps&y", 200),
    ("message=&operation=GetCACaps", 200), ("operation=GetCACert&message=", 200),
    ("operation=GetCACert&message=0", 200), ("operation=GetCACert&message=unknown", 200),
    ("operation=%47etCACaps", 200),
    ("operation=GetCACaps&operation=GetCACert", 400), ("operation=Nonsense", 400),
    ("operation=", 400), ("operation=GetCACert&message=1&message=2", 400),
    ("operation=GetCACaps%zz", 400), ("operation=PKIOperation", 400),
    ("operation=PKIOperation&message=", 400)])
def test_E23_H16_queries(static_lab, query, status):
    assert static_lab.get(f"/scep?{query}").status == status


def test_E13_E24_a_CertRep_has_its_type_and_is_not_cached(static_lab, keys):
    ca = static_lab.ca()
    reply = static_lab.post(pkcs_req(Csr(keys(), name("x"), "wrong"), [ca.encryption]))
    assert (reply.status, reply.content_type) == (200, "application/x-pki-message")
    assert reply.header("Cache-Control") == "no-store, no-transform"
    assert reply.header("Content-Length") == str(len(reply.body))
    assert reply.reason


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-pki-message"},
                                     {"Content-Type": "application/octet-stream"}])
@pytest.mark.parametrize("target", ["/scep?operation=PKIOperation", "/scep"])
def test_E11_E12_POST_needs_neither_type_nor_operation(static_lab, password, keys, headers, target):
    ca = static_lab.ca()
    message = pkcs_req(Csr(keys(), name("post"), password), [ca.encryption])
    with static_lab.http() as http:
        reply = http.request("POST", target, message.der(), headers)
    assert static_lab.open(reply, message, ca).status == "success"


def test_E11_POST_of_another_operation_is_400(static_lab):
    with static_lab.http() as http:
        assert http.request("POST", "/scep?operation=GetCACert", b"x").status == 400


def test_E25_an_empty_POST_is_400_and_the_connection_lives(static_lab):
    with static_lab.http() as http:
        assert http.request("POST", "/scep?operation=PKIOperation", b"").status == 400
        assert http.request("GET", CAPS).status == 200


def test_E25_Expect_100_continue_is_answered(static_lab, password, keys):
    ca = static_lab.ca()
    body = pkcs_req(Csr(keys(), name("expect"), password), [ca.encryption]).der()
    head = (f"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode()
    with harness.socket.create_connection(("127.0.0.1", static_lab.port), 10) as s:
        s.sendall(head)
        assert s.recv(4096).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
    assert b" 200 " in out.split(b"\r\n")[0]


def test_E22_HTTP_1_0_without_Host_is_answered_and_closed(static_lab):
    out = raw_exchange(static_lab.port, f"GET {CAPS} HTTP/1.0\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.[01] 200 \S", out)
    assert b"Content-Length:" in out


@pytest.mark.attack("H12", "Z04")
def test_a_missing_Host_is_accepted_on_1_1_and_two_are_refused(static_lab):
    """strongSwan 6 sends none."""
    end = b"Connection: close\r\n\r\n"
    line = f"GET {CAPS} HTTP/1.1\r\n".encode()
    assert b" 200 " in raw_exchange(static_lab.port, line + end)[:20]
    assert b" 400 " in raw_exchange(static_lab.port, line + b"Host: a\r\nHost: b\r\n" + end)[:20]


def test_E22_HEAD_gives_the_header_only(static_lab):
    out = raw_exchange(static_lab.port,
                       f"HEAD {CAPS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = out.partition(b"\r\n\r\n")
    assert b" 200 " in head and body == b"" and b"Content-Length: 0" not in head


@pytest.mark.parametrize("request_line", [
    f"GET {CAPS}", "GET /scep?operation=GetCACert", "GET /scep?operation=none", "GET /nowhere", "PUT /scep",
    "POST /scep?operation=PKIOperation", "GET http://[/", "GET /scep"])
def test_each_reply_says_once_when_it_was_made(static_lab, request_line):
    """RFC 9110 section 6.6.1."""
    out = raw_exchange(static_lab.port, f"{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    dates = re.findall(rb"\r\nDate: ([^\r]+)\r\n", out.partition(b"\r\n\r\n")[0] + b"\r\n")
    assert len(dates) == 1, out
    made = email.utils.parsedate_to_datetime(dates[0].decode()).timestamp()
    assert abs(made - time.time()) < 60


@pytest.mark.attack("H13")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "get", "X" * 5000])
def test_H13_other_methods_are_405_with_Allow(static_lab, method):
    with static_lab.http() as http:
        reply = http.request(method, CAPS)
    if len(method) > 10 and reply.status == 400:
        return
    assert reply.status == 405
    assert {m.strip() for m in reply.header("Allow").split(",")} == {"GET", "HEAD", "POST"}


@pytest.mark.attack("H06")
def test_H06_pipelined_requests_are_answered_in_order(static_lab):
    one = f"GET {CAPS} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    cert = b"GET /scep?operation=GetCACert HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    out = raw_exchange(static_lab.port, (one + cert) * 50 + last)
    types = re.findall(rb"Content-Type: ([^\r]+)", out)
    assert types[:100] == [b"text/plain", b"application/x-x509-ca-ra-cert"] * 50
    assert re.findall(rb"HTTP/1\.1 (\d+)", out)[-1] == b"404"


@pytest.mark.attack("H07", "H08", "Z01")
@pytest.mark.parametrize("head", [
    b"Transfer-Encoding: gzip\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked, gzip\r\n",
    b'Transfer-Encoding: "chunked"\r\n',
    b"Transfer-Encoding: chunked;q=1\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    b"Content-Length: 4\r\nContent-Length: 5\r\n",
    b"Content-Length: 4\r\nContent-Length: 4\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: 0x4\r\n",
    b"Content-Length: -1\r\n",
], ids=lambda h: h.decode().replace("\r\n", " "))
def test_H07_H08_Z01_nothing_is_smuggled(static_lab, head):
    smuggled = b"GET /scep?operation=GetCACert HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    out = raw_exchange(static_lab.port, b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\n"
                       + head + b"\r\n" + b"0\r\n\r\n" + smuggled)
    assert len(re.findall(rb"HTTP/1\.[01] \d", out)) == 1, out[:400]
    assert re.match(rb"HTTP/1\.1 4\d\d ", out)


@pytest.mark.attack("H14")
def test_H14_TLS_on_the_plain_port_and_h2_preface_do_no_harm(static_lab):
    for octets in (bytes.fromhex("160301020001"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 100):
        raw_exchange(static_lab.port, octets, half_close=True)
    assert static_lab.get(CAPS).status == 200


# --- Long requests ------------------------------------------------------------------------------

def long_message(ca, key, password, octets):
    """A right message whose GET target is about `octets` long, by padding the CSR."""
    target = ""
    pad = octets * 70 // 100
    for _ in range(12):
        filler = scep.attribute("1.2.840.113549.1.9.2", scep.der.utf8("x" * pad))
        message = pkcs_req(Csr(key, name("long"), password, attributes=[filler]), [ca.encryption])
        encoded = urllib.parse.quote(base64.b64encode(message.der()).decode(), safe="+/=")
        target = f"/scep?operation=PKIOperation&message={encoded}"
        if abs(len(target) - octets) < 200:
            return message, target
        pad += (octets - len(target)) * 72 // 100
    raise AssertionError(f"{len(target)} is not {octets}")


@pytest.mark.attack("H01", "Z05")
@pytest.mark.parametrize("kilobytes", [8, 16, 40, 60, 100])
def test_E07_H01_a_long_GET_is_processed(static_lab, password, keys, kilobytes):
    ca = static_lab.ca()
    message, target = long_message(ca, keys(), password, kilobytes * 1024)
    assert len(target) > kilobytes * 1024 - 200
    assert static_lab.open(static_lab.get(target), message, ca).status == "success"


@pytest.mark.attack("H01")
def test_H01_200_KB_is_a_clean_414_and_the_server_lives(static_lab, password, keys):
    ca = static_lab.ca()
    _, target = long_message(ca, keys(), password, 200 * 1024)
    out = raw_exchange(static_lab.port, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert out.startswith(b"HTTP/1.1 414 ")
    assert len(re.findall(rb"HTTP/1\.1 \d", out)) == 1
    assert b"connection: close" in out.lower()
    message, short = long_message(ca, keys(), password, 8 * 1024)
    assert static_lab.open(static_lab.get(short), message, ca).status == "success"
    assert re.search(r"414.*\d{6}|\d{6}.*414", static_lab.log()), "the measured length is logged"


@pytest.mark.attack("H02", "Z05")
def test_a_body_over_the_limit_is_413_and_headers_over_it_431(static_lab):
    with static_lab.http() as http:
        head = b"POST /scep HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
        assert raw_exchange(static_lab.port, head).startswith(b"HTTP/1.1 413 ")
        many = "".join(f"X-{i}: y\r\n" for i in range(900))
        for fields in (many, "X: " + "y" * 100_000 + "\r\n"):
            out = raw_exchange(static_lab.port,
                               f"GET {CAPS} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
            assert out.startswith(b"HTTP/1.1 431 ")
        assert http.request("GET", CAPS).status == 200


# --- The message parameter ----------------------------------------------------------------------

def plus_rich(lab, password, keys):
    """A message whose base64 has +, / and padding."""
    ca = lab.ca()
    for length in range(1, 60):
        csr = Csr(keys(), name("b" * length), password)
        message = pkcs_req(csr, [ca.encryption])
        text = base64.b64encode(message.der()).decode()
        if "+" in text and "/" in text and text.endswith("="):
            return ca, message, text
    raise AssertionError("no such message")


def lines_of_64(text):
    return [text[i:i + 64] for i in range(0, len(text), 64)]


ENCODINGS = {
    "percent-encoded": lambda t: urllib.parse.quote(t, safe=""),
    "lower-case escapes": lambda t: t.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
    "raw": lambda t: t,
    "only = escaped": lambda t: t.replace("=", "%3D"),
    "plus as %20": lambda t: t.replace("+", "%20"),
    "lines with %0A": lambda t: urllib.parse.quote("\n".join(lines_of_64(t)), safe=""),
    "lines with %0D%0A": lambda t: "%0D%0A".join(lines_of_64(t)),
    "a last line break": lambda t: "%0A".join(lines_of_64(t)) + "%0A",
    "no padding": lambda t: t.rstrip("="),
    "URL-safe": lambda t: t.replace("+", "-").replace("/", "_"),
    "URL-safe without padding": lambda t: t.replace("+", "-").replace("/", "_").rstrip("="),
}


@pytest.mark.attack("B01", "B02", "B03", "B04")
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.replace(" ", "-"))
def test_E06_B01_B03_every_spelling_of_the_message_is_read(static_lab, password, keys, encoding):
    ca, message, text = plus_rich(static_lab, password, keys)
    spelled = ENCODINGS[encoding](text)
    for target in (f"/scep?operation=PKIOperation&message={spelled}",
                   f"/scep?message={spelled}&operation=PKIOperation"):
        assert static_lab.open(static_lab.get(target), message, ca).status == "success"


WRONG = {
    "encoded twice": lambda t: urllib.parse.quote(urllib.parse.quote(t, safe=""), safe=""),
    "both alphabets": lambda t: t.replace("+", "-", 1),
    "too much padding": lambda t: t + "=",
    "padding in the middle": lambda t: t[:400] + "=" + t[400:],
    "a length of 1 modulo 4": lambda t: t.rstrip("=")[:len(t) // 4 * 4 - 3],
    "a broken escape": lambda t: t + "%zz",
    "a cut escape": lambda t: t + "%2",
    "NUL": lambda t: t[:100] + "%00" + t[100:],
    "a high octet": lambda t: t[:100] + "%ff" + t[100:],
    "PEM armour": lambda t: "-----BEGIN%20PKCS7-----%0A" + t,
    "an exclamation mark": lambda t: t[:100] + "!" + t[101:],
}


@pytest.mark.attack("B02", "B04", "B05", "B06")
@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w.replace(" ", "-"))
def test_B02_to_B06_other_spellings_are_400(static_lab, password, keys, wrong):
    ca, _, text = plus_rich(static_lab, password, keys)
    while text.count("+") < 2:
        ca, _, text = plus_rich(static_lab, password, keys)
    reply = static_lab.get(f"/scep?operation=PKIOperation&message={WRONG[wrong](text)}")
    assert (reply.status, reply.content_type) == (400, "text/plain")


@pytest.mark.attack("B08")
def test_B08_base64_in_a_POST_is_400(static_lab, password, keys):
    _, _, text = plus_rich(static_lab, password, keys)
    assert static_lab.post(text.encode()).status == 400


def test_which_repair_was_needed_is_logged(static_lab, password, keys):
    _, _, text = plus_rich(static_lab, password, keys)
    static_lab.get("/scep?operation=PKIOperation&message="
                   + text.replace("+", "-").replace("/", "_").rstrip("="))
    log = static_lab.log()
    assert "url-safe" in log and "no-padding" in log
