"""The client commands against a server that does on demand what scepgate never would."""

import json
import re

import pytest
from cryptography import x509

import fake_server
import scep_client
from fake_server import FakeServer
from harness import run


@pytest.fixture
def server(keys):
    with FakeServer(keys(0)) as fake:
        yield fake


def enroll(server, out, *more, challenge="secret-challenge", subject="CN=client"):
    return run("enroll", "--url", server.url, "--challenge", challenge, "--subject", subject,
               "--out", out, *more)


@pytest.fixture
def enrolled(server, tmp_path):
    out = tmp_path / "device"
    result = enroll(server, out, "--dns", "client.example")
    assert result.returncode == 0, result.stderr
    server.requests.clear()
    return out


def certificate(file):
    return x509.load_pem_x509_certificate(file.read_bytes())


def same_request(first, second):
    return (first.content == second.content and first.signer == second.signer
            and first.transaction_id == second.transaction_id and first.nonce != second.nonce)


# --- A request is kept until its answer is there ------------------------------------------------

@pytest.mark.parametrize("key", ["rsa:2048"])
def test_A_lost_reply_is_asked_for_again_with_the_same_request(server, tmp_path, key):
    server.answers = ["lose", "lose"]
    out = tmp_path / "device"
    for _ in range(2):
        assert enroll(server, out, "--key", key).returncode == 1
        assert (out / "request.json").stat().st_mode & 0o077 == 0
        assert not (out / "cert.pem").exists()
    done = enroll(server, out, "--key", key)
    assert done.returncode == 0, done.stderr
    first, second, third = server.requests
    assert same_request(first, second) and same_request(second, third)
    assert (out / "cert.pem").exists()
    assert not (out / "request.json").exists()


@pytest.mark.parametrize("changed", [("--dns", "other.example"), ("--eku", "clientAuth"),
                                     ("--key-usage", "both"), ("--key", "rsa:3072")])
def test_Changed_arguments_never_mix_with_a_kept_request(server, tmp_path, changed):
    server.answers = ["lose"]
    out = tmp_path / "device"
    assert enroll(server, out).returncode == 1
    result = enroll(server, out, *changed)
    assert result.returncode == 2 and "remove" in result.stderr
    assert enroll(server, out, challenge="another").returncode == 2
    assert "secret-challenge" not in result.stderr
    assert len(server.requests) == 1
    assert enroll(server, out).returncode == 0


def test_A_refused_request_is_not_kept_but_its_key_is(server, tmp_path):
    server.answers = ["2"]
    out = tmp_path / "device"
    assert enroll(server, out).returncode == 1
    assert not (out / "request.json").exists()
    assert enroll(server, out, challenge="another").returncode == 0
    first, second = server.requests
    assert first.content != second.content
    assert scep_client.cert_key(first.signer) == scep_client.cert_key(second.signer)
    assert first.transaction_id != second.transaction_id, "another operation (R_B12)"


def test_A_damaged_state_file_is_an_error_that_says_how_to_go_on(server, tmp_path):
    server.answers = ["lose"]
    out = tmp_path / "device"
    assert enroll(server, out).returncode == 1
    kept = (out / "request.json").read_text()
    for text in ("", "{}", "[1]", "null", '{"format": "scepgate request 1", "csr": "%%"}',
                 kept[:200], kept.replace('"pending": false', '"pending": "no"')):
        (out / "request.json").write_text(text)
        result = enroll(server, out)
        assert result.returncode == 2 and "request.json" in result.stderr
    assert len(server.requests) == 1


def test_a_request_that_was_never_sent_is_not_kept(server, tmp_path):
    out = tmp_path / "device"
    server.answers = []
    wrong = run("enroll", "--url", "http://127.0.0.1:9/scep", "--challenge", "secret-challenge",
                "--subject", "CN=client", "--out", out)
    assert wrong.returncode == 1
    assert not (out / "request.json").exists()
    right = enroll(server, out)
    assert right.returncode == 0, right.stderr


# --- The challenge's file -----------------------------------------------------------------------

