#!/usr/bin/python3
"""Makes the seed corpora fuzz/corpus/TARGET from tests/data, fuzz/keys and a few texts.

Debian's python3-asn1crypto and python3-cryptography are all it needs. Seeds hold encryptions, so a
new run gives other files of the same kind: run it when formats or keys change, and commit the lot.
Files whose names do not start with "seed-" (inputs that fuzzing found) are left alone.
"""

import base64
import datetime
import hashlib
import ipaddress
import json
import re
import subprocess

from asn1crypto import cms, core, csr as asn1_csr, pem, x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509 import ocsp

from seed_cms import (FUZZ, NOW, SCEP, blob_envelope, certificate, certificates_only, envelope,
                      indefinite, key, read_tlv, sign, tlv)

DATA = FUZZ.parent / "tests" / "data"
LIMIT = 16 * 1024  # octets a seed

EPOCH = int(NOW.timestamp())


def seed(target, name, data):
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    if len(data) > LIMIT:
        raise SystemExit(f"{target}/{name}: {len(data)} octets are too many for a seed")
    (folder / ("seed-" + re.sub(r"[^A-Za-z0-9.-]", "-", name))).write_bytes(data)


# --- requests ---------------------------------------------------------------------------------

def requests(owner):
    """Named CSRs of one key, by what they hold."""
    base = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")]))
    usage = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement",
                           "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    san = x509.SubjectAlternativeName([
        x509.DNSName("a.example"), x509.RFC822Name("u@example.com"),
        x509.UniformResourceIdentifier("https://example.com/x"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), tlv(12, b"u@b.example"))])
    challenge = (x509.ObjectIdentifier("1.2.840.113549.1.9.7"), b"secret")
    eku = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
    sid = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.311.25.2"),
        tlv(0x30, tlv(0xA0, core.ObjectIdentifier("1.3.6.1.4.1.311.25.2.1").dump()
                      + tlv(0xA0, tlv(4, b"S-1-5-21-1-2-3-500")))))
    kinds = {
        "bare": base,
        "challenge": base.add_attribute(*challenge),
        "extensions": base.add_attribute(*challenge).add_extension(san, False).add_extension(
            x509.KeyUsage(digital_signature=True, key_encipherment=True, **usage), True),
        "eku": base.add_extension(eku, False),
        "ca": base.add_extension(x509.BasicConstraints(True, 0), True),
        "sid": base.add_extension(sid, False),
        "encryption": base.add_extension(
            x509.KeyUsage(digital_signature=False, key_encipherment=True, **usage), True),
    }
    return {name: kind.sign(key(owner), hashes.SHA256()).public_bytes(
        serialization.Encoding.DER) for name, kind in kinds.items()}


def request_info(der):
    """The CertificationRequestInfo, which the targets sign themselves."""
    _, content, _ = read_tlv(der)
    _, info, _ = read_tlv(content)
    return tlv(0x30, info)


# --- what others recorded -----------------------------------------------------------------------

def recorded():
    """One message of each client and kind: (name, message, http request)."""
    for path in sorted((DATA / "vectors" / "recorded").glob("*.der")):
        if re.search(r"-\d\.der$", path.name) or "badchal" in path.name:
            continue
        yield path.stem, path.read_bytes(), path.with_suffix(".http").read_bytes()


