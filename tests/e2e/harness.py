"""Runs the real scepgate binary: a lab in a directory of its own, started, asked, stopped."""

import base64
import contextlib
import http.client
import itertools
import json
import os
import shutil
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

import scep_client
import secrets_kept
import soft_token

TOP = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SCEPGATE", TOP / "build" / "scepgate")).resolve()
# For what a test only needs to have: under sanitizers a program takes its time to start.
TOOL = Path(os.environ.get("SCEPGATE_TOOL", BINARY)).resolve()
PATH = "/scep"
SANITIZER_REPORT = re.compile(
    r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:")
REFUSED_CALL = "a system call that is not allowed"  # server/sandbox/refused_syscall.cpp


# The whole suite with the CA's key in a signer of its own (docs/signer.md).
SEPARATE_SIGNER = os.environ.get("SCEPGATE_TEST_SIGNER", "0") != "0"


def slow_binary():
    """True for sanitizer builds: fewer rounds, longer waits."""
    return "asan" in str(BINARY) or "tsan" in str(BINARY)


# How all labs serve, so that the whole suite can be run so: where the keys of CA, RA and challenges
# are ("file" or "softhsm"), and the CA's key ("ec:p384").
TEST_KEYS = os.environ.get("SCEPGATE_TEST_KEYS", "file")
TEST_CA = os.environ.get("SCEPGATE_TEST_CA", "")

PATIENCE = 60 if slow_binary() else 20


def _ports():
    """Below those that the kernel gives to connections, so that none of them takes a port between
    here and the server's start; each pytest-xdist worker has its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, count = 12000 + 4000 * (worker % 4), 4000
    start = secrets.randbelow(count)
    while True:
        for offset in range(count):
            yield first + (start + offset) % count


_candidates = _ports()


def free_port():
    for port in itertools.islice(_candidates, 4000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on loopback")


def run(*arguments, program=BINARY, **options):
    """Runs a scepgate subcommand to its end."""
    if "--config" in arguments:
        folder = Path(arguments[arguments.index("--config") + 1]).parent
        options["env"] = soft_token.environment(folder, options.get("env"))
    with _keys_at_hand(arguments):
        return subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True,
                              errors="replace", timeout=PATIENCE * 3, **options)


def _keys_at_hand(arguments):
    if not SEPARATE_SIGNER:
        return contextlib.nullcontext()
    import signer_lab
    return signer_lab.joined(arguments)


def load_json_with_comments(text):
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m.group(1) or "", text,
                  flags=re.DOTALL)
    return json.loads(text)


def verification(kind, lab, *arguments):
    """The report of `audit verify` or `store verify`, whose exit status says the same."""
    done = run(kind, "verify", "--config", lab.config_file, "--json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["sound"] == (done.returncode == 0)
    return report


def wait_until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {patience} s")


class Reply:
    """An HTTP answer as it came."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    @property
    def content_type(self):
        values = [v for k, v in self.headers if k.lower() == "content-type"]
        assert len(values) <= 1
        return values[0] if values else None

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def __repr__(self):
        return f"Reply({self.status} {self.content_type} {self.body[:200]!r})"


class Http:
    """A keep-alive connection that sends the target exactly as given."""

    def __init__(self, port, timeout=PATIENCE):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.connection._validate_path = lambda url: None  # hostile targets are the point

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, target, body=None, headers=()):
        c = self.connection
        c.putrequest(method, target, skip_accept_encoding=True)
        for key, value in dict(headers).items():
            c.putheader(key, value)
        if body is not None:
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        r = c.getresponse()
        return Reply(r.status, r.reason, r.getheaders(), r.read())


def raw_exchange(port, octets, timeout=PATIENCE, half_close=False):
    """Sends octets on a fresh connection and returns all that comes until the peer closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(octets)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        out = b""
        try:
            while chunk := s.recv(65536):
                out += chunk
        except ConnectionResetError:
            pass
        return out


def get_target(message, path=PATH, alphabet="standard"):
    encoded = base64.b64encode(message).decode()
    return f"{path}?operation=PKIOperation&message={urllib.parse.quote(encoded, safe='')}"


def send_until_gone(process, signal_):
    """A signal again and again, until the process is gone."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None:
        assert time.monotonic() < end, f"{signal_.name} did not end it"
        process.send_signal(signal_)


