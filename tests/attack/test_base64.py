"""The message parameter of a GET (attack matrix B01 to B08): one octet string for each text that is
taken, and 400 for every other."""

import base64
import urllib.parse

import pytest

import wire
from wire import ask

GET = "/scep?operation=PKIOperation&message="


@pytest.fixture
def refusal(target):
    """A message that is answered, and its base64: with + and /, and padding of one character."""
    for length in range(1, 500):
        message = target.request(transaction_id=f"base64-{length}" + "x" * (length % 7),
                                 break_signature=True)
        text = base64.b64encode(message.der()).decode()
        if text.count("+") > 1 and text.count("/") > 1 and text[-2] != "=" == text[-1]:
            return message, text
    raise AssertionError("no such message")


def lines(text, end):
    return end.join(text[i:i + 64] for i in range(0, len(text), 64))


TAKEN = {
    "plus raw": lambda t: t,
    "plus escaped": lambda t: t.replace("+", "%2B"),
    "plus as an escaped space": lambda t: t.replace("+", "%20"),
    "some plus raw and some escaped": lambda t: t.replace("+", "%2b", 1),
    "all escaped": lambda t: "".join(f"%{ord(c):02x}" for c in t),
    "URL-safe": lambda t: t.replace("+", "-").replace("/", "_"),
    "no padding": lambda t: t.rstrip("="),
    "padding escaped": lambda t: t.replace("=", "%3d"),
    "lines with an escaped LF": lambda t: lines(t, "%0A"),
    "lines with an escaped CR LF": lambda t: lines(t, "%0d%0a") + "%0d%0a",
    "ten thousand line breaks": lambda t: "%0a" * 10_000 + t,
}


@pytest.mark.attack("B01", "B02", "B03", "B04")
@pytest.mark.parametrize("spelling", TAKEN, ids=lambda s: s.replace(" ", "-"))
def test_each_spelling_of_real_clients_is_the_same_message(target, refusal, spelling):
    message, text = refusal
    reply = target.lab.get(GET + TAKEN[spelling](text))
    assert target.lab.open(reply, message, target.ca).fail_info == "badMessageCheck"


def spare(text):
    """Bits that no octet has, in the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-2] + alphabet[alphabet.index(text[-2]) | 1] + "="


REFUSED = {
    "two alphabets": ("B02", lambda t: t.replace("+", "-", 1)),
    "two alphabets, one escaped": ("B02", lambda t: t.replace("/", "%5f", 1)),
    "a tab": ("B03", lambda t: t[:64] + "%09" + t[64:]),
    "a vertical tab": ("B03", lambda t: t[:64] + "%0b" + t[64:]),
    "one = more": ("B04", lambda t: t + "="),
    "two = more": ("B04", lambda t: t + "=="),
    "three = more": ("B04", lambda t: t + "==="),
    "= in the middle": ("B04", lambda t: t[:400] + "=" + t[400:]),
    "= in the middle of four": ("B04", lambda t: t[:398] + "==" + t[400:]),
    "= alone": ("B04", lambda t: "===="),
    "a length of 1 modulo 4": ("B04", lambda t: t[:401]),
    "one character": ("B04", lambda t: "M"),
    "spare bits": ("B04", spare),
    "spare bits without padding": ("B04", lambda t: spare(t)[:-1]),
    "escaped twice": ("B05", lambda t: urllib.parse.quote(urllib.parse.quote(t, safe=""), safe="")),
    "%zz": ("B05", lambda t: t[:100] + "%zz" + t[100:]),
    "% at the end": ("B05", lambda t: t + "%"),
    "%2 at the end": ("B05", lambda t: t + "%2"),
    "%u002B": ("B05", lambda t: t.replace("+", "%u002B")),
    "% 2B": ("B05", lambda t: t.replace("+", "% 2B".replace(" ", "%20"))),
    "NUL": ("B06", lambda t: t[:100] + "%00" + t[100:]),
    "NUL at the end": ("B06", lambda t: t + "%00"),
    "a high octet": ("B06", lambda t: t[:100] + "%c3%a4" + t[100:]),
    "a full-width plus": ("B06", lambda t: t.replace("+", "%ef%bc%8b")),
    "PEM": ("B06", lambda t: "-----BEGIN%20PKCS7-----%0A" + t + "%0A-----END%20PKCS7-----"),
    "a data URI": ("B06", lambda t: "data:;base64," + t),
    "hex": ("B06", lambda t: base64.b64decode(t).hex()),
    "nothing": ("B07", lambda t: ""),
    "line breaks alone": ("B07", lambda t: "%0a" * 1000),
    "a second message": ("B07", lambda t: t + "&message=" + t),
}


@pytest.mark.attack("B02", "B03", "B04", "B05", "B06", "B07")
@pytest.mark.parametrize("spelling", REFUSED, ids=lambda s: f"{REFUSED[s][0]}-{s.replace(' ', '-')}")
def test_any_other_spelling_is_400(target, refusal, spelling):
    _, text = refusal
    reply = target.lab.get(GET + REFUSED[spelling][1](text))
    assert (reply.status, reply.content_type) == (400, "text/plain")
    assert len(reply.body) < 64


@pytest.mark.attack("B03")
@pytest.mark.parametrize("character", [b"\r\n", b"\n", b"\r", b"\t", b" ", b"\0", b"\xc3\xa4"], ids=repr)
def test_a_raw_break_or_octet_ends_the_request_line(target, refusal, character):
    _, text = refusal
    line = b"GET " + GET.encode() + text[:100].encode() + character + text[100:].encode()
    wire.refused(target.lab.port, ask(line, b"Host: x") + wire.NEXT, 400)


@pytest.mark.attack("B07")
@pytest.mark.parametrize("text, status", [
    ("A" * (10 << 20), 414), ("%41" * (5 << 20), 414), ("%0a" * (5 << 20), 414), ("A" * 130_000, 400),
    ("%0a" * 43_000, 400)], ids=["10-MiB", "5-MiB-escaped", "5-MiB-of-breaks", "130-kB", "breaks"])
def test_a_message_that_is_only_large_is_refused_by_its_length(target, text, status):
    octets = ask(f"GET {GET}{text}".encode(), b"Host: x", b"Connection: close")
    reply, = wire.exchange(target.lab.port, octets)
    assert reply.status == status


@pytest.mark.attack("B07")
def test_PKIOperation_without_a_message_is_400(target):
    for query in ("operation=PKIOperation", "operation=PKIOperation&message"):
        assert target.lab.get(f"/scep?{query}").status == 400
    target.nobody(b"")


@pytest.mark.attack("B08")
def test_base64_or_PEM_in_a_POST_is_400(target, refusal):
    _, text = refusal
    for body in (text, lines(text, "\n"), "message=" + urllib.parse.quote(text, safe=""),
                 "-----BEGIN PKCS7-----\n" + lines(text, "\n") + "\n-----END PKCS7-----\n"):
        target.nobody(body.encode())
