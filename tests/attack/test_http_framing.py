"""Where a request ends (attack matrix Z01 to Z05, H07 to H10): what two servers could read in two ways
is refused, and nothing after it is read."""

import pytest

import wire
from target import attacked
from wire import ask


@pytest.fixture(scope="module")
def target(serve, keys):
    """Behind a proxy, so that what a trailer says of the client would count."""
    yield from attacked(serve(edit=lambda c: c.update(trusted_proxies=["127.0.0.1"])), keys)


def fields(text):
    return text.encode("latin-1").split(b"\n")


TRANSFER_ENCODINGS = [
    "Transfer-Encoding: gzip\nContent-Length: 4", "Transfer-Encoding: gzip",
    "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity\nTransfer-Encoding: chunked", "Transfer-Encoding: identity",
    'Transfer-Encoding: "chunked"', "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked;", "Transfer-Encoding: chunked,", "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x0b", "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked\x00", "Transfer-Encoding: chu\tnked", "Transfer-Encoding:",
    "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked",
    "Transfer-Encoding:\n chunked", "Transfer-Encoding: chunked\nContent-Length: 4",
    "Content-Length: 4\nTransfer-Encoding: chunked", "Content-Length: 0\nTransfer-Encoding: chunked",
]


@pytest.mark.attack("H07", "Z01")
@pytest.mark.parametrize("field", TRANSFER_ENCODINGS, ids=repr)
def test_a_transfer_encoding_that_is_not_the_one_token_chunked_is_400(target, field):
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", *fields(field),
                                      body=b"0\r\n\r\n" + wire.NEXT), 400)


@pytest.mark.attack("H07", "Z01")
def test_chunked_in_HTTP_1_0_is_400(target):
    octets = wire.POST + b" HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + wire.NEXT
    wire.refused(target.lab.port, octets, 400)


@pytest.mark.attack("H08", "Z04")
@pytest.mark.parametrize("field", [
    "Content-Length: 4\nContent-Length: 4", "Content-Length: 4\nContent-Length: 5",
    "Content-Length: 4\ncontent-length: 4", "Content-Length: 4, 4", "Content-Length: 4,5",
    "Content-Length: +4", "Content-Length: -1", "Content-Length: 0x4", "Content-Length: 4.0",
    "Content-Length: 4e0", "Content-Length: 4 4", "Content-Length: four", "Content-Length:",
    'Content-Length: "4"', "Content-Length: 18446744073709551616",
    "Content-Length: 99999999999999999999999999", "Content-Length : 4", "Content-Length: 4\x00",
    " Content-Length: 4", "Content-Length:\n 4", "Content-Length: \xb4"], ids=repr)
def test_a_length_that_is_not_one_number_is_400(target, field):
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", *fields(field),
                                      body=b"0\r\n\r\n" + wire.NEXT), 400)


@pytest.mark.attack("H08")
@pytest.mark.parametrize("length", [2**20 + 1, 2**31, 2**32, 2**63, 2**64 - 1])
def test_a_length_over_the_limit_is_413_at_its_announcement(target, length):
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", b"Content-Length: %d" % length), 413)


CHUNKS = {
    "a size of nine digits": (b"FFFFFFFFF\r\n", 400),
    "a size over 2^64": (b"10000000000000000\r\n", 400),
    "25 leading zeros": (b"0" * 25 + b"4\r\nabcd\r\n0\r\n\r\n", 400),
    "a size over the limit": (b"7FFFFFFF\r\n", 413),
    "sizes that add up over the limit": (b"80000\r\n" + bytes(0x80000) + b"\r\n80001\r\n", 413),
    "a negative size": (b"-1\r\n", 400),
    "a size with a sign": (b"+4\r\nabcd\r\n0\r\n\r\n", 400),
    "a size with 0x": (b"0x4\r\nabcd\r\n0\r\n\r\n", 400),
    "no size": (b"\r\nabcd\r\n0\r\n\r\n", 400),
    "a space before the size": (b" 4\r\nabcd\r\n0\r\n\r\n", 400),
    "a space after the size": (b"4 \r\nabcd\r\n0\r\n\r\n", 400),
    "LF after the size": (b"4\nabcd\r\n0\r\n\r\n", 400),
    "LF after the data": (b"4\r\nabcd\n0\r\n\r\n", 400),
    "LF after the last chunk": (b"0\n\n", 400),
    "LF inside an extension": (b"4;a\nb\r\nabcd\r\n0\r\n\r\n", 400),
    "NUL inside an extension": (b"4;a\0b\r\nabcd\r\n0\r\n\r\n", 400),
    "more data than the size": (b"4\r\nabcdef\r\n0\r\n\r\n", 400),
    "an extension of 1 MiB": (b"4;" + b"e" * 2**20 + b"\r\n", 413),
    "100000 extensions": (b"1;a=b\r\nx\r\n" * 100_000, 413),
    "a trailer of 1 MiB": (b"0\r\nX: " + b"t" * 2**20 + b"\r\n\r\n", 413),
    "100000 trailers": (b"0\r\n" + b"X: t\r\n" * 100_000 + b"\r\n", 413),
    "100000 chunks of one octet": (b"1\r\nx\r\n" * 100_000, 413),
}


