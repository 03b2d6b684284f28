"""The REST API for MDMs, held to its OpenAPI document."""

import json
import re
import signal
from pathlib import Path

import jsonschema
import pytest

import harness
import scep_client as scep
from admin_lab import OTHER_TOKEN, PASSWORD, add_admin, ask, basic, bearer, post

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "server/admin/openapi.json").read_text())
RESOLVER = jsonschema.RefResolver.from_schema(DOCUMENT)


def resolve(node):
    return RESOLVER.resolve(node["$ref"])[1] if "$ref" in node else node


def conform(method, template, reply):
    """The reply is one that the document has for this operation; returns its JSON."""
    operation = DOCUMENT["paths"][template][method.lower()]
    response = resolve(operation["responses"][str(reply.status)])
    content = response.get("content")
    if content is None:
        assert reply.body == b""
        # RFC 9110 section 8.6, and a body's type without a body.
        assert reply.status != 204 or not (reply.header("Content-Length") or reply.content_type)
        return None
    assert reply.content_type in content, (reply, list(content))
    value = json.loads(reply.body)
    jsonschema.Draft202012Validator(content[reply.content_type]["schema"],
                                    resolver=RESOLVER).validate(value)
    if "Retry-After" in response.get("headers", {}) and reply.header("Retry-After"):
        assert int(reply.header("Retry-After")) >= 1
    return value


CHALLENGES, ONE = "/api/v1/challenges", "/api/v1/challenges/{policy}/{id}"


class Api:
    def __init__(self, lab, port):
        self.lab, self.port = lab, port

    def post(self, order, headers=None):
        return post(self.port, order, headers)

    def create(self, order, headers=None):
        reply = self.post(order, headers)
        assert reply.status == 201, reply
        return conform("POST", CHALLENGES, reply)

    def refused(self, order, status, code, headers=None):
        reply = self.post(order, headers)
        problem = conform("POST", CHALLENGES, reply)
        assert (reply.status, problem["status"], problem["code"]) == (status, status, code)
        return problem

    def get(self, target, headers=None):
        return ask(self.port, "GET", target, headers or bearer())

    def listed(self, query="", headers=None):
        reply = self.get(CHALLENGES + query, headers)
        assert reply.status == 200, reply
        return conform("GET", CHALLENGES, reply)["challenges"]

    def withdraw(self, policy, id_, headers=None):
        reply = ask(self.port, "DELETE", f"{CHALLENGES}/{policy}/{id_}", headers or bearer())
        return reply.status, conform("DELETE", ONE, reply)

    def enrol(self, challenge, key, name, path=None):
        ca = self.lab.ca()
        message = scep.pkcs_req(scep.Csr(key, scep.name(name), challenge), [ca.encryption])
        with self.lab.http() as http:
            reply = http.request("POST", f"{path or '/certsrv/mscep/mscep.dll'}"
                                 "?operation=PKIOperation", message.der(),
                                 {"Content-Type": "application/x-pki-message"})
        return self.lab.open(reply, message, ca)


@pytest.fixture
def api(new_lab):
    lab = new_lab(start=False)
    port = harness.free_port()
    lab.edit(add_admin(lab, port))
    lab.start()
    return Api(lab, port)


def blob_policy(api):
    return next(name for name in api.lab.config()["policies"] if name != "otp")


def test_the_server_has_the_document_of_the_repository(api):
    reply = api.get("/api/v1/openapi.json")
    assert json.loads(reply.body) == DOCUMENT
    assert conform("GET", "/api/v1/openapi.json", reply)["openapi"].startswith("3.1")


def test_every_reference_of_the_document_leads_somewhere():
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)):
        assert RESOLVER.resolve(reference)


def test_every_path_of_the_document_is_there_and_nothing_else_answers(api):
    for template, item in DOCUMENT["paths"].items():
        path = template.replace("{policy}", "otp").replace("{id}", "00")
        for method in ("GET", "POST", "DELETE"):
            reply = ask(api.port, method, path, {**bearer(), "Content-Type": "application/json"},
                        b"{}" if method == "POST" else None)
            if method.lower() in item:
                assert reply.status != 405, (method, path)
                conform(method, template, reply)
            else:
                assert reply.status == 405, (method, path)
        for method in ("PUT", "PATCH", "OPTIONS", "HEAD", "get"):
            reply = ask(api.port, method, path, bearer())
            if method == "HEAD" and path == "/healthz":
                continue
            assert reply.status == 405, (method, path)
            allowed = {name.strip().lower() for name in reply.header("Allow").split(",")}
            assert allowed - {"head"} == set(item) - {"parameters"}, (method, path)
            assert reply.header("X-Content-Type-Options") == "nosniff"
            if method != "HEAD":
                assert reply.content_type == "application/problem+json"
                assert json.loads(reply.body)["code"] == "method_not_allowed"
    for path in ("/", "/api", "/api/v1/", "/api/v2/policies", "/api/v1/policies/x", "/metrics"):
        assert api.get(path).status == 404


