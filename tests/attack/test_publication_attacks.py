"""P01–P05: CRLs and OCSP, which strangers ask for on the same listener."""

import base64
import contextlib
import hashlib
import json
import os
import sqlite3
import urllib.parse

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

import der
import harness
import oids
import wire
from blob_maker import explicit
from oracle import Oracle, blob_device
from scep_client import get_crl, self_signed
from target import attacked
from test_load import at_once

Status = ocsp.OCSPResponseStatus


def cert_id(issuer, serial, digest="sha1", name=None, key=None):
    """CertID; `serial` as a number or DER, name and key in place of the issuer's hashes."""
    spki = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
    if digest != "sha1":
        public = issuer.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.PKCS1)
        spki = hashlib.new(digest, public).digest()
    hashed = hashlib.new(digest, issuer.subject.public_bytes()).digest()
    return der.sequence(der.algorithm(oids.DIGEST[digest]), der.octets(name or hashed),
                        der.octets(key or spki),
                        serial if isinstance(serial, bytes) else der.integer(serial))


def request(*ids, extensions=b"", before=b"", after=b"", in_each=b""):
    """OCSPRequest (RFC 6960 section 4.1.1)."""
    listed = der.sequence(*(der.sequence(one, in_each) for one in ids))
    return der.sequence(der.sequence(before, listed, extensions), after)


def extension(oid, value, critical=b""):
    return explicit(2, der.sequence(der.sequence(der.oid(oid), critical, der.octets(value))))


NONCE = "1.3.6.1.5.5.7.48.1.2"


@pytest.fixture(scope="module")
def target(serve, keys):
    """Whoever asks here is one address, which has half of a second's signatures."""
    yield from attacked(serve(edit=lambda c: signatures(c, 1000)), keys)


def signatures(config, a_second):
    config["cas"]["lab"].setdefault("ocsp", {}).update(uncached_per_second=a_second)


class Responder:
    def __init__(self, target):
        self.target, self.issuer = target, target.ca.ca

    def raw(self, octets):
        with self.target.lab.http() as http:
            return http.request("POST", "/ocsp", octets,
                                {"Content-Type": "application/ocsp-request"})

    def ask(self, octets):
        reply = self.raw(octets)
        assert (reply.status, reply.content_type) == (200, "application/ocsp-response"), reply
        return ocsp.load_der_ocsp_response(reply.body)

    def refused(self, octets, status=Status.MALFORMED_REQUEST):
        assert self.ask(octets).response_status == status


@pytest.fixture(scope="module")
def responder(target):
    return Responder(target)


@pytest.fixture(scope="module")
def known(target):
    """The serial number of a certificate that is good."""
    reply = target.lab.send(target.request(), target.ca)
    target.challenge = target.new_challenge()
    return reply.certificate.serial_number


@pytest.mark.attack("P01")
def test_the_request_that_is_spoilt_below_is_answered_good(responder, known):
    for digest in ("sha1", "sha256"):
        answer = responder.ask(request(cert_id(responder.issuer, known, digest)))
        assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD


@pytest.mark.attack("P01")
def test_every_truncation_and_every_changed_octet_of_a_request_is_answered(responder, known, rounds):
    whole = request(cert_id(responder.issuer, known), extensions=extension(NONCE, der.octets(b"n")))
    with responder.target.lab.http() as http:
        for end in range(len(whole)):
            reply = http.request("POST", "/ocsp", whole[:end])
            answer = ocsp.load_der_ocsp_response(reply.body)
            assert answer.response_status == Status.MALFORMED_REQUEST, end
        for number in range(rounds(2) * len(whole)):
            changed = bytearray(whole)
            changed[number % len(whole)] ^= os.urandom(1)[0] | 1
            reply = http.request("POST", "/ocsp", bytes(changed))
            answer = asn1_ocsp.OCSPResponse.load(reply.body, strict=True)
            assert answer["response_status"].native in (
                "successful", "malformed_request", "unauthorized")


