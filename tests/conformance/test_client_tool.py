"""The client's duties (RFC 8894), held by `scepgate enroll`, `renew` and `getca` against a server
that lies."""

import base64
import re
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import der
import oids
import scep_client as scep
from fake_mutant import Mutant
from fake_server import certs_only
from harness import run


@pytest.fixture
def server(keys):
    with Mutant(keys(0)) as fake:
        yield fake


@pytest.fixture(scope="session")
def key_file(keys):
    """A key that is there already: making one takes longer than all else."""
    return keys(3).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())


@pytest.fixture
def enroll(server, tmp_path, key_file):
    """`scepgate enroll` into a folder, each with the same key unless it is to make its own."""
    def enroll_(folder="a", *more, url=None, key=key_file):
        out = tmp_path / folder
        if key and not out.exists():
            out.mkdir(mode=0o700)
            (out / "key.pem").touch(0o600)
            (out / "key.pem").write_bytes(key)
        return run_enroll(url or server.url, out, *more)
    return enroll_


def run_enroll(url, out, *more):
    return run("enroll", "--url", url, "--challenge", "secret", "--subject",
               "CN=client,O=Example", "--out", out, *more)


# --- What it sends --------------------------------------------------------------------------------

def test_R_A04_R_E04_R_E12_R_C01_what_a_first_enrolment_sends(server, enroll):
    """The CA's certificate first, by GET; then the message by POST, of the type it is."""
    assert enroll().returncode == 0
    assert server.operations[-1] == ("POST", "PKIOperation")
    assert sorted(server.operations[:-1]) == [("GET", "GetCACaps"), ("GET", "GetCACert")]
    headers = {k.lower(): v for k, v in server.seen[-1][2].items()}
    assert headers["content-type"] == "application/x-pki-message"
    assert der.oid(oids.CHALLENGE_PASSWORD) in server.requests[0].content


@pytest.mark.parametrize("typed, path", [
    ("", "/cgi-bin/pkiclient.exe?"), ("?ca=1", "/cgi-bin/pkiclient.exe?ca=1&"), ("/", "/?"),
    ("/scep", "/scep?"), ("/scep/ca?x=1", "/scep/ca?x=1&"),
], ids=["none", "none-but-a-query", "root", "one", "one-and-a-query"])
def test_R_E02_where_no_path_is_given_it_is_that_of_the_RFC(server, enroll, typed, path):
    result = enroll("a", url=server.url.removesuffix("/scep") + typed)
    assert result.returncode == 0, result.stderr
    assert len(server.seen) == 3
    for _, _, _, target in server.seen:
        assert target.startswith(path + "operation=")


def test_R_E04_only_PKIOperation_is_ever_posted(server, enroll):
    assert enroll("a", "--method", "post").returncode == 0
    assert {m for m, operation in server.operations if operation != "PKIOperation"} == {"GET"}


def test_R_E05_a_message_by_GET_is_standard_base64_percent_escaped(server, enroll):
    for number in range(2):
        assert enroll(str(number), "--method", "get").returncode == 0
    for method, operation, _, path in server.seen:
        if operation == "PKIOperation":
            text = path.partition("message=")[2]
            assert method == "GET" and not set(text) & set("-_+/= ")
            base64.b64decode(urllib.parse.unquote(text), validate=True)


def test_R_A10_R_A12_the_transient_certificate_has_the_subject_and_key_of_the_CSR(server, enroll):
    """R_A09: self-signed, for signing and for decrypting the answer."""
    assert enroll().returncode == 0
    request = server.requests[0]
    csr = x509.load_der_x509_csr(request.content)
    assert request.message_type == "19"
    assert request.signer.subject == request.signer.issuer == csr.subject
    assert scep.cert_key(request.signer) == scep.cert_key(csr)
    usage = request.signer.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.key_encipherment


