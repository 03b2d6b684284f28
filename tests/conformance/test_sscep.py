"""What sscep (C, OpenSSL's PKCS7 functions) demands of a server, from its source: net.c, pkcs7.c,
sscep.c of 0.6 to 0.10."""

import re

import pytest
from cryptography import x509

import der
import harness
import oids
import scep_client as scep
from conformance_lab import password_of
from harness import raw_exchange
from odd_certificate import OddSerial
from scep_client import Csr, name

CAPS = "/scep?operation=GetCACaps"
HEAD = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def test_sscep_R_E22_reads_until_the_server_closes(static_lab, request_to):
    """It sends Connection: close and waits for end of file: a reply kept open costs it 120 s."""
    body = request_to(static_lab, "eof").der()
    for request in (f"GET {CAPS} {HEAD}\r\n".encode(), f"GET /nowhere {HEAD}\r\n".encode(),
                    f"PUT {CAPS} {HEAD}Content-Length: 0\r\n\r\n".encode(),
                    f"GET /scep?operation=PKIOperation&message=x {HEAD}\r\n".encode(),
                    f"POST /scep?operation=PKIOperation {HEAD}Content-Length: {len(body)}\r\n\r\n"
                    .encode() + body):
        out = raw_exchange(static_lab.port, request)
        assert len(re.findall(rb"^HTTP/1\.1 \d", out, re.M)) == 1
        assert b"\r\nconnection: close\r\n" in out.partition(b"\r\n\r\n")[0].lower() + b"\r\n"


def test_sscep_R_E13_every_reply_names_its_type(new_lab, keys):
    """It calls strcmp on the type of whatever comes: without one it crashes."""
    def one(config):
        config["endpoints"][0]["max_pending"] = 1
        for template in config["templates"].values():
            template["approval"] = True

    lab = new_lab("--policy", "static", edit=one)
    password = password_of(lab)
    ca = lab.ca()
    messages = [scep.pkcs_req(Csr(keys(n), name("x"), password), [ca.encryption]) for n in (0, 1)]
    assert lab.send(messages[0], ca).status == "pending"
    full = messages[1].der()
    heads = {
        503: f"POST /scep?operation=PKIOperation {HEAD}Content-Length: {len(full)}\r\n\r\n".encode()
        + full,
        200: f"GET {CAPS} {HEAD}\r\n".encode(),
        400: f"GET /scep?operation=PKIOperation&message=x {HEAD}\r\n".encode(),
        403: f"GET /scep {HEAD}\r\n".encode(),
        404: f"GET /nowhere {HEAD}\r\n".encode(),
        405: f"PUT {CAPS} {HEAD}Content-Length: 0\r\n\r\n".encode(),
        413: f"POST /scep {HEAD}Content-Length: 3000000\r\n\r\n".encode(),
        414: f"GET /scep?{'x' * 200_000} {HEAD}\r\n".encode(),
        431: f"GET {CAPS} {HEAD}X: {'y' * 100_000}\r\n\r\n".encode(),
    }
    for status, octets in heads.items():
        head = raw_exchange(lab.port, octets).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert len(re.findall(rb"^Content-Type: \S+/\S+", head, re.M | re.I)) == 1, head
        assert b"\r\nconnection: close" in head.lower()


def test_sscep_R_E23_sends_parameters_of_its_own(static_lab):
    """`message=CAIdentifier` unless told otherwise, and whatever -M holds."""
    for operation in ("GetCACaps", "GetCACert"):
        plain = static_lab.get(f"/scep?operation={operation}")
        own = static_lab.get(f"/scep?operation={operation}&message=CAIdentifier&name=value&x=")
        assert (own.status, own.content_type, own.body) == (200, plain.content_type, plain.body)


def test_sscep_names_an_IPv6_host_without_brackets(static_lab):
    out = raw_exchange(static_lab.port, f"GET {CAPS} HTTP/1.1\r\nHost: ::1:{static_lab.port}\r\n"
                                        "Connection: close\r\n\r\n".encode())
    assert out.startswith(b"HTTP/1.1 200 ")


def test_sscep_picks_the_right_certificates_of_the_list(static_lab):
    """Of those that are nobody's issuer by name: the last that may sign, the last that may
    encipher."""
    ca = static_lab.ca()
    issuers = {c.issuer for c in ca.all}
    leaves = [c for c in ca.all if c.subject not in issuers]
    usage = [c.extensions.get_extension_for_class(x509.KeyUsage).value for c in leaves]
    assert [c for c, u in zip(leaves, usage) if u.digital_signature][-1] == ca.signing
    assert [c for c, u in zip(leaves, usage) if u.key_encipherment][-1] == ca.encryption


@pytest.mark.parametrize("last", [b"F", b"\0"], ids=["letters", "NUL-at-the-end"])
def test_sscep_signs_with_a_serial_number_of_32_octets(static_lab, request_to, keys, last):
    """The 32 hexadecimal letters of its transactionID, as octets; the last one falls to a NUL where
    it is built with OpenSSL 1.1 or later."""
    text = "0123456789ABCDEF" * 2
    message = request_to(static_lab, "serial32", transaction_id=text)
    message.signer = OddSerial(keys(), name("serial32"), text[:-1].encode() + last)
    assert static_lab.send(message).status == "success"


