"""Two nodes on one PostgreSQL behind HAProxy, each with a folder of its own, and no sticky sessions."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import harness
import proxies
from harness import PATIENCE, run, verification, wait_until
from scep_client import Csr, cert_poll, name, pkcs_req
from test_load import at_once
from test_postgresql import cluster, database  # noqa: F401: fixtures

pytestmark = pytest.mark.load


class Front(harness.Lab):
    """What devices see: the first node's configuration, HAProxy's port."""

    def __init__(self, nodes, proxy):
        super().__init__(nodes[0].dir, proxy.port)
        self.nodes, self.proxy = nodes, proxy


@pytest.fixture
def node_folders(new_lab, cluster, database, tmp_path):  # noqa: F811
    """Makes two nodes that are not started: the same keys and CA, other folders, one database."""
    made = []

    def make(edit=lambda config: None):
        def both(config):
            config["store"] = {"postgresql": cluster.conninfo(database)}
            config["trusted_proxies"] = ["127.0.0.1"]
            config["limits"] = {"shutdown_delay": "2s"}
            edit(config)
        first = new_lab(edit=both, start=False)
        created = run("store", "create", "--config", first.config_file)
        assert created.returncode == 0, created.stderr
        second = harness.copy_of(first.dir, tmp_path / "second")
        made.append(second)
        return [first, second]

    yield make
    harness.stop_all(made)


@pytest.fixture
def front(node_folders, tmp_path):
    yield from serving(node_folders(), tmp_path)


def serving(nodes, tmp_path):
    for node in nodes:
        node.start()
    folder = tmp_path / "haproxy"
    folder.mkdir()
    proxy = proxies.HaproxyCluster(folder, [node.port for node in nodes])
    try:
        yield Front(nodes, proxy)
    finally:
        proxy.stop()


class Device:
    """Sends one message until it has a certificate, as often as it takes."""

    def __init__(self, front, number, challenge, key, ca):
        self.front, self.ca = front, ca
        self.message = pkcs_req(Csr(key, name(f"device-{number}"), challenge), [ca.encryption],
                                transaction_id=f"device-{number}")
        self.octets = self.message.der()
        self.serial, self.troubles = None, []

    def enrol(self):
        deadline = time.monotonic() + PATIENCE * 3
        while time.monotonic() < deadline:
            try:
                reply = self.front.post(self.octets)
                trouble = reply.status if reply.status != 200 else None
            except (OSError, http.client.HTTPException) as fault:
                trouble = type(fault).__name__
            if trouble is None:
                self.serial = self.front.open(reply, self.message, self.ca).certificate.serial_number
                return
            self.troubles.append(trouble)
            time.sleep(0.1)
        raise AssertionError(f"{self.message.transaction_id} was never served: {self.troubles}")


class Load:
    """Devices that enrol one after the other in a few threads, from start() to end()."""

    def __init__(self, front, keys, threads=6, most=3000):
        self.front, ca = front, front.ca()
        challenges = front.challenge("--subject", "CN=device-%d", "--count", most)
        self.waiting = iter([(front, i, challenge, keys(i % 8), ca)
                             for i, challenge in enumerate(challenges)])
        self.lock, self.over = threading.Lock(), threading.Event()
        self.devices = []
        self.pool = ThreadPoolExecutor(threads)
        self.work = [self.pool.submit(self.enrol_all) for _ in range(threads)]

    def enrol_all(self):
        while not self.over.is_set():
            with self.lock:
                device = Device(*next(self.waiting))
                self.devices.append(device)
            device.enrol()

    def served(self):
        return sum(device.serial is not None for device in list(self.devices))

    def goes_on(self, count=12):
        """Waits for so many more certificates."""
        enough = self.served() + count
        wait_until(lambda: self.served() >= enough, "devices are served", PATIENCE * 3)

    def end(self):
        """Waits for the devices that are at it; all of them."""
        self.over.set()
        for work in self.work:
            work.result()
        self.pool.shutdown()
        return self.devices


def stored(node):
    listed = run("cert", "list", "--json", "--limit", 100000, "--config", node.config_file)
    assert listed.returncode == 0, listed.stderr
    return sorted(int(row["serial"], 16) for row in harness.json.loads(listed.stdout))


def nothing_lost_or_doubled(front, devices):
    """Each device has the certificate that the store has for it, and the store has no others; each
    comes again on every node."""
    assert sorted(device.serial for device in devices) == stored(front.nodes[0])
    for device in devices[:6]:
        for node in front.nodes:
            again = node.open(node.post(device.octets), device.message, device.ca)
            assert again.certificate.serial_number == device.serial
    report = verification("store", front.nodes[1], "--node-audit", front.nodes[0].dir / "audit.jsonl")
    assert report["sound"], report["faults"][:5]


def issued_by(node):
    return [line["serial"] for line in node.audit() if line["event"] == "issue"]


def test_any_node_serves_any_request_and_the_work_is_shared(front, keys):
    load = Load(front, keys)
    load.goes_on(24)
    devices = load.end()
    assert not any(device.troubles for device in devices)
    nothing_lost_or_doubled(front, devices)
    shares = [issued_by(node) for node in front.nodes]
    assert min(len(share) for share in shares) > 0
    assert len(set(shares[0] + shares[1])) == len(devices), "each is recorded by one node"


def test_the_store_is_sound_only_with_the_audit_files_of_all_nodes(front, keys):
    challenge = front.challenge("--subject", "CN=elsewhere")
    assert front.nodes[0].enrol(Csr(keys(), name("elsewhere"), challenge)).status == "success"
    faults = verification("store", front.nodes[1])["faults"]
    assert [fault["kind"] for fault in faults] == ["not_audited"]
    other = front.nodes[0].dir / "audit.jsonl"
    assert verification("store", front.nodes[1], "--node-audit", other)["sound"]
    kept = other.read_text()
    other.write_text(kept.replace("elsewhere", "nowhere"))
    forged = verification("store", front.nodes[1], "--node-audit", other)["faults"]
    other.write_text(kept)
    assert any(fault["kind"].startswith("audit_") for fault in forged), forged


def test_one_challenge_and_16_clients_give_one_certificate(front, keys):
    challenge, ca = front.challenge("--subject", "CN=contested"), front.ca()
    messages = [pkcs_req(Csr(keys(i % 8), name("contested"), challenge), [ca.encryption],
                         transaction_id=f"client-{i}") for i in range(16)]
    octets = [message.der() for message in messages]
    replies = at_once([lambda o=o: front.post(o) for o in octets])
    opened = [front.open(reply, message, ca) for reply, message in zip(replies, messages)]
    assert {reply.fail_info for reply in opened if reply.status != "success"} == {"badMessageCheck"}
    issued = [reply.certificate.serial_number for reply in opened if reply.status == "success"]
    assert stored(front.nodes[1]) == issued and len(issued) == 1


def test_what_waits_on_one_node_is_approved_on_the_other_and_polled_on_both(
        node_folders, keys, tmp_path):
    def wants_approval(config):
        for template in config["templates"].values():
            template["approval"] = True

    for front in serving(node_folders(wants_approval), tmp_path):
        first, second = front.nodes
        ca = front.ca()
        message = pkcs_req(Csr(keys(), name("waiting"), front.challenge("--subject", "CN=waiting")),
                           [ca.encryption], transaction_id="waiting")
        assert first.send(message, ca).status == "pending"
        for asked in (second, front, front):
            assert asked.send(cert_poll(message, ca), ca).status == "pending"
        approved = run("pending", "approve", "waiting", "--config", second.config_file)
        assert approved.returncode == 0, approved.stderr
        replies = at_once([lambda node=node: node.send(cert_poll(message, ca), ca)
                           for node in (first, second, front, front)])
        assert {reply.status for reply in replies} == {"success"}
        assert [reply.certificate.serial_number for reply in replies] == stored(first) * 4


def test_a_rolling_restart_under_load_is_seen_by_no_device(front, keys):
    load = Load(front, keys)
    load.goes_on()
    for node in front.nodes:
        node.stop()
        load.goes_on()
        before = len(issued_by(node))  # it went on until it stopped
        node.start()
        wait_until(lambda: len(issued_by(node)) > before, "HAProxy asks the node again")
    devices = load.end()
    assert [device.troubles for device in devices if device.troubles] == []
    nothing_lost_or_doubled(front, devices)


def test_a_node_that_is_killed_under_load_loses_and_doubles_nothing(front, keys):
    load = Load(front, keys)
    for node in front.nodes * 2:
        load.goes_on()
        node.kill()
        load.goes_on()
        before = len(issued_by(node))
        node.start()
        wait_until(lambda: len(issued_by(node)) > before, "HAProxy asks the node again")
    nothing_lost_or_doubled(front, load.end())


def test_a_node_that_is_told_to_stop_says_so_first_and_serves_until_HAProxy_knows(front):
    leaving, staying = front.nodes
    assert leaving.get("/ready").status == 200
    leaving.process.terminate()

    def said():
        reply = leaving.get("/ready")
        return reply if reply.status == 503 else None
    assert wait_until(said, "it says that it stops").body == b"stopping\n"
    assert leaving.get(f"{harness.PATH}?operation=GetCACaps").status == 200
    wait_until(lambda: front.proxy.says("node1", "DOWN"), "HAProxy knows")
    assert staying.get("/ready").status == 200
    leaving.stop()
    assert front.get(f"{harness.PATH}?operation=GetCACaps").status == 200


def test_a_second_SIGTERM_ends_the_wait_for_the_load_balancer(new_lab):
    def patient(config):
        config["limits"] = {"shutdown_delay": "60s"}
    lab = new_lab(edit=patient)
    lab.process.terminate()
    wait_until(lambda: lab.get("/ready").status == 503, "it says that it stops")
    lab.stop()  # within less than these 60 s


def test_both_nodes_serve_one_CRL_that_one_of_them_made(front, keys):
    ca = front.ca()
    challenge = front.challenge("--subject", "CN=lost")
    serial = front.enrol(Csr(keys(), name("lost"), challenge)).certificate.serial_number
    revoked = run("cert", "revoke", f"{serial:x}", "--config", front.nodes[0].config_file)
    assert revoked.returncode == 0, revoked.stderr

    def crls():
        return [node.get("/crl/lab.crl") for node in front.nodes]

    def shows_it():
        replies = crls()
        if any(reply.status != 200 for reply in replies):
            return None
        lists = [harness.scep_client.x509.load_der_x509_crl(reply.body) for reply in replies]
        return all(each.get_revoked_certificate_by_serial_number(serial) for each in lists)
    wait_until(shows_it, "both nodes' CRLs show it")
    one, other = crls()
    assert one.body == other.body
    assert harness.scep_client.x509.load_der_x509_crl(one.body).issuer == ca.ca.subject
    numbers = [line["number"] for node in front.nodes for line in node.audit(crls=True)
               if line["event"] == "crl"]
    assert len(numbers) == len(set(numbers)), "no number was made twice"
