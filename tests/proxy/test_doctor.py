"""`scepgate doctor` through real proxies: right settings, and one fault at a time."""

import contextlib
import datetime
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import harness
import proxies

TLS = {"tls-handshake", "tls-chain", "tls-name", "tls-validity", "tls-client-certificate", "tls-1.2"}


class Diagnosis:
    def __init__(self, url, *arguments):
        self.run = harness.run("doctor", "--url", url, "--json", *arguments)
        assert self.run.stdout, self.run.stderr
        self.json = json.loads(self.run.stdout)
        self.checks = {check["id"]: check for check in self.json["checks"]}

    def __getitem__(self, check):
        return self.checks[check]

    def of(self, outcome):
        return {check for check, found in self.checks.items() if found["outcome"] == outcome}

    def settings_of(self, check):
        return {each["where"]: each["setting"] for each in self[check]["remedies"]}

    def assert_only(self, failed, warned=()):
        """What the fault is meant for fails, and nothing else says so."""
        told = {check: found for check, found in self.checks.items()
                if found["outcome"] in ("failed", "warning")}
        assert self.of("failed") == set(failed), told
        assert self.of("warning") == set(warned), told
        assert self.run.returncode == (1 if failed else 0)


def changed(kind, *changes):
    """This proxy with our configuration, in which some lines differ."""

    class Changed(kind):
        def write(self, file, *exchanges):
            written = super().write(file, *exchanges)
            exact = [(ours.format(port=self.port, upstream=self.upstream), theirs.replace(
                "PORT", str(self.port))) for ours, theirs in changes]
            written.write_text(proxies.replaced(written.read_text(), exact))
            return written

    return Changed


@pytest.fixture
def behind(tmp_path):
    running = []

    def start(kind, upstream, *changes):
        folder = tmp_path / f"proxy{len(running)}"
        folder.mkdir()
        running.append(changed(kind, *changes)(folder, upstream))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.mark.parametrize("kind", proxies.ALL, ids=lambda proxy: proxy.name)
def test_all_is_well_with_the_configurations_of_deploy(new_lab, behind, kind):
    lab = new_lab()
    diagnosis = Diagnosis(behind(kind, lab.port).url)
    diagnosis.assert_only(failed=(), warned={"https"})
    assert diagnosis.of("skipped") == TLS


def test_nothing_is_enrolled_and_only_refusals_are_recorded(new_lab):
    lab = new_lab("--policy", "none")
    before = {line["event"] for line in lab.audit()}
    Diagnosis(lab.url).assert_only(failed=(), warned={"https"})
    assert lab.certificates() == []
    assert {line["event"] for line in lab.audit()} - before == {"refuse"}


TOO_SHORT_LINES = {
    "nginx": (proxies.Nginx, ("large_client_header_buffers 4 128k;", ""),
              "large_client_header_buffers"),
    "haproxy": (proxies.Haproxy, ("tune.bufsize 147456", "tune.bufsize 16384"), "tune.bufsize"),
    "apache": (proxies.Apache, ("LimitRequestLine 131072", "LimitRequestLine 8190"),
               "LimitRequestLine"),
}


@pytest.mark.parametrize("name", ["nginx", "haproxy", "apache"])
def test_a_limit_on_the_request_line_is_found(static_lab, behind, name):
    kind, change, setting = TOO_SHORT_LINES[name]
    diagnosis = Diagnosis(behind(kind, static_lab.port, change).url)
    diagnosis.assert_only({"long-get"}, {"https"})
    where = {"nginx": "nginx", "haproxy": "HAProxy", "apache": "Apache"}[name]
    assert setting in diagnosis.settings_of("long-get")[where]