def challenge_sent(server, tmp_path, content):
    file = tmp_path / "challenge"
    file.write_bytes(content)
    result = run("enroll", "--url", server.url, "--challenge-file", file, "--subject", "CN=client",
                 "--out", tmp_path / "device")
    if result.returncode:
        return result.stderr
    [request] = server.requests
    return x509.load_der_x509_csr(request.content).attributes.get_attribute_for_oid(
        x509.oid.AttributeOID.CHALLENGE_PASSWORD).value


BLOB = b"MIIB" + bytes(range(65, 91)) * 20


@pytest.mark.parametrize("content, sent", [
    (b"a password", b"a password"),
    (b"\n\r\na password\r\n\n", b"a password"),
    (BLOB + b"\n", BLOB),
    (b"\n".join(BLOB[at:at + 64] for at in range(0, len(BLOB), 64)) + b"\n", BLOB),
    (b"\r\n".join(BLOB[at:at + 76] for at in range(0, len(BLOB), 76)), BLOB),
], ids=["one line", "empty lines around", "a blob", "folded at 64", "folded at 76"])
def test_a_challenge_is_read_from_a_file_as_it_came(server, tmp_path, content, sent):
    assert challenge_sent(server, tmp_path, content) == sent


@pytest.mark.parametrize("content, said", [
    (b"one password\nanother one\n", "has several lines"),
    (BLOB + b"\n" + BLOB + b"\n", "has several lines"),
    (b"0123456789ABCDEF\nFEDCBA9876543210\n", "has several lines"),
    (b"\n\n", "it is empty"), (b"", "is empty")])
def test_what_is_no_single_challenge_is_refused(server, tmp_path, content, said):
    assert said in challenge_sent(server, tmp_path, content)
    assert not server.requests


# --- Pending ------------------------------------------------------------------------------------

def test_A_pending_request_is_polled_with_CertPoll(server, tmp_path):
    server.answers = ["pending", "pending"]
    out = tmp_path / "device"
    result = enroll(server, out, "--poll", "0s")
    assert result.returncode == 0, result.stderr
    assert [r.message_type for r in server.requests] == ["19", "20", "20"]
    assert len({r.transaction_id for r in server.requests}) == 1
    assert len({r.nonce for r in server.requests}) == 3
    assert server.requests[1].content == fake_server.der.sequence(
        server.ca.subject.public_bytes(), scep_client.name("client").public_bytes())
    assert server.requests[0].transaction_id in result.stderr


def test_A_client_that_gave_up_polling_goes_on_when_run_again(server, tmp_path):
    server.answers = ["pending", "pending"]
    out = tmp_path / "device"
    for _ in range(2):
        result = enroll(server, out, "--poll-limit", "0")
        assert result.returncode == 1 and "run the same command again" in result.stderr
    assert enroll(server, out, "--poll-limit", "0").returncode == 0
    assert [r.message_type for r in server.requests] == ["19", "20", "20"]


def test_A_poll_interval_that_is_none_is_bad_usage(server, tmp_path):
    result = enroll(server, tmp_path / "device", "--poll", "bogus")
    assert result.returncode == 2 and "--poll" in result.stderr
    assert not (tmp_path / "device").exists()


# --- Negotiation and failures -------------------------------------------------------------------

@pytest.mark.parametrize("capabilities, method, cipher, digest, notes", [
    (fake_server.EVERYTHING, "POST", "aes128", "sha256", []),
    ("POSTPKIOperation\nSHA-1\nDES3\n", "POST", "des3", "sha1", ["AES", "SHA-256"]),
    ("AES\nSHA-512\n", "GET", "aes128", "sha512", ["SHA-256", "POST"]),
    (None, "GET", "des3", "sha1", ["GetCACaps", "AES", "SHA-256", "POST"]),
], ids=["all", "no-aes", "no-post", "no-GetCACaps"])
def test_What_the_server_lacks_is_replaced_and_told(server, tmp_path, capabilities, method, cipher,
                                                    digest, notes):
    server.capabilities = capabilities
    known = server.ca.fingerprint(fake_server.hashes.SHA256()).hex()
    result = enroll(server, tmp_path / "device", "--ca-fingerprint", known)
    assert result.returncode == 0, result.stderr
    request = server.requests[0]
    assert (request.method, request.cipher, request.digest) == (method, cipher, digest)
    lines = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert len(lines) == len(notes)
    for word in notes:
        assert any(word in line for line in lines)


