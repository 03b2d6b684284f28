"""The separate signer (docs/signer.md) beside a lab: made out of it, started, asked, stopped."""

import atexit
import base64
import contextlib
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization

import harness
import scep_client
import secrets_kept
import soft_token

SHARED = ("templates", "openssl_patched")
SERVED = ("crl", "ocsp")  # by the server
WRITTEN = ("crl_urls", "ocsp_urls", "ca_issuers_urls", "freshest_crl_urls")  # into certificates
KINDS = {"describe": 1, "issue": 2, "crl": 3, "responder": 4, "description": 0x81, "issued": 0x82,
         "signature": 0x83, "refused": 0xFF}
_running = []


def frame(kind, *fields):
    """One frame; a field that is None or empty is left out, a pair has a tag of its own."""
    body = b""
    for number, octets in enumerate(fields, 1):
        tag, octets = octets if isinstance(octets, tuple) else (number, octets)
        octets = octets.encode() if isinstance(octets, str) else octets
        if octets:
            body += bytes([tag]) + struct.pack(">I", len(octets)) + octets
    return b"SG\x01" + bytes([KINDS[kind]]) + struct.pack(">I", len(body)) + body


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def grant(owner, /, **changes):
    """A Grant as the server writes it."""
    made = {"v": 1, "policy": "mdm",
            "subject": base64.b64encode(scep_client.name("forged").public_bytes()).decode(),
            "san": [], "key": base64.b64encode(spki(owner)).decode(), "purpose": "general_purpose",
            "stripped": []}
    made.update(changes)
    return json.dumps({key: value for key, value in made.items() if value is not None})


def order(owner, /, *, order_id=None, ca="lab", by="DeviceGeneral", csr=None, **changes):
    csr = scep_client.Csr(owner).der() if csr is None else csr
    return frame("issue", order_id or os.urandom(32), ca, by, "/scep", "T1", csr,
                 grant(owner, **changes))


class Answer:
    """What the signer said: its kind, and its fields by tag."""

    def __init__(self, octets):
        assert octets[:3] == b"SG\x01", octets[:8]
        self.kind = {number: name for name, number in KINDS.items()}[octets[3]]
        assert struct.unpack(">I", octets[4:8])[0] == len(octets) - 8
        self.fields, rest = {}, octets[8:]
        while rest:
            tag, (length,) = rest[0], struct.unpack(">I", rest[1:5])
            self.fields.setdefault(tag, []).append(rest[5:5 + length])
            rest = rest[5 + length:]

    @property
    def code(self):
        assert self.kind == "refused", self.kind
        return self.fields[3][0].decode()

    @property
    def text(self):
        return self.fields[5][0].decode()

    @property
    def temporary(self):
        return 2 in self.fields


