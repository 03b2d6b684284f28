"""Too long, too slow, too many (attack matrix H01 to H06, H18, H20). The limits are set low here, so
that they are reached; what they are by default stands in docs/limits.md."""

import contextlib
import re
import resource
import select
import time

import pytest

import harness
import wire
from oracle import MEMORY_SLACK, Oracle, blob_device
from target import attacked
from wire import ask

LIMITS = {"header_time": "2s", "request_time": "3s", "write_time": "3s", "idle_time": "2s",
          "requests_per_connection": 1000, "connections_per_address": 3000, "queue": 8}
UNFINISHED = {
    "nothing": (b"", None),
    "a request line": (wire.CAPS, 408),
    "a header": (wire.CAPS + b" HTTP/1.1\r\nX: ", 408),
    "a body": (ask(wire.POST, b"Host: x", b"Content-Length: 99", body=b"x"), 408),
    "a chunk size": (ask(wire.POST, b"Host: x", b"Transfer-Encoding: chunked", body=b"0"), 408),
    "a chunk extension": (ask(wire.POST, b"Host: x", b"Transfer-Encoding: chunked", body=b"1;"), 408),
    "a chunk": (ask(wire.POST, b"Host: x", b"Transfer-Encoding: chunked", body=b"9\r\nabc"), 408),
}


@pytest.fixture(scope="module")
def target(serve, keys):
    yield from attacked(serve(edit=lambda c: c.update(limits=LIMITS, threads={"crypto": 1})), keys)


@pytest.mark.attack("H01")
def test_a_target_of_1_MiB_is_414(target):
    wire.refused(target.lab.port, ask(b"GET /scep?" + b"x" * 2**20, b"Host: x") + wire.NEXT, 414)


@pytest.mark.attack("H02")
@pytest.mark.parametrize("fields", [
    [b"X: y"] * 10_000, [b"X: " + b"y" * 2**20], [b"x:"] * 900, [b"X" * 2**20 + b": y"],
    [b"X: y"] * 101, [b"Host: " + b"x" * 40_000]], ids=lambda f: f"{len(f)}-of-{len(f[0])}")
def test_too_many_or_too_long_fields_are_431(target, fields):
    wire.refused(target.lab.port, ask(wire.CAPS, *fields) + wire.NEXT, 431)


@pytest.mark.attack("H03", "H05", "Z05")
@pytest.mark.parametrize("unfinished", UNFINISHED, ids=lambda u: u.replace(" ", "-"))
def test_a_request_that_stops_is_ended_at_its_deadline(target, rounds, unfinished):
    """And honest devices are served meanwhile."""
    octets, status = UNFINISHED[unfinished]
    with wire.many(target.lab.port, rounds(100), octets) as connections:
        for _ in range(3):
            target.oracle.enrol_meanwhile()
        for connection in connections:
            found = wire.replies(wire.rest(connection))
            assert [r.status for r in found] == ([status] if status else [])


@pytest.mark.attack("H03")
@pytest.mark.parametrize("unfinished", ["a header", "a body", "a chunk extension"],
                         ids=lambda u: u.replace(" ", "-"))
def test_a_trickle_of_octets_moves_no_deadline(target, unfinished):
    octets, _ = UNFINISHED[unfinished]
    with wire.connect(target.lab.port) as connection:
        connection.sendall(octets)
        connection.settimeout(0.1)
        reply = b""
        while not reply:
            try:
                connection.sendall(b"0")
                reply = connection.recv(65536)
            except TimeoutError:
                continue
        connection.settimeout(harness.PATIENCE)
        found = wire.replies(reply + wire.rest(connection))
    assert [r.status for r in found] == [408]


@pytest.mark.attack("H05")
def test_a_connection_without_a_next_request_is_closed_without_a_word(target):
    with wire.many(target.lab.port, 20, ask(wire.CAPS, b"Host: x")) as connections:
        for connection in connections:
            assert [r.status for r in wire.replies(wire.rest(connection))] == [200]


@pytest.mark.attack("H04")
def test_who_does_not_read_is_cut_off(target):
    """Replies that nobody takes wait in a bounded buffer, and the next requests are not read."""
    with wire.connect(target.lab.port, receive_buffer=1) as connection:
        connection.settimeout(0.5)
        sent = 0
        with pytest.raises(OSError):  # full; or reset, once the server's patience is over
            while sent < 256 << 20:
                sent += connection.send(ask(wire.CACERT, b"Host: x") * 1000)
        assert target.oracle.memory_is_back()
        harness.wait_until(lambda: not _established(connection), "the server closes")