def test_R_B12_R_B22_R_E15_one_transaction_id_and_ever_new_nonces(server, enroll):
    server.answers = ["pending", "lose", "pending"]
    assert enroll("a", "--poll", "0s").returncode == 1, "a poll without an answer"
    assert enroll("a", "--poll", "0s").returncode == 0
    ids = [r.transaction_id for r in server.requests]
    assert [r.message_type for r in server.requests] == ["19", "20", "20", "20"]
    assert len(set(ids)) == 1 and re.fullmatch("[0-9a-f]{32}", ids[0])
    nonces = [r.nonce for r in server.requests]
    assert len(set(nonces)) == 4 and {len(n) for n in nonces} == {16}


def test_R_B12_each_operation_has_a_transaction_id_of_its_own(server, enroll, tmp_path):
    """All of one key, which is what the older drafts hashed."""
    assert enroll("a").returncode == 0
    assert enroll("b").returncode == 0
    mine = x509.load_pem_x509_certificate((tmp_path / "a" / "cert.pem").read_bytes())
    for command in (("renew", "--same-key"), ("getcrl", "--out", tmp_path / "crl.pem"),
                    ("getcert", "--serial", f"{mine.serial_number:x}", "--out", tmp_path / "c")):
        result = run(*command, "--url", server.url, "--in", tmp_path / "a")
        assert result.returncode == 0, result.stderr
    assert [r.message_type for r in server.requests] == ["19", "19", "17", "22", "21"]
    assert len({r.transaction_id for r in server.requests}) == 5


def test_R_T02_it_stops_at_the_limit_of_polls_and_has_no_certificate(server, enroll, tmp_path):
    server.answers = ["pending"] * 5
    result = enroll("a", "--poll", "0s", "--poll-limit", "3")
    assert result.returncode == 1
    assert [r.message_type for r in server.requests] == ["19", "20", "20", "20"]
    assert not (tmp_path / "a" / "cert.pem").exists()


def test_R_T02_it_stops_polling_at_a_failure(server, enroll):
    server.answers = ["pending", "2", "2"]
    assert enroll("a", "--poll", "0s").returncode == 1
    assert [r.message_type for r in server.requests] == ["19", "20"]


def test_R_A11_R_A15_a_renewal_is_signed_by_the_old_certificate(server, enroll, tmp_path):
    assert enroll().returncode == 0
    old = x509.load_pem_x509_certificate((tmp_path / "a" / "cert.pem").read_bytes())
    result = run("renew", "--url", server.url, "--in", tmp_path / "a")
    assert result.returncode == 0, result.stderr
    request = server.requests[-1]
    assert (request.message_type, request.signer) == ("17", old)
    assert der.oid(oids.CHALLENGE_PASSWORD) not in request.content


# --- Capabilities ---------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    "aes\r\nSha-256\r\npostpkioperation\r\n", "AES\nSHA-256\nPOSTPKIOperation",
    "Example.com-Frobnicate\nAES\nAES-GCM\nSHA-256\nSHA-3\nPOSTPKIOperation\n", "SCEPStandard\n",
    "\n\nSCEPStandard\r\n\n",
], ids=["case-and-CRLF", "no-last-line-end", "unknown-words", "SCEPStandard-alone", "empty-lines"])
def test_R_D05_R_D04_R_D02_keywords_are_found_however_they_are_written(server, enroll, text):
    server.capabilities = text
    result = enroll()
    assert result.returncode == 0, result.stderr
    request = server.requests[0]
    assert (request.method, request.cipher, request.digest) == ("POST", "aes128", "sha256")


@pytest.mark.parametrize("text", ["AES\nSHA-256\nSHA-512\nDES3\nSHA-1\n",
                                  "SHA-1\nDES3\nSHA-512\nSHA-256\nAES\nSCEPStandard\n"])
def test_R_D08_of_all_that_is_offered_it_takes_AES128_and_SHA256(server, enroll, text):
    server.capabilities = text
    assert enroll().returncode == 0
    assert (server.requests[0].cipher, server.requests[0].digest) == ("aes128", "sha256")