class Connection:
    """A connection as the network process has one."""

    def __init__(self, path, timeout=harness.PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def receive(self, length):
        out = b""
        while len(out) < length:
            piece = self.socket.recv(length - len(out))
            if not piece:
                break
            out += piece
        return out

    def answer(self):
        """None: the signer has closed the connection."""
        try:
            header = self.receive(8)
            if not header:
                return None
            return Answer(header + self.receive(struct.unpack(">I", header[4:8])[0]))
        except ConnectionResetError:
            return None

    def ask(self, octets):
        try:
            self.send(octets)
        except (BrokenPipeError, ConnectionResetError):
            return None  # closed before it was asked
        return self.answer()


class Signer:
    """The CA's key of a lab, in a process and a folder of its own."""

    def __init__(self, lab, place=None, **options):
        # A Unix socket's path has at most 107 octets, and pytest's folders are deep.
        self.dir = Path(tempfile.mkdtemp(prefix="sgn", dir=place))
        self.dir.chmod(0o750)
        atexit.register(shutil.rmtree, self.dir, True)
        self.lab = lab
        self.process = None
        self.options = options
        self.log_file = self.dir / "signer.log"
        self.socket = self.dir / "s.sock"
        self.state = self.dir / "signer.db"

    @property
    def config_file(self):
        return self.dir / "signer.json"

    def config(self):
        return harness.load_json_with_comments(self.config_file.read_text())

    def edit(self, change):
        config = self.config()
        change(config)
        self.write(config)

    def write(self, config):
        self.config_file.touch(mode=0o600)
        self.config_file.write_text(json.dumps(config, indent=2))

    def take_over(self, config, place=shutil.move):
        """Moves the embedded CAs of a server's configuration here; returns whether there were some.
        Templates are as the server has them."""
        mine = {name: ca for name, ca in config.get("cas", {}).items()
                if ca.get("type") == "embedded"}
        if not mine:
            return False
        ours = {"signer": {"socket": str(self.socket), **self.options},
                "audit": {"file": "signer-audit.jsonl"}, "cas": {}}
        ours.update({key: config[key] for key in SHARED if key in config})
        for name, ca in mine.items():
            moved = {key: value for key, value in ca.items() if key not in SERVED}
            for key in ("certificate", "chain"):
                if key in ca:
                    moved[key] = str(self.lab.dir / ca[key])
            moved["key"] = dict(ca["key"])
            for secret in ("passphrase", "pin"):
                if "file" in ca["key"].get(secret, {}):
                    moved["key"][secret] = {"file": str(self.lab.dir / ca["key"][secret]["file"])}
            if "file" in ca["key"]:
                file = self.lab.dir / ca["key"]["file"]
                target = self.dir / f"{name}.key"
                if file.exists():
                    place(file, target)
                moved["key"]["file"] = str(target)
            ours["cas"][name] = moved
            theirs = {key: value for key, value in ca.items() if key not in ("key", *WRITTEN)}
            config["cas"][name] = {**theirs, "type": "signer", "socket": str(self.socket)}
        self.let_in(config.get("run_as"), ours["signer"])
        self.write(ours)
        return True

    def let_in(self, run_as, settings):
        """The user whom the server becomes; one that a test makes up is for the server to refuse."""
        try:
            user = pwd.getpwnam(run_as["user"])
        except (KeyError, TypeError):
            return
        group = grp.getgrgid(user.pw_gid).gr_name
        settings.update(allow=[pwd.getpwuid(os.geteuid()).pw_name, user.pw_name], socket_group=group)
        os.chown(self.dir, -1, user.pw_gid)

    # -- running ---------------------------------------------------------------------------------

    def start(self, **options):
        log = open(self.log_file, "ab")
        options["env"] = soft_token.environment(self.lab.dir, options.get("env"))
        self.process = subprocess.Popen(
            [str(harness.BINARY), "signer", "--config", str(self.config_file)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        log.close()
        _running.append(self.process)
        harness.wait_until(self.answers, "the signer answers")
        return self

    def answers(self):
        assert self.process.poll() is None, f"the signer ended early:\n{self.log()}"
        try:
            with Connection(self.socket, 2):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(harness.PATIENCE)
        self.process = None
        assert status == 0, f"exit status {status}:\n{self.log()[-4000:]}"
        assert not harness.SANITIZER_REPORT.search(self.log()), self.log()[-8000:]
        assert harness.REFUSED_CALL not in self.log(), self.log()[-8000:]
        texts = {file.name: file.read_text() for file in (self.log_file, self.dir / "signer-audit.jsonl")}
        secrets_kept.assert_kept(secrets_kept.of_folder(self.dir, self.config()), texts)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def reload(self):
        before = self.log().count("reloaded")
        self.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.log().count("reloaded") > before, "the signer reloaded")

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def audit(self, event=None):
        file = self.dir / "signer-audit.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return [line for line in lines if event in (None, line["event"])]

    def ask(self, octets):
        with Connection(self.socket) as connection:
            return connection.ask(octets)


def separated(lab, start=True, **options):
    """Takes the CA's key out of a lab that does not serve yet. `place`: where the signer's folder is."""
    signer = Signer(lab, **options)
    config = lab.config()
    assert signer.take_over(config)
    lab.write_config(config)
    return signer.start() if start else signer


# -- the whole suite with it (SCEPGATE_TEST_SIGNER=1) ----------------------------------------------
#
# As an operator does: a lab is set up with its CA's key beside it, which goes into a signer before
# the lab serves for the first time. Commands that make or renew CAs find the key beside it again;
# what they made goes into the signer after them.

KEYS = ".signer-keys.json"
SETTING_UP = {"create", "csr", "install", "import", "ra", "renew", "rollover"}
_labs = {}


def _embedded(config):
    """The CAs that can be separated; a test's broken configuration stays as it is."""
    cas = config.get("cas") if isinstance(config, dict) else None
    return {name: ca for name, ca in (cas.items() if isinstance(cas, dict) else ())
            if isinstance(ca, dict) and ca.get("type") == "embedded"
            and isinstance(ca.get("key"), dict)
            and isinstance(ca["key"].get("file", ca["key"].get("pkcs11")), str)
            and isinstance(ca.get("certificate"), str)}


def join(lab, config):
    """A server's configuration as it was before separate()."""
    file = lab.dir / KEYS
    keys = json.loads(file.read_text()) if file.exists() else {}
    for name, ca in config.get("cas", {}).items():
        if ca.get("type") == "signer" and name in keys:
            theirs = {key: value for key, value in ca.items() if key not in ("socket", "type")}
            config["cas"][name] = {"type": "embedded", **theirs, **keys[name]}


def separate(lab, config):
    """A copy whose CAs have their keys in the lab's signer, which runs with them."""
    embedded = _embedded(config)
    with_ra = isinstance(config.get("endpoints"), list) and all(
        isinstance(each, dict) and "ra" in each for each in config["endpoints"])
    if not embedded or not with_ra:
        return config
    config = json.loads(json.dumps(config))
    file = lab.dir / KEYS
    known = json.loads(file.read_text()) if file.exists() else {}
    for name, ca in embedded.items():
        known[name] = {key: ca[key] for key in ("key", *WRITTEN) if key in ca}
    file.write_text(json.dumps(known))
    owner = lab.dir.stat()
    os.chown(file, owner.st_uid, owner.st_gid)
    lab.signer = lab.signer or Signer(lab)
    lab.signer.take_over(config, place=shutil.copy)
    if lab.signer.process is None:
        lab.signer.start()
    else:
        lab.signer.reload()
    _labs[str(lab.config_file)] = lab
    return config


def before_serving(lab):
    """What cannot be read is for the server to refuse."""
    config = lab.config_if_sound()
    separated = config and separate(lab, config)
    if separated is not config:
        lab.replace_config(separated)


@contextlib.contextmanager
def joined(arguments):
    """While a command sets up a CA of a lab that serves with a signer."""
    names_one = "--config" in arguments and arguments[0] == "ca" and arguments[1] in SETTING_UP
    lab = _labs.get(str(arguments[arguments.index("--config") + 1])) if names_one else None
    if lab is None:
        yield
        return
    before = lab.config_file.read_text()
    lab.replace_config(lab.config())
    joint = lab.config_file.read_text()
    yield
    if lab.config_file.read_text() == joint:
        lab.config_file.write_text(before)
        lab.signer.reload()  # a certificate may be another
    else:
        lab.write_config(lab.config())


@atexit.register
def _end_all():
    for process in _running:
        if process.poll() is None:
            process.kill()