@pytest.mark.attack("H09", "Z03")
@pytest.mark.parametrize("chunks", CHUNKS, ids=lambda c: c.replace(" ", "-"))
def test_a_chunked_body_out_of_form_or_limit_is_refused(target, chunks):
    octets, status = CHUNKS[chunks]
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", b"Transfer-Encoding: chunked",
                                      body=octets + wire.NEXT), status)


@pytest.mark.attack("H09", "H10")
@pytest.mark.parametrize("head, body", [
    (b"Transfer-Encoding: chunked", b"4\r\nabcd\r\n"), (b"Transfer-Encoding: chunked", b"4\r\nab"),
    (b"Transfer-Encoding: chunked", b"0\r\n"), (b"Transfer-Encoding: chunked", b""),
    (b"Content-Length: 5", b"abcd"), (b"Content-Length: 5", b"")])
def test_a_body_that_ends_early_is_400(target, head, body):
    wire.refused(target.lab.port, ask(wire.POST, b"Host: x", head, body=body), 400, half_close=True)


@pytest.mark.attack("Z02", "H09")
@pytest.mark.parametrize("trailer", ["X-Forwarded-For: 203.0.113.66", "Forwarded: for=203.0.113.66",
                                     "Host: evil.example", "Content-Length: 4",
                                     "Transfer-Encoding: gzip", "X-SSL-Client-Cert: evil",
                                     "User-Agent: evil.example"])
def test_what_a_trailer_says_counts_for_nothing(target, trailer):
    message = target.request(break_signature=True)
    octets = message.der()
    body = b"%x\r\n" % len(octets) + octets + b"\r\n0\r\n" + trailer.encode() + b"\r\n\r\n"
    found = wire.exchange(target.lab.port, ask(
        wire.POST, b"Host: x", b"X-Forwarded-For: 192.0.2.7", b"User-Agent: device",
        b"Transfer-Encoding: chunked", body=body + wire.NEXT))
    assert [r.content_type for r in found] == ["application/x-pki-message",
                                               "application/x-x509-ca-ra-cert"]
    assert target.lab.open(found[0], message, target.ca).fail_info == "badMessageCheck"
    line = [e for e in target.lab.audit() if e.get("transaction_id") == message.transaction_id][-1]
    assert line["client"] == "192.0.2.7"
    assert not any("evil" in line for line in target.lab.log().splitlines()
                   if message.transaction_id in line)


@pytest.mark.attack("H10")
@pytest.mark.parametrize("line", [wire.POST, wire.CAPS], ids=["POST", "GET"])
@pytest.mark.parametrize("chunked", [False, True], ids=["Content-Length", "chunked"])
def test_a_request_inside_a_body_is_never_answered(target, line, chunked):
    smuggled = ask(b"GET /scep?operation=GetNextCACert", b"Host: x")
    if chunked:
        head, body = b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(smuggled), smuggled)
    else:
        head, body = b"Content-Length: %d" % len(smuggled), smuggled
    found = wire.exchange(target.lab.port, ask(line, b"Host: x", head, body=body + wire.NEXT))
    assert [r.status for r in found] == [400 if line == wire.POST else 200, 200]
    assert found[1].content_type == "application/x-x509-ca-ra-cert"


@pytest.mark.attack("H10")
def test_a_body_longer_than_its_length_is_no_request(target):
    found = wire.exchange(target.lab.port, ask(wire.POST, b"Host: x", b"Content-Length: 4",
                                               body=b"abcd" + b"rest of it " + wire.NEXT))
    assert [r.status for r in found] == [400, 400]


@pytest.mark.attack("Z04")
@pytest.mark.parametrize("octets", [
    wire.CAPS + b" HTTP/1.1\nHost: x\r\n\r\n", wire.CAPS + b" HTTP/1.1\r\nHost: x\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\nHost: x\r\n\n", wire.CAPS + b" HTTP/1.1\r\rHost: x\r\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\nHost: x\r\nA: b\r\n\tfolded\r\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\nHost : x\r\n\r\n", wire.CAPS + b" HTTP/1.1\r\nHo st: x\r\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\nA: \0\r\n\r\n", wire.CAPS + b" HTTP/1.1\r\nno colon\r\n\r\n",
    wire.CAPS + b" HTTP/1.1\r\n: no name\r\n\r\n", wire.CAPS + b" HTTP/2.0\r\nHost: x\r\n\r\n",
    wire.CAPS + b" HTTP/1.2\r\nHost: x\r\n\r\n", wire.CAPS + b" http/1.1\r\nHost: x\r\n\r\n",
    wire.CAPS + b"\r\n\r\n", wire.CAPS + b"  HTTP/1.1\r\nHost: x\r\n\r\n",
    wire.CAPS + b"\t HTTP/1.1\r\nHost: x\r\n\r\n", wire.CAPS + b"\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET\t/scep?operation=GetCACaps HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\0" + wire.NEXT, b"\xef\xbb\xbf" + wire.NEXT], ids=repr)
def test_a_header_out_of_form_is_400(target, octets):
    wire.refused(target.lab.port, octets + wire.NEXT, 400)
