"""M01–M07: the admin listener, and what strangers can make an administrator read."""

import ipaddress
import itertools
import json
import secrets

import pytest

import der
import harness
import scep_client as scep
from admin_lab import (NDES_PATH, PAGE, PASSWORD, TOKEN, AdminHttp, add_admin, ask, basic, bearer,
                       post)
from scep_client import name
from target import attacked


@pytest.fixture(scope="module")
def target(serve, keys):
    """With an admin listener, and one-time passwords at NDES's path."""
    lab = serve()
    port = harness.free_port()
    lab.edit(add_admin(lab, port))
    lab.stop()
    lab.start()
    any_policy = lab.challenge
    lab.challenge = lambda *arguments: any_policy("--policy-name", "mdm", *arguments)
    lab.admin = port
    yield from attacked(lab, keys)


_sources = itertools.count(1)


def wrong(name="scraper", password="wrong"):
    """Wrong credentials from an address of their own, by the proxy that the lab trusts."""
    source = ipaddress.ip_address("10.0.0.0") + next(_sources)
    return {**basic(name, password), "X-Forwarded-For": str(source)}


def at_ndes(target, message):
    with target.lab.http() as http:
        reply = http.request("POST", f"{NDES_PATH}?operation=PKIOperation", message.der(),
                             {"Content-Type": "application/x-pki-message"})
    return target.lab.open(reply, message, target.ca)


@pytest.mark.attack("M01")
def test_guessing_one_time_passwords_gives_nothing_and_locks_nobody_out(target, rounds):
    password = json.loads(post(target.lab.admin, {"policy": "otp"}).body)["challenge"]
    near = [password[:-1] + digit for digit in "0123456789ABCDEF" if digit != password[-1]]
    for guess in near + [secrets.token_hex(8).upper() for _ in range(rounds(50))]:
        message = target.request(target.csr(challenge=guess))
        reply = at_ndes(target, message)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    target.oracle.will_issue()
    assert at_ndes(target, target.request(target.csr(challenge=password))).status == "success"


@pytest.mark.attack("M02")
@pytest.mark.parametrize("line", [f"GET {PAGE}", "GET /api/v1/policies", "POST /api/v1/challenges"])
def test_a_page_under_a_rebound_name_has_no_credentials_and_gets_nothing(target, line):
    """Decided: no list of Host names. A browser keeps credentials for each name, and none is taken
    from a connection or a cookie."""
    reply = harness.raw_exchange(target.lab.admin, (
        f"{line} HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
        "Referer: http://evil.example/\r\nContent-Type: application/json\r\n"
        'Content-Length: 16\r\nConnection: close\r\n\r\n{"policy":"otp"}').encode())
    assert reply.startswith(b"HTTP/1.1 401 ")
    assert b"set-cookie" not in reply.lower() and b"access-control" not in reply.lower()


@pytest.mark.attack("M02")
@pytest.mark.parametrize("fields", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Referer": "http://127.0.0.1.evil.example/"},
    {"Origin": "http://127.0.0.1@evil.example"}], ids=lambda f: "-".join(f.values()))
def test_an_order_from_another_site_is_refused_in_spite_of_its_credentials(target, fields):
    reply = post(target.lab.admin, {"policy": "otp"}, {**bearer(), **fields})
    assert reply.status == 403


@pytest.mark.attack("M02")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", "text/json"])
def test_a_form_is_no_order(target, kind):
    reply = post(target.lab.admin, {"policy": "otp"}, {**bearer(), "Content-Type": kind})
    assert reply.status in (400, 415)


MARKUP = ['"><svg onload=alert(1)>', "<script>alert(1)</script>", "=cmd|'/C calc'!A0",
          "{{7*7}}", "${jndi:ldap://127.0.0.1/x}", "%3Csvg%20onload%3Dalert(1)%3E"]


@pytest.mark.attack("M03")
@pytest.mark.parametrize("text", MARKUP)
def test_markup_comes_back_on_no_page(target, text):
    quoted = harness.urllib.parse.quote(text, safe="")
    replies = [target.lab.get(f"/{quoted}"), target.lab.get(f"/scep?operation={quoted}"),
               target.lab.get(f"/scep?operation=GetCACert&message={quoted}"),
               target.lab.get("/scep", **{"User-Agent": text, "Referer": text}),
               ask(target.lab.admin, "GET", f"/{quoted}", bearer()),
               ask(target.lab.admin, "GET", f"{PAGE}?{quoted}", basic("scraper", PASSWORD)),
               ask(target.lab.admin, "GET", PAGE, wrong(text, PASSWORD)),
               post(target.lab.admin, {"policy": text}), post(target.lab.admin, {text: 1}),
               ask(target.lab.admin, "DELETE", f"/api/v1/challenges/{quoted}", bearer())]
    for reply in replies:
        kind = reply.content_type or ""
        assert "html" not in kind or text.encode() not in reply.body, reply
        assert "json" in kind or "<svg" not in reply.body.decode("latin-1"), reply
        assert all(text not in value for key, value in reply.headers if key != "Location"), reply


