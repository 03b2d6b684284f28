"""The fake server of tests/e2e, telling lies: what a client must not believe."""

from dataclasses import dataclass, field

import der
import oids
from fake_server import FakeServer
from scep_client import Envelope, Message


class NoContent(der.Der):
    """Leaves an empty eContent out, as RFC 8894 asks of FAILURE and PENDING."""

    def explicit(self, number, content):
        return b"" if content == der.octets(b"") else super().explicit(number, content)


@dataclass
class Mutant(FakeServer):
    """`change` gets the fields of each CertRep (those of Message) and alters them in place."""

    change: object = None
    content_types: dict = field(default_factory=dict)   # operation -> what to say
    ca_reply: bytes = None                              # instead of the one certificate
    seen: list = field(default_factory=list)            # (method, operation, headers, raw query)

    def serve(self, handler, method, body):
        operation = handler.path.partition("operation=")[2].partition("&")[0]
        self.seen.append((method, operation, dict(handler.headers), handler.path))
        if operation in self.content_types:
            end_headers = handler.end_headers

            def end_headers_with_type():
                handler.send_header("Content-Type", self.content_types[operation])
                end_headers()

            handler.end_headers = end_headers_with_type
        if operation == "GetCACert" and self.ca_reply:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.ca_reply)))
            handler.end_headers()
            handler.wfile.write(self.ca_reply)
        else:
            super().serve(handler, method, body)

    def reply(self, request, status, content=None, fail_info=None):
        attributes = {oids.PKI_STATUS: der.printable(status),
                      oids.RECIPIENT_NONCE: der.octets(request.nonce)}
        if fail_info is not None:
            attributes[oids.FAIL_INFO] = der.printable(fail_info)
        fields = dict(content=Envelope([request.signer]).seal(content) if content else b"",
                      signer_key=self.key, signer=self.ca, transaction_id=request.transaction_id,
                      message_type="3", replace=attributes, encoding=NoContent())
        if self.change:
            self.change(fields)
        return Message(**fields).der()

    @property
    def operations(self):
        return [(method, operation) for method, operation, _, _ in self.seen]