def _established(connection):
    """By what the kernel knows: a close waits behind what was not read."""
    tcp_info = connection.getsockopt(wire.socket.IPPROTO_TCP, wire.socket.TCP_INFO, 1)
    return tcp_info[0] == 1


@pytest.mark.attack("H06")
def test_a_thousand_requests_in_one_segment_are_answered_in_order(target):
    octets = (ask(wire.CAPS, b"Host: x") + ask(wire.CACERT, b"Host: x")) * 500
    with wire.connect(target.lab.port) as connection:
        connection.sendall(octets + wire.NEXT)
        found = wire.replies(wire.rest(connection))
    assert [r.content_type for r in found] == ["text/plain", "application/x-x509-ca-ra-cert"] * 500
    assert found[-1].header("Connection") == "close", "the most requests of a connection"


@pytest.mark.attack("H06")
def test_messages_in_one_segment_are_answered_in_order(target):
    """By transactionID, and though some take longer than the next."""
    messages = [target.request(break_signature=True) if number % 3 else target.sealed(b"no CSR")
                for number in range(12)]
    octets = b"".join(wire.post(message) for message in messages)
    found = wire.exchange(target.lab.port, octets + wire.NEXT)
    for message, reply in zip(messages, found[:-1], strict=True):
        assert target.lab.open(reply, message, target.ca).fail_info == "badMessageCheck"


@pytest.mark.attack("H18")
def test_a_half_closed_connection_gets_its_reply(target):
    message = target.request(break_signature=True)
    reply, = wire.exchange(target.lab.port, wire.post(message), half_close=True)
    assert target.lab.open(reply, message, target.ca).fail_info == "badMessageCheck"


@pytest.mark.attack("H18")
def test_what_was_issued_to_a_connection_that_was_reset_is_there_for_the_next_attempt(target):
    """Whether the reset came before, during or after the work: one certificate, and the same."""
    message = target.request()
    before = len(target.lab.serials())
    for delay in (0, 0.005, 0.02, 0.1, 0.5):
        connection = wire.connect(target.lab.port)
        connection.sendall(wire.post(message))
        time.sleep(delay)
        wire.reset(connection)
    reply = target.granted(message)
    assert len(target.lab.serials()) == before + 1
    assert reply.certificate.serial_number in target.lab.serials()


@pytest.mark.attack("H20")
def test_a_flood_of_messages_gets_503_and_Retry_After_beyond_the_queue(target, rounds):
    """Everything else is served, and messages again as soon as it ends."""
    octets = wire.post(target.request(target.csr(challenge="wrong")), b"Connection: close")
    found = []
    for _ in range(rounds(4)):
        with wire.many(target.lab.port, 100, octets) as connections:
            assert target.lab.get("/scep?operation=GetCACaps").status == 200
            found += [reply for c in connections for reply in wire.replies(wire.rest(c))]
    assert len(found) == 100 * rounds(4)
    assert {r.status for r in found} == {200, 503}
    assert all(r.header("Retry-After") for r in found if r.status == 503)


@pytest.mark.attack("H05")
@pytest.mark.parametrize("field", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"],
                         ids=["sized", "chunked"])
def test_large_bodies_that_do_not_end_hold_a_bounded_memory(serve, keys, field):
    """And small requests are served meanwhile, over their own connections."""
    lab = serve()
    part = b"dbba0\r\n" * field.startswith(b"T") + b"x" * 899_000
    oracle = Oracle(lab, blob_device(lab, keys(), 20))
    with oracle.unharmed():
        with wire.many(lab.port, 700, ask(wire.POST, b"Host: x", field)) as connections:
            for connection in connections:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    connection.sendall(part)
            oracle.enrol_meanwhile()
            grown = oracle.memory_grown()
            refused = [c for c in connections if select.select([c], [], [], 0)[0]]
            assert wire.replies(wire.rest(refused[-1]))[0].status == 503
        assert grown < (400 << 20) + MEMORY_SLACK


@pytest.mark.attack("H05", "Z05")
@pytest.mark.parametrize("behind, count", [("a body", 2900), ("a next request", 1000)],
                         ids=["a-body", "a-next-request"])
