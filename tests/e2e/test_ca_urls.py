"""Where certificates say that the CA's certificate, CRLs and OCSP answers are: AD CS's variables, as
OpenSSL and GnuTLS read them from an issued certificate (docs/ca-urls.md)."""

import subprocess

import pytest

import harness
from harness import Lab, run

pytestmark = pytest.mark.commands


@pytest.fixture
def lab(tmp_path):
    with_urls = Lab.init(tmp_path / "lab", "--policy", "none", "--ca-name", "R&D Issuing CA")
    yield with_urls
    with_urls.stop()


def set_urls(lab, **keys):
    lab.edit(lambda config: next(iter(config["cas"].values())).update(keys))


def issued(lab, name="device1"):
    out = lab.dir / name
    made = run("enroll", "--url", lab.url, "--subject", f"CN={name}", "--dns", f"{name}.example",
               "--challenge", "none", "--out", out)
    assert made.returncode == 0, made.stderr
    return out / "cert.pem"


def tool(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def extension(certificate, name):
    text = tool("openssl", "x509", "-in", certificate, "-noout", "-ext", name)
    return [line.strip() for line in text.splitlines() if ":" in line and "URI" in line]


def test_variables_of_adcs_are_replaced_in_every_certificate(lab):
    set_urls(lab, dns_name="ca01.pki.example",
             config_dn="CN=Configuration,DC=pki,DC=example",
             ca_issuers_urls=["http://%1/CertEnroll/%1_%3%4.crt"],
             ocsp_urls=["http://<ServerDNSName>/ocsp"],
             crl_urls=["http://%1/CertEnroll/%3%8%9.crl",
                       "ldap:///CN=%7%8,CN=%2,CN=CDP,%6%10"],
             freshest_crl_urls=["http://%1/CertEnroll/<CaName><CRLNameSuffix><DeltaCRLAllowed>.crl"],
             certificate_index=2, key_index=1)
    lab.start()
    certificate = issued(lab)
    name = "R!0026D%20Issuing%20CA"
    assert extension(certificate, "authorityInfoAccess") == [
        "OCSP - URI:http://ca01.pki.example/ocsp",
        f"CA Issuers - URI:http://ca01.pki.example/CertEnroll/ca01.pki.example_{name}(2).crt"]
    assert extension(certificate, "crlDistributionPoints") == [
        f"URI:http://ca01.pki.example/CertEnroll/{name}(1).crl",
        f"URI:ldap:///CN={name}(1),CN=CA01,CN=CDP,CN=Configuration,DC=pki,DC=example"
        "?certificateRevocationList?base?objectClass=cRLDistributionPoint"]
    assert extension(certificate, "freshestCRL") == [
        f"URI:http://ca01.pki.example/CertEnroll/{name}(1)+.crl"]
    gnutls = tool("certtool", "-i", "--infile", certificate)
    assert f"http://ca01.pki.example/CertEnroll/{name}(1).crl" in gnutls
    assert "Access Location URI: http://ca01.pki.example/ocsp" in gnutls


def test_without_urls_there_is_none_of_the_extensions(lab):
    set_urls(lab, ca_issuers_urls=[], ocsp_urls=[], crl_urls=[], freshest_crl_urls=[])
    lab.start()
    text = tool("openssl", "x509", "-in", issued(lab), "-noout", "-text")
    assert "URI:" not in text


@pytest.mark.parametrize("url, reason", [
    ("http://%1/%3.crl", "needs the CA's dns_name"),
    ("http://pki.example/%3b.crl", "write <CaName>"),
    ("http://pki.example/<CAName>%5.crl", "unknown variable %5"),
    ("file://pki/%3.crl", "nothing that a client can fetch"),
])
def test_config_check_says_why_a_url_cannot_be_used(lab, url, reason):
    set_urls(lab, crl_urls=[url])
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 2
    assert "crl_urls[0]" in checked.stdout + checked.stderr
    assert reason in checked.stdout + checked.stderr


@pytest.mark.parametrize("listen, proxies, url, warned", [
    ("0.0.0.0", [], "http://127.0.0.1:8080/ca.crl", True),
    ("127.0.0.1", ["10.0.0.0/8"], "http://localhost/ca.crl", True),
    ("127.0.0.1", ["10.0.0.0/8"], "http://0.0.0.0:80/ca.crl", True),
    ("127.0.0.1", ["10.0.0.0/8"], "http://[::1]:80/ca.crl", True),
    ("127.0.0.1", ["127.0.0.1", "::1"], "http://127.0.0.1:8080/ca.crl", False),
    ("0.0.0.0", ["10.0.0.0/8"], "http://pki.example/ca.crl", False),
])
def test_URLs_of_the_machine_itself_are_warned_of_where_others_come(lab, listen, proxies, url,
                                                                    warned):
    def edit(config):
        config["listen"] = [{"address": f"{listen}:{lab.port}"}]
        config["trusted_proxies"] = proxies
        config["cas"]["lab"].update(crl_urls=[url], ocsp_urls=[url.replace("ca.crl", "ocsp")])

    lab.edit(edit)
    checked = harness.run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0, checked.stderr
    for key in ("crl_urls[0]", "ocsp_urls[0]"):
        assert (f"warning: cas.lab.{key}: every certificate says" in checked.stderr) == warned


def test_init_asks_for_the_name_that_stands_in_every_certificate(tmp_path):
    refused = harness.run("init", tmp_path / "lab", "--listen", "0.0.0.0:8080")
    assert refused.returncode == 2 and "--url http://NAME/scep" in refused.stderr
    assert not (tmp_path / "lab").exists()
    made = harness.run("init", tmp_path / "lab", "--listen", "127.0.0.1:8080")
    assert made.returncode == 0 and "http://127.0.0.1:8080/" in made.stdout.split("Note: ")[1]


@pytest.mark.parametrize("url, origin", [
    ("https://scep.example/scep", "http://scep.example"),
    ("https://scep.example:8443/scep", "http://scep.example"),
    ("https://[2001:db8::1]:8443/scep", "http://[2001:db8::1]"),
    ("http://scep.example:8080/scep", "http://scep.example:8080"),
])
def test_what_init_publishes_is_http(tmp_path, url, origin):
    made = harness.run("init", tmp_path / "lab", "--listen", "0.0.0.0:8080", "--url", url)
    assert made.returncode == 0, made.stderr
    config = harness.load_json_with_comments((tmp_path / "lab" / "scepgate.json").read_text())
    assert config["cas"]["lab"]["crl_urls"] == [f"{origin}/crl/lab.crl"]
    assert config["cas"]["lab"]["ocsp_urls"] == [f"{origin}/ocsp"]
    assert config["policies"]["mdm"]["audience"] == url
    assert (f"{origin}/" in made.stdout) == url.startswith("https")
    assert "https://" not in harness.run("config", "check", "--config",
                                         tmp_path / "lab" / "scepgate.json").stderr


def test_config_check_warns_of_what_many_clients_do_not_fetch(lab):
    set_urls(lab, crl_urls=["https://pki.example/ca.crl"])
    checked = run("config", "check", "--config", lab.config_file)
    assert checked.returncode == 0
    assert "many clients do not follow https://" in checked.stdout + checked.stderr
