"""The admin listener: who is let in, what a page of NDES says, and what it leaves in the records."""

import concurrent.futures
import hashlib
import json
import signal
import ssl

import pytest
from cryptography.hazmat.primitives import serialization

import harness
import scep_client as scep
from admin_lab import (FLEET, NDES_PATH, OTHER_TOKEN, PAGE, PASSWORD, PS_CERTIFICATE_ENROLLMENT,
                       TOKEN, Identity, add_admin, ask, basic, bearer, page, post, write_secret)


class AdminLab:
    def __init__(self, lab, port, **client):
        self.lab, self.port, self.client = lab, port, client

    def ask(self, method, target, headers=None, body=None):
        return ask(self.port, method, target, headers, body, **self.client)

    def get_page(self, headers=None, target=PAGE):
        return self.ask("GET", target, headers or basic("scraper", PASSWORD))

    def password(self):
        return FLEET.search(page(self.get_page()))["password"]

    def enrol(self, challenge, key, name="scraped", extensions=(), path=NDES_PATH):
        """At the endpoint of NDES, or another one."""
        lab = self.lab
        ca = lab.ca()
        message = scep.pkcs_req(scep.Csr(key, scep.name(name), challenge, list(extensions)),
                                [ca.encryption])
        with lab.http() as http:
            reply = http.request("POST", f"{path}/pkiclient.exe?operation=PKIOperation",
                                 message.der(), {"Content-Type": "application/x-pki-message"})
        return lab.open(reply, message, ca)


@pytest.fixture
def admin_lab(new_lab):
    def make(edit=lambda config: None, **changes):
        lab = new_lab(start=False)
        port = harness.free_port()
        lab.edit(add_admin(lab, port, **changes))
        lab.edit(edit)
        lab.start()
        return AdminLab(lab, port)

    return make


@pytest.fixture
def admin(admin_lab):
    return admin_lab()


# -- NDES's page -------------------------------------------------------------------------------------


def test_a_scraper_written_for_NDES_gets_a_password_that_enrols(admin, keys):
    reply = admin.get_page()
    assert reply.status == 200
    assert reply.content_type == "text/html", "as NDES: no charset, though it is UTF-16LE"
    text = page(reply)
    password = FLEET.search(text)["password"]
    assert PS_CERTIFICATE_ENROLLMENT.search(text)[0] == password
    assert "This password can be used only once and will expire within 60 minutes." in text
    assert admin.enrol(password, keys()).status == "success"
    assert admin.enrol(password, keys(1)).status == "failure"


def test_the_page_has_the_MD5_of_the_CA_certificate(admin):
    der = admin.lab.ca().ca.public_bytes(serialization.Encoding.DER)
    digest = hashlib.md5(der).hexdigest().upper()
    groups = " ".join(digest[i:i + 8] for i in range(0, 32, 8))
    assert f"The thumbprint (hash value) for the CA certificate is: <B> {groups} </B>" in page(
        admin.get_page())
    reply = admin.get_page(target="/certsrv/mscep_admin?operation=NDESGetCACertThumbprint")
    assert reply.body.decode() == groups


def test_every_look_at_the_page_is_another_password_until_the_cache_is_full(admin):
    passwords = {admin.password() for _ in range(8)}
    assert len(passwords) == 8
    reply = admin.get_page()
    assert reply.status == 200
    assert "The password cache is full." in page(reply)
    assert not FLEET.search(page(reply))


@pytest.mark.attack("M01")
def test_parallel_requests_never_get_more_than_the_cache_holds(admin):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: page(admin.get_page()), range(24)))
    found = [FLEET.search(text) for text in replies]
    assert len({match["password"] for match in found if match}) == 8
    assert sum("The password cache is full." in text for text in replies) == 16


def test_without_the_slash_it_answers_401_then_301(admin):
    bare = PAGE.rstrip("/")
    assert admin.ask("GET", bare).status == 401
    reply = admin.get_page(target=bare)
    assert reply.status == 301
    assert reply.header("Location") == PAGE