def decrypt(content):
    data = cms.ContentInfo.load(content)["content"]
    info = data["encrypted_content_info"]
    content_key = key("ra").decrypt(
        data["recipient_infos"][0].chosen["encrypted_key"].native, padding.PKCS1v15())
    iv = info["content_encryption_algorithm"]["parameters"].native
    if len(content_key) == 8:  # single DES
        content_key *= 3
    kind = algorithms.TripleDES if len(iv) == 8 else algorithms.AES
    decryptor = Cipher(kind(content_key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(ciphertext(info.dump())) + decryptor.finalize()
    return plain[:-plain[-1]]


def ciphertext(encrypted_content_info):
    """The [0] at its end, which micromdm's client sends in segments."""
    _, rest, _ = read_tlv(encrypted_content_info)
    for _ in range(2):
        rest = read_tlv(rest)[2]
    tag, content, _ = read_tlv(rest)
    if tag == 0x80:
        return content
    out = b""
    while content:
        _, segment, content = read_tlv(content)
        out += segment
    return out


def reply(status, attributes=(), content=b""):
    return sign(content, "ra", [
        (SCEP + "2", core.PrintableString("3")), (SCEP + "3", core.PrintableString(status)),
        (SCEP + "7", core.PrintableString("fuzz")), (SCEP + "5", core.OctetString(b"R" * 16)),
        (SCEP + "6", core.OctetString(bytes(range(16)))), *attributes])


def messages():
    for name, message, http in recorded():
        signed = cms.ContentInfo.load(message)["content"]
        inner = signed["encap_content_info"]["content"].native
        plain = decrypt(inner)
        bag = signed["certificates"][0].chosen.dump()
        seed("pki_message", name, message)
        seed("pki_message", name + "-ber", indefinite(message))
        seed("ber_to_der", name, indefinite(message))
        seed("ber_to_der", name + "-der", message)
        seed("der_reader", name, message)
        seed("envelope", name, inner)
        seed("enrollment_content", name, plain)
        seed("csr", name, plain)
        seed("certificate", name, bag)
        line = http.split(b"\r\n", 1)[0].split(b" ")
        if line[0] == b"GET":
            seed("query", name, line[1].partition(b"?")[2])

    for path in [DATA / "vectors" / "micromdm" / "PKCSReq.der",
                 DATA / "vectors" / "jscep" / "scep_req2.der"]:
        seed("pki_message", path.parent.name + "-" + path.stem, path.read_bytes())
    seed("envelope", "jscep", (DATA / "vectors" / "jscep" / "scep_req1.der").read_bytes())
    seed("enrollment_content", "jscep", (DATA / "vectors" / "jscep" / "scep_req0.der").read_bytes())
    for path in [DATA / "vectors" / "micromdm" / "CertRep.der",
                 DATA / "vectors" / "micromdm" / "testca2" / "CertRep_NoCertificatesForSigners.der",
                 DATA / "vectors" / "jscep" / "scep_resp2.der"]:
        seed("cert_rep", path.parent.name + "-" + path.stem, path.read_bytes())
        seed("ber_to_der", path.parent.name + "-" + path.stem, indefinite(path.read_bytes()))

    ours = requests("device")
    for name, der in ours.items():
        seed("enrollment_content", "device-" + name, der)
        seed("enrollment_content", "info-" + name, request_info(der))
        seed("envelope", "aes256-" + name, envelope(der, "ra", "aes256"))
    der = ours["challenge"]
    seed("envelope", "des3", envelope(der, "ra", "des3"))
    seed("envelope", "oaep-sha1", envelope(der, "ra", oaep=hashes.SHA1))
    seed("envelope", "oaep-sha256", envelope(der, "ra", oaep=hashes.SHA256))
    seed("envelope", "other-recipient", envelope(der, "device"))
    seed("envelope", "ber", indefinite(envelope(der, "ra")))
    seed("envelope", "bare", read_tlv(read_tlv(read_tlv(envelope(der, "ra"))[1])[2])[1])
    attributes = [(SCEP + "2", core.PrintableString("19")), (SCEP + "7", core.PrintableString("t")),
                  (SCEP + "5", core.OctetString(b"S" * 16))]
    message = sign(envelope(der, "ra"), "device", attributes)
    seed("pki_message", "device", message)
    seed("pki_message", "device-sha1", sign(envelope(der, "ra"), "device", attributes,
                                            digest="sha1"))
    seed("pki_message", "degenerate", certificates_only(certificate("device")))
    attributes[0] = (SCEP + "2", core.PrintableString("20"))
    seed("pki_message", "poll", sign(envelope(der, "ra"), "device", attributes))


def replies():
    issued, ra, ca = bundle()
    seed("cert_rep", "failure", reply("2", [(SCEP + "4", core.PrintableString("2"))]))
    seed("cert_rep", "pending", reply("3"))
    seed("cert_rep", "success", reply("0", [], envelope(certificates_only(issued), "device")))
    seed("cert_rep", "certificates", certificates_only(issued))
    seed("cert_rep", "certificates-two", certificates_only(issued, certificate("ra")))
    seed("ca_certificates", "single", ca)
    seed("ca_certificates", "recorded", certificate("ra"))
    seed("ca_certificates", "ra", certificates_only(ra, ca))
    seed("ca_certificates", "ra-ber", indefinite(certificates_only(ra, ca)))
    seed("ca_certificates", "not-a-ca", certificate("device"))
    for name, der in {"issued": issued, "ra-of-ca": ra, "ca": ca}.items():
        seed("certificate", name, der)


def lookups():
    """What polls, look-ups and rollovers carry."""
    issued, ra, ca = bundle()
    parsed = asn1_x509.Certificate.load(issued)
    issuer, subject = parsed.issuer.dump(), parsed.subject.dump()
    seed("message_content", "poll", tlv(0x30, issuer + subject))
    seed("message_content", "poll-empty-subject", tlv(0x30, issuer + tlv(0x30, b"")))
    for name, number in {"short": 5, "negative": -1, "long": 2 ** 150 + 1, "sign": 0x80}.items():
        seed("message_content", "serial-" + name, tlv(0x30, issuer + core.Integer(number).dump()))
    message = tlv(0x30, issuer + core.Integer(parsed.serial_number).dump())
    attributes = [(SCEP + "2", core.PrintableString("21")),
                  (SCEP + "7", core.UTF8String("CORP\\alice")),
                  (SCEP + "5", core.OctetString(b"S" * 16))]
    seed("pki_message", "get-cert", sign(envelope(message, "ra"), "device", attributes))

    for cipher in ("aes128", "aes256", "des3"):
        seed("password_recipient", cipher, subprocess.run(
            ["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-pwri_password", "secret",
             "-" + cipher], input=b"plain", capture_output=True, check=True).stdout)

    when = NOW.replace(tzinfo=None)
    revoked = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(when).build()
    name = x509.load_der_x509_certificate(certificate("ra")).subject
    crl = (x509.CertificateRevocationListBuilder().issuer_name(name).last_update(when)
           .next_update(when + datetime.timedelta(days=7)).add_revoked_certificate(revoked)
           .add_extension(x509.CRLNumber(1), False)
           .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
               key("ra").public_key()), False)
           .sign(key("ra"), hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    seed("crl_reply", "crl", crl)
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(when)
    place = [x509.UniformResourceIdentifier("http://pki.example/lab.crl")]
    point = x509.DistributionPoint(place, None, None, None)
    for reason in (x509.ReasonFlags.remove_from_crl, x509.ReasonFlags.key_compromise):
        dated = (x509.RevokedCertificateBuilder().serial_number(9).revocation_date(when)
                 .add_extension(x509.CRLReason(reason), False)
                 .add_extension(x509.InvalidityDate(when), False).build())
        delta = reason == x509.ReasonFlags.remove_from_crl
        seed("crl_reply", "delta" if delta else "partition", (
            builder.next_update(when + datetime.timedelta(days=7))
            .add_revoked_certificate(dated).add_extension(x509.CRLNumber(2), False)
            .add_extension(x509.DeltaCRLIndicator(1) if delta else x509.FreshestCRL([point]), delta)
            .add_extension(x509.IssuingDistributionPoint(place, None, not delta, False, None, False,
                                                         False), True)
            .sign(key("ra"), hashes.SHA256()).public_bytes(serialization.Encoding.DER)))
    only = tlv(0x30, b"\x02\x01\x01\x31\0"
               + tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.1").dump())
               + tlv(0xA1, crl) + b"\x31\0")
    list_of_one = tlv(0x30, core.ObjectIdentifier("1.2.840.113549.1.7.2").dump() + tlv(0xA0, only))
    seed("crl_reply", "list", list_of_one)
    seed("crl_reply", "list-ber", indefinite(list_of_one))

    seed("next_ca", "content", certificates_only(ca))
    seed("next_ca", "content-with-ra", certificates_only(ca, ra))
    seed("next_ca", "signed", sign(certificates_only(ca), "ra", []))
    seed("next_ca", "signed-ber", indefinite(sign(certificates_only(ca), "ra", [])))
    seed("next_ca", "unsigned", certificates_only(ca))


def bundle():
    """(a certificate for the device, an RA's, the CA's): all by the RA key as a CA."""
    def make(name, public, **extensions):
        builder = (x509.CertificateBuilder().subject_name(x509.Name.from_rfc4514_string(name))
                   .issuer_name(x509.Name.from_rfc4514_string("CN=fuzz CA"))
                   .public_key(public).serial_number(4711 + len(name))
                   .not_valid_before(datetime.datetime(2026, 1, 1))
                   .not_valid_after(datetime.datetime(2046, 1, 1)))
        for extension, critical in extensions.get("extensions", []):
            builder = builder.add_extension(extension, critical)
        return builder.sign(key("ra"), hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    none = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement",
                          "encipher_only", "decipher_only"), False)
    usage = x509.KeyUsage(digital_signature=True, key_encipherment=True, key_cert_sign=False,
                          crl_sign=False, **none)
    signing = x509.KeyUsage(digital_signature=False, key_encipherment=False, key_cert_sign=True,
                            crl_sign=True, **none)
    san = x509.SubjectAlternativeName([x509.DNSName("a.example")])
    device = key("device").public_key()
    return (make("CN=device", device, extensions=[(usage, True), (san, False)]),
            make("CN=fuzz RA", device, extensions=[(usage, True)]),
            make("CN=fuzz CA", key("ra").public_key(),
                 extensions=[(x509.BasicConstraints(True, None), True), (signing, True)]))


# --- the small formats --------------------------------------------------------------------------

def files():
    for path in sorted((DATA / "certs").glob("csr-*.der")):
        seed("csr", path.stem[4:], path.read_bytes())
    for name, der in requests("signer").items():
        seed("csr", "info-" + name, request_info(der))
        loaded = asn1_csr.CertificationRequest.load(der)["certification_request_info"]
        seed("der_reader", "csr-" + name, loaded.dump())
    for path in [DATA / "certs" / "leaf.pem", DATA / "certs" / "ca.pem",
                 DATA / "certs" / "version1.pem", *sorted((FUZZ / "keys").glob("*_certificate.pem"))]:
        der = pem.unarmor(path.read_bytes())[2]
        seed("certificate", path.stem, der)
        parsed = asn1_x509.Certificate.load(der)
        seed("name", path.stem, parsed.subject.dump() + parsed.issuer.dump())
        if parsed.subject_alt_name_value is not None:
            seed("general_names", path.stem, parsed.subject_alt_name_value.dump())
    configurations = DATA / "server" / "config"
    for path in sorted(configurations.glob("*/*.json")):
        seed("config", path.parent.name + "-" + path.stem, path.read_bytes())


def names():
    texts = {"plain": "CN=device,O=Example", "slash": "/C=DE/O=Example/CN=device",
             "multi": "CN=a+OU=b,DC=example,DC=com", "escaped": r"CN=\ a\,b\+c\C3\A4\",UID=x",
             "oid": "1.2.3.4=#0C0161,emailAddress=u@example.com", "empty": "",
             "serial": "serialNumber=17,C=US,unstructuredName=host", "unicode": "CN=ü東京"}
    for name, text in texts.items():
        seed("name", "text-" + name, text)

    def attribute_of(oid, tag, value):
        return tlv(0x30, core.ObjectIdentifier(oid).dump() + tlv(tag, value))

    def name_of(*sets):
        return tlv(0x30, b"".join(tlv(0x31, b"".join(one)) for one in sets))
    common, organisation = "2.5.4.3", "2.5.4.10"
    for name, tag, one, two in [("printable-utf8", 0x13, b"Acme  Inc", b" acme inc "),
                                ("t61", 0x14, b"\xe4", b"\xc4"), ("bmp", 0x1E, b"\0A", b"\0a"),
                                ("universal", 0x1C, b"\0\0\0A", b"\0\1\xf6\0"),
                                ("ia5", 0x16, b"u@a", b"U@A"),
                                ("numeric", 0x12, b"1 2", b"1  2")]:
        first = name_of([attribute_of(organisation, tag, one)], [attribute_of(common, tag, two)])
        last = name_of([attribute_of(common, 0x0C, two if tag < 0x14 else b"z")],
                       [attribute_of(organisation, tag, one)])
        seed("name", name, first + last)
    both = [attribute_of(common, 0x0C, b"a"), attribute_of(organisation, 0x0C, b"b")]
    seed("name", "set", name_of(both) + name_of(both[::-1]))

    upn = tlv(0xA0, core.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3").dump()
              + tlv(0xA0, tlv(0x0C, b"user@b.example")))
    general = {
        "dns": tlv(0x82, b"a.example"), "wildcard": tlv(0x82, b"*.Example.org"),
        "email": tlv(0x81, b"User@Example.com"), "uri": tlv(0x86, b"urn:uuid:1-2"),
        "ip4": tlv(0x87, bytes([192, 0, 2, 1])), "ip6": tlv(0x87, b"\x20\x01\x0d\xb8" + bytes(11)
                                                            + b"\x01"),
        "upn": upn, "directory": tlv(0xA4, name_of([both[0]])), "registered": tlv(0x88, b"\x2a\x03")}
    for name, der in general.items():
        seed("general_names", name, tlv(0x30, der))
    every = b"".join(der for name, der in general.items() if name not in ("directory", "registered"))
    seed("general_names", "all-twice", tlv(0x30, every) + tlv(0x30, every))
    seed("general_names", "two-lists", tlv(0x30, general["dns"] + upn)
         + tlv(0x30, tlv(0x82, b"A.EXAMPLE") + general["ip4"]))


def der_and_ber():
    small = {"integer": b"\x02\x02\x01\x00", "boolean": b"\x01\x01\xff", "oid": b"\x06\x03\x55\x04\x03",
             "bits": b"\x03\x02\x00\xa0", "utc": tlv(0x17, b"261201000000Z"),
             "utc-1950": tlv(0x17, b"500101000000Z"), "generalized": tlv(0x18, b"20500101000000Z"),
             "nested": tlv(0x30, tlv(0x31, tlv(0xA0, b"\x05\0"))), "long": tlv(4, b"x" * 300)}
    for name, der in small.items():
        seed("der_reader", name, der)
    seed("ber_to_der", "nested", b"\x30\x80\x31\x80\xa0\x80\x05\0" + b"\0\0" * 3)
    seed("ber_to_der", "segments", b"\x24\x80\x24\x06\x04\x01a\x04\x01b\x04\x01c\0\0")
    seed("ber_to_der", "long-lengths", b"\x30\x84\0\0\0\x06\x04\x82\0\x02ab")
    seed("ber_to_der", "constructed-tag", b"\xa0\x80\x24\x80\x04\x01a\0\0\0\0")


def queries():
    data = b"\x30\x80\xfb\xff\xbf\x3e\x3f " * 3
    text = base64.b64encode(data).decode()
    url = base64.urlsafe_b64encode(data).decode().rstrip("=")
    head = "operation=PKIOperation&message="
    for name, query in {
            "plain": head + text, "encoded": head + text.replace("+", "%2B").replace("/", "%2F"),
            "spaces": head + text.replace("+", " "), "url-safe": head + url,
            "lines": head + "%0D%0A".join(text[i:i + 16] for i in range(0, len(text), 16)),
            "first-message": "message=" + text + "&OPERATION=pkioperation",
            "caps": "operation=GetCACaps&message=CA", "cacert": "operation=GetCACert",
            "next": "operation=GetNextCACert&message=", "none": "foo=bar&&=", "empty": "",
            "double": head + text.replace("+", "%252B"), "repeated": head + "AA==&message=AA==",
            "encoded-name": "%6fperation=%50KIOperation&m%65ssage=AAAA", "broken": head + "AA%2",
            "mixed": head + "-_+/", "spare-bits": head + "AB==", "bytes": data}.items():
        seed("query", name, query)


def uris():
    for name, uri in {
            "host": "https://a.example", "port": "https://a.example:8443/devices/1?id=1#x",
            "upper": "HTTPS://A.Example/", "user": "https://a.example@evil.com/",
            "backslash": "https://evil.com\\@a.example/",
            "dots": "https://a.example/devices/%2e%2e/admin",
            "ipv6": "https://[2001:db8::1]:443/x", "ipv4": "https://192.0.2.1/x/y",
            "number": "https://127.1/", "urn": "urn:example:device:1",
            "spiffe": "spiffe://trust.example/device/1",
            "sid": "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"}.items():
        seed("uri", name, uri)


def audit_files():
    """A chain of three records, and what becomes of it; and the head of one."""
    lines, before = [], "0" * 64
    for seq, event in enumerate(("start", "sign", "issue"), 1):
        line = (f'{{"seq":{seq},"prev":"{before}","time":"2026-01-01T00:00:0{seq}Z",'
                f'"event":"{event}"}}')
        before = hashlib.sha256(line.encode()).hexdigest()
        lines.append(line)
    torn = '{"seq":4,"pr'

    def chain(seq, before, gap):
        gap += "\n"
        return (f'{{"seq":{seq},"prev":"{before}","time":"2026-01-01T00:00:04Z","event":"chain",'
                f'"reason":"torn","octets":{len(gap)},'
                f'"sha256":"{hashlib.sha256(gap.encode()).hexdigest()}"}}')
    zeros = "\0" * 40 + lines[1][40:] + "\n" + lines[2]
    first = hashlib.sha256(lines[0].encode()).hexdigest()
    head = f"scepgate-audit-head-1 3:{before} 500 7 -"
    for name, content in {
            "sound": lines, "missing": lines[:1] + lines[2:], "swapped": lines[::-1],
            "twice": lines + lines[2:], "edited": [lines[0], lines[1].replace("sign", "sing"), lines[2]],
            "torn": lines + [torn, chain(4, before, torn)], "torn_twice": lines + [torn, torn],
            "zeros_and_records": [lines[0], zeros, chain(2, first, zeros)], "alien": lines + ['{"event":"issue"}'],
            "later": lines[1:]}.items():
        seed("audit_line", name, "\n".join(content) + "\n")
    seed("audit_line", "position", f"3:{before}")
    sealed = f"{head} {hashlib.sha256(head.encode()).hexdigest()}"
    seed("audit_line", "head", sealed.ljust(319) + "\n")


def http_requests():
    start = b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: a\r\n"
    chunked = b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n"
    for name, request in {
            "get": b"GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n",
            "get-1.0": b"GET /certsrv/mscep/mscep.dll/pkiclient.exe?operation=GetCACert HTTP/1.0\r\n\r\n",
            "absolute": b"GET http://a/scep HTTP/1.1\r\nHost: a\r\n\r\n",
            "head": b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "sized": start + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
            "zero": start + b"Content-Length: 000\r\n\r\n",
            "chunked": start + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
            "both": start + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
            "lengths": start + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            "coding": start + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked,
            "pipelined": (start + b"Content-Length: 1\r\n\r\nx") * 2,
            "fold": start + b"X: a\r\n b\r\n\r\n", "bare-lf": b"GET / HTTP/1.1\nHost: a\n\n",
            "chunks": chunked, "hello": b"\x16\x03\x01\x02\x00\x01"}.items():
        seed("http_request", name, request)
    for _, _, http in recorded():
        if len(http) < 1024:
            seed("http_request", "recorded", http)
        if len(http) < 4096:
            seed("http_session", "recorded", http)
    for operation in ("GetCACaps", "GetCACert", "GetNextCACert", "None"):
        seed("http_session", operation,
             f"GET /scep?operation={operation} HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
    for name, der in requests("device").items():
        message = sign(envelope(der, "ra"), "device", [
            (SCEP + "2", core.PrintableString("19")), (SCEP + "7", core.PrintableString(name)),
            (SCEP + "5", core.OctetString(b"S" * 16))])
        seed("http_session", "enrol-" + name,
             start + b"Content-Length: %d\r\n\r\n" % len(message) + message)


def published():
    """CRLs, the CA's certificate and OCSP of the lab, whose CA has the challenge signer's key."""
    def make(name, public, serial):
        when = NOW.replace(tzinfo=None)
        return (x509.CertificateBuilder().subject_name(x509.Name.from_rfc4514_string(name))
                .issuer_name(x509.Name.from_rfc4514_string("CN=fuzz CA")).public_key(public)
                .serial_number(serial).not_valid_before(when).not_valid_after(when)
                .sign(key("signer"), hashes.SHA256()))
    ca = make("CN=fuzz CA", key("signer").public_key(), 1)

    def asked(digest, serial, nonce=None):
        device = make("CN=device", key("device").public_key(), serial)
        builder = ocsp.OCSPRequestBuilder().add_certificate(device, ca, digest)
        if nonce:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        return builder.build().public_bytes(serialization.Encoding.DER)

    def get(path, fields=b""):
        return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"

    def post(der):
        return (b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\n"
                b"Content-Length: %d\r\n\r\n" % len(der) + der)

    one = asked(hashes.SHA1(), 0xF5)
    text = base64.b64encode(one)
    quoted = text.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
    forwarded = b"X-Forwarded-For: 192.0.2.1, 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n"
    for name, request in {
            "crl": get(b"/crl/ca.crl") * 2, "delta": get(b"/crl/ca%2B.crl"),
            "certificate": get(b"/ca.cer", b"If-None-Match: W/\"a\", *\r\n"),
            "not-modified": get(b"/ca.cer", b"If-None-Match: *\r\n") + get(b"/crl/ca.crl",
                                                                       b"If-None-Match: *\r\n"),
            "ocsp-get": get(b"/ocsp/" + text), "ocsp-get-quoted": get(b"/ocsp/" + quoted),
            "ocsp-get-unpadded": get(b"/ocsp//" + text.rstrip(b"=")),
            "ocsp-get-nothing": get(b"/ocsp/"), "ocsp-not-modified":
            get(b"/ocsp/" + text, b"If-None-Match: *\r\n"),
            "ocsp-post": post(one), "ocsp-post-sha256": post(asked(hashes.SHA256(), 1)),
            "ocsp-post-nonce": post(asked(hashes.SHA1(), 2 ** 100, b"N" * 16)),
            "ocsp-post-empty": post(b""), "crl-post": post(one).replace(b"/ocsp", b"/crl/ca.crl"),
            "forwarded": get(b"/scep?operation=GetCACaps", forwarded)}.items():
        seed("http_session", name, request)


def forwarded_fields():
    for name, fields in {
            "one": "X-Forwarded-For: 203.0.113.9", "port": "x-forwarded-for: 203.0.113.9:4711",
            "list": "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.2.3.4",
            "lines": "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 203.0.113.9",
            "ipv6": "X-Forwarded-For: [2001:db8:2::1]:4711, 2001:db8:1::7",
            "mapped": "X-Forwarded-For: ::ffff:203.0.113.9", "zone": "X-Forwarded-For: fe80::1%eth0",
            "unknown": "X-Forwarded-For: 203.0.113.9, unknown", "empty": "X-Forwarded-For: ,",
            "standard": "Forwarded: for=6.6.6.6, for=203.0.113.9;proto=https;by=10.0.0.1",
            "quoted": "Forwarded: proto=http;For=\"[2001:db8:2::1]:80\"",
            "hidden": "Forwarded: for=_hidden, for=10.1.1.1",
            "unclosed": "Forwarded: for=\"6.6.6.6, for=203.0.113.9",
            "both": "X-Forwarded-For: 203.0.113.9, 10.2.3.4\nForwarded: for=203.0.113.9",
            "disagree": "X-Forwarded-For: 6.6.6.6\nForwarded: for=203.0.113.9"}.items():
        seed("forwarded", name, fields)


def described():
    """What people give to 'scepgate decode': mail attachments, URLs of logs, half of a download."""
    issued, ra, ca = bundle()
    for name, message, http in recorded():
        seed("describe", name, message)
        line = http.split(b"\r\n", 1)[0].split(b" ")
        if line[0] == b"GET":
            seed("describe", name + "-url", b"http://scep.example" + line[1])
    owner = requests("device")
    challenge = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name.from_rfc4514_string("CN=device,O=Example")).add_attribute(
        x509.ObjectIdentifier("1.2.840.113549.1.9.7"), b"wonderful! weather")
    attributes = [(SCEP + "2", core.PrintableString("19")), (SCEP + "7", core.PrintableString("t")),
                  (SCEP + "5", core.OctetString(b"S" * 16))]
    when = NOW.replace(tzinfo=None)
    crl = x509.CertificateRevocationListBuilder().issuer_name(
        x509.Name.from_rfc4514_string("CN=fuzz CA")).last_update(when).next_update(
        when + datetime.timedelta(days=7)).add_revoked_certificate(
        x509.RevokedCertificateBuilder().serial_number(7).revocation_date(when).build()).add_extension(
        x509.CRLNumber(5), False).sign(key("ra"), hashes.SHA256())
    name = asn1_x509.Certificate.load(issued).issuer.dump()
    signed = sign(blob_envelope(b"{}"), "signer", [], "1.2.840.113549.1.9.16.1.23")
    enveloped = envelope(owner["challenge"], "ra")
    for title, content in {
            **{"csr-" + kind: der for kind, der in owner.items()},
            "csr-secret": challenge.sign(key("device"), hashes.SHA256()).public_bytes(
                serialization.Encoding.DER),
            "csr-blob": x509.CertificateSigningRequestBuilder().subject_name(
                x509.Name([])).add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"),
                                             base64.b64encode(signed)).sign(
                key("device"), hashes.SHA256()).public_bytes(serialization.Encoding.DER),
            "message": sign(enveloped, "device", attributes), "envelope": enveloped,
            "message-ber": indefinite(sign(enveloped, "device", attributes)),
            "message-base64": base64.encodebytes(sign(enveloped, "device", attributes)),
            "failure": reply("2", [(SCEP + "4", core.PrintableString("2"))]),
            "success": reply("0", [], envelope(certificates_only(issued), "device")),
            "certificates": certificates_only(issued, ra, ca), "certificate": issued, "ca": ca,
            "pem": b"Subject: x\n" + pem.armor("CERTIFICATE", issued), "blob": signed,
            "private-key": b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
            "crl": crl.public_bytes(serialization.Encoding.DER),
            "issuer-and-serial": tlv(0x30, name + core.Integer(2 ** 100).dump()),
            "issuer-and-subject": tlv(0x30, name + name),
            "capabilities": b"AES\nPOSTPKIOperation\nSHA-256\nSCEPStandard\n",
            "page": b"<html><body>Log in</body></html>", "words": b"GetCACaps?"}.items():
        seed("describe", title, content)


