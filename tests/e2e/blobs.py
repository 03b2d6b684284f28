"""Challenge blobs as an MDM makes them, with the openssl command line alone (docs/challenge-blob.md):
also those that no `challenge create` would make."""

import hashlib
import json
import os
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

KEYOPTS = {
    "ec": ["-keyopt", "ecdh_kdf_md:sha256", "-aes256-wrap"],
    "rsa": ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256",
            "-keyopt", "rsa_mgf1_md:sha256"],
}


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=60,
                          **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fingerprint(certificate):
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()


class Mdm:
    """The MDM of a lab: its signer, and scepgate's decryption certificate."""

    def __init__(self, lab, scratch):
        self.dir = scratch
        policy = next(p for p in lab.config()["policies"].values()
                      if p["type"] == "challenge_blob")
        decryption = policy["decryption"]
        first = decryption[0] if isinstance(decryption, list) else decryption
        self.recipient = lab.dir / first["certificate"]
        self.audience = policy["audience"]
        self.certificate = lab.dir / policy["signer"]["certificate"]
        self.key = (lab.dir / policy["signer"]["certificate"]).with_suffix(".key")

    def claims(self, **changes):
        now = int(time.time())
        claims = {"v": 1, "jti": os.urandom(16).hex(), "iss": fingerprint(self.certificate),
                  "aud": self.audience, "iat": now, "nbf": now, "exp": now + 3600}
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def stranger(self):
        """Another signer's certificate and key, which nobody trusts."""
        certificate, key = self.dir / "stranger.pem", self.dir / "stranger.key"
        if not certificate.exists():
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=stranger",
                    "-addext", "basicConstraints=CA:FALSE",
                    "-addext", "keyUsage=critical,digitalSignature")
        return certificate, key

    def seal(self, claims, recipient=None, signer=None):
        """base64 on one line."""
        recipient = recipient or self.recipient
        certificate, key = signer or (self.certificate, self.key)
        public = x509.load_pem_x509_certificate(recipient.read_bytes()).public_key()
        kind = "rsa" if hasattr(public, "public_numbers") and hasattr(
            public.public_numbers(), "n") else "ec"
        claims_file, envelope, inner, blob = (self.dir / name for name in (
            "claims.json", "envelope.der", "inner.der", "blob.der"))
        claims_file.write_text(json.dumps(claims))
        openssl("cms", "-encrypt", "-binary", "-in", claims_file, "-aes-256-gcm", "-recip",
                recipient, *KEYOPTS[kind], "-outform", "DER", "-out", envelope)
        lines = openssl("asn1parse", "-inform", "DER", "-in", envelope).decode().splitlines()
        offset = next(line.split(":")[0].strip() for line in lines if "d=2" in line)
        openssl("asn1parse", "-inform", "DER", "-in", envelope, "-strparse", offset, "-noout",
                "-out", inner)
        openssl("cms", "-sign", "-binary", "-nodetach", "-nocerts", "-in", inner, "-signer",
                certificate, "-inkey", key, "-md", "sha256", "-econtent_type",
                "id-smime-ct-authEnvelopedData", "-outform", "DER", "-out", blob)
        return openssl("base64", "-A", "-in", blob).decode()