@pytest.mark.parametrize("bare", ["/certsrv/mscep_admin", "/CertSrv/mscep_admin", "/scep2_admin"])
def test_the_301_leads_to_the_path_that_was_asked_for(admin_lab, bare):
    admin = admin_lab(lambda config: config["endpoints"][-1].update(paths=["/scep2", NDES_PATH]))
    reply = admin.get_page(target=bare)
    assert (reply.status, reply.header("Location")) == (301, bare + "/")


@pytest.mark.parametrize("validity, minutes", [("59s", 1), ("90s", 1), ("150s", 2), (60, 60)])
def test_the_page_promises_no_minute_that_the_password_does_not_have(admin_lab, validity, minutes):
    admin = admin_lab(lambda config: config["policies"]["otp"].update(PasswordValidity=validity))
    assert f"will expire within {minutes} minutes." in page(admin.get_page())


@pytest.mark.parametrize("account", ["EXAMPLE\\svc-mdm", "svc-mdm@example.com"])
def test_a_Windows_account_is_a_caller_by_its_own_name(admin_lab, account):
    admin = admin_lab(lambda config: config["admin"]["callers"].update(
        {account: {**config["admin"]["callers"].pop("scraper"), "per_day": 1}}))
    assert admin.ask("GET", PAGE, basic(account, "wrong")).status == 401
    denied = admin.lab.audit()[-1]
    assert (denied["event"], denied["caller"]) == ("admin_denied", account)
    assert FLEET.search(page(admin.ask("GET", PAGE, basic(account, PASSWORD))))
    assert admin.lab.audit()[-1]["caller"] == account
    full = page(admin.ask("GET", PAGE, basic(account, PASSWORD)))
    assert "The password cache is full." in full, "per_day counts it by this name"
    listed = harness.run("challenge", "list", "--json", "--caller", account, "--config",
                         admin.lab.config_file)
    assert [line["caller"] for line in json.loads(listed.stdout)] == [account]


@pytest.mark.parametrize("path", ["/CertSrv/mscep_admin/", "/CERTSRV/MSCEP_ADMIN/mscep.dll"])
def test_the_page_is_found_in_any_case(admin, path):
    assert FLEET.search(page(admin.get_page(target=path)))


def test_a_scraper_that_posts_is_answered_too(admin):
    reply = admin.ask("POST", PAGE, {**basic("scraper", PASSWORD),
                                     "Content-Type": "application/x-www-form-urlencoded"}, b"a=b")
    assert FLEET.search(page(reply))


def test_a_single_password_is_the_same_each_time_and_does_not_expire(admin, keys):
    secret = write_secret(admin.lab.dir / "single", "0123456789ABCDEF")
    admin.lab.edit(lambda config: config["policies"].update(
        otp={"type": "one_time_password", "UseSinglePassword": 1, "password": secret}))
    admin.lab.stop()
    admin.lab.start()
    for number in range(2):
        text = page(admin.get_page())
        assert FLEET.search(text)["password"] == "0123456789ABCDEF"
        assert "This password can be used multiple times and will not expire." in text
        assert admin.enrol("0123456789ABCDEF", keys(number), f"d{number}").status == "success"
    made = post(admin.port, {"policy": "otp"})
    assert made.status == 201 and json.loads(made.body)["id"] is None
    assert post(admin.port, {"policy": "otp", "subject": "CN=a"}).status == 422


def test_utf_8_by_configuration(admin_lab):
    admin = admin_lab(mscep_admin={"encoding": "utf-8"})
    assert FLEET.search(admin.get_page().body.decode("ascii"))


def test_a_caller_without_the_endpoint_sees_the_page_without_a_password(admin):
    reply = admin.get_page(bearer(OTHER_TOKEN))
    assert reply.status == 200
    assert ("You do not have sufficient permission to enroll with SCEP.  Please contact your system "
            "administrator.") in page(reply)
    assert not FLEET.search(page(reply))
    denied = admin.lab.audit()[-1]
    assert (denied["event"], denied["caller"]) == ("admin_denied", "other")


def add_admins(config):
    """Where the policy of NDES's endpoint leads to more than there."""
    config["templates"]["Admin"] = {**config["templates"]["DeviceGeneral"],
                                    "extended_key_usage": ["clientAuth", "smartcardLogon"]}
    config["endpoints"].append({**config["endpoints"][-1], "paths": ["/admins"], "name": "admins",
                                "templates": {"general_purpose": "Admin"}})