def malformed(one, padded):
    return {
        "nothing": b"", "an octet behind": request(one) + b"\0",
        "a serial number that is padded": request(padded),
        "nobody asked about": request(), "17 certificates": request(*[one] * 17),
        "1000 certificates": request(*[one] * 1000),
        "a nonce of 129": request(one, extensions=extension(NONCE, der.octets(bytes(129)))),
        "a nonce of none": request(one, extensions=extension(NONCE, der.octets(b""))),
        "a nonce of 15,000": request(one, extensions=extension(NONCE, der.octets(bytes(15000)))),
        "a nonce that is bare": request(one, extensions=extension(NONCE, b"nonce")),
        "two nonces": request(one, extensions=explicit(2, der.sequence(*[der.sequence(
            der.oid(NONCE), der.octets(der.octets(b"n")))] * 2))),
        "an unknown critical extension": request(
            one, extensions=extension("1.2.3.4", b"x", b"\x01\x01\xff")),
        "one for a certificate": request(one, in_each=explicit(0, der.sequence(der.sequence(
            der.oid("1.2.3.4"), b"\x01\x01\xff", der.octets(b"x"))))),
        "version 2": request(one, before=explicit(0, der.integer(1))),
        "an endless length": b"\x30\x84\x7f\xff\xff\xff", "2^63 octets": b"\x30\x88\x7f" + b"\xff" * 7,
        "no end of it": b"\x30\x80" * 5000, "BER": b"\x30\x80" + request(one)[2:] + b"\0\0",
        "an identifier of 16,000 octets": request(der.sequence(
            der.sequence(der.tlv(6, b"\x88" * 16000 + b"\x08")), der.octets(bytes(20)),
            der.octets(bytes(20)), der.integer(1))),
    }


@pytest.mark.attack("P01")
def test_what_is_no_sound_request_is_malformed(responder, known):
    padded = cert_id(responder.issuer, der.tlv(2, b"\0\0" + known.to_bytes(20, "big").lstrip(b"\0")))
    for what, octets in malformed(cert_id(responder.issuer, known), padded).items():
        assert responder.ask(octets).response_status == Status.MALFORMED_REQUEST, what
    assert responder.raw(bytes(2 << 20)).status == 413


@pytest.mark.attack("P02")
def test_nothing_is_good_but_what_was_issued(responder, known):
    ours = responder.issuer
    unissued = [known + 1, known ^ 1 << 120, 0, 1, 2 ** 127, 2 ** 159 - 1, ours.serial_number]
    for serial in unissued:
        answer = responder.ask(request(cert_id(ours, serial)))
        assert answer.certificate_status == ocsp.OCSPCertStatus.UNKNOWN, serial
    for odd in (b"\x02\x00", b"\x02\x01\xff", der.tlv(2, b"\x01" * 10000), b"\x04\x01\x01"):
        responder.refused(request(cert_id(ours, odd)))
    foreign = [cert_id(ours, known, name=bytes(20)), cert_id(ours, known, key=bytes(20)),
               cert_id(responder.target.ca.signing, known)]
    for one in foreign:
        responder.refused(request(one), Status.UNAUTHORIZED)
        both = responder.ask(request(cert_id(ours, known), one)).responses
        assert [each.certificate_status for each in both] == [
            ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.UNKNOWN]


@pytest.mark.attack("P02")
def test_a_kept_answer_is_never_given_for_another_question(responder, known):
    """Answers are signed once and kept: by certificate and hash, and never with a nonce."""
    ours = responder.issuer
    questions = [request(cert_id(ours, known)), request(cert_id(ours, known, "sha256")),
                 request(cert_id(ours, known + 1)),
                 *(request(cert_id(ours, known), extensions=extension(NONCE, der.octets(nonce)))
                   for nonce in (b"a", b"b" * 16, b"c" * 128))]
    replies = at_once([lambda q=q: responder.raw(q).body for q in questions * 8])
    for question, reply in zip(questions * 8, replies):
        asked, answer = ocsp.load_der_ocsp_request(question), ocsp.load_der_ocsp_response(reply)
        assert answer.serial_number == asked.serial_number
        assert isinstance(answer.hash_algorithm, type(asked.hash_algorithm))
        sent = [e.value.nonce for e in asked.extensions]
        assert [e.value.nonce for e in answer.extensions] == sent
        public = answer.certificates[0].public_key()
        scheme = [padding.PKCS1v15()] if isinstance(public, rsa.RSAPublicKey) else []
        digest = answer.signature_hash_algorithm
        public.verify(answer.signature, answer.tbs_response_bytes,
                      *scheme, digest if scheme else ec.ECDSA(digest))


WRONG_GETS = ["", "/", "/%00", "/%zz", "/====", "/" + "A" * 40000, "/..%2f..%2fscepgate.json", "/%2e%2e/",
              "?x=y", "/MA%3D%3D%3D", "/\\", "/http://127.0.0.1/"]


