"""What Intune wants revoked is revoked, told of, and nothing else (intune_service.py)."""

import json
import signal
import threading

import pytest

from harness import run, wait_until
from intune_service import Answer, serving
from scep_client import Csr, name, pkcs_req

OTHERS = "CN=Somebody else's CA"


@pytest.fixture
def service(tmp_path):
    with serving(tmp_path / "service") as service:
        yield service


@pytest.fixture
def lab(new_lab, service):
    """Polls each second. /scep asks Intune, /other a static password, /both the two of them, /second
    the same tenant's Intune by another policy."""
    def change(config):
        static = next(iter(config["policies"]))
        config["policies"]["intune"] = service.policy(
            revocation={"every": "1s", "max_per_poll": 2})
        config["policies"]["second"] = service.policy()
        first = config["endpoints"][0]
        for path, policy in (("/other", static), ("/both", {"all_of": [static, "intune"]}),
                             ("/second", "second")):
            config["endpoints"].append({**first, "paths": [path], "policy": policy})
        first["policy"] = "intune"
    return new_lab("--policy", "static", edit=change)


@pytest.fixture
def issued(lab, keys):
    made = []
    for number in range(2):
        csr = Csr(keys(number), name(f"device-{number}"), "challenge")
        reply = lab.send(pkcs_req(csr, [lab.ca().encryption]))
        assert reply.status == "success"
        made.append(reply.certificate)
    return made


def password(lab):
    policy = next(p for p in lab.config()["policies"].values() if p["type"] == "static_password")
    return (lab.dir / policy["password"]["file"]).read_text().strip()


def issue(lab, keys, path, subject="other"):
    """A certificate from another endpoint."""
    message = pkcs_req(Csr(keys(3), name(subject), password(lab)), [lab.ca().encryption])
    with lab.http() as http:
        reply = http.request("POST", f"{path}?operation=PKIOperation", message.der(),
                             {"Content-Type": "application/x-pki-message"})
    made = lab.open(reply, message)
    assert made.status == "success"
    return made.certificate


def request(context, certificate=None, **more):
    made = {"requestContext": context, "serialNumber": f"{certificate.serial_number:X}"
            if certificate else "1", "issuerName": None, "caConfiguration": None}
    made.update(more)
    return made


def from_ca(lab, context, certificate, **more):
    issuer = lab.certificates()[0]["issuer"]
    return request(context, certificate, issuerName=issuer, caConfiguration=issuer, **more)


def result_of(service, context):
    results = [r for r in service.results if r["requestContext"] == context]
    return results[-1] if results else None


def told(service, context):
    return wait_until(lambda: result_of(service, context), f"{context} is told of")


def revoked(lab):
    return {row["subject"] for row in lab.certificates() if "revoked_at" in row}


def test_a_certificate_that_intune_wants_revoked_is_revoked_and_told_of(lab, service, issued):
    service.revocations = [from_ca(lab, "one", issued[0])]
    assert told(service, "one") == {"requestContext": "one", "succeeded": True,
                                    "errorCode": "None", "errorMessage": None}
    assert revoked(lab) == {"CN=device-0"}
    lines = [line for line in lab.audit() if line.get("by") == "intune"]
    assert [line["event"] for line in lines] == ["intend", "revoke"]
    assert all(int(line["serial"], 16) == issued[0].serial_number for line in lines)
    listed = json.loads(run("ca", "crl", "--json", "--config", lab.config_file).stdout)
    assert [int(entry["serial"], 16) for entry in listed["revoked"]] == [issued[0].serial_number]


@pytest.mark.parametrize("spelling", [str.lower, lambda text: "0" + text, lambda text: "000" + text])
def test_the_serial_number_counts_not_its_spelling(lab, service, issued, spelling):
    one = from_ca(lab, "one", issued[0])
    one["serialNumber"] = spelling(one["serialNumber"])
    service.revocations = [one]
    assert told(service, "one")["succeeded"]
    assert revoked(lab) == {"CN=device-0"}


def test_all_pages_are_gone_through(lab, service, issued):
    # Five with pages of two; those of other CAs are left to them.
    service.revocations = [from_ca(lab, "one", issued[0]), from_ca(lab, "none", None),
                           from_ca(lab, "two", issued[1]), from_ca(lab, "none-2", None),
                           request("other", None, issuerName=OTHERS, caConfiguration=OTHERS)]
    for context in ("one", "two"):
        assert told(service, context)["succeeded"]
    for context in ("none", "none-2"):
        result = told(service, context)
        assert (result["succeeded"], result["errorCode"]) == (False, "CertificateNotFoundError")
        assert result["errorMessage"]
    assert revoked(lab) == {"CN=device-0", "CN=device-1"}
    assert result_of(service, "other") is None
    assert [r["requestContext"] for r in service.revocations] == ["other"]


