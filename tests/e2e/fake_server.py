"""A SCEP server of the tests' own, for what scepgate itself does not do on demand: lose replies,
keep requests pending, offer little, answer nonsense. Trusts every request it can open."""

import datetime
import http.server
import threading
import urllib.parse
import base64
from dataclasses import dataclass, field

from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes

import der
import oids
from scep_client import CIPHERS, Envelope, Message, cert_der, issuer_and_serial, name

EVERYTHING = "AES\nSHA-256\nPOSTPKIOperation\nRenewal\nSCEPStandard\nGetNextCACert\n"


def certs_only(certificates=(), crls=()):
    signed = der.sequence(
        der.integer(1), der.set_of(), der.sequence(der.oid(oids.DATA)),
        der.tlv(0xA0, b"".join(map(cert_der, certificates))) if certificates else b"",
        der.tlv(0xA1, b"".join(crls)) if crls else b"", der.set_of())
    return der.sequence(der.oid(oids.SIGNED_DATA), der.tlv(0xA0, signed))


def make_ca(key, common_name="Fake CA"):
    now = datetime.datetime.utcnow()
    usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
    return (x509.CertificateBuilder().subject_name(name(common_name)).issuer_name(name(common_name))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
            .sign(key, hashes.SHA256()))


@dataclass
class Request:
    """A pkiMessage as it came."""

    method: str
    message_type: str
    transaction_id: str
    signer: x509.Certificate
    content: bytes
    cipher: str
    digest: str
    nonce: bytes


@dataclass
class FakeServer:
    """`answers` are used up one a request: success, lose, pending, a failInfo number, or a body.
    When there are none left, success."""

    key: object
    capabilities: str = EVERYTHING
    answers: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    next_ca: bytes = None
    # operation -> (status, body); "lose" hangs up; bytes are written as they stand, HTTP or not
    overrides: dict = field(default_factory=dict)

    def __post_init__(self):
        self.ca = make_ca(self.key)
        self.issued = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.serve(self, "GET", b"")

            def do_POST(self):
                outer.serve(self, "POST", self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/scep"

    def __enter__(self):
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    # -- HTTP ------------------------------------------------------------------------------------

    def serve(self, handler, method, body):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        operation = query["operation"][0]
        if operation in self.overrides:
            self.answer(handler, *self.as_it_stands(self.overrides[operation]))
            return
        reply = {"GetCACaps": lambda: self.capabilities and self.capabilities.encode(),
                 "GetCACert": lambda: cert_der(self.ca),
                 "GetNextCACert": lambda: self.next_ca,
                 "PKIOperation": lambda: self.operate(
                     method, body or base64.b64decode(query["message"][0]))}[operation]()
        self.answer(handler, 404 if reply is None else 200, reply)

    @staticmethod
    def as_it_stands(override):
        return override if isinstance(override, tuple) else (None, override)

    @staticmethod
    def answer(handler, status, body):
        """Without a status the octets alone; "lose" none at all."""
        if body == "lose" or status is None:
            handler.wfile.write(b"" if body == "lose" else body)
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body or b"")))
        handler.send_header("X-Screen", "\x1b[2Jcleared")
        handler.end_headers()
        handler.wfile.write(body or b"")

    # -- SCEP ------------------------------------------------------------------------------------

    def read(self, method, raw):
        signed = asn1_cms.ContentInfo.load(raw)["content"]
        info = signed["signer_infos"][0]
        attributes = {a["type"].dotted: a["values"][0].native for a in info["signed_attrs"]}
        signer = x509.load_der_x509_certificate(signed["certificates"][0].dump())
        enveloped = asn1_cms.ContentInfo.load(signed["encap_content_info"]["content"].native)
        inner = enveloped["content"]["encrypted_content_info"]
        oid = inner["content_encryption_algorithm"]["algorithm"].dotted
        cipher = {v: k for k, v in oids.CIPHER.items()}[oid]
        key = self.key.decrypt(
            enveloped["content"]["recipient_infos"][0].chosen["encrypted_key"].native,
            padding.PKCS1v15())
        iv = inner["content_encryption_algorithm"]["parameters"].native
        decryptor = Cipher(CIPHERS[cipher][0](key), modes.CBC(iv)).decryptor()
        plain = decryptor.update(inner["encrypted_content"].native) + decryptor.finalize()
        return Request(method, attributes[oids.MESSAGE_TYPE], attributes[oids.TRANSACTION_ID],
                       signer, plain[:-plain[-1]], cipher,
                       info["digest_algorithm"]["algorithm"].native,
                       attributes[oids.SENDER_NONCE])

    def operate(self, method, raw):
        request = self.read(method, raw)
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else "success"
        if answer == "lose" or isinstance(answer, bytes):
            return answer
        if answer == "pending":
            return self.reply(request, "3")
        if answer != "success":
            return self.reply(request, "2", fail_info=answer)
        return self.reply(request, "0", self.content(request))

    def content(self, request):
        if request.message_type in ("17", "19"):
            self.issued[request.transaction_id] = self.issue(request.content)
        if request.message_type == "22":
            now = datetime.datetime.utcnow()
            crl = (x509.CertificateRevocationListBuilder().issuer_name(self.ca.subject)
                   .last_update(now - datetime.timedelta(hours=1))
                   .next_update(now + datetime.timedelta(days=7))
                   .add_extension(x509.CRLNumber(1), False)
                   .sign(self.key, hashes.SHA256()))
            return certs_only(crls=[crl.public_bytes(serialization.Encoding.DER)])
        if request.message_type == "21":
            return certs_only([c for c in self.issued.values()
                               if issuer_and_serial(c) == request.content])
        return certs_only([self.issued.get(request.transaction_id) or self.issue_pending(request)])

    def issue_pending(self, request):
        first = next(r for r in self.requests if r.transaction_id == request.transaction_id
                     and r.message_type in ("17", "19"))
        self.issued[request.transaction_id] = self.issue(first.content)
        return self.issued[request.transaction_id]

    def issue(self, csr_der):
        csr = x509.load_der_x509_csr(csr_der)
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(csr.subject)
                   .issuer_name(self.ca.subject).public_key(csr.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=30)))
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(self.key, hashes.SHA256())

    def reply(self, request, status, content=None, fail_info=None):
        sealed = b""
        if content is not None:
            sealed = Envelope([request.signer]).seal(content)
        extra = {oids.PKI_STATUS: der.printable(status),
                 oids.RECIPIENT_NONCE: der.octets(request.nonce)}
        if fail_info is not None:
            extra[oids.FAIL_INFO] = der.printable(fail_info)
        return Message(sealed, self.key, self.ca, request.transaction_id, message_type="3",
                       replace=extra).der()


def signed_next_ca(server, certificates):
    """GetNextCACert's answer, signed by the current CA."""
    return Message(certs_only(certificates), server.key, server.ca, "next").der()
