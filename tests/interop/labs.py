"""One serving lab for each kind of CA, mode and challenge, and what stands in front of each."""

import shutil
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import harness
from get_only import GetOnly

sys.path.insert(0, str(harness.TOP / "tests" / "proxy"))

import proxies  # noqa: E402

CA_KEYS = {"RSA-2048": "rsa:2048", "EC P-256": "ec:p256"}
PROXIES = {proxy.name: proxy for proxy in proxies.ALL}


def let_the_ca_speak_scep(directory):
    """Makes the CA's certificate anew with the key usages that CA mode needs."""
    key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    old = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    builder = x509.CertificateBuilder(
        issuer_name=old.subject, subject_name=old.subject, public_key=key.public_key(),
        serial_number=old.serial_number, not_valid_before=old.not_valid_before,
        not_valid_after=old.not_valid_after)
    for extension in old.extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage):
            value = x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=True,
                data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                encipher_only=False, decipher_only=False)
        builder = builder.add_extension(value, extension.critical)
    certificate = builder.sign(key, hashes.SHA256())
    (directory / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Labs:
    def __init__(self, templates, root):
        self.templates, self.root = templates, root
        self.labs, self.fronts = {}, {}

    def _directory(self):
        return Path(tempfile.mkdtemp(dir=self.root))

    def lab(self, case):
        policy = "challenge_blob" if case.challenge == "blob" else "static"
        approval = case.challenge == "operator"
        place = (case.ca, case.mode, policy, approval)
        if place not in self.labs:
            lab = harness.Lab(self._directory() / "lab")
            shutil.copytree(self.templates("--policy", policy, "--ca-key", CA_KEYS[case.ca]), lab.dir)
            if case.mode == "CA":
                let_the_ca_speak_scep(lab.dir)

            def change(config):
                config["listen"] = [{"address": f"127.0.0.1:{lab.port}"}]
                endpoint = config["endpoints"][0]
                endpoint["algorithms"] = {"des": True}  # for scepclient
                endpoint["renewal"] = {}
                for template in config["templates"].values():
                    template["approval"] = approval
                if case.mode == "CA":
                    del endpoint["ra"]

            lab.edit(change)
            self.labs[place] = lab.start()
        assert self.labs[place].process.poll() is None, self.labs[place].log()
        return self.labs[place]

    def url(self, case):
        """Where the client of this case is sent."""
        port = self.lab(case).port
        if case.proxy != "direct":
            port = self._front(PROXIES[case.proxy], port)
        if case.method == "GET" and case.client == "scepclient":
            port = self._front(GetOnly, port)
        return f"http://127.0.0.1:{port}{harness.PATH}"

    def _front(self, kind, port):
        if (kind, port) not in self.fronts:
            if kind is GetOnly:
                self.fronts[kind, port] = GetOnly(port)
            else:
                self.fronts[kind, port] = kind(self._directory(), port)
        return self.fronts[kind, port].port

    def stop(self):
        for front in self.fronts.values():
            front.stop()
        try:
            for lab in self.labs.values():
                lab.stop()
        finally:
            for lab in self.labs.values():
                lab.kill()


def challenge(lab, case, subject, dns):
    if case.challenge == "blob":
        return lab.challenge("--subject", subject, *(("--dns", dns) if dns else ()))
    source = next(iter(lab.config()["policies"].values()))["password"]["file"]
    return (lab.dir / source).read_text().strip()
