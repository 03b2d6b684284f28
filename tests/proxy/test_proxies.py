"""scepgate behind real reverse proxies with the configurations of deploy/."""

import base64
import re
import urllib.parse

import pytest

import harness
import proxies
from harness import PATH, raw_exchange
from proxies import OUTSIDE
from scep_client import Csr, name, pkcs_req
from test_http import CAPS, long_message


@pytest.fixture(scope="module", params=proxies.ALL, ids=lambda proxy: proxy.name)
def proxy(request, static_lab, tmp_path_factory):
    running = request.param(tmp_path_factory.mktemp(request.param.name), static_lab.port)
    yield running
    running.stop()


@pytest.fixture
def message(static_lab, password, keys):
    return pkcs_req(Csr(keys(), name("through"), password), [static_lab.ca().encryption])


@pytest.mark.attack("H01")
@pytest.mark.parametrize("kilobytes", [8, 16, 40, 60, 100])
def test_H01_a_long_GET_goes_through(static_lab, proxy, password, keys, kilobytes):
    ca = static_lab.ca()
    message, target = long_message(ca, keys(), password, kilobytes * 1024)
    with proxy.http() as http:
        reply = http.request("GET", target)
    assert static_lab.open(reply, message, ca).status == "success"


@pytest.mark.attack("H01")
def test_H01_200_KB_are_refused_cleanly_and_both_live(static_lab, proxy, password, keys):
    ca = static_lab.ca()
    _, target = long_message(ca, keys(), password, 200 * 1024)
    out = raw_exchange(proxy.port, f"GET {target} HTTP/1.1\r\nHost: x\r\n"
                       "Connection: close\r\n\r\n".encode())
    assert out.startswith(f"HTTP/1.1 {proxy.too_long} ".encode())
    message, short = long_message(ca, keys(), password, 8 * 1024)
    with proxy.http() as http:
        assert static_lab.open(http.request("GET", short), message, ca).status == "success"


def test_POST_goes_through(static_lab, proxy, message):
    with proxy.http() as http:
        reply = http.request("POST", f"{PATH}?operation=PKIOperation", message.der(),
                             {"Content-Type": "application/x-pki-message"})
    assert static_lab.open(reply, message).status == "success"


def test_a_body_of_3_MB_is_refused_with_413(proxy):
    out = raw_exchange(proxy.port, b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\n"
                       b"Connection: close\r\nContent-Length: 3000000\r\n\r\n" + bytes(3000000))
    assert out.startswith(b"HTTP/1.1 413 ")


SPELLINGS = {
    "escaped": lambda t: urllib.parse.quote(t, safe=""),
    "raw": lambda t: t,
    "spaces": lambda t: t.replace("+", "%20"),
    "url-safe": lambda t: t.replace("+", "-").replace("/", "_"),
    "unpadded": lambda t: t.rstrip("="),
    "lines": lambda t: "".join(f"{t[i:i + 64]}%0A" for i in range(0, len(t), 64)),
    "lines-escaped": lambda t: "".join(
        urllib.parse.quote(t[i:i + 64], safe="") + "%0D%0A" for i in range(0, len(t), 64)),
}


@pytest.mark.attack("B01", "B02", "B03")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_E06_the_message_arrives_as_it_was_spelled(static_lab, proxy, password, keys, spelling):
    ca = static_lab.ca()
    text = ""
    while not ("+" in text and text.endswith("=")):  # what the spellings differ in
        message = pkcs_req(Csr(keys(), name("s" * (1 + len(text) % 3)), password), [ca.encryption])
        text = base64.b64encode(message.der()).decode()
    query = f"operation=PKIOperation&message={SPELLINGS[spelling](text)}"
    with proxy.http() as http:
        reply = http.request("GET", f"{PATH}?{query}")
    assert static_lab.open(reply, message, ca).status == "success"


@pytest.mark.parametrize("path", ["/SCEP", "/scep/", "/scep/pkiclient.exe",
                                  "/certsrv/mscep/mscep.dll/pkiclient.exe"])
def test_every_path_of_the_endpoint_goes_through(proxy, path):
    with proxy.http() as http:
        reply = http.request("GET", f"{path}?operation=GetCACaps&message=")
    assert reply.status == 200 and b"POSTPKIOperation" in reply.body


