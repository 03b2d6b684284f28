"""What a request line and its fields say (attack matrix H11 to H17, H19)."""

import base64
import gzip

import pytest

import wire
from wire import ask

CLOSE = b"Connection: close"


@pytest.fixture(scope="module")
def plain(target):
    """GetCACaps as an honest client gets it."""
    return target.lab.get("/scep?operation=GetCACaps").body


def answer(target, octets):
    """The one reply to a request that ends the connection."""
    reply, = wire.exchange(target.lab.port, octets)
    return reply


@pytest.mark.attack("H11")
@pytest.mark.parametrize("prefix", ["http://evil.example", "HTTP://evil.example:99", "https://a@b",
                                    "http://[::1]:80", "http://127.0.0.1:1"])
def test_of_an_absolute_target_only_the_path_counts(target, plain, prefix):
    line = f"GET {prefix}/scep?operation=GetCACaps".encode()
    assert answer(target, ask(line, b"Host: x", CLOSE)).body == plain
    elsewhere = f"GET {prefix}/etc/passwd".encode()
    assert answer(target, ask(elsewhere, b"Host: x", CLOSE)).status == 404


@pytest.mark.attack("H11")
@pytest.mark.parametrize("path", [
    "scep", "x:80", "*", "?operation=GetCACaps", "ftp://x/scep", "http:///scep", "http:/scep", "//scep",
    "///scep", "/../scep", "/./scep", "/scep/../../etc/passwd", "/scep/%2e%2e/x/y", "/%73cep/../x",
    "/scep%00", "/scep%00.exe/x", "/%00", "/scep%2f..%2f", "/scep\\..\\x", "/\\scep", "\\scep", "/scep;x",
    "/scep%zz", "/scep%2", "/..%c0%af..%c0%afetc/passwd", "/scep#operation=GetCACaps", "/", "/admin",
    "/metrics", "/scepgate.json", "/ca.key", "/scep/../ca.key", "/file:///etc/passwd"])
def test_any_other_target_is_400_or_404_and_no_file(target, path):
    line = f"GET {path}{'' if '?' in path else '?operation=GetCACaps'}".encode()
    reply = answer(target, ask(line, b"Host: x", CLOSE))
    assert reply.status in (400, 404) and len(reply.body) < 64, reply


@pytest.mark.attack("H12", "Z04")
@pytest.mark.parametrize("hosts", [
    ["a", "b"], ["a", "a"], ["a", ""], ["a@b"], ["a b"], ["a\tb"], ["a\x00b"], ["a\x7fb"], ["a/b"],
    ["a\\b"], ["a?b"], ["a#b"], ["a,b"], ["\xe4"], ["<script>"], ['"']], ids=repr)
def test_a_Host_that_is_none_is_400(target, hosts):
    fields = [f"Host: {host}".encode("latin-1") for host in hosts]
    wire.refused(target.lab.port, ask(wire.CAPS, *fields, CLOSE), 400)


@pytest.mark.attack("H12")
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "[::1]", "a" * 10_000, "", None],
                         ids=str)
def test_a_Host_changes_nothing(target, host):
    """Without one, too: strongSwan's client sends none."""
    fields = [] if host is None else [b"Host: " + host.encode()]
    honest = target.lab.get("/scep?operation=GetCACert")
    reply = answer(target, ask(wire.CACERT, *fields, CLOSE))
    assert (reply.status, reply.body) == (200, honest.body)
    browser = answer(target, ask(b"GET /scep", *fields, CLOSE))
    assert browser.status == 403 and b"evil" not in browser.body


@pytest.mark.attack("H13")
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND",
                                    "get", "Post", "GETT", "X" * 5000])
def test_another_method_is_405_and_echoes_nothing(target, method):
    line = f"{method} /scep?operation=GetCACaps".encode()
    octets = ask(line, b"Host: x", b"Cookie: hidden", b"Content-Length: 6", body=b"hidden")
    reply = wire.refused(target.lab.port, octets + wire.NEXT, 405)
    assert reply.header("Allow") == "GET, HEAD, POST"
    assert b"hidden" not in reply.body and method.encode() not in reply.body


@pytest.mark.attack("H13")
@pytest.mark.parametrize("line", [b"CONNECT evil.example:443", b"OPTIONS *", b"G\x00T /scep", b"G@T /scep",
                                  b" /scep", b"GET", b""])
def test_a_method_with_another_target_is_refused_too(target, line):
    wire.refused(target.lab.port, ask(line, b"Host: x") + wire.NEXT, 400, 405)