@pytest.mark.attack("C03")
def test_C03_what_a_page_gives_is_good_at_its_own_endpoint_alone(admin_lab, keys):
    admin = admin_lab(add_admins)
    bound = admin.get_page(target="/certsrv/mscep_admin?operation=NDESGenerateChallenge"
                           "&params=subject%3DCN%253Dbound").body.decode()
    for number, (challenge, name) in enumerate([(admin.password(), "any"), (bound, "bound")]):
        reply = admin.enrol(challenge, keys(number), name, path="/admins")
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
        line = admin.lab.audit()[-1]
        assert (line["code"], line["expected"], line["found"]) == (
            "EndpointMismatch", "ndes", "admins")
        assert line["hint"]
        assert admin.lab.serials() == [] or number
        # As far as the device sees, it was never made.
        unknown = admin.enrol("0" * 16, keys(number), name, path="/admins")
        assert unknown.without_the_varying() == reply.without_the_varying()
        assert admin.enrol(challenge, keys(number), name).status == "success"
    made = [line for line in admin.lab.audit() if line["event"] == "challenge"]
    assert [line["endpoint"] for line in made] == ["ndes", "ndes"]


def test_a_single_password_is_good_at_every_endpoint_and_config_check_says_so(admin_lab, keys):
    admin = admin_lab(add_admins)
    secret = write_secret(admin.lab.dir / "single", "0123456789ABCDEF")
    admin.lab.edit(lambda config: config["policies"].update(
        otp={"type": "one_time_password", "UseSinglePassword": 1, "password": secret}))
    admin.lab.stop()
    admin.lab.start()
    checked = harness.run("config", "check", "--config", admin.lab.config_file)
    assert checked.returncode == 0
    assert "policies.otp: " in checked.stderr and "single password" in checked.stderr
    assert FLEET.search(page(admin.get_page()))["password"] == "0123456789ABCDEF"
    assert admin.enrol("0123456789ABCDEF", keys(), path="/admins").status == "success"


def test_NDESGenerateChallenge_gives_a_challenge_for_these_names_alone(admin, keys):
    target = ("/certsrv/mscep_admin?operation=NDESGenerateChallenge&keyUsage=0xa0"
              "&params=subject%3DCN%253Dbound")
    challenges = [admin.get_page(target=target).body.decode() for _ in range(2)]
    usage = [scep.key_usage(0, 2)]
    assert admin.enrol(challenges[0], keys(), "another", usage).status == "failure"
    assert admin.enrol(challenges[1], keys(1), "bound", usage).status == "success"


def test_NDESGenerateChallenge_of_a_blob_policy_gives_a_blob_and_its_page_no_password(admin, keys):
    target = "/scep_admin?operation=NDESGenerateChallenge&params=subject%3DCN%253Dblob"
    blob = admin.get_page(bearer(), target).body.decode()
    csr = scep.Csr(keys(), scep.name("blob"), blob, [scep.key_usage(0, 2)])
    assert admin.lab.enrol(csr).status == "failure", "nothing says which key usage it may have"
    blob = admin.get_page(bearer(), target + "&keyUsage=0xa0").body.decode()
    csr = scep.Csr(keys(), scep.name("blob"), blob, [scep.key_usage(0, 2)])
    assert admin.lab.enrol(csr).status == "success"
    nameless = admin.get_page(bearer(), "/scep_admin?operation=NDESGenerateChallenge")
    assert nameless.status == 403
    assert "sufficient permission" in page(admin.get_page(bearer(), "/scep_admin/"))


def test_NDESGenerateChallenge_takes_the_template_of_the_key_usage_for_a_caller_with_templates(
        admin_lab, keys):
    admin = admin_lab(lambda config: config["admin"]["callers"]["scraper"].update(
        templates=["DeviceGeneral"]))
    target = "/certsrv/mscep_admin?operation=NDESGenerateChallenge&params=subject%3DCN%253Dlim"
    made = admin.get_page(target=target + "&keyUsage=0xa0")
    assert made.status == 200, made
    assert admin.lab.audit()[-1]["template"] == "DeviceGeneral"
    usage = [scep.key_usage(0, 2)]
    assert admin.enrol(made.body.decode(), keys(), "lim", usage).status == "success"
    other = admin.get_page(target=target + "&keyUsage=0x80")
    assert other.status == 403 and b"templates DeviceGeneral, not 'DeviceSignature'" in other.body
    assert admin.get_page(target=target).status == 400, "no key usage, so no template"