@pytest.mark.parametrize("number, name, advice", [
    ("0", "badAlg", "GetCACaps"), ("1", "badMessageCheck", "challenge"),
    ("2", "badRequest", "subject"), ("3", "badTime", "clocks"), ("4", "badCertId", "serial")])
def test_Each_failInfo_comes_with_what_to_look_at(server, tmp_path, number, name, advice):
    server.answers = [number]
    result = enroll(server, tmp_path / "device")
    assert result.returncode == 1
    assert name in result.stderr and advice in result.stderr


@pytest.mark.parametrize("body", [b"", b"nonsense", b"0\x80", b"<html>login</html>"])
def test_A_reply_that_is_none_is_status_1_and_keeps_the_request(server, tmp_path, body):
    server.answers = [body]
    assert enroll(server, tmp_path / "device").returncode == 1
    assert (tmp_path / "device" / "request.json").exists()
    assert enroll(server, tmp_path / "device").returncode == 0


@pytest.mark.parametrize("command", ["enroll", "getca"])
def test_Another_CA_than_the_one_named_is_refused(server, tmp_path, command):
    arguments = ["--url", server.url, "--out", tmp_path / "out"]
    if command == "enroll":
        arguments += ["--challenge", "x", "--subject", "CN=x"]
    right = server.ca.fingerprint(fake_server.hashes.SHA256()).hex(":").upper()
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    refused = run(command, *arguments, "--ca-fingerprint", wrong)
    assert refused.returncode == 1 and "fingerprint" in refused.stderr
    assert server.requests == [] and not (tmp_path / "out" / "ca.pem").exists()
    assert run(command, *arguments, "--ca-fingerprint", "abc").returncode == 2
    done = run(command, *arguments, "--ca-fingerprint", right)
    assert done.returncode == 0 and "warning" not in done.stderr


# --- Renewal ------------------------------------------------------------------------------------

def test_Renew_replaces_the_pair_with_a_new_one_for_the_same_names(server, enrolled):
    old = certificate(enrolled / "cert.pem")
    old_key = (enrolled / "key.pem").read_bytes()
    result = run("renew", "--url", server.url, "--in", enrolled, "--json")
    assert result.returncode == 0, result.stderr
    new = certificate(enrolled / "cert.pem")
    assert json.loads(result.stdout)["serial"] == f"{new.serial_number:032x}".lstrip("0") \
        or int(json.loads(result.stdout)["serial"], 16) == new.serial_number
    assert server.requests[0].message_type == "17" and server.requests[0].signer == old
    assert new.subject == old.subject and new.public_key() != old.public_key()
    assert [e.value for e in new.extensions] == [e.value for e in old.extensions]
    assert (enrolled / "key.pem").read_bytes() != old_key
    assert sorted(p.name for p in enrolled.iterdir()) == ["ca.pem", "cert.pem", "chain.pem",
                                                          "key.pem"]
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 0


def test_Renew_with_the_same_key_into_another_folder(server, enrolled, tmp_path):
    before = {p.name: p.read_bytes() for p in enrolled.iterdir()}
    first = set(server.issued)
    result = run("renew", "--url", server.url, "--in", enrolled, "--same-key", "--out",
                 tmp_path / "new")
    assert result.returncode == 0, result.stderr
    assert {p.name: p.read_bytes() for p in enrolled.iterdir()} == before
    assert (tmp_path / "new" / "key.pem").stat().st_mode & 0o077 == 0
    old, new = (scep_client.cert_key(certificate(d / "cert.pem"))
                for d in (enrolled, tmp_path / "new"))
    assert old == new
    assert server.requests[0].transaction_id not in first, "another operation (R_B12)"