LOCATION = "location / {{"
INSIDE = [
    # what nginx is told, what fails, what warns, words of the cause, nginx's remedy
    ("client_max_body_size 16k;", {"post-64k"}, {"post-1m"}, "limit", "client_max_body_size"),
    ("charset utf-8;", {"capabilities-type"}, set(), "literally", "charset off"),
    ("gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;", {"compression"}, set(),
     "no-transform", "gzip off"),
    ("gunzip off; proxy_set_header Accept-Encoding gzip; add_header Content-Encoding gzip always;",
     {"compression"}, set(), "no DER", "gzip off"),
    ("return 302 https://login.example/adfs/ls;", {"answers"}, set(), "login page", "auth_basic"),
    ("return 301 https://$host$request_uri;", {"answers"}, set(), "redirect to https://",
     "return 301"),
    ("return 401;", {"answers"}, set(), "login is asked for", "auth_basic"),
    ("return 403;", {"answers"}, set(), "forbidden", "auth_basic"),
    ("default_type text/html; return 200 '<html><form>Password</form>';", {"answers"}, set(),
     "login page", "auth_basic"),
    ("limit_except GET { deny all; }", {"post"}, set(), "POST is not allowed", "limit_except"),
    ("proxy_cache scep; proxy_cache_key $request_uri; proxy_cache_valid any 1m; "
     "proxy_ignore_headers Cache-Control;", {"reply-cache"}, set(), "cache", "proxy_cache off"),
    ("proxy_hide_header Cache-Control;", set(), {"reply-cache"}, "no-store", "proxy_cache off"),
    ('if ($http_host = "") { return 404; }', set(), {"http-1.0"}, "Cisco IOS", "default_server"),
    ("if ($http_expect) { return 417; }", {"post-expect"}, set(), ".NET", "no limit_except GET"),
    ("if ($http_transfer_encoding) { return 411; }", set(), {"post-chunked"}, "stream a body",
     "proxy_request_buffering on"),
    ('set $form "$request_method$content_type"; if ($form = POST) { return 415; }', set(),
     {"post-no-type"}, "older than RFC 8894", "no limit_except GET"),
]


@pytest.mark.parametrize("told,failed,warned,words,setting", INSIDE, ids=lambda v: str(v)[:30])
def test_a_fault_is_found_by_the_check_that_is_meant_for_it(
        static_lab, behind, tmp_path, told, failed, warned, words, setting):
    changes = [(LOCATION, f"location / {{\n{told}")]
    if "client_max_body_size" in told:
        changes.append(("client_max_body_size 1m;", ""))
    if "proxy_cache " in told:
        changes.append(("upstream scepgate {{",
                        f"proxy_cache_path {tmp_path}/cache keys_zone=scep:1m;\n"
                        "upstream scepgate {"))
    diagnosis = Diagnosis(behind(proxies.Nginx, static_lab.port, *changes).url)
    diagnosis.assert_only(failed, warned | {"https"})
    meant = diagnosis[(failed or warned).copy().pop()]
    assert words in meant["cause"]
    assert setting in {each["where"]: each["setting"] for each in meant["remedies"]}["nginx"]


def test_a_slow_answer_is_found(static_lab, behind):
    # nginx sends a second's worth at once: the answer takes some 7 seconds.
    octets = len(static_lab.get(f"{harness.PATH}?operation=GetCACert").body)
    diagnosis = Diagnosis(behind(
        proxies.Nginx, static_lab.port,
        (LOCATION, "location / {\n"
         f'if ($arg_message = "default") {{ set $limit_rate {octets // 8}; }}')).url)
    diagnosis.assert_only(set(), {"https", "time"})
    assert "the server behind is busy" in diagnosis["time"]["cause"]
    assert "proxy_read_timeout" in diagnosis.settings_of("time")["nginx"]


def test_a_cache_that_forgets_the_query_is_found(static_lab, behind, tmp_path):
    diagnosis = Diagnosis(behind(
        proxies.Nginx, static_lab.port,
        ("upstream scepgate {{", f"proxy_cache_path {tmp_path}/cache keys_zone=scep:1m;\n"
         "upstream scepgate {"),
        (LOCATION, "location / {\nproxy_cache scep; proxy_cache_key $uri; proxy_cache_valid any 1m;"
         " proxy_ignore_headers Cache-Control;")).url)
    diagnosis.assert_only({"ca-type", "get", "reply-cache"}, {"https"})
    for check in diagnosis.of("failed"):
        assert "cache" in diagnosis[check]["cause"]


def test_a_query_that_is_encoded_anew_is_found(static_lab, behind):
    diagnosis = Diagnosis(behind(
        proxies.Nginx, static_lab.port,
        (LOCATION, 'location / {\nif ($args ~ "^(.*)%(2[Bb].*)$") { set $args $1%25$2; }')).url)
    diagnosis.assert_only({"query-escapes"}, {"https"})
    came = diagnosis["query-escapes"]["came"]
    assert "%2B" in came and "%2b" in came and "+ / =" not in came
    assert "rewrite of the query" in diagnosis.settings_of("query-escapes")["nginx"]