@pytest.mark.attack("H16")
@pytest.mark.parametrize("query", [
    "operation=NDESGenerateChallenge&keyUsage=0x40", "operation=NDESGenerateChallenge&params=CN%3Da",
    "operation=NDESGenerateChallenge&params=%2525",
    "operation=NDESGenerateChallenge&params=subject%3D%2B",
    "operation=NDESGenerateChallenge&params=subject%3D%252F",
    "operation=NDESGenerateChallenge&params=%26",
    "operation=NDESGenerateChallenge&param=subject%3DCN%253Da",
    "operation=Other", "operation=%zz",
    "operation=NDESGenerateChallenge&operation=NDESGenerateChallenge",
    "operation=&operation=NDESGenerateChallenge", "operation&Operation=NDESGetCACertThumbprint",
    "operation=NDESGenerateChallenge&params=&params=subject%3DCN%253Da",
    "operation=NDESGenerateChallenge&keyUsage=&keyUsage=0xa0"])
def test_H16_what_is_not_understood_makes_no_challenge(admin, query):
    before = admin.lab.audit()
    assert admin.get_page(target=f"{PAGE}?{query}").status == 400
    assert [e for e in admin.lab.audit() if e["event"] == "challenge"] == [
        e for e in before if e["event"] == "challenge"]


# -- who is let in -----------------------------------------------------------------------------------


def test_nobody_is_told_how_to_prove_who_they_are(admin):
    reply = admin.ask("GET", PAGE)
    assert reply.status == 401
    schemes = [v for k, v in reply.headers if k.lower() == "www-authenticate"]
    assert [s.split()[0] for s in schemes] == ["Basic", "Bearer"]
    assert admin.lab.audit()[-1]["event"] == "start", "no credentials are no attempt"


@pytest.mark.attack("M01")
@pytest.mark.parametrize("headers, method, caller", [
    (basic("scraper", "wrong"), "password", "scraper"), (basic("nobody", PASSWORD), "password", None),
    (bearer("x" * 40), "token", None), (basic("mdm", TOKEN), "password", "mdm")],
    ids=["password", "name", "token", "token-as-password"])
def test_wrong_credentials_are_refused_and_audited(admin, headers, method, caller):
    reply = admin.ask("GET", "/api/v1/policies", headers)
    assert reply.status == 401
    line = admin.lab.audit()[-1]
    assert (line["event"], line["reason"], line.get("caller")) == (
        "admin_denied", f"wrong {method}", caller)
    assert line["client"] == "127.0.0.1"


@pytest.mark.attack("M01", "M07")
def test_an_address_that_guesses_has_to_wait_even_with_the_right_password(admin):
    for _ in range(10):
        assert admin.ask("GET", PAGE, basic("scraper", "wrong")).status == 401
    reply = admin.get_page()
    assert reply.status == 429
    assert 0 < int(reply.header("Retry-After")) <= 300
    assert len([e for e in admin.lab.audit() if e["event"] == "admin_denied"]) == 10


@pytest.mark.attack("M02")
@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Referer": "https://evil.example/"}], ids=lambda h: "".join(h))
def test_a_foreign_page_cannot_make_a_callers_browser_ask(admin, headers):
    reply = admin.get_page({**basic("scraper", PASSWORD), **headers})
    assert reply.status == 403
    line = admin.lab.audit()[-1]
    assert (line["event"], line["caller"]) == ("admin_denied", "scraper")


@pytest.mark.attack("M02", "M03")
def test_replies_are_not_kept_shown_in_frames_or_shared(admin):
    for reply in (admin.get_page(), admin.ask("GET", "/api/v1/policies", bearer()),
                  admin.ask("GET", "/x")):
        assert reply.header("Cache-Control") == "no-store"
        assert reply.header("X-Frame-Options") == "DENY"
        assert reply.header("X-Content-Type-Options") == "nosniff"
        assert "default-src 'none'" in reply.header("Content-Security-Policy")
        assert reply.header("Access-Control-Allow-Origin") is None


