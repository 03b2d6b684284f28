"""Strangers cannot fill the disk: of a flood of refusals or retries some stand in audit file and log, the rest is
counted; what others do meanwhile is recorded one by one."""

import collections
import concurrent.futures
import time

import pytest

import harness
from harness import run
from scep_client import Csr, name, pkcs_req

FLOOD, NEIGHBOUR = "203.0.113.9", "198.51.100.7"
MESSAGES = 600


def post(http, message, client):
    return http.request("POST", "/scep?operation=PKIOperation", message,
                        {"X-Forwarded-For": client})


def refusals(lab, client):
    return [line for line in lab.audit() if line["event"] == "refuse" and line["client"] == client]


def flood(lab, message, times):
    def share(count):
        with lab.http() as http:
            for _ in range(count):
                assert post(http, message, FLOOD).status == 200

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(share, [times // 20] * 20))


@pytest.mark.attack("A05")
def test_A05_a_flood_of_refusals_is_counted_and_hides_nobody_elses(new_lab, keys):
    lab = new_lab(edit=lambda config: config.update(trusted_proxies=["127.0.0.1"],
                                                    limits={"refusals_per_second": 2}))
    ca = lab.ca()
    stranger = pkcs_req(Csr(keys(1), name("nobody"), None), [ca.encryption]).der()
    guesser = pkcs_req(Csr(keys(1), name("nobody"), "guessed"), [ca.encryption]).der()
    mismatch = pkcs_req(Csr(keys(2), name("other"), lab.challenge("--subject", "CN=device")),
                        [ca.encryption]).der()
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as background:
        flooding = background.submit(flood, lab, stranger, MESSAGES)
        harness.wait_until(lambda: len(refusals(lab, FLOOD)) >= 10, "the flood")
        with lab.http() as http:
            post(http, stranger, NEIGHBOUR)
            post(http, guesser, FLOOD)
            for _ in range(30):
                post(http, mismatch, FLOOD)
        flooding.result()
    took = time.monotonic() - began

    [alone] = refusals(lab, NEIGHBOUR)
    by_code = collections.Counter(line["code"] for line in refusals(lab, FLOOD))
    missing = by_code.pop(alone["code"])
    mismatches = by_code.pop("SubjectNameMismatch")
    assert 12 <= mismatches < 30, "the challenge is valid: the first, ten at once, one of its code's own"
    assert sum(by_code.values()) == 1, "another code, from the same address"
    assert missing <= 12 + 2.2 * (took + 1), "of ten at once, then two a second"

    lab.stop()
    counted = [line for line in lab.audit() if line["event"] == "refuse_more"]
    assert {line["client"] for line in counted} == {FLOOD}
    counts = collections.Counter()
    for line in counted:
        counts[line["code"]] += line["count"]
    assert counts == {alone["code"]: MESSAGES - missing, "SubjectNameMismatch": 30 - mismatches}
    lines = [line for line in lab.log().splitlines() if f"client={FLOOD}" in line]
    assert sum("ChallengePasswordMissing" in line for line in lines) <= missing + len(counted) + 5
    assert any("refused more" in line for line in lines)
    verified = run("audit", "verify", "--config", lab.config_file)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.attack("A05")
def test_A05_a_message_that_is_sent_again_and_again_is_counted(new_lab, keys):
    lab = new_lab(edit=lambda config: config.update(trusted_proxies=["127.0.0.1"],
                                                    limits={"refusals_per_second": 2}))
    message = pkcs_req(Csr(keys(1), name("device"), lab.challenge("--subject", "CN=device")),
                       [lab.ca().encryption]).der()
    began = time.monotonic()
    flood(lab, message, MESSAGES)
    took = time.monotonic() - began
    with lab.http() as http:
        post(http, message, NEIGHBOUR)
    lab.stop()
    lines = collections.Counter((line["event"], line.get("client")) for line in lab.audit())
    assert lines["issue", FLOOD] == 1
    assert lines["retry", NEIGHBOUR] == 1
    assert 12 <= lines["retry", FLOOD] <= 13 + 2.2 * (took + 1), "ten at once, then two a second"
    counted = [line for line in lab.audit() if line["event"] == "retry_more"]
    assert {(line["client"], line["code"]) for line in counted} == {(FLOOD, "Retry")}
    assert sum(line["count"] for line in counted) == MESSAGES - 1 - lines["retry", FLOOD]


@pytest.mark.attack("A05")
def test_A05_without_a_bound_each_refusal_is_recorded(new_lab, keys):
    lab = new_lab(edit=lambda config: config.update(trusted_proxies=["127.0.0.1"],
                                                    limits={"refusals_per_second": 0}))
    stranger = pkcs_req(Csr(keys(1), name("nobody"), None), [lab.ca().encryption]).der()
    flood(lab, stranger, 200)
    assert len(refusals(lab, FLOOD)) == 200
    lab.stop()
    assert not [line for line in lab.audit() if line["event"] == "refuse_more"]