def test_a_query_that_is_decoded_is_found(static_lab, behind):
    """HAProxy's set-query with a blank in it ends the request line early."""
    diagnosis = Diagnosis(behind(
        proxies.Haproxy, static_lab.port,
        ("option forwardfor", "http-request set-query %[query,url_dec]\n    option forwardfor")).url)
    diagnosis.assert_only({"ca-identifier"}, {"https"})
    assert "set-query" in diagnosis.settings_of("ca-identifier")["HAProxy"]


def test_a_path_that_is_passed_on_only_as_it_stands_is_found(static_lab, behind):
    diagnosis = Diagnosis(
        behind(proxies.Nginx, static_lab.port, (LOCATION, f"location = {harness.PATH} {{")).url)
    diagnosis.assert_only({"path-suffix"}, {"https", "path-slash", "path-case"})
    assert "Windows" in diagnosis["path-suffix"]["cause"]
    assert "location" in diagnosis.settings_of("path-suffix")["nginx"]


def test_a_body_that_is_rewritten_is_found(static_lab, behind):
    name = static_lab.ca().ca.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    diagnosis = Diagnosis(behind(
        proxies.Nginx, static_lab.port,
        (LOCATION, f"location / {{\nsub_filter '{name}' 'https://changed.example/{name}';\n"
         "sub_filter_types *; sub_filter_once off;")).url)
    assert "ca-bundle" in diagnosis.of("failed")
    assert "Translate URLs" in str(diagnosis["ca-bundle"]["remedies"])


def test_a_server_that_is_down_is_told_from_a_proxy_that_is(behind):
    proxy = behind(proxies.Nginx, harness.free_port())
    diagnosis = Diagnosis(proxy.url)
    diagnosis.assert_only({"answers"}, {"https"})
    assert "does not reach" in diagnosis["answers"]["cause"]
    proxy.stop()
    diagnosis = Diagnosis(proxy.url)
    diagnosis.assert_only({"port"})


def test_a_name_that_nobody_knows_is_found():
    diagnosis = Diagnosis("http://no-such-host.invalid/scep")
    diagnosis.assert_only({"name"})
    assert diagnosis.of("ok") == set()


def test_servers_that_differ_behind_one_name_are_found(new_lab, behind):
    first, second = new_lab(), new_lab("--policy", "static")
    diagnosis = Diagnosis(behind(
        proxies.Nginx, first.port,
        ("server 127.0.0.1:{upstream};",
         f"server 127.0.0.1:{first.port}; server 127.0.0.1:{second.port};")).url)
    diagnosis.assert_only({"ca-same"}, {"https"})
    assert "ip_hash" in diagnosis.settings_of("ca-same")["nginx"]


