"""An organisation's HTTPS service: answers the policy "webhook" and hears notifiers. It verifies each
signature with nothing but hmac, as docs/webhook.md says."""

import contextlib
import datetime
import hashlib
import hmac
import http.server
import ipaddress
import json
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY = "a-key-that-only-the-two-of-us-know-0001"
OLD_KEY = "a-key-that-was-used-until-last-week-0000"
ALLOW = {"decision": "allow"}


def signature(key, *parts):
    text = ".".join(parts)
    return "v1=" + hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def tls_files(directory, name="127.0.0.1"):
    """A self-signed certificate for the address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "webhook service")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]),
                       critical=False)
        .sign(key, hashes.SHA256()))
    cert_file, key_file = directory / "service.pem", directory / "service.key"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                           serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    key_file.chmod(0o600)
    return cert_file, key_file


class Heard:
    """One request, as it came."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.text = path, headers, body.decode()
        self.json = json.loads(self.text)
        self.id = headers["X-Scepgate-Id"]
        self.time = headers["X-Scepgate-Timestamp"]

    def is_signed_by(self, key):
        return signature(key, self.time, self.text) in self.headers["X-Scepgate-Signature"].split(",")


class Service:
    """`answer(heard)` gives (status, header fields, body): a dict becomes JSON, octets go as they are,
    None breaks the connection off."""

    def __init__(self, directory, port=0, ask_for_certificate=False):
        self.ask_for_certificate = ask_for_certificate
        self.certificate, self.key = tls_files(directory)
        self.heard = []
        self.answer = lambda heard: (200, {}, ALLOW)
        self.changed = threading.Condition()
        self.port = port
        self.start()

    def start(self):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard = Heard(self.path, self.headers, body)
                with service.changed:
                    service.heard.append(heard)
                    service.changed.notify_all()
                service.reply(self, heard)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # a client that gave up

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if self.ask_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def reply(self, handler, heard):
        answer = self.answer(heard)
        handler.close_connection = True  # so that nothing is left open when it stops
        if answer is None:
            return
        status, fields, body = answer
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)),
                  "Connection": "close", **fields}
        with contextlib.suppress(OSError):
            for key, value in fields.items():
                handler.send_header(key, value)
            handler.end_headers()
            handler.wfile.write(body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/hook"

    def settings(self, lab, **more):
        """What a policy or notifier that comes here says in the configuration of `lab`."""
        key = lab.dir / "webhook.key"
        if not key.exists():
            key.write_text(KEY + "\n")
            key.chmod(0o600)
        return {"url": self.url, "key": {"file": "webhook.key"},
                "http": {"ca_bundle": str(self.certificate), "timeout": "3s"}, **more}

    def wait_for(self, count, patience=20):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= count, patience), \
                f"{len(self.heard)} of {count} came"
            return self.heard[:count]


def signed(heard, body, key=KEY):
    """An answer with its signature."""
    text = json.dumps(body)
    return 200, {"X-Scepgate-Signature": signature(key, "answer", heard.time, heard.id, text)}, \
        text.encode()
