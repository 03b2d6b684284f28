"""Whole enrolments against a server whose store has been filled: what growth is of all that one costs."""

import json

from servers import SUBJECT, Scepgate, fail, run

WARMUP = 200


def measure(programs, folder, store, requests, keys):
    """{what: figure}: challenge blobs, RSA-2048 throughout, POST, 8 clients, the server on core 0 and the
    generator on core 1; the bound of the crypto operations from just before and just after."""
    server = Scepgate(programs, "challenge_blob", store)

    def bound():
        return json.loads(run(["taskset", "-c", "0", programs.scepgate_crypto_bound, "--json"]))["bound_ms"][server.bound]

    before = bound()
    with server.start(folder, "0", requests + WARMUP) as (url, pid, challenge):
        load = json.loads(run(["taskset", "-c", "1", programs.scepgate_load, "--json", "--url", url, "--pid", pid,
                               *challenge, "--subject", SUBJECT, "--requests", requests, "--warmup", WARMUP,
                               "--keys", keys]))
    if load["errors"] or load["duplicate_serials"]:
        fail(f"not every enrolment was good: {load}")
    crypto = (before + bound()) / 2
    return {"whole enrolment, CPU ms each": load["server"]["cpu_ms_each"],
            "whole enrolment, times the crypto bound": load["server"]["cpu_ms_each"] / crypto,
            "whole enrolments a second": load["per_second"],
            "whole enrolment, p50 ms": load["latency_ms"]["p50"],
            "whole enrolment, p99 ms": load["latency_ms"]["p99"]}