def test_Renew_with_the_same_key_is_not_mixed_up_with_a_key_of_an_earlier_try(server, enrolled,
                                                                              tmp_path):
    key = (enrolled / "key.pem").read_bytes()
    server.answers = ["2"]
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 1
    left = (enrolled / "new-key.pem").read_bytes()
    done = run("renew", "--url", server.url, "--in", enrolled, "--same-key")
    assert done.returncode == 0, done.stderr
    assert (enrolled / "key.pem").read_bytes() == key
    assert (enrolled / "new-key.pem").read_bytes() == left
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 0
    assert (enrolled / "key.pem").read_bytes() == left

    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "key.pem").write_bytes(key)
    server.requests.clear()
    mixed = run("renew", "--url", server.url, "--in", enrolled, "--same-key", "--out",
                tmp_path / "new")
    assert mixed.returncode == 2 and "another key" in mixed.stderr
    assert server.requests == []


def test_A_lost_renewal_leaves_the_old_pair_and_is_asked_for_again(server, enrolled):
    before = {p.name: p.read_bytes() for p in enrolled.iterdir()}
    server.answers = ["lose", "pending"]
    for _ in range(2):
        assert run("renew", "--url", server.url, "--in", enrolled, "--poll-limit",
                   "0").returncode == 1
        assert {n: (enrolled / n).read_bytes() for n in before} == before
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 0
    first, second, poll = server.requests
    assert same_request(first, second)
    assert poll.message_type == "20" and poll.signer == first.signer
    assert certificate(enrolled / "cert.pem") != first.signer


def test_A_renewal_that_stopped_between_its_renames_is_finished_by_the_next(server, enrolled,
                                                                           tmp_path):
    assert run("renew", "--url", server.url, "--in", enrolled, "--out",
               tmp_path / "new").returncode == 0
    wanted = certificate(tmp_path / "new" / "cert.pem")
    (tmp_path / "new" / "key.pem").rename(enrolled / "key.pem")
    (tmp_path / "new" / "cert.pem").rename(enrolled / "new-cert.pem")
    server.requests.clear()
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 0
    assert server.requests[0].signer == wanted


def test_Without_Renewal_a_PKCSReq_signed_by_the_old_certificate_is_sent(server, enrolled):
    server.capabilities = "AES\nSHA-256\nPOSTPKIOperation\n"
    old = certificate(enrolled / "cert.pem")
    result = run("renew", "--url", server.url, "--in", enrolled)
    assert result.returncode == 0 and "Renewal" in result.stderr
    assert server.requests[0].message_type == "19" and server.requests[0].signer == old


@pytest.mark.parametrize("capabilities", [fake_server.EVERYTHING, "AES\nSHA-256\n"],
                         ids=["RenewalReq", "PKCSReq"])
def test_A_kept_renewal_is_not_signed_by_another_certificate(server, enrolled, tmp_path,
                                                             capabilities):
    server.capabilities = capabilities
    server.answers = ["lose"]
    assert run("renew", "--url", server.url, "--in", enrolled).returncode == 1
    assert enroll(server, tmp_path / "other", "--dns", "client.example").returncode == 0
    for name in ("cert.pem", "key.pem"):
        (tmp_path / "other" / name).rename(enrolled / name)
    server.requests.clear()
    result = run("renew", "--url", server.url, "--in", enrolled)
    assert result.returncode == 2 and "another certificate" in result.stderr
    assert server.requests == []


@pytest.mark.parametrize("command, more", [
    ("renew", ()), ("getcrl", ("--out", "x.pem")), ("getcert", ("--serial", "1", "--out", "x.pem")),
    ("getnextca", ("--out", "x"))])
def test_An_enrolled_client_trusts_only_the_CA_that_it_knows(keys, enrolled, tmp_path, command,
                                                             more):
    with FakeServer(keys(1)) as other:
        result = run(command, "--url", other.url, "--in", enrolled, *more, cwd=tmp_path)
        assert result.returncode == 1 and "fingerprint" in result.stderr
        assert other.requests == []


@pytest.mark.parametrize("command", [("renew",), ("getcrl", "--out", "x"), ("getnextca", "--out", "x"),
                                     ("getcert", "--serial", "1", "--out", "x")])
def test_A_known_CA_that_cannot_be_read_is_not_replaced_by_whatever_answers(server, enrolled,
                                                                            tmp_path, command):
    (enrolled / "ca.pem").write_text("damaged")
    result = run(*command, "--url", server.url, "--in", enrolled, cwd=tmp_path)
    assert result.returncode == 2 and "ca.pem" in result.stderr
    assert server.requests == []


