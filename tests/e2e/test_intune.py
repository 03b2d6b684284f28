"""The policy module "intune" against a service of our own (intune_service.py), which judges every
call: validate, issue, notify, deliver; and whatever goes wrong on the way, no certificate."""

import concurrent.futures
import contextlib
import datetime
import hashlib
import itertools
import shutil
import signal
import threading

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import harness
import scep_client as scep
from intune_service import Answer, SECRET, code, make_certificate, serving
from scep_client import Csr, name, pkcs_req

CHALLENGE = "QUJD" * 1200  # as long as Intune's own

# D4 of Microsoft's interface: each code, and its class on the wire.
BAD_MESSAGE_CHECK = [
    "ChallengePasswordMissing", "ChallengeDeserializationError", "ChallengeDecryptionError",
    "ChallengeDecodingError", "ChallengeInvalidTimestamp", "ChallengeExpired",
    "SignatureValidationFailed", "BadCertificateRequestIdInChallenge", "BadDeviceIdInChallenge",
    "BadUserIdInChallenge"]
BAD_REQUEST = [
    "Unknown", "CertificateRequestDecodingFailed", "SubjectNameMissing", "SubjectNameMismatch",
    "SubjectAltNameMissing", "SubjectAltNameMismatch", "KeyUsageMismatch", "KeyLengthMismatch",
    "EnhancedKeyUsageMissing", "EnhancedKeyUsageMismatch", "AadKeyIdentifierListMissing",
    "RegisteredKeyMismatch", "SigningCertThumbprintMismatch",
    "ScepProfileNoLongerTargetedToTheClient"]


@pytest.fixture
def new_service(tmp_path):
    with contextlib.ExitStack() as services:
        count = itertools.count()

        def make(**options):
            directory = tmp_path / f"service{next(count)}"
            return services.enter_context(serving(directory, **options))

        yield make


@pytest.fixture
def service(new_service):
    return new_service()


@pytest.fixture
def new_intune_lab(new_lab):
    """A lab whose /scep asks `service`, and whose /other has a static password."""
    def make(service, edit=None, **policy):
        def change(config):
            static = next(iter(config["policies"]))
            config["policies"]["intune"] = service.policy(**policy)
            first = config["endpoints"][0]
            config["endpoints"].append({**first, "paths": ["/other"], "policy": static})
            first["policy"] = "intune"
            if edit:
                edit(config)
        return new_lab("--policy", "static", edit=change)
    return make


@pytest.fixture
def lab(new_intune_lab, service):
    return new_intune_lab(service)


def device(lab, keys, number=0, subject=None, extensions=(), **options):
    csr = Csr(keys(number), name(subject or f"device-{number}"), CHALLENGE, list(extensions))
    return pkcs_req(csr, [lab.ca().encryption], **options)


def refusals(lab):
    return [line for line in lab.audit() if line["event"] == "refuse"]


def assert_other_endpoint_serves(lab, keys):
    policy = next(p for p in lab.config()["policies"].values() if p["type"] == "static_password")
    password = (lab.dir / policy["password"]["file"]).read_text().strip()
    before = len(lab.serials())
    message = pkcs_req(Csr(keys(7), name("other"), password), [lab.ca().encryption])
    with lab.http() as http:
        reply = http.request("POST", "/other?operation=PKIOperation", message.der(),
                             {"Content-Type": "application/x-pki-message"})
    assert lab.open(reply, message).status == "success"
    assert len(lab.serials()) == before + 1


def assert_no_certificate(lab):
    assert [row for row in lab.certificates() if row["policy"] == "intune"] == []


def assert_no_secret(lab, service):
    text = lab.text_everywhere()
    for secret in (SECRET, CHALLENGE[:200], *set().union(*service.tokens.values())):
        assert secret not in text


# --- TestValidationSucceeds, TestSendSuccessNotificationSucceeds ---------------------------------