@pytest.mark.attack("M03", "M04")
def test_names_and_ids_of_strangers_are_escaped_in_every_record(target):
    for number, text in enumerate(MARKUP + ["\u202egnp.exe", "a\x9b2J"]):
        csr = target.csr(subject=name(("CN", text)), challenge=text)
        target.lab.send(target.request(csr, signer=scep.self_signed(target.key),
                                       transaction_id=f"=cmd+{number}"), target.ca)
    readable(target.lab)


def readable(lab):
    """Log and audit file: a record a line, nothing that steers a terminal, no line without end."""
    for line in lab.audit_text().splitlines():
        assert isinstance(json.loads(line), dict)
    for text in (lab.log(), lab.audit_text()):
        for forbidden in "\x00\x07\x08\x1b\x7f\x9b\u202e\u2066\u200b":
            assert forbidden not in text
        assert "\r" not in text
        assert max(map(len, text.splitlines())) < 16384


@pytest.mark.attack("M04")
def test_whatever_is_sent_a_record_stays_one_line_of_bounded_length(target):
    evil = ["\x1b[2J\x1b]0;x\x07", "\u202e\u2066", "a" * 60000, '{"event":"issue"}',
            "x\\u000ax", "%0d%0a{}", "\x85\x9b"]
    for text in evil:
        octets = text.encode()
        raw = harness.urllib.parse.quote(text, safe="")
        for request in (
                b"GET /scep?operation=" + raw.encode() + b" HTTP/1.1\r\nHost: x\r\n",
                b"GET /" + raw.encode() + b" HTTP/1.1\r\nHost: x\r\n",
                b"GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: x\r\nUser-Agent: " + octets[:9000]
                + b"\r\nX-Forwarded-For: " + octets[:9000] + b"\r\n",
                b"GET /scep HTTP/1.1\r\nHost: " + octets[:9000] + b"\r\n"):
            target.raw(request + b"Connection: close\r\n\r\n")
        ask(target.lab.admin, "GET", PAGE, wrong(text[:5000]))
        at = der.tlv(0x13, octets[:5000])
        message = target.request(target.csr(challenge=None), replace={scep.oids.TRANSACTION_ID: at})
        assert target.post(message).status in (200, 400)
    readable(target.lab)


@pytest.mark.attack("M05")
def test_no_reply_of_the_admin_listener_has_a_secret_of_the_configuration(target):
    known = [TOKEN, PASSWORD]
    for file in target.lab.dir.glob("*.key"):
        known += file.read_text().splitlines()[1:-1]
    for path in ("/api/v1/policies", "/api/v1/challenges?policy=mdm", "/healthz", "/api/v1/openapi",
                 "/scepgate.json", "/api/v1/config"):
        reply = ask(target.lab.admin, "GET", path, bearer())
        for secret in known:
            assert secret.encode() not in reply.body, path


CONFUSED = ["/api/v1/policies", "/API/V1/POLICIES", "//api/v1/policies", "/api//v1/policies",
            "/api/v1/policies/", "/api%2fv1/policies", "/api/v1/%2e%2e/v1/policies",
            "/scep/../api/v1/policies", "/scep%2f..%2fapi/v1/policies", "/healthz/../api/v1/policies",
            "/healthz%2f..%2fapi%2fv1%2fpolicies", "/healthz;/api/v1/policies", "/admin%2f..",
            "/api/v1/policies%00", "/api/v1/policies;x", "\\api\\v1\\policies", "/metrics", "/debug",
            "/status", "/certsrv/mscep_admin", "/certsrv/mscep_admin/%2e%2e/", "*",
            "http://127.0.0.1/api/v1/policies"]


@pytest.mark.attack("M06")
def test_no_spelling_of_a_path_leads_past_the_credentials_or_to_the_other_listener(target):
    for path in CONFUSED:
        reply = ask(target.lab.admin, "GET", path)
        assert reply.status in (301, 400, 401, 404, 405), (path, reply)
        reply = target.lab.get(path, **bearer())
        assert reply.status in (400, 404), (path, reply)
    assert ask(target.lab.admin, "GET", "/scep?operation=GetCACaps", bearer()).status == 404


@pytest.mark.attack("M07")
def test_guessers_at_addresses_without_end_take_no_memory(target, rounds):
    with AdminHttp(target.lab.admin) as http:
        statuses = [http.request("GET", PAGE, headers=wrong()).status for _ in range(rounds(5000))]
    assert set(statuses) == {401}


@pytest.mark.attack("M07")
def test_the_addresses_of_one_network_of_IPv6_are_one_guesser(target):
    def guess(network, host, **headers):
        source = f"2001:db8:{network:x}::{host:x}"
        return ask(target.lab.admin, "GET", PAGE,
                   {**basic("scraper", "wrong"), "X-Forwarded-For": source, **headers}).status

    assert [guess(1, host) for host in range(1, 12)] == [401] * 10 + [429]
    assert guess(1, 99, **basic("scraper", PASSWORD)) == 429
    assert guess(2, 1) == 401