@pytest.mark.parametrize("command", [("renew",), ("getcrl", "--out", "x"),
                                     ("getcert", "--serial", "1", "--out", "x")])
def test_A_folder_without_an_enrolment_is_status_2(server, tmp_path, command):
    result = run(*command, "--url", server.url, "--in", tmp_path, cwd=tmp_path)
    assert result.returncode == 2 and "cert.pem" in result.stderr


# --- Questions ----------------------------------------------------------------------------------

def test_Getcrl_writes_a_CRL_of_the_CA(server, enrolled, tmp_path):
    result = run("getcrl", "--url", server.url, "--in", enrolled, "--out", tmp_path / "crl.pem",
                 "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["issuer"] == "CN=Fake CA"
    crl = x509.load_pem_x509_crl((tmp_path / "crl.pem").read_bytes())
    assert crl.is_signature_valid(server.ca.public_key())
    assert server.requests[0].message_type == "22"
    assert server.requests[0].content == scep_client.issuer_and_serial(
        certificate(enrolled / "cert.pem"))


def test_Getcert_writes_the_certificate_with_the_serial(server, enrolled, tmp_path):
    mine = certificate(enrolled / "cert.pem")
    result = run("getcert", "--url", server.url, "--in", enrolled, "--serial",
                 f"{mine.serial_number:x}", "--out", tmp_path / "got.pem")
    assert result.returncode == 0, result.stderr
    assert certificate(tmp_path / "got.pem") == mine
    assert server.requests[0].content == scep_client.issuer_and_serial(mine)
    assert run("getcert", "--url", server.url, "--in", enrolled, "--serial", "xyz", "--out",
               tmp_path / "x").returncode == 2


def test_Getnextca_takes_only_what_the_current_CA_signed(server, keys, enrolled, tmp_path):
    following = fake_server.make_ca(keys(1), "Next CA")
    server.next_ca = fake_server.signed_next_ca(server, [following])
    arguments = ("getnextca", "--url", server.url, "--in", enrolled, "--out", tmp_path / "next")
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    assert certificate(tmp_path / "next" / "next-ca.pem") == following
    (tmp_path / "next" / "next-ca.pem").unlink()
    with FakeServer(keys(1)) as other:
        server.next_ca = fake_server.signed_next_ca(other, [following])
    assert run(*arguments).returncode == 1
    server.next_ca = None
    assert run(*arguments).returncode == 1
    assert not (tmp_path / "next" / "next-ca.pem").exists()


# --- Trace --------------------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["get", "post"])
def test_A_trace_holds_every_exchange_and_no_secret(server, tmp_path, method):
    server.answers = ["lose"]
    folder = tmp_path / "trace"
    for status in (1, 0):
        result = enroll(server, tmp_path / "device", "--trace", folder, "--method", method)
        assert result.returncode == status, result.stderr
    names = sorted(p.name for p in folder.iterdir())
    assert [n for n in names if n.endswith("request.txt")] == [
        f"00{i + 1}-{operation}-request.txt" for i, operation in
        enumerate(("GetCACert", "GetCACaps", "PKIOperation") * 2)]
    assert folder.stat().st_mode & 0o077 == 0
    request = (folder / "006-PKIOperation-request.txt").read_text()
    assert request.startswith(f"{method.upper()} {server.url}?operation=PKIOperation")
    assert "pkiMessage PKCSReq" in request and "challengePassword" in request
    assert server.read("", (folder / "006-PKIOperation-request.der").read_bytes()).content \
        == server.requests[1].content
    reply = (folder / "006-PKIOperation-reply.txt").read_text()
    assert re.search(r"^HTTP/1.. 200", reply) and "CertRep SUCCESS" in reply
    assert "CN=client" in reply, "opened with the device's key"
    assert "\x1b" not in reply and r"\x1b[2Jcleared" in reply
    assert "No reply" in (folder / "003-PKIOperation-reply.txt").read_text()
    for file in folder.iterdir():
        assert b"secret-challenge" not in file.read_bytes()
        assert b"PRIVATE KEY" not in file.read_bytes()