def test_a_device_gets_its_certificate_after_intune_was_asked_and_told(lab, service, keys):
    extensions = [scep.subject_alt_name(
        ("upn", "anna@example.com"),
        ("uri", "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104")), scep.key_usage(0, 2)]
    message = device(lab, keys, extensions=extensions)
    reply = lab.send(message)
    assert reply.status == "success"
    certificate = reply.certificate
    assert certificate.subject == name("device-0")
    # TestValidationSuccess of the Java library: two tokens, one discovery, one call each.
    assert sorted(service.steps()) == sorted(["token", "token", "discovery", "validate", "success"])
    told = service.issued[message.transaction_id]
    der = certificate.public_bytes(serialization.Encoding.DER)
    assert told["certificateThumbprint"] == hashlib.sha1(der).hexdigest().upper()
    assert int(told["certificateSerialNumber"], 16) == certificate.serial_number
    assert told["certificateExpirationDateUtc"] == \
        certificate.not_valid_after.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert told["issuingCertificateAuthority"] == lab.certificates()[0]["issuer"]
    assert b"S-1-5-21-1-2-3-1104" in der, "Intune has compared the subjectAltName"
    assert_no_secret(lab, service)


def test_a_retry_gets_the_same_certificate_and_asks_nobody(lab, service, keys):
    message = device(lab, keys)
    first = lab.send(message)
    before = service.steps()
    assert lab.send(message).certificate == first.certificate
    assert service.steps() == before