def test_a_request_that_comes_again_succeeds_again(lab, service, issued):
    service.revocations = [from_ca(lab, "one", issued[0])]
    told(service, "one")
    service.revocations = [from_ca(lab, "again", issued[0])]
    assert told(service, "again")["succeeded"]
    assert [line["event"] for line in lab.audit()].count("revoke") == 1


def test_what_intune_did_not_take_is_told_again(lab, service, issued):
    service.plan("upload", Answer(500, {}), Answer(200, {"value": False}))
    service.revocations = [from_ca(lab, "one", issued[0])]
    assert told(service, "one")["succeeded"]
    assert [line["event"] for line in lab.audit()].count("revoke") == 1
    assert "Intune did not take a result" in lab.log()


def test_a_certificate_of_another_policy_is_not_intunes_to_revoke(lab, service, issued, keys):
    other = issue(lab, keys, "/other")
    service.revocations = [from_ca(lab, "one", other)]
    assert told(service, "one")["errorCode"] == "CertificateNotFoundError"
    assert revoked(lab) == set()


@pytest.mark.parametrize("path", ["/both", "/second"])
def test_what_a_policy_of_the_tenant_had_a_part_in_is_intunes_to_revoke(lab, service, keys, path):
    service.revocations = [from_ca(lab, "one", issue(lab, keys, path))]
    assert told(service, "one")["succeeded"]
    assert revoked(lab) == {"CN=other"}


def test_a_serial_number_that_is_none_is_told_of(lab, service, issued):
    service.revocations = [from_ca(lab, "one", None, serialNumber="not-hex")]
    assert told(service, "one")["errorCode"] == "ParameterDataInvalidError"


@pytest.mark.parametrize("answer", [
    Answer(500, {}), Answer(200, b"<html>"), Answer(200, {}), Answer(200, {"value": "x"}),
    Answer(200, {"value": [{"requestContext": str(n)} for n in range(3)]}),
], ids=["500", "html", "no value", "value is no list", "too many"])
def test_an_answer_that_is_none_changes_nothing_and_is_asked_for_again(lab, service, issued, answer):
    service.plan("download", answer)
    service.revocations = [from_ca(lab, "one", issued[0])]
    assert told(service, "one")["succeeded"]
    assert revoked(lab) == {"CN=device-0"}


@pytest.mark.parametrize("entry", [1, {"serialNumber": "1"}, {"requestContext": None}],
                         ids=["no object", "no context", "context is null"])
def test_what_cannot_be_answered_keeps_nobody_from_being_revoked(lab, service, issued, entry):
    good = from_ca(lab, "x" * 10_000, issued[0])
    service.plan("download", Answer(200, {"value": [entry, good]}))
    wait_until(lambda: result_of(service, good["requestContext"]), "the good one is told of")
    assert revoked(lab) == {"CN=device-0"}
    assert "without a requestContext" in lab.log()


def test_a_page_that_is_too_large_is_asked_for_in_parts(lab, service, issued):
    service.plan("download", Answer(200, {"value": [], "x": "y" * (2 << 20)}))
    service.revocations = [from_ca(lab, str(n), issued[n]) for n in range(2)]
    for context in ("0", "1"):
        assert told(service, context)["succeeded"]
    assert revoked(lab) == {"CN=device-0", "CN=device-1"}
    asked = [call.body["maxRequests"] for call in service.of("download")]
    assert 1 in asked
    assert "revocation requests of Intune not done" not in lab.log()


def test_results_that_are_too_large_are_told_in_parts(lab, service, issued):
    service.plan("upload", Answer(413, {}))
    service.revocations = [from_ca(lab, str(n), issued[n]) for n in range(2)]
    for context in ("0", "1"):
        assert told(service, context)["succeeded"]
    assert [len(call.body) for call in service.of("upload")][:3] == [2, 1, 1]


def test_the_server_stops_at_once_while_intune_does_not_answer(lab, service, issued):
    gate = threading.Event()
    before = service.count("download")
    service.plan("download", Answer(200, {"value": []}, before=gate.wait))
    wait_until(lambda: service.count("download") > before, "a poll is under way")
    lab.stop()
    gate.set()


def test_a_reload_and_a_stop_do_not_wait_for_a_service_that_hangs(new_lab, service):
    def change(config):
        config["policies"]["intune"] = service.policy(
            revocation={"every": "1s"}, http={**service.policy()["http"], "timeout": "300s"})

    gate = threading.Event()
    service.plan("token", Answer(503, {}, before=gate.wait))
    lab = new_lab("--policy", "static", edit=change)
    wait_until(lambda: service.count("token") == 1, "a token is asked for")
    lab.process.send_signal(signal.SIGHUP)
    wait_until(lambda: service.count("download") > 0, "the new configuration is asked for")
    assert "reload" in [line["event"] for line in lab.audit()]
    lab.stop()
    gate.set()
