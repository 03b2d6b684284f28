"""GetCACaps, GetCACert and HTTP (RFC 8894 sections 3.5 and 4): what no other suite shows."""

import base64
import re
import urllib.parse

import pytest

import harness
import oids
import scep_client as scep
from harness import raw_exchange

CAPS = "/scep?operation=GetCACaps"
CACERT = "/scep?operation=GetCACert"


def test_R_D01_keywords_end_with_a_line_feed_and_hold_no_blank(static_lab):
    body = static_lab.get(CAPS).body
    assert re.fullmatch(rb"([A-Za-z0-9-]+\n)+", body), body


def test_R_D02_what_SCEPStandard_promises_is_listed_singly_too(static_lab):
    words = static_lab.get(CAPS).body.decode().split()
    assert {"SCEPStandard", "AES", "SHA-256", "POSTPKIOperation"} <= set(words)


def test_R_D03_everything_listed_works(static_lab, request_to):
    """SHA-x in the signature, AES and DES3 in the envelope, by POST."""
    words = static_lab.get(CAPS).body.decode().split()
    digests = [w.lower().replace("-", "") for w in words if w.startswith("SHA-")]
    ciphers = {"AES": "aes128", "DES3": "des3"}
    for digest in digests:
        assert static_lab.send(request_to(static_lab, digest, digest=digest)).status == "success"
    for cipher in (ciphers[w] for w in words if w in ciphers):
        message = request_to(static_lab, cipher, envelope={"cipher": cipher})
        assert static_lab.send(message).status == "success"
    assert len(digests) + len(ciphers) == 6


def test_R_D03_GetNextCACert_is_listed_only_with_a_next_CA(static_lab):
    assert b"GetNextCACert" not in static_lab.get(CAPS).body
    assert static_lab.get("/scep?operation=GetNextCACert").status == 404


@pytest.mark.parametrize("message", ["", "&message=", "&message=0", "&message=CAIdentifier",
                                     "&message=unknown", "&message=%20", "&message=1",
                                     "&message=ca", "&message=NDESCA", "&message=default",
                                     "&message=MDM", "&message=SCEP%20Authority",
                                     "&message=SCEP+Authority", "&message=%C3%A4", "&message=%zz",
                                     "&message=a=b", "&message=" + 1000 * "x"])
@pytest.mark.parametrize("target", [CAPS, CACERT], ids=["GetCACaps", "GetCACert"])
def test_R_E08_R_O08_a_CA_identifier_changes_nothing(static_lab, target, message):
    plain, named = static_lab.get(target), static_lab.get(target + message)
    assert (named.status, named.content_type, named.body) == (200, plain.content_type, plain.body)


def test_R_A05_R_E10_with_a_chain_all_CA_certificates_come(chained_lab):
    """In the order RA signing, RA encryption, issuing CA, root."""
    reply = chained_lab.get(CACERT)
    assert reply.content_type == "application/x-x509-ca-ra-cert"
    certificates = scep.certs_only(reply.body)
    signing, encryption, ca, root = certificates
    assert signing.issuer == encryption.issuer == ca.subject
    assert ca.issuer == root.subject == root.issuer


def test_R_C15_a_list_of_certificates_is_a_SignedData_of_nobody(chained_lab):
    info = scep.asn1_cms.ContentInfo.load(chained_lab.get(CACERT).body, strict=True)
    signed = info["content"]
    assert signed["encap_content_info"]["content_type"].dotted == oids.DATA
    assert signed["encap_content_info"]["content"].native is None
    assert len(signed["signer_infos"]) == 0 and signed["crls"].native is None


def test_R_A02_R_O16_the_certificates_of_the_RA_have_the_usages_they_need(static_lab):
    """So that a client that goes by key usage picks the right one."""
    ca = static_lab.ca()
    usage = {c: c.extensions.get_extension_for_class(scep.x509.KeyUsage).value
             for c in (ca.signing, ca.encryption, ca.ca)}
    assert usage[ca.signing].digital_signature
    assert usage[ca.encryption].key_encipherment
    assert usage[ca.ca].key_cert_sign and usage[ca.ca].crl_sign