@pytest.mark.parametrize("answer", ["", None], ids=["empty", "404"])
def test_R_D06_no_answer_to_GetCACaps_is_no_capabilities(server, enroll, answer):
    server.capabilities = answer
    result = enroll()
    assert result.returncode == 0, result.stderr
    request = server.requests[0]
    assert (request.method, request.cipher, request.digest) == ("GET", "des3", "sha1")
    assert "note: " in result.stderr, "the user is told what became of it"


NO_CAPABILITIES = {
    "it hangs up": "lose",
    "an HTTP error": (500, b"AES\nSHA-256\n"),
    "a web page": (200, b"<html><body>AES</body></html>"),
    "octets": (200, bytes(range(256))),
    "no HTTP": b"SSH-2.0-fake\r\n",
}


@pytest.mark.parametrize("answer", NO_CAPABILITIES, ids=lambda a: a.replace(" ", "-"))
def test_R_O15_R_D06_whatever_is_no_list_is_no_capabilities(server, enroll, answer):
    server.overrides = {"GetCACaps": NO_CAPABILITIES[answer]}
    result = enroll()
    assert result.returncode == 0, result.stderr
    request = server.requests[0]
    assert (request.method, request.cipher, request.digest) == ("GET", "des3", "sha1")
    notes = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    for word in ("GetCACaps", "3DES", "SHA-1", "using GET", "--assume-caps"):
        assert any(word in note for note in notes), word


@pytest.mark.parametrize("assumed, used", [
    ("AES,SHA-256,POSTPKIOperation", ("POST", "aes128", "sha256")),
    ("scepstandard", ("POST", "aes128", "sha256")),
    ("AES SHA-512", ("GET", "aes128", "sha512")),
    ("none", ("GET", "des3", "sha1")),
])
def test_R_O15_what_the_server_can_may_be_told_instead(server, enroll, assumed, used):
    server.overrides = {"GetCACaps": "lose"}
    result = enroll("a", "--assume-caps", assumed)
    assert result.returncode == 0, result.stderr
    request = server.requests[0]
    assert (request.method, request.cipher, request.digest) == used
    assert "GetCACaps" not in [operation for _, operation in server.operations]
    assert "--assume-caps" in result.stderr, "and it is told"


def test_R_D09_SCEPStandard_can_be_insisted_on(server, enroll):
    for shortened in ("POSTPKIOperation\nSHA-1\nDES3\n", "AES\nSHA-256\nPOSTPKIOperation\n", None):
        server.capabilities = shortened
        result = enroll("a", "--require-scepstandard")
        assert result.returncode == 1 and "SCEPStandard" in result.stderr
    server.overrides = {"GetCACaps": "lose"}
    assert enroll("a", "--require-scepstandard").returncode == 1
    assert server.requests == []
    server.overrides, server.capabilities = {}, "SCEPStandard\n"
    assert enroll("a", "--require-scepstandard").returncode == 0


def test_R_A23_it_never_falls_to_DES_or_MD5(server, enroll):
    server.capabilities = "DES\nMD5\n"
    enroll()
    assert all((r.cipher, r.digest) == ("des3", "sha1") for r in server.requests)


def test_R_D09_a_server_without_SCEPStandard_is_named_for_what_it_lacks(server, enroll):
    """An attacker in between can shorten the list; the user sees what is then used."""
    server.capabilities = "POSTPKIOperation\nSHA-1\nDES3\n"
    result = enroll()
    notes = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert any("AES" in n for n in notes) and any("SHA-256" in n for n in notes)


@pytest.mark.parametrize("said", ["text/html; charset=utf-8", "application/x-pki-message", ""])
def test_R_D07_the_type_of_GetCACaps_does_not_matter(server, enroll, said):
    server.content_types = {"GetCACaps": said}
    result = enroll()
    assert result.returncode == 0, result.stderr
    assert server.requests[0].cipher == "aes128"


# --- What it believes -----------------------------------------------------------------------------