def test_the_app_can_prove_itself_by_certificate(new_service, new_intune_lab, keys, tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    for algorithm in ("PS256", "RS256"):
        directory = tmp_path / algorithm
        directory.mkdir()
        app, _ = make_certificate(directory, "app", key=key)
        service = new_service(app_certificate=app)
        lab = new_intune_lab(service, secret=None, assertion=algorithm, certificate={
            "certificate": str(directory / "app.pem"), "key": {"file": str(directory / "app.key")}})
        assert lab.send(device(lab, keys)).status == "success"


# --- TestValidationFails: every code ------------------------------------------------------------

@pytest.fixture(scope="module")
def shared(templates, tmp_path_factory):
    """A service and a lab for many refusals."""
    directory = tmp_path_factory.mktemp("intune")
    with serving(directory / "service") as service:
        path = directory / "lab"
        shutil.copytree(templates("--policy", "static"), path)
        lab = harness.Lab(path)

        def change(config):
            config["listen"] = [{"address": f"127.0.0.1:{lab.port}"}]
            config["policies"]["intune"] = service.policy()
            config["endpoints"][0]["policy"] = "intune"

        lab.edit(change)
        lab.start()
        try:
            yield service, lab
            lab.stop()
        finally:
            lab.kill()


@pytest.mark.parametrize("refused, fail_info", [
    *((one, "badMessageCheck") for one in BAD_MESSAGE_CHECK),
    *((one, "badRequest") for one in BAD_REQUEST)])
def test_a_code_of_intunes_refuses_and_stands_in_the_audit_file(shared, keys, refused, fail_info):
    service, lab = shared
    service.plan("validate", code(refused, "why it is so"))
    reply = lab.send(device(lab, keys))
    assert (reply.status, reply.fail_info) == ("failure", fail_info)
    line = refusals(lab)[-1]
    assert line["code"] == refused
    assert "why it is so" in line["reason"]
    assert_no_certificate(lab)
    # Intune is not told of what it refused itself.
    assert service.count("failure") == service.count("success") == 0


@pytest.mark.attack("C15")
@pytest.mark.parametrize("answer, expected", [
    (code("SomethingNew"), "IntuneCodeUnknown"),
    (code("success"), "IntuneCodeUnknown"),
    (code("Success "), "IntuneCodeUnknown"),
    (code("x" * 100_000), "IntuneCodeUnknown"),
])
def test_a_code_that_is_not_known_refuses(shared, keys, answer, expected):
    service, lab = shared
    service.plan("validate", answer)
    reply = lab.send(device(lab, keys))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert refusals(lab)[-1]["code"] == expected
    assert_no_certificate(lab)


def test_refusals_of_one_class_do_not_differ_on_the_wire(shared, keys):
    service, lab = shared
    for codes in (BAD_MESSAGE_CHECK, BAD_REQUEST):
        shapes = set()
        for one in codes:
            service.plan("validate", code(one))
            reply = lab.send(device(lab, keys, transaction_id="the-same"))
            shapes.add((reply.fail_info, len(reply.raw), tuple(sorted(reply.attributes))))
        assert len(shapes) == 1


def test_what_the_service_echoes_does_not_reach_log_or_audit(shared, keys):
    service, lab = shared
    service.plan("validate", code("ChallengeExpired", f"got {CHALLENGE} here"))
    lab.send(device(lab, keys))
    assert "got [...] here" in refusals(lab)[-1]["reason"]
    assert_no_secret(lab, service)


def test_a_csr_without_a_challenge_is_refused_without_asking(shared, keys):
    service, lab = shared
    before = service.count("validate")
    csr = Csr(keys(), name("device"), None)
    reply = lab.send(pkcs_req(csr, [lab.ca().encryption]))
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
    assert refusals(lab)[-1]["code"] == "ChallengePasswordMissing"
    assert service.count("validate") == before


@pytest.mark.attack("N09")
def test_N09_a_sid_extension_that_the_names_do_not_vouch_for_is_refused(shared, keys):
    service, lab = shared
    before = service.count("validate")
    reply = lab.send(device(lab, keys, extensions=[scep.sid_extension()]))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    assert refusals(lab)[-1]["code"] == "SidNotGranted"
    assert service.count("validate") == before


# --- The service fails: never a certificate, and the device comes again --------------------------

ERROR_500 = {"error": {"code": "InternalError", "message": "secret of the service"}}
INVALID_CLIENT = {"error": "invalid_client", "error_codes": [7000215],
                  "error_description": f"AADSTS7000215: {SECRET} is wrong"}
FAILURES = {
    "token refused": ("token", Answer(401, INVALID_CLIENT), "invalid_client AADSTS7000215"),
    "token is HTML": ("token", Answer(200, b"<html>", "text/html"), "no JSON object"),
    "token is none": ("token", Answer(200, {"token_type": "Bearer", "expires_in": 60}),
                      "there is none in its answer"),
    "token of another type": ("token", Answer(200, {"token_type": "pop", "expires_in": 60,
                                                    "access_token": "x"}), "type Bearer"),
    "token for no time": ("token", Answer(200, {"token_type": "Bearer", "access_token": "x"}),
                          "how long"),
    "discovery denied": ("discovery", Answer(403, {}), "Application.Read.All"),
    "discovery without the service": ("discovery", Answer(200, {"value": []}), "no service"),
    "discovery is no list": ("discovery", Answer(200, {"value": "x"}), "no list"),
    "discovery leads to http": ("discovery", Answer(200, {"value": [
        {"providerName": "ScepRequestValidationFEService", "uri": "http://127.0.0.1:1/"}]}),
        "not https://"),
    "role missing": ("validate", Answer(401, {}), "scep_challenge_provider"),
    "500 with JSON": ("validate", Answer(500, ERROR_500), "HTTP 500, InternalError"),
    "500 with HTML": ("validate", Answer(500, b"<html>Success</html>", "text/html"), "HTTP 500"),
    "500 with Success": ("validate", Answer(500, {"code": "Success"}), "HTTP 500"),
    "redirect": ("validate", Answer(302, {"code": "Success"}), "HTTP 302"),
    "code missing": ("validate", Answer(200, {"errorDescription": ""}), "no code"),
    "code is null": ("validate", Answer(200, {"code": None}), "no code"),
    "code is a number": ("validate", Answer(200, {"code": 0}), "no code"),
    "code comes twice": ("validate", Answer(200, b'{"code":"ChallengeExpired","code":"Success"}'),
                         "no JSON object"),
    "no body": ("validate", Answer(200, b""), "no JSON object"),
    "a list": ("validate", Answer(200, ["Success"]), "no JSON object"),
    "malformed": ("validate", Answer(200, b'{"code":"Success"'), "no JSON object"),
    "more behind it": ("validate", Answer(200, b'{"code":"Success"} x'), "no JSON object"),
    "huge": ("validate", Answer(200, {"code": "Success", "x": "y" * (2 << 20)}), "too large"),
    "cut": ("validate", Answer(200, {"code": "Success"}, cut=True), "cut"),
}


def forget(lab):
    """Reloads: what was kept of tokens and discovery is gone."""
    def reloads():
        return sum(line["event"] == "reload" for line in lab.audit())

    before = reloads()
    lab.process.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: reloads() > before, "reloaded")