def test_replies_come_through_unchanged(static_lab, proxy):
    for operation in ("GetCACaps", "GetCACert"):
        target = f"{PATH}?operation={operation}&message=0"
        direct = static_lab.get(target)
        with proxy.http() as http:
            reply = http.request("GET", target, headers={"Accept-Encoding": "gzip, deflate"})
        assert (reply.status, reply.content_type, reply.body) == \
            (200, direct.content_type, direct.body)
        assert reply.header("Content-Encoding") is None


def test_one_connection_serves_many_requests(proxy):
    with proxy.http() as http:
        for _ in range(50):
            assert http.request("GET", CAPS).status == 200


def test_HTTP_1_0_is_served(proxy):
    out = raw_exchange(proxy.port, f"GET {CAPS} HTTP/1.0\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.[01] 200 ", out) and b"POSTPKIOperation" in out


def test_H04_a_request_without_Host_is_answered(proxy):
    """Only HAProxy passes one on; the others' 400 is what docs/proxies.md says of them."""
    out = raw_exchange(proxy.port, f"GET {CAPS} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    assert out.startswith(b"HTTP/1.1 200 " if proxy.passes_missing_host else b"HTTP/1.1 400 ")


def test_scepgate_enroll_works_through_it(proxy, password, tmp_path):
    for method in ("get", "post"):
        result = harness.run("enroll", "--url", proxy.url, "--challenge", password, "--subject",
                             "CN=through", "--method", method, "--out", tmp_path / method)
        assert result.returncode == 0, result.stderr


def test_its_access_log_leaves_the_message_out(proxy, message):
    with proxy.http() as http:
        http.request("GET", harness.get_target(message.der()))

    def logged():
        text = proxy.access_log().read_text()
        return text if PATH in text else None

    assert "MII" not in harness.wait_until(logged, "the access log is written")


@pytest.mark.attack("H15")
@pytest.mark.parametrize("kind", proxies.ALL, ids=lambda proxy: proxy.name)
@pytest.mark.parametrize("trusted,seen", [(["127.0.0.1"], OUTSIDE), (["192.0.2.0/24"], "127.0.0.1")],
                         ids=["trusted", "not-trusted"])
def test_H15_the_client_of_a_trusted_proxy_is_known_and_cannot_be_forged(
        new_lab, tmp_path, keys, kind, trusted, seen):
    def trust(config):
        config["trusted_proxies"] = trusted

    lab = new_lab(edit=trust)
    running = kind(tmp_path, lab.port)
    try:
        message = pkcs_req(Csr(keys(), name("x"), "x"), [lab.ca().encryption])
        with running.http() as http:
            http.request("POST", f"{PATH}?operation=PKIOperation", message.der(),
                         {"X-Forwarded-For": "198.51.100.66", "Forwarded": "for=198.51.100.67"})
    finally:
        running.stop()
    refusals = [line["client"] for line in lab.audit() if line["event"] == "refuse"]
    assert refusals == [seen]


AMBIGUOUS = [
    b"Transfer-Encoding: gzip\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: chunked, gzip\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b'Transfer-Encoding: "chunked"\r\n',
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n",
    b"Content-Length: 4\r\nContent-Length: 5\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: 4, 4\r\n",
    b"Content-Length : 4\r\n",
]


@pytest.mark.attack("H07", "H08")
@pytest.mark.parametrize("head", AMBIGUOUS, ids=lambda h: h.decode().replace("\r\n", " "))
def test_H07_scepgate_and_the_proxy_see_the_same_requests(static_lab, proxy, head):
    """A second request counts only if the proxy, too, answers it as one."""
    length = 1000 + 100 * proxies.ALL.index(type(proxy)) + 2 * AMBIGUOUS.index(head)

    def target(octets):
        return f"{PATH}?operation=GetCACert&message=".ljust(octets, "A")

    def served(octets):  # the log knows requests by their length
        return len(re.findall(rf"uri_length={octets} ", static_lab.log()))

    second = f"GET {target(length)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    out = raw_exchange(proxy.port, b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\n"
                       + head + b"\r\n0\r\n\r\n" + second)
    static_lab.get(target(length + 1))
    harness.wait_until(lambda: served(length + 1), "the log is written so far")
    assert re.match(rb"HTTP/1\.1 [45]\d\d ", out)
    answers = len(re.findall(rb"HTTP/1\.[01] \d\d\d ", out))
    assert served(length) == out.count(b"x-x509-ca-ra-cert") <= answers - 1
