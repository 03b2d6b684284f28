"""Runs each client as its users do. enrol() and renew() give the file of the new certificate."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from cryptography import x509

import harness


def tool(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{command[0]}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def load(file):
    return x509.load_pem_x509_certificate(file.read_bytes())


class Scepclient:
    """Package scep: micromdm's client. Sends single DES whatever GetCACaps says, and no SAN."""

    subject, dns = "CN=mdm-device,OU=MDM,O=scep-client,C=US", None

    def __init__(self, url, directory):
        self.url, self.directory = url, directory

    def _run(self, *arguments):
        tool("scepclient", "-server-url", self.url, "-cn", "mdm-device", "-private-key", "key.pem",
             "-certificate", "cert.pem", *arguments, cwd=self.directory)
        return self.directory / "cert.pem"

    def enrol(self, challenge):
        return self._run("-challenge", challenge)

    def renew(self, _):
        """With a certificate there, it sends a RenewalReq that the old one signs; no challenge."""
        (self.directory / "csr.pem").unlink()  # holds the old challenge
        return self._run()


class Strongswan:
    """Package strongswan-pki."""

    subject, dns = "CN=gateway,O=Example,C=CH", "gateway.example"

    def __init__(self, url, directory):
        self.url, self.directory = url, directory

    def certificates(self):
        """pki --scepca; gives (CAs, RAs)."""
        tool("pki", "--scepca", "--url", self.url, "--caout", "ca.pem", "--raout", "ra.pem",
             "--outform", "pem", "--force", cwd=self.directory)
        return sorted(self.directory.glob("ca*.pem")), sorted(self.directory.glob("ra*.pem"))

    def _scep(self, name, *arguments):
        cas, ras = self.certificates()

        def with_usage(usage):
            found = [f for f in ras if getattr(
                load(f).extensions.get_extension_for_class(x509.KeyUsage).value, usage)]
            return found[0] if found else cas[0]

        certificate = tool(
            "pki", "--scep", "--url", self.url, "--dn", "C=CH, O=Example, CN=gateway", "--san",
            self.dns, "--cacert-enc", with_usage("key_encipherment"), "--cacert-sig",
            with_usage("digital_signature"), "--cacert", cas[0], "--outform", "pem", *arguments,
            cwd=self.directory)
        (self.directory / name).write_text(certificate)
        return self.directory / name

    def enrol(self, challenge, *arguments):
        return self._scep("cert.pem", "--in", "key.pem", "--password", challenge, *arguments)

    def enrol_and_wait(self, challenge, approve):
        """It polls by itself; `approve` must be called meanwhile."""
        with ThreadPoolExecutor(1) as thread:
            enrolled = thread.submit(self.enrol, challenge, "--interval", "1", "--maxpolltime", "30")
            approve()
            return enrolled.result()

    def renew(self, new_key):
        (self.directory / "new-key.pem").write_bytes(new_key)
        return self._scep("new-cert.pem", "--in", "new-key.pem", "--cert", "cert.pem", "--key",
                          "key.pem")


class Certmonger:
    """The daemon on a bus of its own; `getcert` talks to it."""

    def __init__(self, home):
        self.environment = dict(os.environ, HOME=str(home), CERTMONGER_CONFIG_DIR=str(home))
        for kind in ("REQUESTS", "CAS", "LOCAL_CA", "TMP"):
            (home / kind.lower()).mkdir(parents=True)
            self.environment[f"CERTMONGER_{kind}{'' if kind == 'TMP' else '_'}DIR"] = \
                str(home / kind.lower())
        self.log = home / "log"
        self.children = []
        try:
            bus = self._start("dbus-daemon", "--session", "--nofork", "--print-address")
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
            self.daemon = self._start("/usr/lib/certmonger/certmonger-session", "-s", "-n", "-B")
            harness.wait_until(self._answers, "certmonger answers")
        except BaseException:
            self.stop()
            raise

    def _start(self, *command):
        with open(self.log, "a") as log:
            self.children.append(subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True))
        return self.children[-1]

    def _answers(self):
        assert self.daemon.poll() is None, self.log.read_text()
        return subprocess.run(["getcert", "list-cas", "-s"], env=self.environment,
                              capture_output=True).returncode == 0

    def getcert(self, command, *arguments):
        assert self.daemon.poll() is None, self.log.read_text()
        return tool("getcert", command, "-s", *arguments, env=self.environment)

    def stop(self):
        for child in reversed(self.children):
            child.terminate()
            child.wait(10)


class Getcert:
    """A certificate that certmonger tracks. A CA that speaks SCEP itself has to be given (`-N`)."""

    subject, dns = "CN=server", "server.example"

    def __init__(self, url, directory, daemon, bits, *options):
        self.directory, self.daemon = directory, daemon
        self.bits = bits  # without them it renews with a new key of 2048 bits
        self.name = directory.name.replace("-", "_")
        daemon.getcert("add-scep-ca", "-c", self.name, "-u", url, *options)
        # The daemon asks GetCACaps and GetCACert in the background.
        harness.wait_until(lambda: "thumbprint" in daemon.getcert("list-cas", "-c", self.name),
                           "certmonger has the CA certificates")

    def _certificate_beside(self, serial):
        """Waits for one with another serial number."""
        file = self.directory / "cert.pem"

        def issued():
            listed = self.daemon.getcert("list", "-i", self.name)
            assert "stuck: yes" not in listed, listed
            assert "ca-error" not in listed or "no content" in listed, listed
            return "status: MONITORING" in listed and load(file).serial_number != serial

        harness.wait_until(issued, "certmonger has the certificate", 60)
        return file

    def _request(self, challenge):
        (self.directory / "challenge").write_text(challenge)
        self.daemon.getcert(
            "request", "-c", self.name, "-I", self.name, "-k", self.directory / "key.pem", "-g",
            self.bits, "-f", self.directory / "cert.pem", "-F", self.directory / "chain.pem", "-N",
            "CN=server", "-D", self.dns, "-l", self.directory / "challenge", "-R")

    def enrol(self, challenge):
        self._request(challenge)
        return self._certificate_beside(None)

    def enrol_and_wait(self, challenge, approve):
        """By itself it would ask again only at its own interval. A PENDING without content it reports
        as a signature that it cannot verify, and asks again all the same."""
        self._request(challenge)
        harness.wait_until(lambda: "no content" in self.daemon.getcert("list", "-i", self.name),
                           "certmonger has the reply")
        approve()
        self.daemon.getcert("refresh", "-i", self.name)
        return self._certificate_beside(None)

    def renew(self, new_key):
        old = load(self.directory / "cert.pem").serial_number
        self.daemon.getcert("rekey" if new_key else "resubmit", "-i", self.name)
        return self._certificate_beside(old)


def scep_submit(url, option):
    """The helper of certmonger that asks the questions."""
    return tool("/usr/lib/certmonger/scep-submit", "-u", url, option)