def claims():
    fingerprint = hashes.Hash(hashes.SHA256())
    fingerprint.update(certificate("signer"))
    subject = x509.Name.from_rfc4514_string("CN=device,O=Example").public_bytes()
    least = {"v": 1, "jti": "00112233445566778899aabbccddeeff", "iss": fingerprint.finalize().hex(),
             "aud": "https://scep.example/", "iat": EPOCH, "nbf": EPOCH, "exp": EPOCH + 3600,
             "subject": {"text": "CN=device,O=Example",
                         "der": base64.b64encode(subject).decode()}}
    full = dict(least, san=[{"type": "dns", "value": "a.example"},
                            {"type": "upn", "value": "u@b.example"},
                            {"type": "ip", "value": "2001:db8::1"}],
                key_usage=["digitalSignature"], extended_key_usage=["clientAuth", "1.2.3.4"],
                key={"types": ["rsa", "ec:p256"], "minimum_bits": 2048}, template="Device",
                max_validity=86400, device_id="d-1", user_id="u", sid="S-1-5-21-1-2-3-500",
                crit=["san"], extra={"unknown": [1, 2.5, None]})
    texts = {"least": json.dumps(least), "full": json.dumps(full),
             "purpose": json.dumps(dict(least, purpose="signature")),
             "unknown-critical": json.dumps(dict(least, crit=["nothing"])),
             "twice": json.dumps(least)[:-1] + ',"v":1}', "no-subject": json.dumps(
                 {name: value for name, value in least.items() if name != "subject"})}
    for name, text in texts.items():
        seed("claims", name, text)
    for name in ("least", "full"):
        sealed = blob_envelope(texts[name].encode())
        signed = sign(sealed, "signer", [], "1.2.840.113549.1.9.16.1.23")
        seed("blob", name, base64.b64encode(signed))
        seed("blob", name + "-der", signed)
        seed("blob", name + "-ber", indefinite(signed))
        seed("blob", name + "-envelope", sealed)
    seed("blob", "lines", base64.encodebytes(signed))
    seed("blob", "url-safe", base64.urlsafe_b64encode(signed).rstrip(b"="))
    seed("blob", "unencrypted", sign(texts["least"].encode(), "signer", []))
    seed("blob", "key-transport-envelope", read_tlv(read_tlv(read_tlv(
        envelope(texts["least"].encode(), "ra", oaep=hashes.SHA256))[1])[2])[1])


