"""A02, A03, A06, A08, A09: a clock that jumps, no random octets, signatures that are wrong."""

import datetime

import pytest

import harness
import scep_client as scep
from blob_maker import BlobMaker
from machine import DAY, NO_RANDOM_OCTETS, WRONG_SIGNATURES, YEAR, Machine
from scep_client import Csr, name
from test_postgresql import cluster, database  # noqa: F401: fixtures


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def under(new_lab, machine):
    """Makes a lab of this policy whose server runs on `machine`."""
    def make(*policy):
        return new_lab(*policy, start=False).start(env=machine.environment)
    return make


def request_of(key, ca, number, challenge=None):
    return scep.pkcs_req(Csr(key, name("attacked"), challenge), [ca.encryption],
                         transaction_id=f"clock-{number}")


@pytest.mark.attack("A02", "A03")
def test_a_CA_that_is_not_valid_now_issues_nothing_and_goes_on_when_it_is(under, keys, machine):
    lab = under("--policy", "none")
    ca = lab.ca()
    message = request_of(keys(), ca, 0)
    for moved in (-10 * YEAR, -30 * DAY, 11 * YEAR, 30 * YEAR):
        machine.be(moved)
        reply = lab.post(message)
        assert (reply.status, bool(reply.header("Retry-After"))) == (503, True), moved
        assert lab.audit()[-1]["code"] == "CaNotValid"
    machine.be(0)
    assert lab.serials() == []
    assert lab.send(message, ca).status == "success"


@pytest.mark.attack("A02")
def test_no_certificate_outlives_its_CA(under, keys, machine):
    lab = under("--policy", "none")
    ca = lab.ca()
    now = datetime.datetime.utcnow()
    for days in (366, 364, 30, 6):
        left = (ca.ca.not_valid_after - now).total_seconds() - days * DAY
        machine.be(int(left))
        issued = lab.send(request_of(keys(), ca, days), ca).certificate
        assert ca.ca.not_valid_before <= issued.not_valid_before
        assert issued.not_valid_after <= ca.ca.not_valid_after
        assert (issued.not_valid_after == ca.ca.not_valid_after) == (days < 365)


@pytest.mark.attack("A03", "C02", "C04")
def test_a_challenge_is_good_in_its_time_by_the_servers_clock_alone(under, keys, machine):
    lab = under()
    mdm, ca = BlobMaker(lab), lab.ca()
    challenge = mdm.blob()
    for moved, code in ((-310, "ChallengeInvalidTimestamp"), (3905, "ChallengeExpired"),
                        (2 * YEAR, "SignerNotValid")):
        machine.be(moved)
        reply = lab.send(request_of(keys(), ca, moved, challenge), ca)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
        assert lab.audit()[-1]["code"] == code
    machine.be(0)
    assert lab.send(request_of(keys(), ca, 0, challenge), ca).status == "success"


@pytest.mark.attack("A09")
def test_the_CRL_that_is_given_is_of_today_whatever_the_day(under, keys, machine):
    lab = under("--policy", "none")
    ca = lab.ca()
    issued = lab.send(request_of(keys(), ca, 0), ca).certificate
    for days in (0, 6, 20, 200):
        machine.be(days * DAY)
        crl = lab.send(scep.get_crl(issued, ca, issued, keys()), ca).crl
        then = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        assert crl.last_update <= then < crl.next_update


FAULTS = {"no random octets": (NO_RANDOM_OCTETS, 500, "InternalError"),
          "wrong signatures": (WRONG_SIGNATURES, 503, "CaSigningFailed")}


@pytest.mark.attack("A06", "A08")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_machine_that_fails_issues_nothing_and_goes_on_when_it_works(under, keys, machine, fault):
    faults, status, code = FAULTS[fault]
    lab = under()
    mdm, ca = BlobMaker(lab), lab.ca()
    message = request_of(keys(), ca, 0, mdm.blob())
    machine.be(faults=faults)
    for _ in range(3):
        assert lab.post(message).status == status
        # The server has its CRL signed, too, and says that that failed.
        requests = [line for line in lab.log().splitlines() if "PKIOperation" in line]
        assert f"code={code}" in requests[-1]
    assert lab.get("/scep?operation=GetCACaps").status == 200
    machine.be()
    assert lab.serials() == []
    assert lab.send(message, ca).status == "success", "the challenge was not used up"


