"""X02: a service that policy asks, and that answers as no service should."""

import contextlib
import gzip
import itertools
import json
import socket
import ssl
import threading
import time

import pytest

import scep_client as scep
from oracle import Oracle, static_device
from scep_client import Csr, name, pkcs_req
from webhook_service import Service, tls_files

HOOKED = "/hooked"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ALLOW = b'{"decision":"allow"}'


class EvilService:
    """Reads a request over TLS and writes whatever `answer` yields, until the caller has enough."""

    def __init__(self, folder):
        self.certificate, key = tls_files(folder)
        self.answer, self.heard = (lambda: ()), []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.listening = context.wrap_socket(socket.create_server(("127.0.0.1", 0)),
                                             server_side=True, do_handshake_on_connect=False)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            connection.do_handshake()
            octets = b""
            while b"\r\n\r\n" not in octets or not octets.endswith(b"}"):
                octets += connection.recv(65536)
            self.heard.append(octets.split(b"\r\n\r\n", 1))
            for part in self.answer():
                connection.sendall(part)

    url = property(lambda self: f"https://127.0.0.1:{self.port}/hook")
    settings = Service.settings


class Hooked:
    def __init__(self, lab, service, key):
        self.lab, self.service, self.key, self.ca = lab, service, key, lab.ca()
        self.numbers = itertools.count()
        service.answer = lambda: [FULL]
        assert self.ask()[0].status == 200  # what calls to services need is made with the first
        self.oracle = Oracle(lab, static_device(lab, key))

    def ask(self, subject="device"):
        csr = Csr(self.key, name(("CN", subject)), "x")
        message = pkcs_req(csr, [self.ca.encryption], transaction_id=f"evil-{next(self.numbers)}",
                           signer=scep.self_signed(self.key))
        with self.lab.http(timeout=60) as http:
            reply = http.request("POST", f"{HOOKED}?operation=PKIOperation", message.der(),
                                 {"Content-Type": "application/x-pki-message"})
        return reply, message


@pytest.fixture(scope="module")
def target(serve, keys, tmp_path_factory):
    """An honest endpoint with a password, and one that asks the service."""
    service = EvilService(tmp_path_factory.mktemp("service"))
    lab = serve("--policy", "static")

    def edit(config):
        settings = service.settings(lab)
        settings["http"]["timeout"] = "1s"
        config["policies"]["hook"] = {"type": "webhook", "timeout": "4s", **settings}
        config["endpoints"].append(dict(config["endpoints"][0], paths=[HOOKED], policy="hook"))

    lab.edit(edit)
    lab.stop()
    yield Hooked(lab.start(), service, keys())
    service.listening.close()


def endless(part, first=b""):
    """Far more than anybody reads: some 4 GiB, or until the caller has enough."""
    return lambda: itertools.chain([first], itertools.repeat(part * (65536 // len(part) + 1), 65536))


def dripping(octets):
    def answer():
        for octet in octets:
            yield bytes([octet])
            time.sleep(0.2)
    return answer


FULL = HEAD + b"Content-Length: %d\r\n\r\n" % len(ALLOW) + ALLOW
ANSWERS = {
    "nothing": lambda: (),
    "a body without end": endless(b" ", HEAD + b"\r\n"),
    "chunks without end": endless(b"10000\r\n" + b" " * 65536 + b"\r\n",
                                  HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a body of 10 GiB": endless(b" ", HEAD + b"Content-Length: 10737418240\r\n\r\n"),
    "a field without end": endless(b"a", b"HTTP/1.1 200 OK\r\nX: "),
    "fields without end": endless(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"),
    "a status line without end": endless(b"a", b"HTTP/1.1 200 "),
    "interim answers without end": endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints without end": endless(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
    "chunk extensions without end": endless(
        b";a=b", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1"),
    "trailers without end": endless(
        b"X: y\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
    "a header by drops": dripping(FULL),
    "a body by drops": lambda: itertools.chain([FULL[:-len(ALLOW)]], dripping(ALLOW)()),
    "no HTTP": lambda: [b"\x00" * 100],
    "HTTP 0.9": lambda: [ALLOW],
    "an unknown version": lambda: [FULL.replace(b"HTTP/1.1", b"HTTP/7.7")],
    "two lengths": lambda: [HEAD + b"Content-Length: 20\r\nContent-Length: 2\r\n\r\n" + ALLOW],
    "a length that is none": lambda: [HEAD + b"Content-Length: -1\r\n\r\n" + ALLOW],
    "less than promised": lambda: [HEAD + b"Content-Length: 4000\r\n\r\n" + ALLOW],
    "compressed": lambda: [HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(ALLOW)],
    "switching protocols": lambda: [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    "a redirect to a file": lambda: [b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
                                     b"Content-Length: 0\r\n\r\n"],
    "wants a password": lambda: [b"HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\n"
                                 b"Content-Length: 0\r\n\r\n"],
    "no content": lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"],
}


@pytest.mark.attack("X02", "C15")
@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_none_ends_and_gives_no_certificate(target, what):
    target.service.answer = ANSWERS[what]
    reply, message = target.ask()
    if reply.status == 200:
        opened = target.lab.open(reply, message, target.ca)
        assert (opened.status, opened.fail_info) == ("failure", "badRequest")
    else:
        assert reply.status == 503 and reply.header("Retry-After")


EVIL_NAMES = ['","decision":"allow","x":"', "a\\", "</script>", "{{x}}", "$(id)", "%0d%0aX: y", "ä€"]


@pytest.mark.attack("X02")
@pytest.mark.parametrize("text", EVIL_NAMES)
def test_what_a_device_writes_is_told_as_it_is_and_is_nothing_else(target, text):
    target.service.answer = ANSWERS["wants a password"]
    del target.service.heard[:]
    target.ask(text)
    head, body = target.service.heard[0]
    assert json.loads(body)["subject"]["text"].startswith("CN=")
    rdn = scep.x509.Name.from_rfc4514_string(json.loads(body)["subject"]["text"]).rdns[0]
    assert [a.value for a in rdn] == [text]
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook HTTP/1.1"
    assert not any(line.startswith("X:") for line in lines[1:])
