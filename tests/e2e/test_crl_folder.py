"""CRLs in a folder, for a web server; the CA's certificate over HTTP."""

import os
import socket
import stat
import subprocess
import urllib.parse

import pytest
from cryptography import x509

import harness
import walk
from harness import run, wait_until

pytestmark = pytest.mark.kernel


@pytest.fixture
def lab(new_lab, tmp_path):
    made = new_lab(start=False)
    made.pki = tmp_path / "pki"
    made.pki.mkdir()
    made.edit(lambda config: config["cas"]["lab"].update(
        crl={"delta": {}, "publish_to": [f"{made.pki}/%3%8%9.crl"],
             "publish_certificate_to": [f"{made.pki}/%3%4.crt"]},
        freshest_crl_urls=["http://pki.example/crl/%3%8%9.crl"],
        certificate_path="/pki/Lab CA.crt"))
    return made


def files(lab):
    return sorted(file.name for file in lab.pki.iterdir())


def names(lab):
    ca = x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    name = ca.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return [f"{name}+.crl", f"{name}.crl", f"{name}.crt"]


def revoke_one(lab, out):
    challenge = lab.challenge("--subject", "CN=one,O=Example")
    made = run("enroll", "--url", lab.url, "--challenge", challenge, "--subject",
               "CN=one,O=Example", "--out", out)
    assert made.returncode == 0, made.stderr
    serial = x509.load_pem_x509_certificate((out / "cert.pem").read_bytes()).serial_number
    done = run("cert", "revoke", f"{serial:x}", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    return serial


def lists(file, serial):
    crl = x509.load_der_x509_crl(file.read_bytes())
    return crl.get_revoked_certificate_by_serial_number(serial) is not None


def test_the_server_publishes_at_start_and_after_a_revocation(lab, tmp_path):
    lab.start()
    expected = sorted(names(lab))
    wait_until(lambda: files(lab) == expected, "all files")
    for name in expected:
        assert stat.S_IMODE((lab.pki / name).stat().st_mode) == 0o644
    delta, full, certificate = (lab.pki / name for name in names(lab))
    assert x509.load_der_x509_certificate(certificate.read_bytes())
    serial = revoke_one(lab, tmp_path / "one")
    wait_until(lambda: lists(full, serial) and lists(delta, serial), "the revocation")
    assert lab.get("/crl/lab.crl").body == full.read_bytes(), "the same over HTTP"
    assert files(lab) == expected, "nothing is left beside them"


def complaints(lab):
    return [line for line in lab.log().splitlines()
            if "not published" in line and "what=\"complete CRL" in line]


def test_a_folder_that_goes_and_comes_back(lab, tmp_path):
    lab.start()
    wait_until(lambda: files(lab) == sorted(names(lab)), "all files")
    lab.pki.rename(tmp_path / "away")
    serial = revoke_one(lab, tmp_path / "one")
    full = lab.pki / names(lab)[1]
    wait_until(lambda: complaints(lab), "the log's word")
    (tmp_path / "away").rename(lab.pki)
    wait_until(lambda: lists(full, serial), "the CRL in the folder that is back")
    wait_until(lambda: "published again" in lab.log(), "the log's word")
    assert len(complaints(lab)) == 1, "said once, not each second"
    full.unlink()
    wait_until(full.exists, "a file that somebody removed")


def test_by_command(lab):
    done = run("ca", "crl", "--publish", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    delta, full, certificate = names(lab)
    assert files(lab) == sorted([full, certificate])
    done = run("ca", "crl", "--delta", "--publish", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    assert files(lab) == sorted(names(lab)) and "published" in done.stdout
    lab.pki.rename(lab.dir / "away")
    refused = run("ca", "crl", "--publish", "--config", lab.config_file)
    assert refused.returncode == 1 and "cannot publish" in refused.stderr
    lab.edit(lambda config: config["cas"]["lab"]["crl"].pop("publish_to"))
    refused = run("ca", "crl", "--publish", "--config", lab.config_file)
    assert refused.returncode == 2 and "crl.publish_to" in refused.stderr


def test_the_certificate_over_http(lab):
    lab.start()
    reply = lab.get("/pki/Lab%20CA.crt")
    assert reply.status == 200 and reply.content_type == "application/pkix-cert"
    served = x509.load_der_x509_certificate(reply.body)
    assert served == x509.load_pem_x509_certificate((lab.dir / "ca.pem").read_bytes())
    with lab.http() as http:
        same = http.request("GET", "/pki/Lab%20CA.crt",
                            headers=[("If-None-Match", reply.header("ETag"))])
        assert same.status == 304
        assert http.request("POST", "/pki/Lab%20CA.crt", body=b"x").status == 405


def test_a_missing_folder_is_a_warning(lab):
    lab.pki.rmdir()
    done = run("config", "check", "--config", lab.config_file)
    assert done.returncode == 0 and "there is no folder" in done.stdout + done.stderr


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_serves_the_folder_as_the_guide_says(lab, tmp_path):
    shown, = (block.text for block in walk.blocks("revocation.md") if block.text.startswith("location"))
    shown = shown.replace("/var/www;", f"{lab.pki.parent};").replace("/pki/", f"/{lab.pki.name}/")
    port = harness.free_port()
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        ("user root;\n" if os.geteuid() == 0 else "") +
        f"daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log; events {{}}\n"
        f"http {{ access_log off; include /etc/nginx/mime.types;\n"
        f"server {{ listen 127.0.0.1:{port}; {shown} }} }}\n")
    done = run("ca", "crl", "--publish", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    done = run("ca", "crl", "--publish", "--delta", "--config", lab.config_file)
    assert done.returncode == 0, done.stderr
    nginx = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), "nginx")
        for name in names(lab):
            with harness.Http(port) as http:
                reply = http.request("GET", f"/{lab.pki.name}/{urllib.parse.quote(name, safe='+')}")
            kind = "application/pkix-cert" if name.endswith(".crt") else "application/pkix-crl"
            assert (reply.status, reply.content_type) == (200, kind)
            assert reply.body == (lab.pki / name).read_bytes()
    finally:
        nginx.terminate()
        nginx.wait(10)
