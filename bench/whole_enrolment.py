"""Whole enrolments against a server whose store has been filled: what growth is of all that one costs."""

import contextlib
import json
import pathlib
import shlex
import signal
import socket
import subprocess
import sys
import time

SUBJECT = "CN=bench-%d,O=Example"


def run(*command):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(scepgate, config, port):
    """On core 0. It may begin with an index that is read from end to end."""
    process = subprocess.Popen(["taskset", "-c", "0", scepgate, "serve", "--config", config],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{scepgate} does not serve: " + run(scepgate, "config", "check", "--config", config))
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def measure(build: pathlib.Path, folder: pathlib.Path, store: dict, requests: int, keys: pathlib.Path):
    """{what: figure}: challenge blobs, RSA-2048 throughout, POST, 8 clients, the server on one core and the
    generator on the other; the bound of the crypto operations from just before and just after."""
    scepgate, port, lab = build / "scepgate", free_port(), folder / "lab"
    config = lab / "scepgate.json"
    run(scepgate, "init", lab, "--ca-key", "rsa:2048", "--policy", "challenge_blob", "--listen", f"127.0.0.1:{port}")
    text = config.read_text()
    comment, settings = text.split("\n", 1)
    settings = json.loads(settings)
    settings["store"] = store
    config.write_text(comment + "\n" + json.dumps(settings, indent=2))
    warmup = 200
    challenges = folder / "challenges"
    challenges.write_text(run(scepgate, "challenge", "create", "--config", config, "--subject", SUBJECT,
                              "--key-usage", "both", "--count", requests + warmup))

    def bound():
        costs = json.loads(run("taskset", "-c", "0", build / "scepgate_crypto_bound", "--json"))
        return costs["bound_ms"]["challenge_blob-rsa2048"]

    before = bound()
    with serving(scepgate, config, port) as pid:
        load = json.loads(run("taskset", "-c", "1", build / "scepgate_load", "--json", "--pid", pid, "--url",
                              f"http://127.0.0.1:{port}/scep", "--challenges", challenges, "--subject", SUBJECT,
                              "--requests", requests, "--warmup", warmup, "--keys", keys))
    if load["errors"] or load["duplicate_serials"]:
        sys.exit(f"not every enrolment was good: {load}")
    crypto = (before + bound()) / 2
    return {"whole enrolment, CPU ms each": load["server"]["cpu_ms_each"],
            "whole enrolment, times the crypto bound": load["server"]["cpu_ms_each"] / crypto,
            "whole enrolments a second, 8 clients": load["per_second"],
            "whole enrolment, p50 ms": load["latency_ms"]["p50"],
            "whole enrolment, p99 ms": load["latency_ms"]["p99"]}