def test_a_long_header_counts_whatever_stands_behind_it(serve, keys, behind, count):
    """Of 128 KiB, on each of so many connections: what is kept of it is counted until it is
    answered, and of an answered one nothing is kept."""
    lab = serve(edit=lambda c: c.update(limits={"connections_per_address": 5000}))
    oracle = Oracle(lab, blob_device(lab, keys(), 20))
    long = b"&x=" + b"x" * 130_000
    octets = {"a body": ask(wire.POST + long, b"Host: x", b"Content-Length: 1000", body=b"x"),
              "a next request": ask(wire.CAPS + long, b"Host: x") + b"G"}[behind]
    with oracle.unharmed():
        with wire.many(lab.port, count) as connections:
            for connection in connections:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    connection.sendall(octets)
            oracle.enrol_meanwhile()
            grown = oracle.memory_grown()
            found = [_status(connection) for connection in connections]
        if behind == "a body":
            assert set(found) == {None, 503}, "some found no room, the others still send"
            grown -= 256 << 20
        else:
            assert set(found) == {200}
        assert grown < count * (43 << 10) + MEMORY_SLACK


def _status(connection):
    """Of a reply that is there already."""
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionResetError):
        return int(connection.recv(65536).split(b" ", 2)[1])


@pytest.mark.attack("H05")
def test_connections_of_one_address_are_limited_and_another_address_is_served(serve, keys):
    lab = serve(edit=lambda c: c.update(limits={"connections_per_address": 50}))
    with Oracle(lab, blob_device(lab, keys(), 20)).unharmed():
        with wire.many(lab.port, 50):
            over = wire.exchange(lab.port, wire.NEXT)
            assert [r.status for r in over] == [503] and over[0].header("Retry-After")
            with wire.connect(lab.port, source="127.0.0.2") as other:
                other.sendall(wire.NEXT)
                assert [r.status for r in wire.replies(wire.rest(other))] == [200]
        harness.wait_until(lab.answers, "the first address is served again")


@pytest.mark.attack("H05")
def test_without_descriptors_the_server_waits_and_goes_on(serve, keys):
    """More connections than the process may have descriptors, as of later than its start."""
    lab = serve()
    resource.prlimit(lab.process.pid, resource.RLIMIT_NOFILE, (128, 128))
    with Oracle(lab, blob_device(lab, keys(), 20)).unharmed():
        with wire.many(lab.port, 200):
            harness.wait_until(lambda: "raise LimitNOFILE" in lab.log(), "the log says why")
        harness.wait_until(lab.answers, "it is served again")


@pytest.mark.attack("H05")
@pytest.mark.commands  # a sanitizer ends a process that gets no memory
def test_without_memory_the_server_waits_and_goes_on(serve, keys):
    """Connections that need more than the process may have, as of later than its start."""
    lab = serve()
    pid = lab.process.pid
    with Oracle(lab, blob_device(lab, keys(), 20)).unharmed():
        before = resource.prlimit(pid, resource.RLIMIT_DATA)
        resource.prlimit(pid, resource.RLIMIT_DATA, (_writable_memory(pid), before[1]))
        with wire.many(lab.port, 1900) as connections:
            harness.wait_until(lambda: any(map(_is_dropped, connections)), "there is none for some")
        resource.prlimit(pid, resource.RLIMIT_DATA, before)
        harness.wait_until(lab.answers, "it is served again")


def _is_dropped(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def _writable_memory(pid):
    """What counts for RLIMIT_DATA: the heaps of threads count for RLIMIT_AS long before they are used."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^VmData:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024


@pytest.mark.attack("H05")
def test_with_few_descriptors_one_address_takes_only_half_of_them(serve, keys):
    """The soft limit is raised; where the hard one is low too, the limits of connections are."""
    lab = serve()
    for limits in ((128, 512), (512, 512)):
        lab.stop()
        lab.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
        assert resource.prlimit(lab.process.pid, resource.RLIMIT_NOFILE) == (512, 512)
    assert "warn" in lab.log() and "do not fit into the 512 file descriptors" in lab.log()
    with Oracle(lab, blob_device(lab, keys(), 20)).unharmed():
        with wire.many(lab.port, 600):
            assert wire.exchange_from(lab.port, "127.0.0.2", wire.NEXT) == 200
            assert "no connection can be accepted" not in lab.log()
        harness.wait_until(lab.answers, "the first address is served again")
