"""scepgate behind a real nginx with the configuration of deploy/nginx/scepgate.conf."""

import os
import re
import socket
import subprocess
import urllib.parse

import pytest

import harness
import scep_client as scep
from harness import PATH, Http, free_port, raw_exchange
from scep_client import Csr, name, pkcs_req
from test_http import CAPS, long_message

CONF = harness.TOP / "deploy" / "nginx" / "scepgate.conf"
OUTSIDE = "127.0.0.9"  # where clients come from, as nginx sees them


class Nginx:
    """nginx as a child, with its files in one directory."""

    def __init__(self, directory, upstream):
        self.port = free_port()
        conf = CONF.read_text()
        for ours, theirs in (("listen 80;", f"listen 127.0.0.1:{self.port};"),
                             ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
                             ("/var/log/nginx/", f"{directory}/")):
            assert conf.count(ours) == 1, f"{ours} in {CONF}"
            conf = conf.replace(ours, theirs)
        (directory / "scepgate.conf").write_text(conf)
        temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (directory / "nginx.conf").write_text(
            ("user root;\n" if os.geteuid() == 0 else "")
            + f"daemon off;\nworker_processes 1;\npid {directory}/nginx.pid;\n"
            f"events {{}}\nhttp {{\n{temporary}include {directory}/scepgate.conf;\n}}\n")
        self.error_log = directory / "error.log"
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e",
             str(self.error_log)], stdin=subprocess.DEVNULL)
        harness.wait_until(self.listens, "nginx listens")

    def listens(self):
        assert self.process.poll() is None, self.error_log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def http(self):
        http = Http(self.port)
        http.connection.source_address = (OUTSIDE, 0)
        return http


@pytest.fixture(scope="module")
def nginx(static_lab, tmp_path_factory):
    server = Nginx(tmp_path_factory.mktemp("nginx"), static_lab.port)
    yield server
    server.stop()


@pytest.mark.parametrize("kilobytes", [8, 16, 40, 60])
def test_a_long_GET_goes_through(static_lab, nginx, password, keys, kilobytes):
    ca = static_lab.ca()
    message, target = long_message(ca, keys(), password, kilobytes * 1024)
    with nginx.http() as http:
        reply = http.request("GET", target)
    assert static_lab.open(reply, message, ca).status == "success"


def test_200_KB_is_a_clean_414_and_both_live(static_lab, nginx, password, keys):
    ca = static_lab.ca()
    _, target = long_message(ca, keys(), password, 200 * 1024)
    out = raw_exchange(nginx.port, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert out.startswith(b"HTTP/1.1 414 ")
    message, short = long_message(ca, keys(), password, 8 * 1024)
    with nginx.http() as http:
        assert static_lab.open(http.request("GET", short), message, ca).status == "success"


def test_POST_goes_through(static_lab, nginx, password, keys):
    ca = static_lab.ca()
    message = pkcs_req(Csr(keys(), name("by-nginx"), password), [ca.encryption])
    with nginx.http() as http:
        reply = http.request("POST", f"{PATH}?operation=PKIOperation", message.der(),
                             {"Content-Type": "application/x-pki-message"})
    assert static_lab.open(reply, message, ca).status == "success"


@pytest.mark.parametrize("spell", [
    lambda t: urllib.parse.quote(t, safe=""), lambda t: t, lambda t: t.replace("+", "%20"),
    lambda t: t.replace("+", "-").replace("/", "_")], ids=["escaped", "raw", "spaces", "url-safe"])
def test_E06_the_message_arrives_as_it_was_spelled(static_lab, nginx, password, keys, spell):
    ca = static_lab.ca()
    message = pkcs_req(Csr(keys(), name("spelled"), password), [ca.encryption])
    text = harness.base64.b64encode(message.der()).decode()
    with nginx.http() as http:
        reply = http.request("GET", f"{PATH}?operation=PKIOperation&message={spell(text)}")
    assert static_lab.open(reply, message, ca).status == "success"


def test_content_types_come_through_unchanged(nginx):
    with nginx.http() as http:
        assert http.request("GET", CAPS).content_type == "text/plain"
        reply = http.request("GET", "/scep?operation=GetCACert")
        assert reply.content_type == "application/x-x509-ca-ra-cert"


def test_one_connection_serves_many_requests(nginx):
    with nginx.http() as http:
        for _ in range(50):
            assert http.request("GET", CAPS).status == 200


def test_scepgate_enroll_works_through_it(static_lab, nginx, password, tmp_path):
    for method in ("get", "post"):
        result = harness.run("enroll", "--url", f"http://127.0.0.1:{nginx.port}{PATH}",
                             "--challenge", password, "--subject", "CN=through", "--method", method,
                             "--out", tmp_path / method)
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("trusted,seen", [(["127.0.0.1"], OUTSIDE), ([], "127.0.0.1"),
                                          (["192.0.2.0/24"], "127.0.0.1")])
def test_H15_the_client_of_a_trusted_proxy_is_known_and_cannot_be_forged(
        new_lab, tmp_path, keys, trusted, seen):
    def trust(config):
        config["trusted_proxies"] = trusted

    lab = new_lab(edit=trust)
    nginx = Nginx(tmp_path, lab.port)
    try:
        message = pkcs_req(Csr(keys(), name("x"), "x"), [lab.ca().encryption])
        with nginx.http() as http:
            http.request("POST", f"{PATH}?operation=PKIOperation", message.der(),
                         {"X-Forwarded-For": "198.51.100.66"})
    finally:
        nginx.stop()
    refusals = [line["client"] for line in lab.audit() if line["event"] == "refuse"]
    assert refusals == [seen]


@pytest.mark.parametrize("head", [
    b"Transfer-Encoding: gzip\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: chunked, gzip\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
], ids=lambda h: h.decode().replace("\r\n", " "))
def test_H07_nothing_is_smuggled_through_it(nginx, head):
    smuggled = b"GET /scep?operation=GetCACert HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    out = raw_exchange(nginx.port, b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\n"
                       + head + b"\r\n0\r\n\r\n" + smuggled)
    assert b"ca-ra-cert" not in out
    assert re.match(rb"HTTP/1\.1 [45]\d\d ", out)