@pytest.mark.attack("E11")
def test_R_T14_the_key_of_the_CA_speaks_no_SCEP(static_lab, request_to, refused):
    """Messages are enveloped to and signed by keys of their own."""
    ca = static_lab.ca()
    assert len({scep.cert_key(c) for c in (ca.ca, ca.signing, ca.encryption)}) == 3
    message = request_to(static_lab, "t14")
    honest = message.content
    message.content = scep.Envelope([ca.ca]).seal(b"\x30\x00")
    refused(static_lab, message)
    message.content = honest
    assert static_lab.send(message).status == "success"


def test_R_E01_R_E05_R_A22_the_message_comes_by_POST_or_percent_escaped_by_GET(static_lab,
                                                                               request_to):
    message = request_to(static_lab, "e01")
    text = urllib.parse.quote(base64.b64encode(message.der()).decode(), safe="")
    assert "%" in text or text.isalnum()
    by_get = static_lab.get(f"/scep?operation=PKIOperation&message={text}")
    assert static_lab.open(by_get, message).status == "success"
    assert static_lab.send(message).status == "success"


@pytest.mark.parametrize("method, target, status", [
    ("GET", "/scep?operation=Nonsense", 400), ("GET", "/scep?operation=PKIOperation", 400),
    ("GET", "/scep?operation=PKIOperation&message=%25%25", 400), ("GET", "/nowhere", 404),
    ("GET", "/scep?operation=GetNextCACert", 404), ("PUT", CAPS, 405)])
def test_R_E13_what_is_no_SCEP_answer_is_never_called_one(static_lab, method, target, status):
    with static_lab.http() as http:
        reply = http.request(method, target)
    assert (reply.status, reply.content_type) == (status, "text/plain")


def test_R_E23_operations_are_found_in_any_case_and_order(static_lab):
    plain = static_lab.get(CAPS).body
    for target in ("/scep?operation=getcacaps", "/scep?x=1&operation=GetCACaps&y=",
                   "/scep?message=&operation=GETCACAPS"):
        assert static_lab.get(target).body == plain


def test_R_E24_only_what_is_the_same_for_all_may_be_cached(static_lab, request_to):
    reply = static_lab.post(request_to(static_lab, "e24"))
    assert "no-store" in reply.header("Cache-Control")
    for target in (CAPS, CACERT):
        told = static_lab.get(target).header("Cache-Control")
        assert told is None or "max-age" in told or "no-" in told


def test_R_E22_R_O12_an_old_client_by_HTTP_1_0_gets_all_answers(static_lab):
    for target, kind in ((CAPS, b"text/plain"), (CACERT, b"application/x-x509-ca-ra-cert")):
        out = raw_exchange(static_lab.port,
                           f"GET {target.replace('/scep', '/cgi-bin/pkiclient.exe')} "
                           "HTTP/1.0\r\n\r\n".encode())
        head, _, body = out.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0] and b"Content-Type: " + kind + b"\r\n" in head \
            + b"\r\n"
        assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1])


def test_R_O18_a_client_that_knows_only_GET_is_served(static_lab, request_to):
    message = request_to(static_lab, "o18")
    assert static_lab.open(static_lab.get(harness.get_target(message.der())),
                           message).status == "success"
    assert b"POSTPKIOperation" in static_lab.get(CAPS).body


def test_R_A06_the_fingerprint_is_over_the_whole_certificate(static_lab, tmp_path):
    told = harness.run("getca", "--url", static_lab.url, "--out", tmp_path / "ca", "--json")
    assert told.returncode == 0, told.stderr
    right = static_lab.ca().ca.fingerprint(scep.hashes.SHA256()).hex()
    assert right in told.stdout.lower().replace(":", "")
