"""What must hold when many ask at once and when the server dies meanwhile."""

import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import harness
from harness import slow_binary
from scep_client import Csr, name, pkcs_req

pytestmark = pytest.mark.load


@pytest.fixture
def lab(new_lab):
    """All devices are of one address here, which may wait for half of that time."""
    return new_lab(edit=lambda config: config.setdefault("limits", {}).update(queue_time="20s"))


def at_once(jobs):
    """Runs all jobs in threads that begin together; results in order."""
    barrier = threading.Barrier(len(jobs))

    def run(job):
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.mark.attack("C01")
def test_C01_T09_one_challenge_and_64_clients_give_exactly_one_certificate(lab, keys):
    challenge = lab.challenge("--subject", "CN=contested")
    ca = lab.ca()
    messages = [pkcs_req(Csr(keys(i % 8), name("contested"), challenge), [ca.encryption],
                         transaction_id=f"client-{i}") for i in range(64)]
    octets = [m.der() for m in messages]

    def round_of_requests():
        replies = at_once([lambda o=o: lab.post(o) for o in octets])
        opened = [lab.open(r, m, ca) for r, m in zip(replies, messages)]
        for reply in opened:
            assert reply.status == "success" or reply.fail_info == "badMessageCheck"
        return {i: r.certificate.serial_number for i, r in enumerate(opened)
                if r.status == "success"}

    first = round_of_requests()
    assert len(first) == 1
    assert lab.serials() == list(first.values())
    assert round_of_requests() == first, "a retry of the same request gets that same certificate"
    assert lab.serials() == list(first.values())
    codes = [line["code"] for line in lab.audit() if line["event"] == "refuse"]
    assert codes == ["ChallengeAlreadyRedeemed"] * 126
    assert [line["event"] for line in lab.audit() if line["event"] in ("issue", "retry")] == \
        ["issue", "retry"]


def test_T09_64_copies_of_one_request_at_once_all_get_the_one_certificate(lab, keys):
    ca = lab.ca()
    challenges = lab.challenge("--subject", "CN=impatient", "--count", "6")
    serials = []
    for number, challenge in enumerate(challenges):
        message = pkcs_req(Csr(keys(), name("impatient"), challenge), [ca.encryption],
                           transaction_id=f"impatient-{number}")
        octets = message.der()
        opened = [lab.open(reply, message, ca) for reply in at_once([lambda: lab.post(octets)] * 64)]
        assert {reply.status for reply in opened} == {"success"}
        got = {reply.certificate.serial_number for reply in opened}
        assert len(got) == 1
        serials += got
    assert lab.serials() == sorted(serials)


@pytest.mark.attack("A01")
def test_A01_many_devices_at_once_all_get_certificates_with_different_serials(lab, keys):
    count = 64
    challenges = lab.challenge("--subject", "CN=many-%d", "--count", str(count))
    ca = lab.ca()
    messages = [pkcs_req(Csr(keys(i % 8), name(f"many-{i}"), challenges[i]), [ca.encryption])
                for i in range(count)]
    octets = [m.der() for m in messages]
    replies = at_once([lambda o=o: lab.post(o) for o in octets])
    issued = [lab.open(r, m, ca).certificate for r, m in zip(replies, messages)]
    assert [c.subject for c in issued] == [name(f"many-{i}") for i in range(count)]
    assert len({c.serial_number for c in issued}) == count


class Device:
    """One challenge, one request, and what came of it."""

    def __init__(self, number, challenge, key, ca):
        self.subject = name(f"victim-{number}")
        self.challenge = challenge
        self.message = pkcs_req(Csr(key, self.subject, challenge), [ca.encryption],
                                transaction_id=f"victim-{number}")
        self.octets = self.message.der()
        self.certificate = None

    def ask(self, lab, ca):
        """False when no answer came."""
        try:
            reply = lab.post(self.octets)
        except (OSError, harness.http.client.HTTPException):
            return False
        opened = lab.open(reply, self.message, ca)
        assert opened.status == "success"
        self.certificate = opened.certificate
        return True