def device_requests():
    infos = {name: request_info(der) for name, der in requests("device").items()}
    for name, info in infos.items():
        seed("match", name, info + info)
        seed("match", "bare-" + name, infos["bare"] + info)
        seed("match", name + "-bare", info + infos["bare"])
        seed("enrolment", name, info)


def admin_requests():
    full = {"policy": "mdm", "subject": "CN=device,O=Example", "key_usage": "both",
            "san": {"dns": ["a.example"], "upn": ["u@b.example"], "email": ["e@b.example"],
                    "uri": ["https://b.example/x"], "ip": ["192.0.2.1", "2001:db8::1"]},
            "extended_key_usage": ["clientAuth", "1.2.3.4"], "template": "Device",
            "max_validity": 86400, "expires_in": 600, "device_id": "d", "user_id": "u",
            "sid": "S-1-5-21-1-2-3-500", "count": 3}
    texts = {"full": json.dumps(full), "purpose": '{"purpose":"signature"}', "empty": "{}",
             "twice": '{"count":1,"count":2}', "unknown": '{"subjct":"CN=a"}',
             "params": "subject=CN%3Ddevice&dns=a.example&upn=u%40b.example&device_id=d+1",
             "query": "operation=NDESGenerateChallenge&keyUsage=0xa0&params=subject%3DCN%253Dx",
             "origin": "https://Admin.Example:443/x", "foreign": "https://admin.example.evil",
             "basic": "Basic bWRtOnBhc3N3b3Jk", "basic-padded": "basic  b3RoZXI6YW5vdGhlcg==",
             "basic-wrong": "Basic bWRtOg==", "basic-broken": "Basic bWRt", "bearer": "Bearer token",
             "credentials": "mdm:correct horse: battery", "digest": "Digest username=\"mdm\""}
    for name, text in texts.items():
        seed("admin_request", name, text)