def test_a_password_that_is_bound_to_names(api, keys):
    made = api.create({"policy": "otp", "subject": "CN=device-7"})
    assert re.fullmatch("[0-9A-F]{16}", made["challenge"])
    assert api.enrol(made["challenge"], keys(), "device-8").status == "failure"
    made = api.create({"policy": "otp", "subject": "CN=device-7"})
    assert api.enrol(made["challenge"], keys(), "device-7").status == "success"
    assert api.enrol(made["challenge"], keys(1), "device-7").status == "failure"
    states = {row["id"]: row["state"] for row in api.listed("?policy=otp")}
    assert states[made["id"]] == "used"


def test_a_blob_for_certain_names(api, keys):
    made = api.create({"policy": blob_policy(api), "subject": "CN=device-7",
                       "purpose": "general_purpose", "expires_in": 600})
    assert api.lab.enrol(scep.Csr(keys(), scep.name("device-7"), made["challenge"])
                         ).status == "success"


def test_several_at_once(api):
    made = api.create({"policy": "otp", "count": 3})
    assert len({c["challenge"] for c in made["challenges"]}) == 3
    rest = api.create({"policy": "otp", "count": 100})
    assert len(rest["challenges"]) == 5, "PasswordMax is 8"
    assert rest["problem"]["code"] == "cache_full"
    assert api.refused({"policy": "otp"}, 503, "cache_full")


def test_a_withdrawn_challenge_is_good_for_nothing_and_makes_room(api, keys):
    made = [api.create({"policy": "otp"}) for _ in range(8)]
    assert api.withdraw("otp", made[0]["id"]) == (204, None)
    assert api.withdraw("otp", made[0]["id"])[0] == 409
    assert api.enrol(made[0]["challenge"], keys(), "late").status == "failure"
    assert api.create({"policy": "otp"})
    line = [e for e in api.lab.audit() if e["event"] == "withdraw"][0]
    assert (line["caller"], line["policy"], line["challenge"]) == ("mdm", "otp", made[0]["id"])
    assert [row["id"] for row in api.listed("?state=withdrawn")] == [made[0]["id"]]


def test_a_caller_sees_and_withdraws_its_own_alone(api):
    made = api.create({"policy": "otp"})
    assert api.listed(headers=bearer(OTHER_TOKEN)) == []
    status, problem = api.withdraw("otp", made["id"], bearer(OTHER_TOKEN))
    assert (status, problem["code"]) == (404, "not_found")
    assert [row["state"] for row in api.listed("?policy=otp")] == ["outstanding"]


def test_blobs_from_before_a_rotation_are_listed_and_withdrawn(api, keys):
    policy = blob_policy(api)
    api.lab.edit(lambda c: c["admin"]["callers"]["mdm"].update(per_day=100))
    api.lab.stop()
    api.lab.start()
    order = {"policy": policy, "subject": "CN=device-7", "purpose": "general_purpose"}
    before = [api.create(order) for _ in range(2)]
    done = harness.run("policy", "rotate", "--config", api.lab.config_file, "--policy", policy,
                       "--signer")
    assert done.returncode == 0, done.stderr
    lines = len(api.lab.audit())
    api.lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: any(e["event"] == "reload" for e in api.lab.audit()[lines:]),
                       "the reload")
    after = api.create(order)
    ids = [made["id"] for made in [after, *reversed(before)]]
    for query in ("", f"?policy={policy}"):
        rows = api.listed(query)
        assert [row["id"] for row in rows] == ids
        assert {row["policy"] for row in rows} == {policy}
    assert api.withdraw(policy, before[0]["id"]) == (204, None)
    assert api.enrol(before[0]["challenge"], keys(), "device-7", "/scep").status == "failure"
    assert api.enrol(before[1]["challenge"], keys(), "device-7", "/scep").status == "success"


