"""HTTP by the octet: requests as they are written, and replies held to RFC 9112."""

import contextlib
import email.utils
import re
import resource
import socket
import struct

import harness
from harness import Reply

CAPS = b"GET /scep?operation=GetCACaps"
CACERT = b"GET /scep?operation=GetCACert"
POST = b"POST /scep?operation=PKIOperation"
#: What a request that got through would be answered with.
NEXT = CACERT + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#: All that the server ever says in a header.
HEADERS = {"Content-Type", "Content-Length", "Cache-Control", "Connection", "Allow", "Retry-After",
           "X-Content-Type-Options", "Content-Security-Policy", "Date"}


def ask(line, *fields, body=b""):
    """A request of HTTP/1.1; fields without CRLF. Its end is what the fields say."""
    return line + b" HTTP/1.1\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def post(message, *fields):
    """A whole POST of a message."""
    octets = message if isinstance(message, bytes) else message.der()
    return ask(POST, b"Host: x", b"Content-Length: %d" % len(octets), *fields, body=octets)


def replies(octets):
    """Each reply in what came over one connection; nothing may be left over. Without Date, in which replies
    to the same may differ."""
    found = []
    while octets:
        head, end, octets = octets.partition(b"\r\n\r\n")
        status, *fields = head.split(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) ([A-Za-z -]+)", status)
        assert end and match, f"no status line: {status[:100]!r}"
        pairs = [re.fullmatch(r"([A-Za-z-]+): ([ -~]+)", f.decode("latin-1")) for f in fields]
        assert all(pairs), f"a header field that is none: {fields}"
        headers = [pair.groups() for pair in pairs]
        assert {name for name, _ in headers} <= HEADERS, headers
        dates = [value for name, value in headers if name == "Date"]
        assert len(dates) == 1 and email.utils.parsedate_to_datetime(dates[0]), headers
        headers = [field for field in headers if field[0] != "Date"]
        length = int(dict(headers)["Content-Length"])
        assert len(octets) >= length, "the body is whole"
        found.append(Reply(int(match[1]), match[2].decode(), headers, octets[:length]))
        octets = octets[length:]
    return found


def exchange(port, octets, half_close=False):
    """All replies on a connection that the server must end by itself."""
    with connect(port) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(octets)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return replies(rest(connection))


def exchange_from(port, source, octets):
    """The status of the first reply to `octets` from another address."""
    with connect(port, source) as connection:
        connection.sendall(octets)
        return int(connection.recv(65536).split(b" ", 2)[1])


def refused(port, octets, *statuses, half_close=False):
    """One refusal and the end of the connection, whatever comes after the fault."""
    found = exchange(port, octets, half_close)
    assert [r.status for r in found] and len(found) == 1, found
    assert found[0].status in statuses, found
    assert found[0].header("Connection") == "close"
    assert found[0].content_type == "text/plain" and len(found[0].body) < 64
    return found[0]


def connect(port, source="127.0.0.1", receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(harness.PATIENCE)
    s.bind((source, 0))
    s.connect(("127.0.0.1", port))
    return s


def reset(connection):
    """Ends it with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextlib.contextmanager
def many(port, count, octets=b""):
    """So many connections, on each of which `octets` were sent."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(port)) for _ in range(count)]
        for connection in connections:
            connection.sendall(octets)
        yield connections


def rest(connection):
    """All that still comes until the peer closes."""
    out = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            out += chunk
    return out
