"""Whole enrolments against a server whose store has been filled: what growth is of all that one costs."""

import json
import statistics

from servers import SUBJECT, Scepgate, fail, run

WARMUP = 200


class WholeEnrolments:
    """Of one store. `folder`: for a lab that lives as long as this."""

    def __init__(self, programs, folder, store, requests, keys):
        self.programs, self.folder, self.requests, self.keys = programs, folder, requests, keys
        self.server = Scepgate(programs, "challenge_blob", store)
        self.rounds = []

    def bound(self):
        costs = json.loads(run(["taskset", "-c", "0", self.programs.scepgate_crypto_bound, "--json"]))
        return costs["bound_ms"][self.server.bound]

    def run_round(self):
        """Challenge blobs, RSA-2048 throughout, POST, 8 clients, the server on core 0 and the generator on
        core 1; the bound of the crypto operations from just before and just after."""
        before = self.bound()
        with self.server.start(self.folder, "0", self.requests + WARMUP) as (url, pid, challenge):
            load = json.loads(run(["taskset", "-c", "1", self.programs.scepgate_load, "--json", "--url", url,
                                   "--pid", pid, *challenge, "--subject", SUBJECT, "--requests", self.requests,
                                   "--warmup", WARMUP, "--keys", self.keys]))
        if load["errors"] or load["duplicate_serials"]:
            fail(f"not every enrolment was good: {load}")
        crypto = (before + self.bound()) / 2
        self.rounds.append({"whole enrolment, CPU ms each": load["server"]["cpu_ms_each"],
                            "whole enrolment, times the crypto bound": load["server"]["cpu_ms_each"] / crypto,
                            "whole enrolments a second": load["per_second"],
                            "whole enrolment, p50 ms": load["latency_ms"]["p50"],
                            "whole enrolment, p99 ms": load["latency_ms"]["p99"]})

    def medians(self):
        """{what: figure}, each the median of the rounds."""
        return {what: statistics.median(one[what] for one in self.rounds) for what in self.rounds[0]}