@pytest.mark.attack("C15", "X02")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_service_that_fails_gives_no_certificate(shared, keys, failure):
    service, lab = shared
    step, answer, reason = FAILURES[failure]
    forget(lab)
    service.plan(step, answer, answer)
    reply = lab.post(device(lab, keys))
    service.plan(step)
    assert reply.status == 503
    assert reply.header("Retry-After")
    line = refusals(lab)[-1]
    assert line["code"] == "IntuneUnavailable"
    assert reason in line["reason"]
    assert_no_certificate(lab)
    assert_no_secret(lab, service)
    assert "secret of the service" not in lab.text_everywhere()


@pytest.mark.attack("C15")
def test_a_slow_service_blocks_nobody_else(new_intune_lab, service, keys):
    lab = new_intune_lab(service, timeout="2s")
    gate = threading.Event()
    service.plan("validate", Answer(body={"code": "Success"}, before=gate.wait))
    message = device(lab, keys)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(lab.post, message)
        harness.wait_until(lambda: service.count("validate") == 1, "the service is asked")
        assert_other_endpoint_serves(lab, keys)
        assert waiting.result().status == 503
    gate.set()
    assert refusals(lab)[-1]["code"] == "PolicyTimeout"
    assert_no_certificate(lab)
    assert lab.send(device(lab, keys)).status == "success", "it recovers"


@pytest.mark.attack("X02")
@pytest.mark.parametrize("fault", ["another CA", "another host", "nobody there"])
def test_a_service_that_is_not_the_service_gets_no_secret(new_service, new_intune_lab, keys, fault):
    service = new_service(server_address="192.0.2.1" if fault == "another host" else "127.0.0.1")
    stranger = new_service()
    http = {"ca_bundle": str(stranger.directory / "service-ca.pem")} if fault == "another CA" else {
        "ca_bundle": str(service.directory / "service-ca.pem")}
    if fault == "nobody there":
        service.close()
    lab = new_intune_lab(service, http=http)
    assert lab.post(device(lab, keys)).status == 503
    assert refusals(lab)[-1]["code"] == "IntuneUnavailable"
    assert service.calls == []
    assert_no_certificate(lab)
    assert_other_endpoint_serves(lab, keys)


# --- What is kept, and when it is asked for anew -------------------------------------------------

def test_a_withdrawn_token_is_renewed_once(lab, service, keys):
    assert lab.send(device(lab, keys)).status == "success"
    service.plan("validate", Answer(401, {}))
    assert lab.send(device(lab, keys, 1)).status == "success"
    assert service.count("validate") == 3
    assert service.count("token") == 3


def test_TestURLChanges_a_service_that_moved_is_found_again(lab, service, keys):
    assert lab.send(device(lab, keys)).status == "success"
    service.plan("validate", Answer(500, ERROR_500))
    assert lab.post(device(lab, keys, 1)).status == 503
    assert service.count("discovery") == 2, "asked anew after any failure"
    assert lab.send(device(lab, keys, 1)).status == "success"
    assert service.count("discovery") == 2