@pytest.mark.attack("P03")
@pytest.mark.parametrize("path", WRONG_GETS, ids=lambda p: p[:20])
def test_a_GET_that_holds_no_request_is_malformed_or_none(responder, path):
    reply = responder.target.lab.get("/ocsp" + path)
    if reply.status == 200:
        assert ocsp.load_der_ocsp_response(reply.body).response_status == Status.MALFORMED_REQUEST
    else:
        assert reply.status in (400, 404, 405)


@pytest.mark.attack("P03")
@pytest.mark.parametrize("path", ["/crl/../scepgate.json", "/crl/%2e%2e/scepgate.json", "/crl/",
                                  "/crl/lab.crl%00", "/crl/lab.crl/x", "/crl/ca.key", "/ca.key"])
def test_no_file_is_served_but_the_CRL(target, path):
    assert target.lab.get(path).status in (400, 404)
    assert target.lab.get("/crl/lab.crl").status == 200


@pytest.mark.attack("P04")
def test_questions_that_are_all_different_fill_no_memory(responder, known, rounds):
    ours = responder.issuer
    with responder.target.lab.http() as http:
        for number in range(rounds(1500)):
            octets = request(cert_id(ours, (known + number) % 2 ** 127))
            if number % 2:
                path = urllib.parse.quote(base64.b64encode(octets), safe="")
                reply = http.request("GET", f"/ocsp/{path}")
            else:
                reply = http.request("POST", "/ocsp", octets)
            assert reply.status == 200


def statuses(lab, source, octets, count):
    """Of the answers to so many requests over one connection from this address."""
    field = b"Content-Length: %d" % len(octets)
    one = wire.ask(b"POST /ocsp", b"Host: x", field, body=octets)
    last = wire.ask(b"POST /ocsp", b"Host: x", field, b"Connection: close", body=octets)
    with wire.connect(lab.port, source) as connection:
        connection.sendall(one * (count - 1) + last)
        return [ocsp.load_der_ocsp_response(reply.body).response_status
                for reply in wire.replies(wire.rest(connection))]


@pytest.mark.attack("H20")
def test_signatures_that_one_address_asks_for_leave_some_for_others(serve):
    lab = serve(edit=lambda c: signatures(c, 10))
    octets = request(cert_id(lab.ca().ca, 1), extensions=extension(NONCE, der.octets(b"a")))
    for number in range(5):
        assert Status.TRY_LATER in statuses(lab, "127.0.0.2", octets, 50)
        assert statuses(lab, f"127.0.0.{3 + number}", octets, 1) == [Status.SUCCESSFUL]


def revoke_many(lab, one, count):
    """Rows such as that of the certificate `one`, which is revoked through the command."""
    done = harness.run("cert", "revoke", f"{one:x}", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    with contextlib.closing(sqlite3.connect(lab.dir / "scepgate.db", timeout=30)) as database:
        issuer, at, until, revision = database.execute(
            "SELECT issuer, revoked_at, not_after, revision FROM revocations").fetchone()
        database.executemany(
            "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, revision) "
            "VALUES(?, ?, ?, 4, ?, ?)",
            ((issuer, b"\1" + os.urandom(15), at, until, revision + 1) for _ in range(count)))
        database.execute("UPDATE crls SET revision = ?", (revision + 1,))
        database.commit()


@pytest.mark.attack("P05")
def test_a_large_CRL_is_given_at_its_path_alone(serve, keys):
    lab = serve()
    device, stranger = blob_device(lab, keys(), 20), self_signed(keys(1))
    ca = lab.ca()
    revoke_many(lab, device().certificate.serial_number, 50_000)
    crl = lab.get("/crl/lab.crl").body
    assert len(crl) > 1 << 20
    assert len(x509.load_der_x509_crl(crl)) == 50_001
    oracle = Oracle(lab, device)
    with oracle.unharmed():
        for number in range(20):
            message = get_crl(ca.ca, ca, stranger, keys(1), transaction_id=f"crl-{number}")
            reply = lab.send(message, ca)
            assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    lines = [json.loads(line) for line in (lab.dir / "audit.jsonl").read_text().splitlines()]
    told = [line for line in lines if line.get("code") == "CrlTooLarge"]
    assert len(told) == 20 and "at the distribution points" in json.dumps(told[0])