def test_the_command_line_lists_blobs_and_passwords_by_the_policy(api):
    api.lab.edit(lambda c: c["admin"]["callers"]["mdm"].update(per_day=100))
    api.lab.stop()
    api.lab.start()
    policy = blob_policy(api)
    blob = api.create({"policy": policy, "subject": "CN=device-7", "purpose": "general_purpose"})
    password = api.create({"policy": "otp"})

    def listed(*options):
        done = harness.run("challenge", "list", "--config", api.lab.config_file, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def policies():
        return {row["challenge"]: row["policy"] for row in json.loads(listed("--json"))}

    assert policies() == {blob["id"]: policy, password["id"]: "otp"}
    lines = {line.split()[0]: line for line in listed().splitlines()}
    assert f"  {policy}  by mdm" in lines[blob["id"][:16]] and "challenge_blob:" not in listed()
    assert "  otp  by mdm" in lines[password["id"][:16]]

    signer = api.lab.config()["policies"][policy]["trusted_signers"][0]
    (api.lab.dir / signer).unlink()
    assert policies()[blob["id"]] is None, "nothing says any more whose it is"
    assert "challenge_blob:" in listed()


def test_rows_of_two_policies_with_one_signer_have_the_name_that_was_asked_for(new_lab):
    lab = new_lab(start=False)
    port = harness.free_port()

    def edit(config):
        config["policies"]["a-second"] = dict(config["policies"]["mdm"])
        add_admin(lab, port)(config)
        config["admin"]["callers"]["mdm"]["per_day"] = 100

    lab.edit(edit)
    lab.start()
    api = Api(lab, port)
    made = api.create({"policy": "mdm", "subject": "CN=device-7"})
    for name in ("mdm", "a-second"):
        assert [(row["id"], row["policy"]) for row in api.listed(f"?policy={name}")
                ] == [(made["id"], name)]
    assert len(api.listed()) == 1


def test_the_limit_is_of_rows_that_the_caller_may_see(api):
    first = api.create({"policy": "otp"})
    api.lab.edit(lambda c: (c["policies"].update(second=dict(c["policies"]["otp"])),
                            c["admin"]["callers"]["mdm"]["policies"].append("second")))
    api.lab.stop()
    api.lab.start()
    api.create({"policy": "second"})
    api.lab.edit(lambda c: c["admin"]["callers"]["mdm"]["policies"].remove("second"))
    api.lab.stop()
    api.lab.start()
    assert [row["id"] for row in api.listed("?limit=1")] == [first["id"]]


@pytest.mark.parametrize("id_", ["00", "zz", "", "0" * 200, "..%2f..", "%ff"])
def test_no_such_challenge(api, id_):
    assert api.withdraw("otp", id_)[0] == 404


def test_only_policies_of_the_caller(api):
    api.refused({"policy": blob_policy(api)}, 403, "forbidden", bearer(OTHER_TOKEN))
    api.refused({"policy": "there-is-none"}, 403, "forbidden", bearer(OTHER_TOKEN))
    assert api.create({}, bearer(OTHER_TOKEN))["policy"] == "otp", "its only one"
    api.refused({}, 400, "bad_value")
    assert api.get(f"{CHALLENGES}?policy={blob_policy(api)}", bearer(OTHER_TOKEN)).status == 403
    api.refused({"policy": "otp"}, 403, "forbidden", basic("scraper", PASSWORD))


def test_policies_say_what_an_MDM_that_makes_blobs_itself_needs(api):
    found = {p["name"]: p for p in conform("GET", "/api/v1/policies",
                                           api.get("/api/v1/policies"))["policies"]}
    blob = found[blob_policy(api)]
    assert blob["type"] == "challenge_blob" and blob["creates_challenges"]
    assert blob["audience"] == api.lab.config()["policies"][blob["name"]]["audience"]
    assert blob["encryption_certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert found["otp"]["type"] == "one_time_password"
    own = api.get("/api/v1/policies", bearer(OTHER_TOKEN))
    assert [p["name"] for p in json.loads(own.body)["policies"]] == ["otp"]


def test_the_quota_of_a_caller(api):
    api.lab.edit(lambda c: c["admin"]["callers"]["other"].update(per_day=3, outstanding=2))
    api.lab.stop()
    api.lab.start()
    made = [api.create({}, bearer(OTHER_TOKEN)) for _ in range(2)]
    api.refused({}, 429, "quota_reached", bearer(OTHER_TOKEN))
    assert api.withdraw("otp", made[0]["id"], bearer(OTHER_TOKEN))[0] == 204
    api.create({}, bearer(OTHER_TOKEN))
    assert api.withdraw("otp", made[1]["id"], bearer(OTHER_TOKEN))[0] == 204
    api.refused({}, 429, "quota_reached", bearer(OTHER_TOKEN))
    assert api.create({"policy": "otp"}), "the quota of one is not that of another"


@pytest.mark.parametrize("body, code", [
    (b"", "malformed"), (b"[]", "malformed"), (b"{\"a\":1,\"a\":2}", "malformed"),
    (b"{\"subjct\": \"CN=a\"}", "unknown_member"), (b"{\"subject\": 7}", "bad_value"),
    (b"{\"count\": 101}", "bad_value"), (b"\xff", "malformed"), (b"[" * 60000, "malformed")],
    ids=["empty", "list", "twice", "unknown", "number", "count", "no-utf8", "deep"])
def test_bodies_that_are_refused(api, body, code):
    reply = ask(api.port, "POST", CHALLENGES,
                {**bearer(), "Content-Type": "application/json"}, body)
    assert reply.status == 400
    assert conform("POST", CHALLENGES, reply)["code"] == code


@pytest.mark.parametrize("query", ["?polic=otp", "?state=new", "?limit=0", "?limit=1001",
                                   "?limit=1e2", "?policy=%zz", "?x"])
def test_queries_that_are_refused(api, query):
    reply = api.get(CHALLENGES + query)
    assert reply.status == 400
    conform("GET", CHALLENGES, reply)


@pytest.mark.attack("M02")
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data", "application/jsonx"])
def test_a_form_of_a_foreign_page_is_no_order(api, content_type):
    headers = dict(bearer(), **({"Content-Type": content_type} if content_type else {}))
    reply = ask(api.port, "POST", CHALLENGES, headers, b'{"policy":"otp"}')
    assert reply.status == 415
    conform("POST", CHALLENGES, reply)


def test_json_with_a_charset_is_json(api):
    reply = ask(api.port, "POST", CHALLENGES,
                {**bearer(), "Content-Type": "application/json; charset=utf-8"},
                b'{"policy":"otp"}')
    assert reply.status == 201


@pytest.mark.attack("M03", "M04")
def test_what_is_not_known_is_named_escaped_and_in_part(api):
    problem = api.refused({"sub\u202ejekt\n": "CN=a"}, 400, "unknown_member")
    assert '"sub\\u202ejekt\\n"' in problem["detail"]
    problem = api.refused({"x" * 5000: 1}, 400, "unknown_member")
    assert '"' + "x" * 64 + '"' in problem["detail"] and len(problem["detail"]) < 200
    assert '"polic"' in json.loads(api.get(CHALLENGES + "?polic=otp").body)["detail"]


def test_an_order_for_a_template_that_no_endpoint_has_uses_nothing_up(api):
    for policy in ("otp", blob_policy(api)):
        problem = api.refused({"policy": policy, "subject": "CN=a", "template": "Nope"}, 422,
                              "not_allowed")
        assert "template: " in problem["detail"] and "DeviceGeneral" in problem["detail"]
    assert api.listed() == []


@pytest.fixture
def shared(new_lab):
    """Both policies are asked at another endpoint each, with a template of its own; the caller mdm
    has the endpoints ndes and /scep, the caller other has none."""
    lab = new_lab(start=False)
    port = harness.free_port()

    def edit(config):
        add_admin(lab, port)(config)
        config["admin"]["callers"]["other"]["policies"] = ["mdm", "otp"]
        config["templates"]["Admin"] = dict(config["templates"]["DeviceGeneral"], validity="30d")
        scep_, ndes = config["endpoints"]
        for endpoint, name in ((scep_, "admins"), (ndes, "ndes-admins")):
            config["endpoints"].append({**endpoint, "paths": ["/" + name], "name": name,
                                        "templates": {"general_purpose": "Admin"}})

    lab.edit(edit)
    lab.start()
    return Api(lab, port)


PLACES = {"mdm": (("/scep", "/scep"), ("admins", "/admins")),
          "otp": (("ndes", "/certsrv/mscep/mscep.dll"), ("ndes-admins", "/ndes-admins"))}


@pytest.mark.attack("C03")
@pytest.mark.parametrize("policy", PLACES)
def test_C03_a_callers_challenges_are_good_at_its_own_endpoints_alone(shared, keys, policy):
    (own, path), (other, other_path) = PLACES[policy]
    order = {"policy": policy, "subject": "CN=a", "purpose": "general_purpose"}
    for number, more in enumerate([{}, {"endpoint": own}]):
        challenge = shared.create({**order, **more})["challenge"]
        reply = shared.enrol(challenge, keys(number), "a", other_path)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
        line = shared.lab.audit()[-1]
        assert (line["code"], line["expected"], line["found"]) == ("EndpointMismatch", own, other)
        assert shared.enrol(challenge, keys(number), "a", path).status == "success"
    problem = shared.refused({**order, "endpoint": other}, 403, "forbidden")
    assert problem["detail"].startswith("endpoint: ")
    assert shared.lab.audit()[-1]["event"] == "admin_denied"


@pytest.mark.parametrize("policy", PLACES)
def test_a_caller_without_endpoints_may_name_one_and_config_check_warns_of_it(shared, keys, policy):
    (own, path), (other, other_path) = PLACES[policy]
    order = {"policy": policy, "subject": "CN=a", "purpose": "general_purpose"}
    free = shared.create(order, bearer(OTHER_TOKEN))["challenge"]
    assert shared.enrol(free, keys(), "a", other_path).status == "success"
    bound = shared.create({**order, "endpoint": other}, bearer(OTHER_TOKEN))["challenge"]
    assert shared.enrol(bound, keys(1), "a", path).status == "failure"
    assert shared.enrol(bound, keys(1), "a", other_path).status == "success"
    for endpoint in ("Nope", PLACES[{"mdm": "otp", "otp": "mdm"}[policy]][0][0]):
        problem = shared.refused({**order, "endpoint": endpoint}, 422, "not_allowed",
                                 bearer(OTHER_TOKEN))
        assert problem["detail"].startswith("endpoint: ") and other in problem["detail"]
    checked = harness.run("config", "check", "--config", shared.lab.config_file)
    assert checked.returncode == 0
    assert f"policies.{policy}: " in checked.stderr and "caller 'other'" in checked.stderr


@pytest.mark.attack("N05")
@pytest.mark.parametrize("policy", ["otp", "mdm"])
def test_N05_a_caller_names_nobody_else_by_what_a_template_builds(api, policy):
    def edit(config):
        config["templates"]["DeviceGeneral"]["subject"] = "CN={device_id},O=Fleet"
        config["admin"]["callers"]["mdm"]["rules"] = {
            "subject": {"patterns": {"CN": "kiosk-[0-9]+"}}}

    api.lab.edit(edit)
    before = len(api.lab.audit())
    api.lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: any(line["event"] == "reload" for line in api.lab.audit()[before:]),
                       "the reload")
    order = {"policy": policy, "subject": "CN=kiosk-7"}
    problem = api.refused({**order, "device_id": "domain-controller"}, 422, "not_allowed")
    assert "RuleSubjectPattern" in problem["detail"] and "domain-controller" in problem["detail"]
    api.create({**order, "device_id": "kiosk-8"})
    # Where the template does not build it, it stands in the records alone.
    api.create({**order, "device_id": "domain-controller", "key_usage": "signature"})
    # By NDES's operation, too.
    path = {"otp": "/certsrv/mscep_admin", "mdm": "/scep_admin"}[policy]
    target = (f"{path}?operation=NDESGenerateChallenge&keyUsage=0xa0"
              "&params=subject%3DCN%253Dkiosk-7%26device_id%3D")
    assert api.get(target + "domain-controller").status == 403
    assert api.get(target + "kiosk-8").status == 200


def test_what_the_policy_does_not_allow(api):
    api.refused({"policy": blob_policy(api), "subject": "CN=a", "expires_in": 3000000000}, 422,
                "not_allowed")


def test_a_repeated_credential_is_refused(api):
    octets = (f"GET /api/v1/policies HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer()['Authorization']}"
              "\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n").encode()
    assert harness.raw_exchange(api.port, octets).startswith(b"HTTP/1.1 400 ")


def test_health_needs_no_credentials(api):
    reply = ask(api.port, "GET", "/healthz")
    assert (reply.status, conform("GET", "/healthz", reply)) == (200, {"status": "ok"})


def test_a_body_over_the_limit(api):
    reply = ask(api.port, "POST", CHALLENGES, {**bearer(), "Content-Type": "application/json"},
                b" " * 70000)
    assert reply.status == 413