def webhook_answers():
    allow = {"decision": "allow"}
    full = {"decision": "allow", "reason": "known", "subject": {"text": "CN=device,O=Example"},
            "san": [{"type": "dns", "value": "a.example"},
                    {"type": "uri", "value": "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500"}],
            "key_usage": ["digitalSignature"], "extended_key_usage": ["clientAuth"],
            "template": "Device", "max_validity": 86400, "device_id": "d", "user_id": "u",
            "sid": "S-1-5-21-1-2-3-500", "approval": True, "once": "ticket"}
    for name, answer in {"allow": allow, "full": full, "deny": {"decision": "deny", "reason": "no"},
                         "unknown": dict(allow, x=1), "san-only": dict(allow, san=full["san"])}.items():
        seed("webhook_answer", name, json.dumps(answer))


def intune_answers():
    error = {"error": "invalid_client", "error_codes": [7000215, 1], "error_description": "no"}
    request = {"requestContext": "c-1", "serialNumber": "0A1b", "issuerName": "CN=fuzz CA",
               "caConfiguration": "CN=fuzz CA"}
    places = [{"providerName": "S", "uri": "https://shard.example/a/"},
              {"serviceName": "Other", "uri": "https://shard.example/b"}, {"uri": "https://c.example"}]
    for name, answer in {
            "success": {"code": "Success", "errorDescription": ""},
            "expired": {"code": "ChallengeExpired", "errorDescription": "too late " + "A" * 80},
            "unknown-code": {"code": "Something new", "errorDescription": None},
            "long": {"code": "Unknown", "errorDescription": "word " * 80 + "\u00e4" * 200},
            "no-code": {"errorDescription": "x"}, "error": {"error": {"code": "Forbidden"}},
            "token": {"token_type": "Bearer", "expires_in": 3600, "access_token": "abc.def-g"},
            "token-text": {"token_type": "bearer", "expires_in": "60", "access_token": "t"},
            "token-error": error, "places": {"value": places}, "no-places": {"value": []},
            "revocations": {"value": [request, dict(request, requestContext=""), {}]},
            "revocation": {"value": [dict(request, issuerName=None)]},
            "uploaded": {"value": True}, "refused": {"value": False}}.items():
        seed("intune_answer", name, json.dumps(answer))


