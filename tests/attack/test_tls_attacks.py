"""The listener of TLS (rows H03, H05, H07, H14, H18): what comes before, instead of and inside a handshake.
The standing oracle asks over the plain listener of the same server."""

import contextlib
import socket
import ssl
import subprocess

import pytest

import harness
import wire
from blobs import openssl
from target import attacked
from wire import ask

HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(193)
GARBAGE = {
    "plain HTTP": wire.NEXT,
    "a hello that is cut": HELLO[:50],
    "a hello of zeros": HELLO,
    "a record of 64 KB": b"\x16\x03\x01\xff\xff" + bytes(65535),
    "a record without end": b"\x16\x03\x01\x40\x00" + bytes(100),
    "ten thousand empty records": b"\x16\x03\x01\x00\x00" * 10_000,
    "ten thousand alerts": b"\x15\x03\x01\x00\x02\x01\x00" * 10_000,
    "a heartbeat": b"\x18\x03\x02\x00\x03\x01\x40\x00",
    "application data": b"\x17\x03\x03\x00\x10" + bytes(16),
    "SSLv2": bytes.fromhex("802e0103010015"),
    "0x00": bytes(1000),
    "0xff": b"\xff" * 1000,
}


@pytest.fixture(scope="module")
def target(serve, keys, tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("tls"), harness.free_port()
    certificate, key = folder / "tls.pem", folder / "tls.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    key.chmod(0o600)

    def over_tls_too(config):
        config["limits"] = {"header_time": "2s", "request_time": "3s", "idle_time": "2s"}
        config["listen"].append({"address": f"127.0.0.1:{port}", "tls": {
            "certificate": str(certificate), "key": {"file": str(key)}}})

    for attacked_target in attacked(serve(edit=over_tls_too), keys):
        attacked_target.tls_port = port
        yield attacked_target


def context(**options):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    for name, value in options.items():
        setattr(made, name, value)
    return made


@contextlib.contextmanager
def over_tls(target, **options):
    with wire.connect(target.tls_port) as plain:
        with context(**options).wrap_socket(plain) as secured:
            yield secured


@pytest.mark.attack("H14")
@pytest.mark.parametrize("what", GARBAGE, ids=lambda w: w.replace(" ", "-"))
def test_what_is_no_handshake_ends_the_connection_and_is_no_request(target, what):
    with wire.connect(target.tls_port) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(GARBAGE[what])
        came = wire.rest(connection)
    assert b"HTTP" not in came and len(came) < 100


@pytest.mark.attack("H03", "H05")
def test_a_handshake_that_stops_is_ended_at_its_deadline(target, rounds):
    with wire.many(target.tls_port, rounds(100), HELLO[:50]) as connections:
        target.oracle.enrol_meanwhile()
        for connection in connections:
            assert len(wire.rest(connection)) < 100
    with wire.many(target.tls_port, rounds(100)) as connections:
        for connection in connections:
            assert wire.rest(connection) == b""


@pytest.mark.attack("H18")
def test_handshakes_that_are_reset_leave_nothing(target, rounds):
    for number in range(rounds(100)):
        connection = wire.connect(target.tls_port)
        connection.sendall(HELLO[:number % len(HELLO)])
        wire.reset(connection)
    for _ in range(rounds(20)):
        with over_tls(target) as secured:
            secured.sendall(wire.CAPS)
            wire.reset(secured)


@pytest.mark.attack("H14")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda v: v.name)
def test_an_old_version_gets_no_handshake(target, version):
    old = context(minimum_version=version, maximum_version=version)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with wire.connect(target.tls_port) as plain, pytest.raises(ssl.SSLError, match="alert protocol version"):
        old.wrap_socket(plain)


@pytest.mark.attack("H07", "H10")
def test_framing_is_judged_inside_TLS_as_outside(target):
    for field in (b"Transfer-Encoding: chunked, gzip", b"Content-Length: +4",
                  b"Content-Length: 4\r\nTransfer-Encoding: chunked"):
        with over_tls(target) as secured:
            secured.sendall(ask(wire.POST, b"Host: x", field, body=b"0\r\n\r\n" + wire.NEXT))
            found = wire.replies(wire.rest(secured))
        assert [r.status for r in found] == [400]


@pytest.mark.attack("H18")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)
def test_a_request_that_TLS_ends_early_is_no_request(target, version):
    """Cut before its end, with and without close_notify."""
    octets = wire.post(target.request())
    for notify in (True, False):
        with over_tls(target, minimum_version=version, maximum_version=version) as secured:
            secured.sendall(octets[:-1])
            if notify:
                with contextlib.suppress(OSError):
                    secured.settimeout(0.2)
                    secured.unwrap()
            else:
                secured.shutdown(socket.SHUT_WR)
    with over_tls(target, minimum_version=version, maximum_version=version) as secured:
        secured.sendall(wire.NEXT)
        assert [r.status for r in wire.replies(wire.rest(secured))] == [200]


@pytest.mark.attack("H14")
def test_a_client_cannot_have_the_handshake_made_again(target):
    """Each would cost a private-key operation: `R` asks openssl for one."""
    client = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{target.tls_port}"],
                            input=b"R\n" * 3, capture_output=True, timeout=harness.PATIENCE)
    told = client.stdout + client.stderr
    assert told.count(b"RENEGOTIATING") == 1 and b"no renegotiation" in told, told[-500:]
