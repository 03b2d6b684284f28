"""The store in PostgreSQL: one node, two nodes, and a database that goes away."""

import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness
from harness import free_port, run, verification, wait_until
from scep_client import Csr, name, pkcs_req, subject_alt_name
from test_load import at_once

pytestmark = pytest.mark.kernel

SCRIPT = harness.TOP / "tests" / "postgres_cluster"


class Cluster:
    """A PostgreSQL of the test's own, on a Unix socket and, with passwords, on loopback."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.port = free_port()
        self.process = subprocess.Popen([SCRIPT, "run", self.dir, str(self.port)],
                                        stdin=subprocess.PIPE)
        wait_until((self.dir / "ready").exists, "PostgreSQL starts", harness.PATIENCE * 6)

    def close(self):
        self.process.stdin.close()
        self.process.wait(harness.PATIENCE * 3)

    def conninfo(self, database):
        return f"host={self.dir} port={self.port} user=postgres dbname={database}"

    def sql(self, database, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.conninfo(database),
                               "-c", text], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def control(self, command, *arguments, of=None):
        subprocess.run([SCRIPT, command, of or self.dir, *map(str, arguments)], check=True,
                       timeout=90)


@pytest.fixture(scope="module")
def cluster():
    parent = Path("/dev/shm") if Path("/dev/shm").exists() else None
    folder = Path(tempfile.mkdtemp(dir=parent))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    made = Cluster(folder / "cluster")
    yield made
    made.close()
    shutil.rmtree(made.dir.parent, ignore_errors=True)


@pytest.fixture
def database(cluster, request):
    made = f"lab_{abs(hash(request.node.name))}"
    cluster.sql("postgres", f"CREATE DATABASE {made}")
    return made


@pytest.fixture
def lab(new_lab, cluster, database):
    made = new_lab(start=False)
    made.edit(lambda config: config.update(store={"postgresql": cluster.conninfo(database)}))
    created = run("store", "create", "--config", made.config_file)
    assert created.returncode == 0, created.stderr
    return made.start()


def enrol(lab, keys, subject, number=0):
    challenge = lab.challenge("--subject", f"CN={subject}")
    return lab.enrol(Csr(keys(number), name(subject), challenge))


def test_enrols_lists_and_revokes(lab, keys):
    reply = enrol(lab, keys, "first")
    assert reply.status == "success"
    serial = reply.certificate.serial_number
    assert lab.serials() == [serial]
    revoked = run("cert", "revoke", f"{serial:x}", "--config", lab.config_file)
    assert revoked.returncode == 0, revoked.stderr
    assert lab.certificates()[0]["revocation_reason"] == "unspecified"


@pytest.mark.attack("C01")
def test_C01_one_challenge_32_clients_and_two_nodes_give_exactly_one_certificate(
        lab, second_node, keys):
    other = second_node(lab)
    challenge = lab.challenge("--subject", "CN=contested")
    ca = lab.ca()
    messages = [pkcs_req(Csr(keys(i % 8), name("contested"), challenge), [ca.encryption],
                         transaction_id=f"client-{i}") for i in range(32)]
    octets = [message.der() for message in messages]
    replies = at_once([lambda i=i: (lab, other)[i % 2].post(octets[i]) for i in range(32)])
    opened = [lab.open(reply, message, ca) for reply, message in zip(replies, messages)]
    issued = [reply.certificate.serial_number for reply in opened if reply.status == "success"]
    assert len(issued) == 1
    assert lab.serials() == issued


def test_a_device_with_names_as_long_as_any_may_be_is_served_as_with_sqlite(lab, keys):
    uri = "https://x.example/" + secrets.token_urlsafe(3058)[:4078]
    challenge = lab.challenge("--subject", "CN=long", "--uri", uri)
    reply = lab.enrol(Csr(keys(0), name("long"), challenge,
                          extensions=[subject_alt_name(("uri", uri))]))
    assert reply.status == "success", reply.fail_info
    found = run("cert", "list", "--san", uri, "--json", "--config", lab.config_file)
    assert f"{reply.certificate.serial_number:x}" in found.stdout, found.stderr


def test_goes_on_when_all_its_connections_were_ended(lab, cluster, database, keys):
    assert enrol(lab, keys, "before").status == "success"
    assert int(cluster.sql(database, "SELECT count(pg_terminate_backend(pid, 5000)) FROM "
                                     "pg_stat_activity WHERE datname = current_database() "
                                     "AND pid <> pg_backend_pid()")) >= 2
    assert enrol(lab, keys, "after", 1).status == "success"
    assert len(lab.serials()) == 2


def test_releases_nothing_while_the_database_is_away_and_recovers(lab, cluster, keys):
    challenge = lab.challenge("--subject", "CN=patient")
    ca = lab.ca()
    message = pkcs_req(Csr(keys(0), name("patient"), challenge), [ca.encryption])
    cluster.control("stop", "immediate")
    try:
        assert lab.post(message).status == 503
    finally:
        cluster.control("start")

    def served():
        reply = lab.post(message)
        return reply if reply.status == 200 else None

    reply = lab.open(wait_until(served, "the database is used again"), message, ca)
    assert reply.status == "success"
    assert lab.serials() == [reply.certificate.serial_number]


def test_its_rows_are_verified_and_damage_is_named(lab, cluster, database, keys):
    serial = enrol(lab, keys, "first").certificate.serial_number
    assert verification("store", lab)["sound"]
    cluster.sql(database, "UPDATE certificates SET der = serial")
    report = verification("store", lab)
    faults = {fault["kind"]: fault["where"] for fault in report["faults"]}
    assert faults["certificate_unreadable"] == f"certificate 1 (serial {serial:032x})"
    assert "not_stored" in faults
    a_file = run("store", "verify", "--config", lab.config_file, "--store", "copy.db")
    assert a_file.returncode == 2 and "PostgreSQL" in a_file.stderr


def test_backup_names_the_command_of_postgresql_which_copies_it_whole(
        lab, cluster, database, keys, tmp_path):
    serial = enrol(lab, keys, "first").certificate.serial_number
    out = tmp_path / "it's a.dump"
    refusal = run("store", "backup", "--config", lab.config_file, "--out", out)
    assert refusal.returncode == 2
    command = refusal.stderr[refusal.stderr.index("pg_dump"):]
    subprocess.run(["sh", "-c", command], check=True, timeout=60)
    restored = f"{database}_restored"
    cluster.sql("postgres", f"CREATE DATABASE {restored}")
    subprocess.run(["pg_restore", "--dbname", cluster.conninfo(restored), out], check=True,
                   timeout=60)
    lab.edit(lambda config: config.update(store={"postgresql": cluster.conninfo(restored)}))
    assert lab.serials() == [serial]
    assert verification("store", lab)["sound"]


def refused(lab):
    served = run("serve", "--config", lab.config_file)
    assert served.returncode == 2
    assert "store.postgresql" in served.stderr
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode != 0
    assert "store.postgresql" in checked.stdout + checked.stderr
    return served.stderr


def test_says_that_the_tables_are_missing_or_of_a_newer_version(
        new_lab, cluster, database):
    lab = new_lab(start=False)
    lab.edit(lambda config: config.update(store={"postgresql": cluster.conninfo(database)}))
    assert "store create" in refused(lab)
    assert run("store", "create", "--config", lab.config_file).returncode == 0
    cluster.sql(database, "UPDATE scepgate_schema SET version = 4711")
    assert "newer scepgate" in refused(lab)


def test_takes_the_password_from_a_file_and_never_shows_it(new_lab, cluster, database):
    lab = new_lab(start=False)
    cluster.sql(database, f"CREATE ROLE {database} LOGIN SUPERUSER PASSWORD 'right-one'")
    secret = lab.dir / "db-password"
    secret.touch(mode=0o600)
    secret.write_text("wrong-one\n")
    lab.edit(lambda config: config.update(store={"postgresql": {
        "conninfo": f"host=127.0.0.1 port={cluster.port} user={database} dbname={database}",
        "password": {"file": "db-password"}}}))
    told = refused(lab)
    assert "password authentication failed" in told and "wrong-one" not in told
    secret.write_text("right-one\n")
    created = run("store", "create", "--config", lab.config_file)
    assert created.returncode == 0, created.stderr
    lab.edit(lambda config: config.update(store={
        "postgresql": "host=127.0.0.1 password=right-one"}))
    told = refused(lab)
    assert "holds a password" in told and "right-one" not in told