def signer_messages():
    def field(tag, octets):
        return bytes([tag]) + len(octets).to_bytes(4, "big") + octets if octets else b""

    def frame(kind, *octets):
        body = b"".join(field(i + 1, each) for i, each in enumerate(octets))
        return b"SG\x01" + bytes([kind]) + len(body).to_bytes(4, "big") + body

    spki = key("device").public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")]).public_bytes()
    grant = {"v": 1, "policy": "mdm", "subject": base64.b64encode(subject).decode(),
             "san": ["dns:a.example"], "key": base64.b64encode(spki).decode(),
             "purpose": "signature", "key_usage": ["digitalSignature"],
             "extended_key_usage": ["clientAuth"], "template": "Device", "max_validity": 86400,
             "sid": "S-1-5-21-1-2-3-500", "device_id": "d", "user_id": "u", "stripped": ["1.2.3"]}
    csr = requests("device")["challenge"]
    frames = {"describe": frame(1, b"lab"),
              "issue": frame(2, bytes(range(32)), b"lab", b"Device", b"/scep", b"T1", csr,
                             json.dumps(grant, separators=(",", ":")).encode()),
              "issue-least": frame(2, bytes(32), b"lab", b"D", b"", b"", b"0", b"{}"),
              "crl": frame(3, b"lab", tlv(0x30, b"")),
              "responder": frame(4, b"lab", csr),
              "description": frame(0x81, subject, b"Device"),
              "issued": frame(0x82, subject, b"notAfter clamped"),
              "signature": frame(0x83, bytes(64)),
              "refused": frame(0xFF, b"2", b"t", b"SignerBusy", b"queue", b"text", b"e", b"f", b"h"),
              "refused-least": frame(0xFF, b"0"), "of-version-2": b"SG\x02\x01\0\0\0\0"}
    for name, octets in frames.items():
        seed("signer_message", name, octets)


def main():
    for path in (FUZZ / "corpus").glob("*/seed-*"):
        path.unlink()
    for make in (messages, replies, lookups, files, names, der_and_ber, queries, uris, audit_files,
                 http_requests, published, forwarded_fields, described, claims, device_requests,
                 admin_requests, webhook_answers, intune_answers, signer_messages):
        make()
    for folder in sorted((FUZZ / "corpus").iterdir()):
        print(f"{folder.name:20} {len(list(folder.iterdir())):4} seeds")


if __name__ == "__main__":
    main()
