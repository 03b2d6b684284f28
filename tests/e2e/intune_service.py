"""Entra ID, Microsoft Graph and Intune's services for third-party CAs, as one HTTPS server of the
tests' own. It looks at every field and member of every call, notes each deviation from what
Microsoft's own libraries send, and answers well, or as a test wants it.

Written from the code of microsoft/Intune-Resource-Access; the real services are asked by nobody.
"""

import base64
import contextlib
import datetime
import hashlib
import http.server
import ipaddress
import json
import re
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

from asn1crypto import csr as asn1_csr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID

TENANT = "contoso.onmicrosoft.com"
APP_ID = "11111111-2222-4333-8444-555555555555"
SECRET = "very~secret+value/with=signs"
PROVIDER = "Example CA 1.0"
GUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
DISCOVERY = "/graph/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints"
SCEP = "/fef/RACerts/ScepRequestValidationFEService/Gateway/StatelessScepRequestValidationService"
CONNECTOR = "/fef/RACerts/StatelessPkiConnectorService"
ACTIONS = {
    f"{SCEP}/ScepActions/validateRequest": "validate",
    f"{SCEP}/ScepActions/successNotification": "success",
    f"{SCEP}/ScepActions/failureNotification": "failure",
    f"{CONNECTOR}/CertificateAuthorityRequests/downloadRevocationRequests": "download",
    f"{CONNECTOR}/CertificateAuthorityRequests/uploadRevocationResults": "upload",
}
MEMBERS = {
    "validate": ("request", ["transactionId", "certificateRequest", "callerInfo"]),
    "success": ("notification", ["transactionId", "certificateRequest", "certificateThumbprint",
                                 "certificateSerialNumber", "certificateExpirationDateUtc",
                                 "issuingCertificateAuthority", "callerInfo", "caConfiguration",
                                 "certificateAuthority"]),
    "failure": ("notification", ["transactionId", "certificateRequest", "hResult",
                                 "errorDescription", "callerInfo"]),
    "download": ("downloadParameters", ["maxRequests", "issuerName"]),
}


@dataclass
class Answer:
    """What comes back; `body` is JSON unless it is bytes."""

    status: int = 200
    body: object = None
    content_type: str = "application/json"
    before: object = None   # called first: waits, for example
    cut: bool = False       # the connection ends in the middle


@dataclass
class Call:
    step: str
    fields: dict
    body: object
    path: str = ""


def code(value, description=""):
    return Answer(body={"code": value, "errorDescription": description})


def _write_pair(directory, stem, certificate, key):
    (directory / f"{stem}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    file = directory / f"{stem}.key"
    file.touch(0o600)
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                       serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))