@pytest.mark.attack("H14")
@pytest.mark.parametrize("fields", [
    [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"],
    [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], [b"Connection: Upgrade", b"Upgrade: TLS/1.2"]])
def test_an_upgrade_is_ignored(target, plain, fields):
    found = wire.exchange(target.lab.port, ask(wire.CAPS, b"Host: x", *fields) + wire.NEXT)
    assert [r.status for r in found] == [200, 200]
    assert found[0].body == plain


@pytest.mark.attack("H14")
@pytest.mark.parametrize("octets", [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    bytes.fromhex("16030100c8010000c40303") + bytes(193), bytes.fromhex("802e0103010015"),
    b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 64, b"\xff" * 64], ids=["h2", "TLS", "SSLv2", "SSH", "00", "ff"])
def test_another_protocol_is_400_at_once(target, octets):
    wire.refused(target.lab.port, octets + wire.NEXT, 400, 405)


QUERIES = {
    "operation twice": "operation=GetCACaps&operation=GetCACaps",
    "operation twice in other cases": "operation=GetCACaps&OPERATION=GetCACert",
    "operation twice, once escaped": "operation=GetCACaps&%6fperation=GetCACert",
    "message twice": "operation=GetCACert&message=1&message=2",
    "operation empty": "operation=",
    "operation without value": "operation",
    "operation unknown": "operation=GetCACapsX",
    "operation with a space": "operation=%20GetCACaps",
    "operation with NUL": "operation=GetCACaps%00",
    "operation with a line break": "operation=GetCACaps%0d%0aX:y",
    "operation escaped twice": "operation=%2547etCACaps",
    "operation of 64 KiB": "operation=" + "x" * 65536,
    "a semicolon for a separator": "operation=GetCACaps;message=1",
    "an escape that is none": "operation=GetCACaps%zz",
    "a name with a broken escape": "%zz=1&operation=GetCACaps",
    "PKIOperation without message": "operation=PKIOperation",
    "PKIOperation with an empty message": "operation=PKIOperation&message=",
    "a message twice": "operation=PKIOperation&message=MIIB&message=MIIB",
}


@pytest.mark.attack("H16")
@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.replace(" ", "-"))
def test_a_query_that_can_be_read_in_two_ways_is_400(target, query):
    reply = target.lab.get(f"/scep?{QUERIES[query]}")
    assert (reply.status, reply.content_type) == (400, "text/plain")
    assert len(reply.body) < 64


@pytest.mark.attack("H16")
@pytest.mark.parametrize("query", ["x" * 65536 + "=1&operation=GetCACaps", "&&&operation=GetCACaps&",
                                   "&" * 60_000 + "operation=GetCACaps", "operation=GETcacapS&x=%zz"])
def test_what_else_stands_in_a_query_is_passed_over(target, plain, query):
    assert target.lab.get(f"/scep?{query}").body == plain


@pytest.mark.attack("H16")
@pytest.mark.parametrize("query", ["operation%3DGetCACaps", "x%26operation=GetCACaps",
                                   "x=1%26operation=GetCACaps"])
def test_a_separator_that_is_escaped_separates_nothing(target, query):
    """There is no operation: that is a browser's request."""
    assert target.lab.get(f"/scep?{query}").status == 403


BREAKS = ["%0d%0aEvil:%20a=b", "%0aEvil:%20a=b", "%0d%0a%0d%0a<Evil>", "%E5%98%8A%E5%98%8DEvil:%20x"]


@pytest.mark.attack("H17")
@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("target_of", ["/scep?operation=GetCACert&message={}", "/scep?operation={}",
                                       "/scep/{}?operation=GetCACaps", "/{}", "/scep?{}",
                                       "/scep?operation=PKIOperation&message={}"])
def test_a_line_break_that_is_escaped_reaches_no_header(target, broken, target_of):
    """`wire` knows each field that the server has."""
    line = f"GET {target_of.format(broken)}".encode()
    reply = answer(target, ask(line, b"Host: x", CLOSE))
    assert b"Evil" not in reply.body


@pytest.mark.attack("H17", "S15")
def test_a_line_break_in_the_transactionID_reaches_no_header(target):
    message = target.request(transaction_id="a\r\nEvil: a=b", break_signature=True)
    assert answer(target, wire.post(message, CLOSE)).header("Evil") is None


@pytest.mark.attack("H19")
@pytest.mark.parametrize("field", ["Range: bytes=0-1", "Range: bytes=0-,0-,0-,0-", "If-Range: x",
                                   'If-None-Match: *', "If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT",
                                   "Accept-Encoding: gzip, br", "Accept: image/png", "TE: trailers",
                                   "Expect: 100-continue", "Expect: the-unexpected", "X-HTTP-Method: PUT",
                                   "X-Original-URL: /admin", "X-Rewrite-URL: /admin"])
def test_a_field_that_wants_another_answer_changes_nothing(target, field):
    honest = target.lab.get("/scep?operation=GetCACert")
    reply = answer(target, ask(wire.CACERT, b"Host: x", field.encode(), CLOSE))
    assert (reply.status, reply.content_type, reply.body) == (200, honest.content_type, honest.body)


@pytest.fixture(scope="module")
def bomb():
    return gzip.compress(bytes(64 << 20), 1)


@pytest.mark.attack("H19")
@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "gzip, gzip", "identity, gzip",
                                    "unknown"])
def test_a_body_with_a_coding_is_415_and_never_inflated(target, bomb, coding):
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", f"Content-Encoding: {coding}".encode(),
                                      b"Content-Length: %d" % len(bomb), body=bomb), 415)


@pytest.mark.attack("H19")
def test_a_compressed_message_without_a_word_is_no_message(target):
    target.nobody(gzip.compress(target.request().der()))
    text = base64.urlsafe_b64encode(gzip.compress(target.request().der())).decode()
    assert target.lab.get(f"/scep?operation=PKIOperation&message={text}").status == 400