class Lab:
    """One `scepgate init` directory and the server on it."""

    def __init__(self, directory, port=None):
        self.dir = Path(directory)
        self.port = port or free_port()
        self.process = None
        self.log_file = self.dir / "server.log"
        self.stderr_seen = ""
        self.signer = None
        self.intruded = False  # by a test, which has system calls refused
        self.challenges = []

    # -- making and changing ---------------------------------------------------------------------

    @classmethod
    def init(cls, directory, *arguments):
        lab = cls(directory)
        if TEST_CA and "--ca-key" not in arguments:
            arguments = (*arguments, "--ca-key", TEST_CA)
        made = run("init", directory, "--listen", f"127.0.0.1:{lab.port}", "--url",
                   f"http://127.0.0.1:{lab.port}{PATH}", *arguments, program=TOOL)
        assert made.returncode == 0, made.stderr
        return lab

    @property
    def config_file(self):
        return self.dir / "scepgate.json"

    def config(self):
        config = load_json_with_comments(self.config_file.read_text())
        if SEPARATE_SIGNER:
            import signer_lab
            signer_lab.join(self, config)
        return config

    def config_if_sound(self):
        """The file as it is, or None where a test has broken what is told apart here."""
        try:
            config = load_json_with_comments(self.config_file.read_text())
            shapes = {"cas": dict, "policies": dict, "endpoints": list}
            members = [(config.get(key, shape()), shape) for key, shape in shapes.items()]
        except (OSError, ValueError, AttributeError):
            return None
        sound = all(isinstance(value, shape) and
                    all(isinstance(each, dict) for each in
                        (value.values() if shape is dict else value))
                    for value, shape in members)
        return config if sound else None

    def edit(self, change):
        """`change` gets the configuration as a dict and alters it in place."""
        config = self.config()
        change(config)
        self.write_config(config)

    def write_config(self, config):
        if SEPARATE_SIGNER and self.signer is not None:
            import signer_lab
            config = signer_lab.separate(self, config)
        self.replace_config(config)

    def replace_config(self, config):
        mode = self.config_file.stat().st_mode
        self.config_file.write_text(json.dumps(config, indent=2))
        self.config_file.chmod(mode)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{PATH}"

    # -- running ---------------------------------------------------------------------------------

    def spawn(self, **options):
        if TEST_KEYS == "softhsm":
            soft_token.before_serving(self)
        if SEPARATE_SIGNER:
            import signer_lab
            signer_lab.before_serving(self)
        if self.signer is not None and self.signer.process is None:
            self.signer.start()
        log = open(self.log_file, "ab")
        options["env"] = soft_token.environment(self.dir, options.get("env"))
        self.process = subprocess.Popen([str(BINARY), "serve", "--config", str(self.config_file)],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        **options)
        log.close()
        return self.process

    def start(self, **options):
        self.spawn(**options)
        wait_until(self.answers, "the server answers")
        return self

    def answers(self):
        assert self.process.poll() is None, f"scepgate ended early:\n{self.log()}"
        try:
            with Http(self.port, timeout=2) as http_:
                return http_.request("GET", f"{PATH}?operation=GetCACaps").status == 200
        except OSError:
            return False

    def stop(self):
        """SIGTERM; the server must drain and end well."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end the server:\n{self.log()[-2000:]}")
        self.process = None
        assert status == 0, f"exit status {status}:\n{self.log()[-4000:]}"
        self.assert_clean()

    def end_signer(self):
        if self.signer is not None:
            self.signer.kill()

    def kill(self):
        """As the power fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def assert_clean(self):
        report = SANITIZER_REPORT.search(self.log())
        assert not report, self.log()[-8000:]
        if not self.intruded:
            refused = [line for line in self.log().splitlines() if REFUSED_CALL in line]
            assert not refused, refused

    def assert_secrets_are_kept(self):
        """What the lab's folder has of logs and audit files has none of its secrets."""
        config = self.config_if_sound()
        secrets = secrets_kept.of_folder(self.dir, config) if config else {}
        secrets |= {f"challenge {number}": secrets_kept.of_challenge(challenge)
                    for number, challenge in enumerate(self.challenges)}
        texts = {file.name: file.read_text(errors="replace")
                 for pattern in ("*.log*", "*.jsonl*") for file in self.dir.glob(pattern)
                 if file.is_file()}
        secrets_kept.assert_kept(secrets, texts)

    # -- what it wrote ---------------------------------------------------------------------------

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def audit_text(self):
        file = self.dir / "audit.jsonl"
        return file.read_text() if file.exists() else ""

    def audit(self, crls=False):
        """What was done. The CRLs (`crls`) that the server makes by itself, at any time, are left out."""
        lines = [json.loads(line) for line in self.audit_text().splitlines()]
        return [line for line in lines if crls or line["event"] != "crl"]

    def certificates(self):
        """`cert list --json` (works beside a running server)."""
        listed = run("cert", "list", "--json", "--config", self.config_file, program=TOOL)
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout)
        return found["certificates"] if isinstance(found, dict) else found

    def serials(self):
        return sorted(int(row["serial"], 16) for row in self.certificates())

    def text_everywhere(self):
        """All that an operator could read afterwards: log and audit."""
        return self.log() + self.audit_text()

    # -- asking ----------------------------------------------------------------------------------

    def challenge(self, *arguments):
        made = run("challenge", "create", "--config", self.config_file, *arguments, program=TOOL)
        assert made.returncode == 0, made.stderr
        lines = made.stdout.split()
        self.challenges += lines
        return lines if "--count" in arguments else lines[0]

    def http(self, **options):
        return Http(self.port, **options)

    def get(self, target, **headers):
        with self.http() as http_:
            return http_.request("GET", target, headers=headers)

    def ca(self):
        """GetCACert, sorted by role."""
        reply = self.get(f"{PATH}?operation=GetCACert")
        assert reply.status == 200
        if reply.content_type == "application/x-x509-ca-cert":
            certificates = [scep_client.x509.load_der_x509_certificate(reply.body)]
        else:
            certificates = scep_client.certs_only(reply.body)
        return scep_client.sort_certificates(certificates)

    def post(self, message):
        with self.http() as http_:
            return http_.request("POST", f"{PATH}?operation=PKIOperation",
                                 message if isinstance(message, bytes) else message.der(),
                                 {"Content-Type": "application/x-pki-message"})

    def send(self, message, ca=None, digest=None):
        """Sends a Message by POST and opens the CertRep that must come back."""
        return self.open(self.post(message), message, ca, digest)

    def open(self, reply, message, ca=None, digest=None):
        assert reply.status == 200, reply
        assert reply.content_type == "application/x-pki-message"
        return scep_client.read_cert_rep(reply.body, message, (ca or self.ca()).signing, digest)

    def enrol(self, csr, **options):
        ca = self.ca()
        return self.send(scep_client.pkcs_req(csr, [ca.encryption], **options), ca)


def copy_of(template, folder, edit=None):
    """A lab in `folder` made from a template's, on a port of its own; not started."""
    shutil.copytree(template, folder)
    lab = Lab(folder)

    def move(config):
        config["listen"] = [{"address": f"127.0.0.1:{lab.port}"}]
        if edit:
            edit(config)

    lab.edit(move)
    return lab


def stop_all(labs):
    """Stops and judges each; none runs on, whatever one of them had to say."""
    try:
        for lab in labs:
            lab.stop()
            lab.assert_secrets_are_kept()
    finally:
        for lab in labs:
            lab.kill()
            lab.end_signer()


class SecondNode(Lab):
    """Another server process on the first one's store, CA and audit file."""

    def __init__(self, first):
        super().__init__(first.dir)
        self.signer = first.signer
        self.log_file = first.dir / "second.log"
        config = first.config()
        config["listen"] = [{"address": f"127.0.0.1:{self.port}"}]
        self.config_file.touch(mode=0o600)
        self.write_config(config)

    @property
    def config_file(self):
        return self.dir / "second.json"
