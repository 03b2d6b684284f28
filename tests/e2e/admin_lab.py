"""A lab with an admin listener, and the clients that ask it."""

import base64
import datetime
import json
import os
import re
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import harness

NDES_PATH = "/certsrv/mscep/mscep.dll"
PAGE = "/certsrv/mscep_admin/"
TOKEN = "0123456789abcdef0123456789abcdef-mdm"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210-other"
PASSWORD = "correct horse battery staple"

# As in the sources of the programs that scrape NDES.
FLEET = re.compile(r"(?i)The enrollment challenge password is: <B> (?P<password>\S*)")
PS_CERTIFICATE_ENROLLMENT = re.compile(r"[A-F0-9]{16}")


def bearer(token=TOKEN):
    return {"Authorization": f"Bearer {token}"}


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def write_secret(path, text):
    path.write_text(text + "\n")
    path.chmod(0o600)
    return {"file": str(path)}


class Identity:
    """A key and a certificate in files, by `issuer` or self-signed."""

    def __init__(self, folder, name, issuer=None, ca=False, server=False):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert_file, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject)
                   .issuer_name(issuer.certificate.subject if issuer else subject)
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=90))
                   .add_extension(x509.BasicConstraints(ca, None), True))
        if server:
            import ipaddress
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.cert_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.key_file.write_bytes(self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        os.chmod(self.key_file, 0o600)

    def pair(self):
        return {"certificate": str(self.cert_file), "key": {"file": str(self.key_file)}}


class AdminHttp(harness.Http):
    """Asks the admin listener; with `identity` over TLS and with a client certificate."""

    def __init__(self, port, server=None, identity=None, **options):
        super().__init__(port, **options)
        if server is None:
            return
        context = ssl.create_default_context(cafile=str(server.cert_file))
        if identity:
            context.load_cert_chain(str(identity.cert_file), str(identity.key_file))
        connection = harness.http.client.HTTPSConnection("127.0.0.1", port, context=context,
                                                         timeout=harness.PATIENCE)
        connection._validate_path = lambda url: None
        self.connection = connection


def ask(port, method, target, headers=None, body=None, **options):
    with AdminHttp(port, **options) as http:
        return http.request(method, target, body, headers or {})


def post(port, order, headers=None, **options):
    return ask(port, "POST", "/api/v1/challenges",
               {"Content-Type": "application/json", **(headers or bearer())},
               json.dumps(order).encode(), **options)


def page(reply):
    """As a program on Windows reads it."""
    return reply.body.decode("utf-16-le")


def add_admin(lab, admin_port, **changes):
    """To a configuration with the policy "mdm" (challenge blobs): a second endpoint where NDES is,
    with one-time passwords, and the admin listener."""

    def edit(config):
        config["policies"]["otp"] = {"type": "one_time_password", "PasswordMax": 8}
        config["endpoints"][0]["paths"].remove(NDES_PATH)
        endpoint = dict(config["endpoints"][0], paths=[NDES_PATH], policy="otp", name="ndes")
        endpoint.pop("renewal", None)
        config["endpoints"].append(endpoint)
        folder = lab.dir
        policies = [name for name in config["policies"]]
        config["admin"] = {
            "listen": {"address": f"127.0.0.1:{admin_port}"},
            "callers": {
                "mdm": {"token": write_secret(folder / "mdm.token", TOKEN),
                        "policies": policies, "endpoints": ["ndes", "/scep"], "rate": "10000/s"},
                "scraper": {"password": write_secret(folder / "scraper.password", PASSWORD),
                            "endpoints": ["ndes"], "rate": "10000/s"},
                "other": {"token": write_secret(folder / "other.token", OTHER_TOKEN),
                          "policies": ["otp"]},
            },
            **changes,
        }

    return edit
