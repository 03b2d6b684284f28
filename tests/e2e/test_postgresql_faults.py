"""PostgreSQL while it fails: killed backends, connections cut around COMMIT, two nodes at once."""

import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import PATIENCE, free_port, run, verification, wait_until
from scep_client import Csr, name, pkcs_req
from test_load import at_once
from test_postgresql import cluster, database, enrol, lab  # noqa: F401: fixtures


class Device:
    """Sends one message, as often as it takes, to whichever node answers."""

    def __init__(self, number, challenge, key, ca):
        self.number, self.ca = number, ca
        self.message = pkcs_req(Csr(key, name(f"device-{number}"), challenge), [ca.encryption],
                                transaction_id=f"device-{number}")
        self.octets = self.message.der()
        self.serials = set()

    def until_issued(self, nodes):
        deadline = time.monotonic() + PATIENCE * 3
        while time.monotonic() < deadline:
            node = random.choice(nodes)
            reply = node.post(self.octets)
            if reply.status == 200:
                opened = node.open(reply, self.message, self.ca)
                assert opened.status == "success", opened.fail_info
                self.serials.add(opened.certificate.serial_number)
                return
            assert reply.status == 503 and reply.header("Retry-After"), reply
            time.sleep(0.05)
        raise AssertionError(f"device {self.number} was never served")


def devices(lab, keys, count):
    ca = lab.ca()
    challenges = lab.challenge("--subject", "CN=device-%d", "--count", count)
    return [Device(i, challenge, keys(i % 8), ca) for i, challenge in enumerate(challenges)]


def sound(lab, everybody):
    """No certificate lost, none doubled, and the store says so itself."""
    assert all(len(device.serials) == 1 for device in everybody)
    assert lab.serials() == sorted(next(iter(device.serials)) for device in everybody)
    assert verification("store", lab)["sound"]


def backends(cluster, database):
    """The processes that serve scepgate; waits for a cluster that recovers."""
    found = []

    def asked():
        try:
            found[:] = cluster.sql(
                database, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
                          "application_name = 'scepgate'").split()
        except AssertionError:
            return False
        return True
    wait_until(asked, "the cluster answers")
    return [int(pid) for pid in found]


def end_politely(cluster, database):
    for pid in backends(cluster, database):
        cluster.sql(database, f"SELECT pg_terminate_backend({pid})")


def kill_9(cluster, database):
    """The server ends all sessions then, and recovers as after a crash."""
    for pid in backends(cluster, database)[:1]:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("harm", [end_politely, kill_9], ids=["terminated", "kill-9"])
def test_backends_that_end_under_load_lose_and_double_nothing(
        lab, second_node, cluster, database, keys, harm):  # noqa: F811
    nodes = [lab, second_node(lab)]
    everybody = devices(lab, keys, 32)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(device.until_issued, nodes) for device in everybody]
        for enough in (4, 16):
            wait_until(lambda: sum(future.done() for future in futures) >= enough, "some are served")
            harm(cluster, database)
        for future in futures:
            future.result()
    wait_until(lambda: run("cert", "list", "--config", lab.config_file).returncode == 0, "recovery")
    sound(lab, everybody)


def test_a_server_that_restarts_under_load_loses_and_doubles_nothing(
        lab, second_node, cluster, database, keys):  # noqa: F811
    nodes = [lab, second_node(lab)]
    everybody = devices(lab, keys, 24)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(device.until_issued, nodes) for device in everybody]
        wait_until(lambda: sum(future.done() for future in futures) >= 4, "some are served")
        cluster.control("stop", "immediate")
        cluster.control("start")
        for future in futures:
            future.result()
    sound(lab, everybody)


def test_two_nodes_that_get_the_same_message_at_once_give_one_certificate(
        lab, second_node, keys):  # noqa: F811
    other = second_node(lab)
    everybody = devices(lab, keys, 8)
    tasks = [lambda node=node, device=device: (device, node.post(device.octets))
             for device in everybody for node in (lab, other) * 2]
    for device, reply in at_once(tasks):
        opened = lab.open(reply, device.message, device.ca)
        assert opened.status == "success"
        device.serials.add(opened.certificate.serial_number)
    sound(lab, everybody)


class Proxy:
    """Between scepgate and the database: cuts a connection at its next COMMIT, once armed."""

    COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"

    def __init__(self, port):
        self.target, self.port = port, free_port()
        self.armed, self.cuts = None, 0
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for one, other, requests in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pump, args=[one, other, requests], daemon=True).start()

    def pump(self, source, sink, requests):
        try:
            while octets := source.recv(65536):
                if requests and self.armed and octets.endswith(self.COMMIT):
                    when, self.armed = self.armed, None
                    self.cuts += 1
                    if when == "after":
                        sink.sendall(octets)
                        time.sleep(0.3)  # the server has it, and says so to nobody
                    break
                sink.sendall(octets)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture
def proxied(lab, cluster, database):  # noqa: F811
    lab.stop()
    cluster.sql(database, f"CREATE ROLE {database} LOGIN SUPERUSER PASSWORD 'secret'")
    password = lab.dir / "db-password"
    password.touch(mode=0o600)
    password.write_text("secret\n")
    proxy = Proxy(cluster.port)
    lab.edit(lambda config: config.update(store={"postgresql": {
        "conninfo": f"host=127.0.0.1 port={proxy.port} user={database} dbname={database} "
                    "sslmode=disable gssencmode=disable",
        "password": {"file": "db-password"}}}))
    lab.start()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_cut_at_commit_gives_one_certificate(lab, proxied, keys, when):  # noqa: F811
    for number in range(3):
        device, = devices_named(lab, keys, number)
        proxied.armed = when
        device.until_issued([lab])
        again = lab.open(lab.post(device.octets), device.message, device.ca)
        device.serials.add(again.certificate.serial_number)
        assert len(device.serials) == 1
    assert proxied.cuts == 3
    assert len(lab.serials()) == 3
    assert verification("store", lab)["sound"]


def devices_named(lab, keys, number):  # noqa: F811
    challenge = lab.challenge("--subject", f"CN=device-{number}")
    return [Device(number, challenge, keys(number), lab.ca())]