def flip(fields, which, at=-1):
    value = bytearray(fields["replace"][which])
    value[at] ^= 1
    fields["replace"][which] = bytes(value)


def by_another(key):
    def change(fields):
        fields.update(signer_key=key, signer=scep.self_signed(key, scep.name("Fake CA")))
    return change


LIES = {
    "another messageType": lambda f: f.update(message_type="19"),
    "another transactionID": lambda f: f.update(transaction_id=f["transaction_id"][:-1] + "z"),
    "another recipientNonce": lambda f: flip(f, oids.RECIPIENT_NONCE),
    "no recipientNonce": lambda f: f["replace"].pop(oids.RECIPIENT_NONCE),
    "no pkiStatus": lambda f: f["replace"].pop(oids.PKI_STATUS),
    "pkiStatus 1": lambda f: f["replace"].update({oids.PKI_STATUS: der.printable("1")}),
    "pkiStatus 4": lambda f: f["replace"].update({oids.PKI_STATUS: der.printable("4")}),
    "pkiStatus as INTEGER": lambda f: f["replace"].update({oids.PKI_STATUS: der.integer(0)}),
    "a broken signature": lambda f: f.update(break_signature=True),
    "no signed attributes": lambda f: f.update(signed_attributes=False),
    "another messageDigest": lambda f: f["replace"].update(
        {oids.MESSAGE_DIGEST: der.octets(bytes(32))}),
    "an MD5 signature": lambda f: f.update(digest="md5"),
    "another content type": lambda f: f.update(content_type=oids.SIGNED_DATA),
    "no content": lambda f: f.update(content=b""),
    "trailing octets": lambda f: f.update(trailing=b"\0"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda l: l.replace(" ", "-"))
def test_R_K01_R_B23_R_B17_a_reply_that_lies_is_no_certificate(server, enroll, tmp_path, lie):
    server.change = LIES[lie]
    result = enroll()
    assert result.returncode == 1 and result.stderr
    assert server.requests and not (tmp_path / "a" / "cert.pem").exists()
    server.change = None
    assert enroll().returncode == 0, "the request was kept"


def test_R_K01_R_A07_a_signer_in_the_bag_is_not_the_CA_for_that(server, enroll, keys, tmp_path):
    server.change = by_another(keys(1))
    assert enroll().returncode == 1
    assert not (tmp_path / "a" / "cert.pem").exists()


@pytest.mark.parametrize("number", ["5", "9", "-1", "", "badAlg", "00"])
def test_R_B18_an_unknown_failInfo_is_an_error(server, enroll, tmp_path, number):
    server.answers = [number]
    result = enroll()
    assert result.returncode == 1 and not (tmp_path / "a" / "cert.pem").exists()


@pytest.mark.parametrize("text, shown", [("SUCCESS, said the weakest link", True),
                                         ("SUCCESS\x1b[2J", False)])
def test_R_B19_failInfoText_is_for_people_and_changes_nothing(server, enroll, text, shown):
    server.answers = ["2"]
    server.change = lambda f: f["replace"].update({oids.FAIL_INFO_TEXT: der.utf8(text)})
    result = enroll()
    assert result.returncode == 1 and "badRequest" in result.stderr
    assert (text in result.stderr) == shown and "\x1b" not in result.stderr
    assert [r.message_type for r in server.requests] == ["19"]


@pytest.mark.parametrize("content", [b"", b"\0", b"junk"], ids=["absent", "one-octet", "junk"])
@pytest.mark.parametrize("answer", ["2", "pending"])
def test_R_K02_R_C06_content_of_FAILURE_and_PENDING_does_not_matter(server, enroll, answer,
                                                                    content):
    server.answers = [answer]
    server.change = lambda f: f.update(content=content) if not f["content"] else None
    result = enroll("a", "--poll-limit", "0")
    assert result.returncode == 1
    assert ("badRequest" if answer == "2" else "pending") in result.stderr


def test_R_K02_empty_content_is_as_good_as_none(server, enroll):
    server.answers = ["4"]
    server.change = lambda f: f.update(encoding=der.DER)
    result = enroll()
    assert result.returncode == 1 and "badCertId" in result.stderr


@pytest.mark.parametrize("order", ["CA first", "leaf first"])
def test_R_K03_R_C05_our_certificate_is_found_among_others(server, enroll, tmp_path, order):
    issue = server.issue
    server.content = lambda request: certs_only(
        [server.ca, issue(request.content)] if order == "CA first"
        else [issue(request.content), server.ca])
    result = enroll()
    assert result.returncode == 0, result.stderr
    written = x509.load_pem_x509_certificate((tmp_path / "a" / "cert.pem").read_bytes())
    assert written.subject == scep.name(("O", "Example"), ("CN", "client"))


def test_R_K03_a_success_without_our_key_is_none(server, enroll, tmp_path):
    server.content = lambda request: certs_only([server.ca])
    assert enroll().returncode == 1
    assert not (tmp_path / "a" / "cert.pem").exists()


def test_R_K04_an_answer_enveloped_to_somebody_else_is_not_opened(server, enroll, keys, tmp_path):
    stranger = scep.self_signed(keys(2), scep.name("stranger"))
    server.change = lambda f: f.update(content=scep.Envelope([stranger]).seal(b"\x30\x00"))
    assert enroll().returncode == 1
    assert not (tmp_path / "a" / "cert.pem").exists()


def test_R_B33_an_answer_in_BER_is_read(server, enroll):
    server.change = lambda f: f.update(encoding=der.Ber(100))
    result = enroll()
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("said", [None, "text/html", "application/x-x509-ca-ra-cert",
                                  "APPLICATION/X-X509-CA-CERT; charset=binary", "bogus"])
@pytest.mark.parametrize("listed", [False, True], ids=["certificate", "list"])
def test_R_K05_what_GetCACert_gave_is_known_by_its_octets(server, enroll, tmp_path, said, listed):
    if said is not None:
        server.content_types = {"GetCACert": said, "PKIOperation": said}
    if listed:
        server.ca_reply = certs_only([server.ca])
    result = enroll()
    assert result.returncode == 0, result.stderr
    ca = x509.load_pem_x509_certificate((tmp_path / "a" / "ca.pem").read_bytes())
    assert ca == server.ca


def test_R_A08_an_expired_CA_is_not_used(server, enroll, keys):
    now = scep.datetime.datetime.utcnow()
    server.ca = (x509.CertificateBuilder().subject_name(server.ca.subject)
                 .issuer_name(server.ca.subject).public_key(keys(0).public_key())
                 .serial_number(7).not_valid_before(now - scep.datetime.timedelta(days=9))
                 .not_valid_after(now - scep.datetime.timedelta(days=1))
                 .add_extension(x509.BasicConstraints(True, None), True)
                 .sign(keys(0), scep.hashes.SHA256()))
    result = enroll()
    assert result.returncode == 1 and "valid" in result.stderr
    assert server.requests == []


def test_R_A01_a_CA_that_was_not_named_is_told_by_its_fingerprint(server, tmp_path):
    """Without --ca-fingerprint it is the user's part to compare it."""
    url = server.url.replace("127.0.0.1", "0.0.0.0")  # this machine, by an address that does not say so
    result = run("getca", "--url", url, "--out", tmp_path / "ca")
    right = server.ca.fingerprint(scep.hashes.SHA256()).hex()
    assert right in result.stdout and right in result.stderr and "warning:" in result.stderr


# --- What it ends with ----------------------------------------------------------------------------

def test_R_K06_exit_status_is_0_for_a_certificate_1_for_none_2_for_bad_usage(server, enroll):
    server.answers = ["2", "pending", "lose"]
    for _ in range(3):
        assert enroll("a", "--poll-limit", "0").returncode == 1
    assert enroll().returncode == 0
    assert enroll("b", "--poll-limit", "no").returncode == 2