@pytest.mark.attack("A04")
def test_A04_kill_9_under_load_loses_no_certificate_and_doubles_no_challenge(lab, keys):
    rounds, devices_a_round = (3, 60) if slow_binary() else (6, 120)
    rng = random.Random(20)
    ca = lab.ca()
    challenges = lab.challenge("--subject", "CN=victim-%d", "--count", rounds * devices_a_round)
    everybody = [Device(i, challenge, keys(i % 4), ca) for i, challenge in enumerate(challenges)]
    interrupted = 0
    for start in range(0, len(everybody), devices_a_round):
        queue = list(reversed(everybody[start:start + devices_a_round]))
        left = len(queue) - rng.randint(8, len(queue) // 2)

        def work():
            while True:
                try:
                    device = queue.pop()
                except IndexError:
                    return
                if not device.ask(lab, ca):
                    return

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        # So many are asked for, on however fast a machine; then in the middle of whatever is done.
        while len(queue) > left:
            time.sleep(0.001)
        lab.kill()
        for thread in threads:
            thread.join()
        interrupted += bool(queue)
        lab.start()
        stored = set(all_serials(lab))
        received = [d.certificate.serial_number for d in everybody if d.certificate]
        assert set(received) <= stored, "what a client received is in the store"
        assert len(set(received)) == len(received)
    assert interrupted, "the server was always faster than the kill"

    # Every device asks again: who had a certificate gets the same one, who had none gets one.
    for device in everybody:
        before = device.certificate
        assert device.ask(lab, ca)
        assert before is None or device.certificate == before
    assert sorted(d.certificate.serial_number for d in everybody) == all_serials(lab)
    # And no challenge gives a second one to anybody else.
    for device in everybody[::10]:
        thief = pkcs_req(Csr(keys(5), device.subject, device.challenge), [ca.encryption])
        assert lab.send(thief, ca).fail_info == "badMessageCheck"
    assert len(all_serials(lab)) == len(everybody)


def all_serials(lab):
    listed = harness.run("cert", "list", "--json", "--limit", 100000, "--config", lab.config_file)
    assert listed.returncode == 0, listed.stderr
    return sorted(int(row["serial"], 16) for row in harness.json.loads(listed.stdout))


def test_SIGTERM_under_load_answers_what_it_took_and_ends_well(lab, keys):
    ca = lab.ca()
    challenges = lab.challenge("--subject", "CN=victim-%d", "--count", 64)
    devices = [Device(i, challenge, keys(i % 4), ca) for i, challenge in enumerate(challenges)]
    barrier = threading.Barrier(len(devices) + 1)

    def work(device):
        barrier.wait()
        return device.ask(lab, ca)

    with ThreadPoolExecutor(len(devices)) as pool:
        futures = [pool.submit(work, d) for d in devices]
        barrier.wait()
        time.sleep(0.03)
        lab.process.send_signal(signal.SIGTERM)
        answered = [f.result() for f in futures]
    lab.stop()  # asserts exit status 0
    assert any(answered)
    received = [d.certificate.serial_number for d in devices if d.certificate]
    assert set(received) <= set(all_serials(lab))
    assert lab.audit()[-1]["event"] == "stop"


def test_however_many_SIGTERMs_come_the_server_ends_well(new_lab):
    lab = new_lab()
    harness.send_until_gone(lab.process, signal.SIGTERM)
    lab.stop()  # asserts exit status 0


@pytest.mark.attack("H20")
def test_H20_other_answers_stay_quick_while_enrolments_fill_all_cores(lab, keys):
    ca = lab.ca()
    message = pkcs_req(Csr(keys(), name("flood"), "no challenge"), [ca.encryption]).der()
    stop = threading.Event()

    def flood():
        with lab.http() as http:
            while not stop.is_set():
                http.request("POST", "/scep?operation=PKIOperation", message)

    threads = [threading.Thread(target=flood) for _ in range(16)]
    for thread in threads:
        thread.start()
    try:
        slowest = 0
        with lab.http() as http:
            for _ in range(50):
                before = time.monotonic()
                assert http.request("GET", "/scep?operation=GetCACaps").status == 200
                slowest = max(slowest, time.monotonic() - before)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert slowest < (5 if slow_binary() else 1)
