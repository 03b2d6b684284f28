"""A02, A03: a CA that is not valid now, and a clock that jumps."""

import datetime

import pytest

import scep_client as scep
from blob_maker import BlobMaker
from moved_clock import DAY, YEAR, MovedClock
from scep_client import Csr, name


@pytest.fixture
def clock(tmp_path):
    return MovedClock(tmp_path)


@pytest.fixture
def under(new_lab, clock):
    """Makes a lab of this policy whose server goes by `clock`."""
    def make(*policy):
        return new_lab(*policy, start=False).start(env=clock.environment)
    return make


def request_of(key, ca, number, challenge=None):
    return scep.pkcs_req(Csr(key, name("attacked"), challenge), [ca.encryption],
                         transaction_id=f"clock-{number}")


@pytest.mark.attack("A02", "A03")
def test_a_CA_that_is_not_valid_now_issues_nothing_and_goes_on_when_it_is(under, keys, clock):
    lab = under("--policy", "none")
    ca = lab.ca()
    message = request_of(keys(), ca, 0)
    for moved in (-10 * YEAR, -30 * DAY, 11 * YEAR, 30 * YEAR):
        clock.set(moved)
        reply = lab.post(message)
        assert (reply.status, bool(reply.header("Retry-After"))) == (503, True), moved
        assert lab.audit()[-1]["code"] == "CaNotValid"
    clock.set(0)
    assert lab.serials() == []
    assert lab.send(message, ca).status == "success"


@pytest.mark.attack("A02")
def test_no_certificate_outlives_its_CA(under, keys, clock):
    lab = under("--policy", "none")
    ca = lab.ca()
    now = datetime.datetime.utcnow()
    for days in (366, 364, 30, 6):
        left = (ca.ca.not_valid_after - now).total_seconds() - days * DAY
        clock.set(int(left))
        issued = lab.send(request_of(keys(), ca, days), ca).certificate
        assert ca.ca.not_valid_before <= issued.not_valid_before
        assert issued.not_valid_after <= ca.ca.not_valid_after
        assert (issued.not_valid_after == ca.ca.not_valid_after) == (days < 365)


@pytest.mark.attack("A03", "C02", "C04")
def test_a_challenge_is_good_in_its_time_by_the_servers_clock_alone(under, keys, clock):
    lab = under()
    mdm, ca = BlobMaker(lab), lab.ca()
    challenge = mdm.blob()
    for moved, code in ((-301, "ChallengeInvalidTimestamp"), (3905, "ChallengeExpired"),
                        (2 * YEAR, "SignerNotValid")):
        clock.set(moved)
        reply = lab.send(request_of(keys(), ca, moved, challenge), ca)
        assert (reply.status, reply.fail_info) == ("failure", "badMessageCheck")
        assert lab.audit()[-1]["code"] == code
    clock.set(0)
    assert lab.send(request_of(keys(), ca, 0, challenge), ca).status == "success"


@pytest.mark.attack("A09")
def test_the_CRL_that_is_given_is_of_today_whatever_the_day(under, keys, clock):
    lab = under("--policy", "none")
    ca = lab.ca()
    issued = lab.send(request_of(keys(), ca, 0), ca).certificate
    for days in (0, 6, 20, 200):
        clock.set(days * DAY)
        crl = lab.send(scep.get_crl(issued, ca, issued, keys()), ca).crl
        then = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        assert crl.last_update <= then < crl.next_update