@pytest.mark.load
def test_many_devices_at_once_cost_one_token_and_one_discovery(lab, service, keys):
    ca = lab.ca()
    messages = [pkcs_req(Csr(keys(n % 4), name(f"device-{n}"), CHALLENGE), [ca.encryption],
                         transaction_id=f"transaction-{n}") for n in range(64)]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda message: lab.send(message, ca), messages))
    assert [reply.status for reply in replies] == ["success"] * 64
    for n, reply in enumerate(replies):
        assert reply.certificate.subject == name(f"device-{n}")
    assert service.count("token") == 2
    assert service.count("discovery") == 1
    assert service.count("validate") == service.count("success") == 64


# --- Notifications ------------------------------------------------------------------------------

def test_a_certificate_leaves_only_when_intune_has_heard_of_it(lab, service, keys):
    service.plan("success", Answer(500, ERROR_500), Answer(500, b"<html>"))
    message = device(lab, keys)
    assert lab.post(message).status == 503
    assert lab.post(message).status == 503
    assert refusals(lab)[-1]["code"] == "NotificationFailed"
    assert [line for line in lab.audit() if line["event"] == "issue"] == []
    reply = lab.send(message)
    assert reply.status == "success"
    assert service.count("validate") == 1, "the request is not judged anew"
    told = {call.body["certificateSerialNumber"] for call in service.of("success")}
    assert {int(serial, 16) for serial in told} == {reply.certificate.serial_number}
    assert len(lab.serials()) == 1


def test_a_discovery_that_fails_does_not_revoke_what_intune_has_not_refused(lab, service, keys):
    assert lab.send(device(lab, keys)).status == "success"
    service.plan("success", Answer(500, ERROR_500))
    service.plan("discovery", *[Answer(200, {"value": []})] * 2)
    message = device(lab, keys, 1)
    for _ in range(2):
        assert lab.post(message).status == 503
        assert refusals(lab)[-1]["code"] == "NotificationFailed"
    reply = lab.send(message)
    assert reply.status == "success"
    assert [row for row in lab.certificates() if "revoked_at" in row] == []
    assert len(lab.serials()) == 2


def test_a_certificate_that_intune_will_not_have_is_revoked(lab, service, keys):
    service.plan("success", code("ScepProfileNoLongerTargetedToTheClient"))
    reply = lab.send(device(lab, keys))
    assert (reply.status, reply.fail_info) == ("failure", "badRequest")
    line = refusals(lab)[-1]
    assert line["code"] == "NotificationRefused"
    assert "ScepProfileNoLongerTargetedToTheClient" in line["reason"]
    assert [row["revocation_reason"] for row in lab.certificates()] == ["privilegeWithdrawn"]
    assert [line["event"] for line in lab.audit()].count("revoke") == 1


def test_intune_hears_of_a_request_that_failed_after_it_agreed(new_intune_lab, service, keys):
    def no_template(config):
        config["endpoints"][0]["templates"].pop("signature")

    lab = new_intune_lab(service, edit=no_template)
    reply = lab.send(device(lab, keys, extensions=[scep.key_usage(0)]))
    assert reply.status == "failure"
    assert service.steps()[-2:] == ["validate", "failure"]
    said = service.of("failure")[0].body
    assert said["hResult"] == -2147467259
    assert said["errorDescription"].startswith("NoTemplateForPurpose: ")


def test_T01_a_request_that_waited_for_an_operator_is_told_of_when_it_is_issued(
        new_intune_lab, service, keys):
    def wants_approval(config):
        for template in config["templates"].values():
            template["approval"] = True

    lab = new_intune_lab(service, edit=wants_approval)
    ca = lab.ca()
    message = device(lab, keys)
    assert lab.send(message, ca).status == "pending"
    assert service.count("validate") == 1 and service.count("success") == 0
    done = harness.run("pending", "approve", message.transaction_id, "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    reply = lab.send(scep.cert_poll(message, ca), ca)
    assert reply.status == "success"
    assert service.count("validate") == 1
    told = service.issued[message.transaction_id]
    assert int(told["certificateSerialNumber"], 16) == reply.certificate.serial_number
    assert datetime.datetime.strptime(told["certificateExpirationDateUtc"],
                                      "%Y-%m-%dT%H:%M:%S.000Z") == reply.certificate.not_valid_after