def test_HEAD_makes_no_challenge(admin):
    assert admin.ask("HEAD", PAGE, basic("scraper", PASSWORD)).status == 405
    assert not [e for e in admin.lab.audit() if e["event"] == "challenge"]


def test_a_caller_that_asks_too_often_has_to_wait(admin_lab):
    admin = admin_lab()
    admin.lab.edit(lambda c: c["admin"]["callers"]["scraper"].update(rate="2/d"))
    admin.lab.stop()
    admin.lab.start()
    assert [admin.get_page().status for _ in range(3)] == [200, 200, 429]


# -- TLS ---------------------------------------------------------------------------------------------


@pytest.fixture
def tls_admin(new_lab, tmp_path):
    """With client certificates: of the CA "clients", where only "mdm" is a caller's."""
    server = Identity(tmp_path, "admin", ca=True, server=True)
    clients = Identity(tmp_path, "clients", ca=True)
    lab = new_lab(start=False)
    port = harness.free_port()
    people = {name: Identity(tmp_path, name, clients) for name in ("mdm", "stranger")}
    people["foreign"] = Identity(tmp_path, "foreign")

    def edit(config):
        add_admin(lab, port)(config)
        config["admin"]["listen"].update(tls=server.pair(), client_ca=str(clients.cert_file))
        config["admin"]["callers"]["mdm"]["certificate"] = str(people["mdm"].cert_file)

    lab.edit(edit)
    lab.start()
    made = AdminLab(lab, port, server=server)
    made.people = people
    return made


def test_a_client_certificate_says_who_asks(tls_admin):
    reply = ask(tls_admin.port, "GET", "/api/v1/policies", identity=tls_admin.people["mdm"],
                **tls_admin.client)
    assert reply.status == 200


def test_another_certificate_of_the_same_CA_is_nobodys(tls_admin):
    reply = ask(tls_admin.port, "GET", "/api/v1/policies", identity=tls_admin.people["stranger"],
                **tls_admin.client)
    assert reply.status == 401
    assert tls_admin.lab.audit()[-1]["reason"] == "wrong certificate"


def test_a_certificate_of_another_CA_ends_the_handshake(tls_admin):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(tls_admin.port, "GET", "/api/v1/policies", identity=tls_admin.people["foreign"],
            **tls_admin.client)


def test_over_TLS_a_token_is_enough_and_nothing_is_asked_for_in_vain(tls_admin):
    assert tls_admin.ask("GET", "/api/v1/policies", bearer()).status == 200
    assert tls_admin.ask("GET", "/api/v1/policies").status == 401


def test_the_certificate_of_the_connection_does_not_mend_a_wrong_token(tls_admin):
    reply = ask(tls_admin.port, "GET", "/api/v1/policies", bearer("x" * 40),
                identity=tls_admin.people["mdm"], **tls_admin.client)
    assert reply.status == 401


# -- beside SCEP -------------------------------------------------------------------------------------


@pytest.mark.attack("M06")
def test_admin_is_not_on_the_SCEP_listener_nor_SCEP_on_the_admin_one(admin):
    for target in (PAGE, "/api/v1/policies", "/healthz"):
        assert admin.lab.get(target, **bearer()).status == 404
    reply = admin.ask("GET", f"{harness.PATH}?operation=GetCACaps", bearer())
    assert reply.status == 404
    with admin.lab.http() as http:
        assert http.request("DELETE", f"{harness.PATH}").status == 405


def test_garbage_and_floods_on_the_admin_port_do_not_hurt_SCEP(admin, keys):
    # Small enough to be taken whole: what is beyond would be answered with a reset.
    for octets in (b"\x16\x03\x01" + b"x" * 1000 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                   b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
                   b"POST /api/v1/challenges HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"):
        harness.raw_exchange(admin.port, octets)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        flood = [pool.submit(admin.ask, "GET", PAGE, basic("scraper", f"wrong{i}"))
                 for i in range(200)]
        challenge = admin.lab.challenge("--subject", "CN=calm", "--policy-name", "mdm")
        assert admin.lab.enrol(scep.Csr(keys(), scep.name("calm"), challenge)).status == "success"
        statuses = [future.result().status for future in flood]
    assert set(statuses) <= {401, 429, 503}, "503: as many connections as one address may have"
    assert len([e for e in admin.lab.audit() if e["event"] == "admin_denied"]) <= 30