class Authority:
    """A root, an intermediate, and certificates for localhost."""

    def __init__(self, keys, folder):
        self.keys, self.folder = keys, folder
        self.root = self.make("Root", None, "Root", 10)
        self.intermediate = self.make("Intermediate", None, "Root", 11)
        self.root_file = self.write("root.pem", self.root)

    def make(self, subject, host, issuer, key, days=90):
        def named(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        signer = {"Root": 10, "Intermediate": 11}[issuer]
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
                   .public_key(self.keys(key).public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=100))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .add_extension(x509.BasicConstraints(host is None, None), True))
        if host:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        return builder.sign(self.keys(signer), hashes.SHA256())

    def write(self, name, *certificates):
        file = self.folder / name
        file.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
        return file

    def server(self, host="localhost", days=90, whole=True, more=""):
        """Changes for nginx."""
        leaf = self.make("Server", host, "Intermediate", 12, days)
        file = self.write("server.pem", leaf, *([self.intermediate] if whole else []))
        key = self.folder / "server.key"
        key.write_bytes(self.keys(12).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return ("listen 127.0.0.1:{port};",
                f"listen 127.0.0.1:PORT ssl; ssl_certificate {file}; ssl_certificate_key {key};{more}")


@pytest.fixture
def authority(keys, tmp_path):
    return Authority(keys, tmp_path)


def by_https(proxy, *arguments):
    return Diagnosis(proxy.url.replace("http://127.0.0.1", "https://localhost"), *arguments)


def test_all_is_well_by_https(static_lab, behind, authority):
    proxy = behind(proxies.Nginx, static_lab.port, authority.server())
    diagnosis = by_https(proxy, "--ca", authority.root_file)
    diagnosis.assert_only(failed=())
    assert diagnosis.of("skipped") == set()


TLS_FAULTS = [
    ({"whole": False}, {"tls-chain"}, set(), "neither sent nor trusted", "ssl_certificate"),
    ({"days": 10}, set(), {"tls-validity"}, "within 30 days", None),
    ({"days": -1}, {"tls-validity"}, set(), "expired", None),
    ({"host": "other.example"}, {"tls-name"}, set(), "subjectAltName", "server_name"),
    ({"more": "ssl_verify_client optional_no_ca;"}, {"tls-client-certificate"}, set(),
     "before it is enrolled", "ssl_verify_client off"),
    ({"more": "ssl_protocols TLSv1.3;"}, {"tls-1.2"}, set(), "Windows", "TLSv1.2"),
]


@pytest.mark.parametrize("server,failed,warned,words,setting", TLS_FAULTS,
                         ids=lambda v: str(v)[:40])
def test_a_fault_of_TLS_is_found(static_lab, behind, authority, server, failed, warned, words,
                                 setting):
    proxy = behind(proxies.Nginx, static_lab.port, authority.server(**server))
    diagnosis = by_https(proxy, "--ca", authority.root_file)
    diagnosis.assert_only(failed, warned)
    meant = (failed or warned).copy().pop()
    assert words in diagnosis[meant]["cause"]
    assert setting is None or setting in diagnosis.settings_of(meant)["nginx"]


def test_an_intermediate_that_only_this_machine_has_is_missed(static_lab, behind, authority):
    proxy = behind(proxies.Nginx, static_lab.port, authority.server(whole=False))
    both = authority.write("both.pem", authority.root, authority.intermediate)
    diagnosis = by_https(proxy, "--ca", both)
    diagnosis.assert_only({"tls-chain"})
    assert "known to this machine alone" in diagnosis["tls-chain"]["cause"]


def test_a_private_CA_is_not_trusted_unless_named(static_lab, behind, authority):
    proxy = behind(proxies.Nginx, static_lab.port, authority.server())
    by_https(proxy).assert_only({"tls-chain"})


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


@pytest.fixture
def foreign(tmp_path):
    """Debian's scepserver, which answers undecryptable messages with HTTP 500 and no CertRep."""
    program, port = shutil.which("scepserver"), harness.free_port()
    subprocess.run([program, "ca", "-init", "-keySize", "2048", "-depot", tmp_path / "depot"],
                   check=True, capture_output=True)
    with open(tmp_path / "output", "wb") as output:
        process = subprocess.Popen(
            [program, "-depot", tmp_path / "depot", "-port", str(port), "-challenge", "x"],
            stdout=output, stderr=output, env=dict(os.environ, SCEP_LOG_JSON="1"))
    try:
        harness.wait_until(lambda: listens(port), "scepserver listens")
        yield f"http://127.0.0.1:{port}/scep"
    finally:
        process.kill()
        process.wait()


def test_another_server_is_judged_for_what_it_is(foreign):
    """It knows one path, and no raw "+" in a query: true of it, whatever stands before it."""
    diagnosis = Diagnosis(foreign)
    diagnosis.assert_only({"path-suffix", "query-escapes"},
                          {"https", "ca-usages", "path-slash", "path-case", "post"})
    assert diagnosis.of("skipped") == TLS | {"reply-type", "reply-cache"}
    assert "server itself" in diagnosis["query-escapes"]["cause"]
    assert "compared with this answer" in diagnosis["post"]["cause"]


class Hostile(socketserver.ThreadingTCPServer):
    """Answers each connection with the same octets, again and again for `rounds`."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, octets, rounds=1):
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    self.request.recv(65536)
                    for _ in range(rounds):
                        self.request.sendall(octets)
                    server.over.wait(30 if rounds == 0 else 0)
                except OSError:
                    pass  # it had enough

        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/scep"

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()


class SwallowsLongRequests(socketserver.ThreadingTCPServer):
    """Passes on what is short, and is silent about the rest, as some gateways are."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, upstream):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                line = self.rfile.readline(100_000)  # the only one: "Connection: close" is added
                if len(line) > 5100:
                    while self.rfile.read1(65536):
                        pass
                    return
                with socket.create_connection(("127.0.0.1", upstream)) as behind:
                    behind.sendall(line)
                    threading.Thread(target=self.pass_back, args=(behind,), daemon=True).start()
                    while octets := self.rfile.read1(65536):
                        behind.sendall(octets.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
                                       if octets.startswith((b"Host:", b"User-Agent:")) else octets)

            def pass_back(self, behind):
                with contextlib.suppress(OSError):  # the client has hung up
                    while octets := behind.recv(65536):
                        self.request.sendall(octets)
                    self.request.shutdown(socket.SHUT_RDWR)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/scep"

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def test_long_requests_that_nobody_answers_are_found(static_lab):
    with SwallowsLongRequests(static_lab.port) as gateway:
        diagnosis = Diagnosis(gateway.url, "--timeout", "3")
    diagnosis.assert_only({"long-get"}, {"https"})
    assert "a silent hang" in diagnosis["long-get"]["cause"]
    assert "KB3011135" in diagnosis.settings_of("long-get")["Web Application Proxy"]


def test_capabilities_that_are_filtered_are_told_from_a_wrong_path(static_lab, behind):
    diagnosis = Diagnosis(behind(
        proxies.Nginx, static_lab.port,
        (LOCATION, "location / {\nif ($arg_operation = GetCACaps) { return 404; }")).url)
    diagnosis.assert_only({"capabilities-type"}, {"https"})
    assert "filter by operation" in diagnosis["capabilities-type"]["cause"]
    assert "post" in diagnosis.of("skipped") and "long-get" in diagnosis.of("ok")


def test_the_proxy_of_the_environment_is_not_asked(static_lab):
    result = harness.run("doctor", "--url", static_lab.url,
                         env=dict(os.environ, http_proxy="http://127.0.0.1:1"))
    assert result.returncode == 0


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
HOSTILE = {
    "silent": (b"", 0, "no answer in time"),
    "endless body": (HEAD + b"\r\n" + b"AES\n" * 65536, 1000, "longer than any of SCEP"),
    "endless fields": (HEAD + b"X: " + b"x" * 65536 + b"\r\n", 100, "longer than any of SCEP"),
    "cut short": (HEAD + b"Content-Length: 100\r\n\r\nAES\n", 1, "was cut"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", 1, "speaks no HTTP"),
    "other service": (HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}", 1,
                      "another service answers"),
    "escapes": (b"HTTP/1.1 302 Found\r\nLocation: /\x1b[2J\x9b2J\r\nContent-Length: 0\r\n"
                b"Connection: close\r\n\r\n", 1, "a redirect"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_is_left_soon(name):
    octets, rounds, words = HOSTILE[name]
    with Hostile(octets, rounds) as server:
        diagnosis = Diagnosis(server.url, "--timeout", "1")
        diagnosis.assert_only({"answers"}, {"https"})
        assert words in diagnosis["answers"]["cause"]
        assert "\x1b" not in harness.run("doctor", "--url", server.url, "--timeout", "1").stdout


def test_the_words_for_people_name_cause_and_setting(static_lab, behind):
    proxy = behind(proxies.Nginx, static_lab.port, TOO_SHORT_LINES["nginx"][1])
    result = harness.run("doctor", "--url", proxy.url)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("failed   long-get "))
    assert any(line.strip().startswith("nginx: large_client_header_buffers")
               for line in lines[start:])
    assert lines[-1].endswith(f"1 failed, {len(TLS)} skipped")


def test_a_check_can_be_left_out(static_lab, behind):
    proxy = behind(proxies.Nginx, static_lab.port, TOO_SHORT_LINES["nginx"][1])
    diagnosis = Diagnosis(proxy.url, "--skip", "long-get", "--skip", "https")
    diagnosis.assert_only(failed=())
    assert diagnosis["long-get"]["cause"] == "left out (--skip)"


def test_the_document_lists_every_check(static_lab):
    text = (harness.TOP / "docs" / "doctor.md").read_text()
    table = text[text.index("## The checks"):text.index("## Example")]
    documented = re.findall(r"`([a-z0-9.-]+)`", "\n".join(
        line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    assert sorted(documented) == sorted(Diagnosis(static_lab.url).checks)


@pytest.mark.parametrize("arguments", [
    [], ["--url", "scep"], ["--url", "http://127.0.0.1/scep", "--skip", "everything"],
    ["--url", "https://127.0.0.1/scep", "--ca", "/no/such/file"],
    ["--url", "http://127.0.0.1/scep", "--timeout", "0"]], ids=str)
def test_bad_usage_is_status_2(arguments):
    assert harness.run("doctor", *arguments).returncode == 2
