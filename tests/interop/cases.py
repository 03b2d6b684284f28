"""What is tried with the SCEP clients that Debian ships; docs/interop.md lists the same.

Pairwise: each client meets each value of each column, and each pair that its maker or ours could have
got wrong, without running the full product.
"""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Case:
    client: str         # the command
    operation: str
    method: str         # of the PKIOperation, or of the question itself
    key: int | None     # bits of the device's RSA key: none of these clients enrols another kind
    ca: str             # RSA-2048 or EC P-256
    mode: str           # RA: two RA certificates with keys of their own; CA: the CA speaks SCEP
    challenge: str      # password or blob; "old certificate" where that stands in its place;
    #                     operator: a password, and somebody who approves
    proxy: str          # direct, or what stands in front

    @property
    def cells(self):
        """As in the table of docs/interop.md."""
        return tuple("–" if value is None else str(value) for value in astuple(self))

    def __str__(self):
        return "-".join(str(v).replace(" ", "_") for v in astuple(self) if v is not None)


PACKAGES = {"scepclient": "scep", "pki --scepca": "strongswan-pki", "pki --scep": "strongswan-pki",
            "scep-submit": "certmonger", "getcert": "certmonger"}

_ROWS = """
scepclient   | enrol           | POST | 2048 | RSA | RA | password        | direct
scepclient   | enrol           | GET  | 2048 | RSA | RA | blob            | direct
scepclient   | enrol           | POST | 3072 | RSA | RA | blob            | nginx
scepclient   | enrol           | GET  | 3072 | RSA | CA | password        | nginx
scepclient   | enrol           | POST | 4096 | RSA | CA | password        | direct
scepclient   | enrol           | GET  | 4096 | RSA | RA | password        | haproxy
scepclient   | enrol           | POST | 2048 | RSA | RA | password        | apache
scepclient   | enrol           | GET  | 2048 | RSA | RA | password        | caddy
scepclient   | renew           | POST | 2048 | RSA | RA | old certificate | direct
scepclient   | renew           | GET  | 4096 | RSA | CA | old certificate | nginx
pki --scepca | CA certificates | GET  | -    | RSA | RA | -               | direct
pki --scepca | CA certificates | GET  | -    | EC  | RA | -               | nginx
pki --scepca | CA certificates | GET  | -    | RSA | CA | -               | nginx
pki --scep   | enrol           | POST | 2048 | RSA | RA | blob            | direct
pki --scep   | enrol           | POST | 2048 | EC  | RA | password        | direct
pki --scep   | enrol           | POST | 3072 | EC  | RA | password        | nginx
pki --scep   | enrol           | POST | 3072 | RSA | RA | blob            | nginx
pki --scep   | enrol           | POST | 3072 | RSA | CA | password        | direct
pki --scep   | enrol           | POST | 4096 | RSA | CA | password        | nginx
pki --scep   | enrol           | POST | 4096 | EC  | RA | password        | haproxy
pki --scep   | enrol           | POST | 2048 | EC  | RA | password        | apache
pki --scep   | enrol           | POST | 2048 | RSA | RA | password        | caddy
pki --scep   | renew, new key  | POST | 2048 | RSA | RA | old certificate | direct
pki --scep   | renew, new key  | POST | 3072 | EC  | RA | old certificate | nginx
pki --scep   | renew, new key  | POST | 4096 | RSA | CA | old certificate | direct
pki --scep   | enrol, polling  | POST | 2048 | EC  | RA | operator        | direct
pki --scep   | enrol, polling  | POST | 3072 | RSA | CA | operator        | nginx
scep-submit  | capabilities    | GET  | -    | RSA | RA | -               | direct
scep-submit  | CA certificates | GET  | -    | RSA | RA | -               | direct
scep-submit  | CA certificates | GET  | -    | EC  | RA | -               | nginx
scep-submit  | CA certificates | GET  | -    | RSA | CA | -               | direct
getcert      | enrol           | GET  | 2048 | RSA | RA | blob            | direct
getcert      | enrol           | GET  | 3072 | EC  | RA | password        | nginx
getcert      | enrol           | GET  | 4096 | RSA | CA | password        | direct
getcert      | enrol           | GET  | 4096 | RSA | RA | password        | haproxy
getcert      | enrol           | GET  | 2048 | EC  | RA | password        | apache
getcert      | enrol           | GET  | 3072 | RSA | RA | password        | caddy
getcert      | enrol, polling  | GET  | 2048 | EC  | RA | operator        | direct
getcert      | enrol, polling  | GET  | 2048 | RSA | CA | operator        | nginx
getcert      | renew           | GET  | 2048 | RSA | RA | old certificate | direct
getcert      | renew           | GET  | 3072 | RSA | CA | old certificate | nginx
getcert      | renew, new key  | GET  | 2048 | EC  | RA | old certificate | direct
"""


def _case(row):
    client, operation, method, key, ca, mode, challenge, proxy = map(str.strip, row.split("|"))
    return Case(client, operation, method, None if key == "-" else int(key),
                {"RSA": "RSA-2048", "EC": "EC P-256"}[ca], mode,
                None if challenge == "-" else challenge, proxy)


ALL = [_case(row) for row in _ROWS.strip().splitlines()]
assert len(set(ALL)) == len(ALL)