def test_SIGHUP_takes_new_callers(admin):
    def rename(config):
        config["admin"]["callers"]["renamed"] = config["admin"]["callers"].pop("other")

    admin.lab.edit(rename)
    admin.lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reload" in [e["event"] for e in admin.lab.audit()], "reloaded")
    assert admin.get_page(bearer(OTHER_TOKEN)).status == 200
    assert admin.lab.audit()[-1]["caller"] == "renamed"


def test_SIGHUP_that_takes_admin_away_leaves_nobody_in(admin):
    admin.lab.edit(lambda config: config.pop("admin"))
    admin.lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: "reload" in [e["event"] for e in admin.lab.audit()], "reloaded")
    assert admin.ask("GET", "/api/v1/policies", bearer()).status == 401


@pytest.mark.attack("C16", "M05")
def test_no_secret_is_in_log_or_audit(admin, keys):
    password = admin.password()
    made = post(admin.port, {"policy": "otp", "subject": "CN=secretive"})
    admin.enrol(password, keys())
    admin.ask("GET", PAGE, basic("scraper", "a wrong secret"))
    written = admin.lab.text_everywhere()
    for secret in (password, json.loads(made.body)["challenge"], TOKEN, PASSWORD, "a wrong secret",
                   basic("scraper", PASSWORD)["Authorization"].split()[1]):
        assert secret not in written
    assert made.status == 201
    line = [e for e in admin.lab.audit() if e["event"] == "challenge"][0]
    assert (line["caller"], line["client"], line["policy"]) == ("scraper", "127.0.0.1", "otp")


# -- the configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize("spoil, path, text", [
    (lambda a: a["callers"]["mdm"].update(token={"env": "SHORT"}), "admin.callers.mdm.token",
     "fewer than 32"),
    (lambda a: a["callers"]["mdm"].update(token={"env": "SPACED"}), "admin.callers.mdm.token",
     "cannot be sent"),
    (lambda a: a["callers"]["scraper"].update(password={"env": "SHORT"}),
     "admin.callers.scraper.password", "fewer than 12"),
    (lambda a: a["callers"]["mdm"].update(token=a["callers"]["other"]["token"]),
     "admin.callers.other.token", "is that of admin.callers.mdm.token"),
    (lambda a: a["callers"]["mdm"].update(certificate="ca.pem"),
     "admin.callers.mdm.certificate", "no admin listener asks"),
    (lambda a: a["listen"].update(address="0.0.0.0:1"), "admin.listen", "in the clear"),
    (lambda a: a["callers"].update({"a:b": a["callers"].pop("other")}), "admin.callers.a:b",
     "no name for a caller"),
    (lambda a: a["callers"].update({"a\nb": a["callers"].pop("other")}), "admin.callers.a\\u000ab",
     "no name for a caller")],
    ids=["short token", "spaces", "short password", "same token", "no client_ca", "in the clear",
         "colon", "line break"])
def test_config_check_names_what_is_wrong(new_lab, monkeypatch, spoil, path, text):
    monkeypatch.setenv("SHORT", "secret1")
    monkeypatch.setenv("SPACED", "x y" * 20)
    lab = new_lab(start=False)
    lab.edit(add_admin(lab, harness.free_port()))
    lab.edit(lambda config: spoil(config["admin"]))
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert any(path in line and text in line for line in checked.stderr.splitlines()
               + checked.stdout.splitlines()), checked.stderr + checked.stdout
    assert "secret1" not in checked.stderr + checked.stdout


@pytest.mark.attack("M01")
def test_plain_text_beyond_loopback_has_to_be_spelled_out_and_is_warned_of(new_lab):
    lab = new_lab(start=False)
    lab.edit(add_admin(lab, harness.free_port()))
    lab.edit(lambda c: c["admin"]["listen"].update(address=f"0.0.0.0:{harness.free_port()}",
                                                   plain_text=True))
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr
    assert "admin.listen.plain_text" in checked.stderr + checked.stdout
