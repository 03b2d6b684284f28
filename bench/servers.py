"""The servers that are measured, each fresh, on a free loopback port, and stopped at the end."""

import contextlib
import json
import os
import pathlib
import random
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request

SUBJECT = "CN=bench-%d"
PASSWORD = "bench-static-challenge"


def fail(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def free_port():
    """Below those that the kernel gives to connections: thousands of them come and go here."""
    for port in iter(lambda: random.randint(12_000, 30_000), None):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def run(command, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **options)
    if done.returncode != 0:
        fail(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def raise_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class Programs:
    """Of a build folder, each a member."""

    def __init__(self, build, names=("scepgate", "scepgate_load", "scepgate_crypto_bound")):
        for name in names:
            path = build / name
            if not path.exists():
                fail(f"{path} is missing; leave out --no-build")
            setattr(self, name, path)


@contextlib.contextmanager
def serving(command, port, cores, folder):
    """Starts a server, waits until it answers, gives its process (start_seconds: how long that took), and
    stops it."""
    begun = time.monotonic()
    log = open(folder / "server.log", "wb")
    process = subprocess.Popen(["taskset", "-c", cores, *map(str, command)], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=subprocess.STDOUT, preexec_fn=raise_descriptors)
    try:
        deadline = time.monotonic() + 15
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/scep?operation=GetCACaps", timeout=5):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                fail(f"{shlex.join(map(str, command))} does not serve:\n{(folder / 'server.log').read_text()}")
            time.sleep(0.002)
        process.start_seconds = time.monotonic() - begun
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


class Scepgate:
    """With a store of its own, or with "store" as configured."""

    def __init__(self, programs, policy, store=None):
        self.programs = programs
        self.policy = policy
        self.store = store
        self.name = f"scepgate, {policy}"
        self.bound = f"{policy}-rsa2048"

    @contextlib.contextmanager
    def start(self, folder, cores, requests):
        lab = folder / "lab"
        if not lab.exists():  # else it goes on with its CA
            self.port = free_port()
            run([self.programs.scepgate, "init", lab, "--ca-key", "rsa:2048", "--policy", self.policy,
                 "--listen", f"127.0.0.1:{self.port}"])
            if self.store:
                self.use_store(lab / "scepgate.json")
        port = self.port
        if self.policy == "static":
            challenge = ["--challenge", (lab / "challenge-password").read_text().strip()]
        else:
            blobs = run([self.programs.scepgate, "challenge", "create", "--config", lab / "scepgate.json",
                         "--subject", SUBJECT, "--key-usage", "both", "--count", max(requests, 2)])
            (folder / "challenges").write_text(blobs)
            challenge = ["--challenges", folder / "challenges"]
        command = [self.programs.scepgate, "serve", "--config", lab / "scepgate.json"]
        with serving(command, port, cores, folder) as process:
            self.start_seconds = process.start_seconds
            yield f"http://127.0.0.1:{port}/scep", process.pid, challenge

    def use_store(self, config):
        comment, settings = config.read_text().split("\n", 1)
        settings = json.loads(settings) | {"store": self.store}
        config.write_text(f"{comment}\n{json.dumps(settings, indent=2)}\n")


class Scepserver:
    name = "Debian scepserver"
    bound = "static-rsa2048"

    @contextlib.contextmanager
    def start(self, folder, cores, _requests):
        port = free_port()
        run(["scepserver", "ca", "-init", "-keySize", "2048", "-depot", folder / "depot"])
        # -allowrenew 0: no refusal because a name has a certificate already.
        command = ["scepserver", "-depot", folder / "depot", "-port", port, "-challenge", PASSWORD,
                   "-allowrenew", "0"]
        with serving(command, port, cores, folder) as process:
            self.start_seconds = process.start_seconds
            yield f"http://127.0.0.1:{port}/scep", process.pid, ["--challenge", PASSWORD]


class Nginx:
    """GetCACaps and GetCACert as static files with scepgate's very bytes; one worker, keep-alive, files
    kept open."""

    def __init__(self, replies, log):
        self.replies, self.log = replies, log
        self.name = "nginx, static file" + ("" if log else ", no access log")

    @contextlib.contextmanager
    def start(self, folder, cores, _requests):
        port = free_port()
        (folder / "files").mkdir()
        for operation, (body, _) in self.replies.items():
            (folder / "files" / operation).write_bytes(body)
        types = " ".join(f"{operation} {kind};" for operation, (_, kind) in self.replies.items())
        temporary = "".join(f"{kind}_temp_path {folder}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off; worker_processes 1; pid {folder}/nginx.pid; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
  {temporary}
  access_log {f"{folder}/access.log" if self.log else "off"};
  sendfile off; open_file_cache max=10; keepalive_requests 1000000000;
  map $arg_operation $kind {{ default text/plain; {types} }}
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location = /scep {{ default_type $kind; try_files /$arg_operation =404; }}
  }}
}}
""")
        command = ["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with serving(command, port, cores, folder) as process:
            self.start_seconds = process.start_seconds
            worker = next(pid for pid in children(process.pid))
            yield f"http://127.0.0.1:{port}/scep", worker, []


def children(pid):
    """Its processes, once there is one."""
    for _ in range(1000):
        found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return [int(child) for child in found]
        time.sleep(0.005)
    fail(f"process {pid} has no children")


def rss_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


OF_ONE_ADDRESS = 1000  # scepgate allows 2000
CAPS = b"GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: x\r\n\r\n"


def memory_by_connections(url, pid, counts):
    """RSS in MiB with so many connections, each of which has asked once and waits; None where the server
    did not hold them all."""
    port, connections, found = int(url.split(":")[2].split("/")[0]), [], []
    raise_descriptors()
    try:
        for count in counts:
            while len(connections) < count:
                source = f"127.0.1.{1 + len(connections) // OF_ONE_ADDRESS}"
                one = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
                connections.append(one)
                one.sendall(CAPS)
                if not one.recv(65536).startswith(b"HTTP/1.1 200"):
                    return found + [None] * (len(counts) - len(found))
            time.sleep(1)
            found.append(rss_mib(pid))
    except OSError as fault:
        print(f"  {len(connections)} connections: {fault}", file=sys.stderr)
        return found + [None] * (len(counts) - len(found))
    finally:
        for one in connections:
            one.close()
    return found