@pytest.mark.attack("A03", "C01")
def test_a_clock_that_went_ahead_and_came_back_revives_no_challenge(under, keys, machine):
    lab = under()
    mdm, ca = BlobMaker(lab), lab.ca()
    challenge = mdm.blob()
    assert lab.send(request_of(keys(), ca, 0, challenge), ca).status == "success"
    for moved in (2 * DAY, 40 * DAY, 400 * DAY):
        machine.be(moved)
        now = mdm.claims()
        now.update({claim: now[claim] + moved for claim in ("iat", "nbf", "exp")})
        assert lab.send(request_of(keys(), ca, moved, mdm.blob(now)), ca).status == "success"
    machine.be(0)
    reply = lab.send(request_of(keys(1), ca, "thief", challenge), ca)
    assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")


@pytest.mark.attack("A03")
def test_a_clock_behind_the_last_certificate_issues_nothing_until_an_operator_accepts_it(under, keys, machine):
    lab = under("--policy", "none")
    ca = lab.ca()
    machine.be(40 * DAY)
    assert lab.send(request_of(keys(), ca, "ahead"), ca).status == "success"
    machine.be(0)
    message = request_of(keys(1), ca, "now")
    assert lab.post(message).status == 503
    refused = lab.audit()[-1]
    assert (refused["event"], refused["code"]) == ("refuse", "StoreUnavailable")
    assert "days before the newest certificate" in lab.log()
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0 and "scepgate store accept-clock" in checked.stdout + checked.stderr
    accepted = harness.run("store", "accept-clock", "--config", lab.config_file)
    assert accepted.returncode == 0 and "goes on by this machine's clock" in accepted.stdout
    assert [line["event"] for line in lab.audit()[-2:]] == ["intend", "accept_clock"]
    assert lab.send(message, ca).status == "success"
    again = harness.run("store", "accept-clock", "--config", lab.config_file)
    assert again.returncode == 0 and "Nothing to accept" in again.stdout


@pytest.mark.attack("A03")
def test_a_clock_that_is_ahead_forgets_no_password_that_is_outstanding(new_lab, keys, machine):
    lab = new_lab("--policy", "one_time")
    ca, password = lab.ca(), lab.challenge()
    machine.be(DAY + 7200)
    for _ in range(2):
        made = harness.run("challenge", "create", "--config", lab.config_file, env=machine.environment)
        assert made.returncode == 0, made.stderr
    assert lab.send(request_of(keys(), ca, 0, password), ca).status == "success"


@pytest.mark.attack("A03")
@pytest.mark.kernel
def test_a_node_whose_clock_is_wrong_is_out_and_the_others_go_on(
        new_lab, second_node, cluster, database, keys, machine):  # noqa: F811
    lab = new_lab("--policy", "none", start=False)
    lab.edit(lambda config: config.update(store={"postgresql": cluster.conninfo(database)}))
    created = harness.run("store", "create", "--config", lab.config_file)
    assert created.returncode == 0, created.stderr
    other = second_node(lab, env=machine.environment)
    lab.start()
    ca = lab.ca()
    assert other.send(request_of(keys(), ca, 0), ca).status == "success"
    for seconds in (2 * DAY, 700):
        machine.be(seconds)
        reply = other.post(request_of(keys(1), ca, f"there {seconds}"))
        assert (reply.status, bool(reply.header("Retry-After"))) == (503, True)
        assert " s ahead of the database's" in other.log().splitlines()[-1]
        assert other.get("/ready").status == 503
        assert lab.send(request_of(keys(2), ca, f"here {seconds}"), ca).status == "success"
        assert lab.get("/ready").status == 200
    machine.be(300)
    assert other.send(request_of(keys(3), ca, "right"), ca).status == "success", "a little off"
    assert other.get("/ready").status == 200
    assert len(lab.serials()) == 4
