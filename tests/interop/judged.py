"""A PKI of scepgate's making, in files, for programs of others to judge: a root, a CA below it, its RA,
devices of every purpose and kind of key, complete and delta CRLs, OCSP answers."""

import subprocess
from pathlib import Path

import harness

PURPOSES = ("signature", "encryption", "both")
NAMES = ("--dns", "d.example", "--email", "d@example.org", "--upn", "d@corp.example",
         "--uri", "https://d.example/id", "--ip", "192.0.2.7", "--ip", "2001:db8::7")
FULL = {
    "application_policies": True, "sid_extension": True,
    "certificate_policies": [{"oid": "1.3.6.1.4.1.99999.1", "cps": "http://pki.example/cps",
                              "notice": "Devices only"}],
    "microsoft_template": {"oid": "1.3.6.1.4.1.311.21.8.1.2.3", "major": 100, "minor": 4},
}


def run(*command, status=0):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", timeout=60)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def scepgate(*arguments):
    done = harness.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


class Pki:
    """In `dir`: root.pem, issuing.pem, ra-signing.pem, ra-encryption.pem, DEVICE.pem; root.crl, issuing.crl,
    issuing+.crl (DER) and the same as .crl.pem; DEVICE.ocsp for `good` and `revoked`."""

    def __init__(self, folder, key, scoped):
        """`scoped`: CRLs have an issuing distribution point."""
        self.dir, self.key, self.scoped = Path(folder), key, scoped
        self.dir.mkdir()
        lab = self.lab = harness.Lab.init(self.dir / "lab", "--policy", "one_time")
        self._make_ca("root", "CN=Judged Root CA,O=Example,C=DE", "--root")
        self._make_ca("issuing", "CN=Judged Issuing CA,O=Example,C=DE", "--subordinate-of", "root")
        scepgate("ca", "ra", "--config", lab.config_file, "--ca", "issuing")
        lab.edit(with_everything)
        lab.start()
        scepgate("getca", "--url", lab.url, "--out", self.dir / "asked")
        for role in ("signing", "encryption"):
            self.file(f"ra-{role}.pem").write_bytes(
                (self.dir / "asked" / f"ra-{role}.pem").read_bytes())
        self.devices = ["good", "revoked", "held"]
        for device in self.devices:
            self._enrol(device, "both", "rsa:2048")
        for purpose in PURPOSES:
            self._enrol(f"rsa-{purpose}", purpose, "rsa:3072")
        for curve in ("p256", "p384", "p521"):
            self._enrol(f"ec-{curve}", "signature", f"ec:{curve}")
        self._publish()

    def stop(self):
        harness.stop_all([self.lab])

    def file(self, name):
        return self.dir / name

    def _published(self, name):
        at = f"http://127.0.0.1:{self.lab.port}"
        return {"ca_issuers_urls": [f"{at}/{name}.crt"], "certificate_path": f"/{name}.crt",
                "crl_urls": [f"{at}/crl/{name}.crl"], "ocsp_urls": [f"{at}/ocsp"],
                "freshest_crl_urls": [f"{at}/crl/{name}+.crl"],
                "ocsp": {"path": "/ocsp"},
                "crl": {"path": f"/crl/{name}.crl", "issuing_distribution_point": self.scoped,
                        "delta": {"path": f"/crl/{name}+.crl"}}}

    def _make_ca(self, name, subject, *kind):
        lab = self.lab
        scepgate("ca", "create", "--config", lab.config_file, "--ca", name, "--subject", subject, "--key",
                 self.key, *kind)
        lab.edit(lambda config: config["cas"][name].update(self._published(name)))
        self.file(f"{name}.pem").write_bytes(first_certificate(lab.dir / f"{name}.pem"))

    def _enrol(self, device, purpose, key):
        password = self.dir / "password"
        password.write_text(self.lab.challenge())
        scepgate("enroll", "--url", self.lab.url, "--challenge-file", password, "--subject",
                 f"CN={device},OU=Würfel,O=Example,C=DE", *NAMES, "--key-usage", purpose, "--key", key,
                 "--out", self.dir / device)
        self.file(f"{device}.pem").write_bytes((self.dir / device / "cert.pem").read_bytes())
        if device not in self.devices:
            self.devices.append(device)

    def serial(self, device):
        return run("openssl", "x509", "-in", self.file(f"{device}.pem"), "-noout",
                   "-serial").strip().partition("=")[2]

    def _publish(self):
        lab = self.lab
        self._fetch("/crl/root.crl", "root.crl")
        scepgate("cert", "revoke", self.serial("revoked"), "--config", lab.config_file, "--reason",
                 "keyCompromise", "--invalidity-date", "2026-01-02T03:04:05Z")
        self._fetch("/crl/issuing.crl", "issuing.crl")
        scepgate("cert", "hold", self.serial("held"), "--config", lab.config_file)
        self._fetch("/crl/issuing+.crl", "issuing+.crl")
        for device in ("good", "revoked"):
            run("openssl", "ocsp", "-issuer", self.file("issuing.pem"), "-cert",
                self.file(f"{device}.pem"), "-url", f"http://127.0.0.1:{lab.port}/ocsp", "-CAfile",
                self.file("root.pem"), "-verify_other", self.file("issuing.pem"), "-respout",
                self.file(f"{device}.ocsp"))

    def _fetch(self, path, name):
        reply = self.lab.get(path)
        assert reply.status == 200, reply
        self.file(name).write_bytes(reply.body)
        run("openssl", "crl", "-inform", "DER", "-in", self.file(name), "-out",
            self.file(f"{name}.pem"))


def with_everything(config):
    config["endpoints"][0]["algorithms"] = {"ec_password_recipient": True}
    for template in config["templates"].values():
        template.update(FULL)
    config["templates"]["DeviceGeneral"]["extended_key_usage"] = ["clientAuth", "emailProtection"]


def first_certificate(file):
    text = file.read_bytes()
    end = b"-----END CERTIFICATE-----\n"
    return text[:text.index(end) + len(end)]