def make_certificate(directory, stem, address="127.0.0.1", key=None, issuer=None):
    """A certificate for a server (signed by `issuer`), a CA or an app (self-signed)."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, stem)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer[0].subject if issuer else subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=90))
               .add_extension(x509.BasicConstraints(issuer is None, None), True))
    if issuer:
        name = x509.IPAddress(ipaddress.ip_address(address))
        builder = builder.add_extension(x509.SubjectAlternativeName([name]), False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    _write_pair(directory, stem, certificate, key)
    return certificate, key


@contextlib.contextmanager
def serving(directory, **options):
    """The service; at its end, everything that came has to have been as Microsoft wants it."""
    directory.mkdir()
    service = IntuneService(directory, **options)
    try:
        yield service
    finally:
        service.close()
    assert service.deviations == []


@dataclass
class IntuneService:
    directory: object
    server_address: str = "127.0.0.1"       # that its certificate is for
    app_certificate: object = None          # then an assertion is expected in place of the secret
    revocations: list = field(default_factory=list)  # requests that wait, as Intune gives them
    refuses: object = None                  # of what is to be validated: the code, or None

    def __post_init__(self):
        self.calls = []
        self.deviations = []
        self.plans = {}       # step -> list of Answers, or a function of the Call
        self.tokens = {}      # scope -> tokens that are good
        self.guids = set()
        self.jtis = set()
        self.validated = {}   # transactionId -> CSR
        self.issued = {}      # transactionId -> what we were told of its certificate
        self.results = []     # uploaded
        self.lock = threading.Lock()
        ca = make_certificate(self.directory, "service-ca")
        make_certificate(self.directory, "service", self.server_address, issuer=ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "service.pem", self.directory / "service.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server.server_address[1]}"

    @property
    def resource(self):
        return f"{self.url}/manage/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def policy(self, **more):
        """The configuration of a policy that asks this service."""
        (self.directory / "secret").touch(0o600)
        (self.directory / "secret").write_text(SECRET + "\n")
        policy = {
            "type": "intune", "tenant": TENANT, "app_id": APP_ID, "provider": PROVIDER,
            "secret": {"file": str(self.directory / "secret")},
            "services": {"authority": f"{self.url}/login", "graph": f"{self.url}/graph",
                         "resource": self.resource},
            "http": {"ca_bundle": str(self.directory / "service-ca.pem"), "timeout": "5s"},
        }
        policy.update(more)
        return {key: value for key, value in policy.items() if value is not None}

    def plan(self, step, *answers):
        """The next answers of one step, then it answers well again."""
        with self.lock:
            self.plans[step] = list(answers)

    def count(self, step):
        with self.lock:
            return sum(call.step == step for call in self.calls)

    def steps(self):
        with self.lock:
            return [call.step for call in self.calls]

    def of(self, step):
        with self.lock:
            return [call for call in self.calls if call.step == step]

    # -- what is expected ------------------------------------------------------------------------

    def expect(self, condition, text):
        if not condition:
            self.deviations.append(text)

    def judge_fields(self, step, fields, expected):
        """`expected`: name -> value, or None for any. Nothing else may be there."""
        names = [name for name, _ in fields]
        self.expect(len(set(names)) == len(names), f"{step}: a field comes twice: {names}")
        found = dict(fields)
        expected = {"Host": self.url[8:], "User-Agent": None, "client-request-id": None, **expected}
        self.expect(set(found) == set(expected), f"{step}: fields {sorted(found)}")
        for name, value in expected.items():
            if value is not None:
                self.expect(found.get(name) == value, f"{step}: {name} is {found.get(name)!r}")
        self.expect(found.get("User-Agent", "").startswith("scepgate/"), f"{step}: User-Agent")
        guid = found.get("client-request-id", "")
        self.expect(GUID.match(guid), f"{step}: client-request-id {guid!r}")
        self.expect(guid not in self.guids, f"{step}: client-request-id comes again")
        self.guids.add(guid)

    def judge_bearer(self, step, fields, scope):
        scheme, _, token = dict(fields).get("Authorization", "").partition(" ")
        self.expect(scheme == "Bearer" and token in self.tokens.get(scope, ()),
                    f"{step}: Authorization is not by a token for {scope}")

    def judge_token(self, fields, body):
        self.judge_fields("token", fields, {
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
            "Content-Length": str(len(body))})
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        self.expect(all(len(values) == 1 for values in form.values()), "token: a value twice")
        form = {name: values[0] for name, values in form.items()}
        scope = form.pop("scope", None)
        # Two slashes: the resource's name ends with one.
        self.expect(scope in (f"{self.url}/graph/.default", f"{self.url}/manage//.default"),
                    f"token: scope {scope!r}")
        self.expect(form.pop("grant_type", None) == "client_credentials", "token: grant_type")
        self.expect(form.pop("client_id", None) == APP_ID, "token: client_id")
        if self.app_certificate is None:
            self.expect(form == {"client_secret": SECRET}, f"token: {sorted(form)}")
        else:
            self.expect(form.pop("client_assertion_type", None)
                        == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                        "token: client_assertion_type")
            self.judge_assertion(form.pop("client_assertion", ""))
            self.expect(form == {}, f"token: {sorted(form)}")
        return scope

    def judge_assertion(self, assertion):
        def decode(text):
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        header, claims, signature = assertion.split(".")
        try:
            alg = json.loads(decode(header))["alg"]
            pad = {"RS256": padding.PKCS1v15(),
                   "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}[alg]
            self.app_certificate.public_key().verify(
                decode(signature), f"{header}.{claims}".encode(), pad, hashes.SHA256())
        except Exception as error:
            self.deviations.append(f"assertion: {error!r}")
            return
        der = self.app_certificate.public_bytes(serialization.Encoding.DER)
        thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
        self.expect(json.loads(decode(header))
                    == {"alg": alg, "typ": "JWT", "x5t#S256": thumbprint}, "assertion: header")
        said = json.loads(decode(claims))
        now = time.time()
        self.expect(said["aud"] == f"{self.url}/login/{TENANT}/oauth2/v2.0/token", "assertion: aud")
        self.expect(said["iss"] == said["sub"] == APP_ID, "assertion: iss, sub")
        self.expect(GUID.match(said["jti"]) and said["jti"] not in self.jtis, "assertion: jti")
        self.jtis.add(said["jti"])
        self.expect(abs(said["nbf"] - now) < 60 and said["iat"] == said["nbf"]
                    and said["exp"] - said["nbf"] == 600, "assertion: times")
        self.expect(set(said) == {"aud", "iss", "sub", "jti", "nbf", "iat", "exp"},
                    f"assertion: {sorted(said)}")

    def judge_call(self, step, fields, octets):
        self.judge_bearer(step, fields, f"{self.url}/manage//.default")
        self.judge_fields(step, fields, {
            "Authorization": None,
            "api-version": "5019-05-05" if step in ("download", "upload") else "2018-02-20",
            "Content-Type": "application/json", "Accept": "application/json",
            "UserAgent": PROVIDER, "Content-Length": str(len(octets))})
        body = json.loads(octets, object_pairs_hook=list)
        if step == "upload":
            self.expect([k for k, _ in body] == ["results"], "upload: members")
            for result in body[0][1]:
                self.expect([k for k, _ in result] == ["requestContext", "succeeded", "errorCode",
                                                       "errorMessage"], "upload: result")
                one = dict(result)
                self.expect(isinstance(one["errorCode"], str), "upload: errorCode is a name")
                self.expect(one["succeeded"] == (one["errorCode"] == "None"), "upload: succeeded")
                self.expect((one["errorMessage"] is None) == one["succeeded"], "upload: message")
            return [dict(result) for result in body[0][1]]
        outer, members = MEMBERS[step]
        self.expect([k for k, _ in body] == [outer], f"{step}: members {body!r:.80}")
        self.expect([k for k, _ in body[0][1]] == members, f"{step}: members of {outer}")
        said = dict(body[0][1])
        if step == "download":
            self.expect(said["issuerName"] is None, "download: issuerName")
            self.expect(1 <= said["maxRequests"] <= 500, "download: maxRequests")
            return said
        self.expect(said["callerInfo"] == PROVIDER, f"{step}: callerInfo")
        self.expect(said["transactionId"], f"{step}: transactionId")
        self.judge_csr(step, said)
        if step == "success":
            self.judge_success(said)
        if step == "failure":
            self.expect(type(said["hResult"]) is int and -2**31 <= said["hResult"] < 0,
                        "failure: hResult")
            self.expect(0 < len(said["errorDescription"]) <= 255, "failure: errorDescription")
        return said

    def judge_csr(self, step, said):
        csr = base64.b64decode(said["certificateRequest"], validate=True)
        parsed = asn1_csr.CertificationRequest.load(csr, strict=True)
        kinds = [a["type"].native for a in parsed["certification_request_info"]["attributes"]]
        self.expect("challenge_password" in kinds, f"{step}: no challengePassword in the CSR")
        if step == "validate":
            self.validated[said["transactionId"]] = csr
        else:
            self.expect(self.validated.get(said["transactionId"]) == csr,
                        f"{step}: not what was validated under this transactionId")

    def judge_success(self, said):
        self.expect(re.match(r"^[0-9A-F]{40}$", said["certificateThumbprint"]), "success: SHA-1")
        self.expect(re.match(r"^[1-9A-F][0-9A-F]*$", said["certificateSerialNumber"]),
                    "success: serial")
        self.expect(re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
                             said["certificateExpirationDateUtc"]), "success: expiration")
        self.expect(said["issuingCertificateAuthority"] == said["caConfiguration"]
                    == said["certificateAuthority"] != "", "success: issuer")
        self.issued[said["transactionId"]] = said

    # -- what is answered ------------------------------------------------------------------------

    def usual(self, step, body):
        if step == "token":
            token = f"token-{len(self.calls)}-{hashlib.sha256(body.encode()).hexdigest()[:8]}"
            self.tokens.setdefault(body, set()).add(token)
            return Answer(body={"token_type": "Bearer", "expires_in": 3599,
                                "ext_expires_in": 3599, "access_token": token})
        if step == "discovery":
            return Answer(body={"@odata.context": "x", "value": [
                {"id": "1", "capability": "c", "providerName": "SomethingElse",
                 "uri": f"{self.url}/elsewhere"},
                {"id": "2", "providerName": "ScepRequestValidationFEService",
                 "uri": self.url + SCEP},
                {"id": "3", "serviceName": "PkiConnectorFEService",
                 "uri": self.url + CONNECTOR}]})
        if step == "download":
            return Answer(body={"@odata.context": "https://x/$metadata#Collection(microsoft."
                                "management.services.api.caRevocationRequest)",
                                "value": self.revocations[:body["maxRequests"]]})
        if step == "upload":
            done = {result["requestContext"] for result in body}
            self.results += body
            self.revocations = [r for r in self.revocations if r["requestContext"] not in done]
            return Answer(body={"@odata.context": "x", "value": True})
        if step == "validate" and self.refuses:
            return code(self.refuses(body) or "Success")
        return code("Success")

    def take(self, method, path, fields, octets):
        """The Answer to one call, which is judged."""
        with self.lock:
            body = None
            if path == f"/login/{TENANT}/oauth2/v2.0/token":
                step, expected = "token", "POST"
                body = self.judge_token(fields, octets)
            elif path == DISCOVERY:
                step, expected = "discovery", "GET"
                self.judge_bearer(step, fields, f"{self.url}/graph/.default")
                self.judge_fields(step, fields, {"Accept": "application/json",
                                                 "Authorization": None})
            elif path in ACTIONS:
                step, expected = ACTIONS[path], "POST"
                body = self.judge_call(step, fields, octets)
            else:
                self.deviations.append(f"{method} {path}")
                return Answer(404)
            self.expect(method == expected, f"{step}: {method}")
            self.calls.append(Call(step, dict(fields), body, path))
            plan = self.plans.get(step, [])
            planned = plan.pop(0) if plan else None
            return planned if planned is not None else self.usual(step, body)

    def _handler(service):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except (OSError, ssl.SSLError):
                    pass  # they hung up, or do not trust us

            def log_message(self, *_):
                pass

            def answer(self):
                octets = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    answer = service.take(self.command, self.path, self.headers.items(), octets)
                except Exception as error:
                    service.deviations.append(f"{self.path}: {error!r}")
                    answer = Answer(500)
                if answer.before:
                    answer.before()
                body = answer.body
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if answer.cut:
                    body = body[:len(body) // 2]
                    self.close_connection = True
                self.wfile.write(body)

            do_GET = do_POST = answer

        return Handler