def test_sscep_R_B11_reads_status_and_failure_from_PrintableStrings(static_lab, request_to):
    reply = static_lab.send(request_to(static_lab, "b11", message_type="18"))
    for attribute in (oids.PKI_STATUS, oids.FAIL_INFO, oids.MESSAGE_TYPE, oids.TRANSACTION_ID):
        assert reply.attributes[attribute][0] == 0x13
    for attribute in (oids.SENDER_NONCE, oids.RECIPIENT_NONCE):
        assert reply.attributes[attribute][0] == 0x04


def test_sscep_polls_with_a_new_certificate_of_the_same_key(approval_lab, request_to, keys):
    """Run again with -R: the same serial number, another validity."""
    ca = approval_lab.ca()
    message = request_to(approval_lab, "resumed")
    assert approval_lab.send(message, ca).status == "pending"
    anew = scep.self_signed(keys(), name("resumed"), days=7)
    poll = scep.cert_poll(message, ca, signer=anew)
    assert approval_lab.send(poll, ca).status == "pending"
    done = harness.run("pending", "approve", message.transaction_id, "--config",
                       approval_lab.config_file)
    assert done.returncode == 0, done.stderr
    poll = scep.cert_poll(message, ca, signer=anew)
    assert approval_lab.send(poll, ca).status == "success"


def subject_first(message, ca):
    return der.sequence(message.signer.subject.public_bytes(), ca.signing.subject.public_bytes())


def printed(message, ca):
    """ASN1_item_print() where DER belongs."""
    return (f"issuer: {ca.signing.subject.rfc4514_string()}\n"
            f"subject: {message.signer.subject.rfc4514_string()}\n").encode()


@pytest.mark.parametrize("content", [subject_first, printed])
def test_sscep_before_0_8_polls_with_names_that_nobody_can_read(approval_lab, request_to, content):
    ca = approval_lab.ca()
    message = request_to(approval_lab, f"poll-{content.__name__}")
    assert approval_lab.send(message, ca).status == "pending"

    def polled():
        poll = scep.cert_poll(message, ca)
        poll.content = scep.Envelope([ca.encryption]).seal(content(message, ca))
        return approval_lab.send(poll, ca)

    assert polled().status == "pending"
    done = harness.run("pending", "approve", message.transaction_id, "--config",
                       approval_lab.config_file)
    assert done.returncode == 0, done.stderr
    assert polled().certificate.subject == message.signer.subject


def test_sscep_renews_by_a_PKCSReq_signed_with_the_old_certificate(static_lab, enrolled_at, keys):
    """-K and -O: the transactionID is that of the new key, the answer is for the old one."""
    old = enrolled_at(static_lab, "renewed")
    csr = Csr(keys(1), name("renewed"))
    message = scep.renewal_req(csr, [static_lab.ca().encryption], old, keys(), message_type="19",
                               transaction_id=scep.transaction_id(keys(1)))
    assert static_lab.send(message).status == "success"


def test_sscep_asks_under_one_transaction_id_for_everything(chained_lab, enrolled_at, keys):
    """GetCert and GetCRL of all devices: `SSCEP transactionId`."""
    ca = chained_lab.ca()
    constant = dict(transaction_id="SSCEP transactionId")
    for number in (0, 1):
        mine = enrolled_at(chained_lab, f"constant-{number}", number)
        got = chained_lab.send(scep.get_cert(mine, ca, mine, keys(number), **constant), ca)
        assert got.certificates == [mine]
        assert chained_lab.send(scep.get_crl(mine, ca, mine, keys(number), **constant),
                                ca).crl is not None


def test_sscep_R_C12_takes_the_first_CRL_of_a_list(chained_lab, enrolled_at, keys, tmp_path):
    """OpenSSL's own reader finds it there too."""
    ca = chained_lab.ca()
    mine = enrolled_at(chained_lab, "crl")
    message = scep.get_crl(mine, ca, mine, keys())
    reply = chained_lab.send(message, ca)
    info = scep.asn1_cms.ContentInfo.load(reply.raw)["content"]
    _, inner = scep._open_envelope(info["encap_content_info"]["content"].native, message)
    (tmp_path / "crl.p7").write_bytes(inner)
    told = harness.subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-in", tmp_path / "crl.p7",
                                   "-print_certs"], capture_output=True, text=True)
    assert "BEGIN X509 CRL" in told.stdout and "BEGIN CERTIFICATE" not in told.stdout


def test_sscep_opens_the_reply_with_openssl(static_lab, request_to, keys, tmp_path):
    """PKCS7_verify with the RA certificate, PKCS7_decrypt with the request's."""
    message = request_to(static_lab, "openssl")
    reply = static_lab.post(message)
    pem = scep.serialization.Encoding.PEM
    (tmp_path / "ra.pem").write_bytes(static_lab.ca().signing.public_bytes(pem))
    (tmp_path / "me.pem").write_bytes(message.signer.public_bytes(pem))
    (tmp_path / "me.key").write_bytes(keys().private_bytes(
        pem, scep.serialization.PrivateFormat.PKCS8, scep.serialization.NoEncryption()))
    (tmp_path / "reply").write_bytes(reply.body)
    for command in (["-verify", "-noverify", "-nointern", "-certfile", "ra.pem", "-in", "reply",
                     "-out", "envelope"],
                    ["-decrypt", "-recip", "me.pem", "-inkey", "me.key", "-in", "envelope", "-out",
                     "inner"]):
        done = harness.subprocess.run(["openssl", "smime", *command, "-inform", "DER", "-binary"],
                                      cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    issued = scep.certs_only((tmp_path / "inner").read_bytes())[0]
    assert issued.subject == name("openssl") != issued.issuer
