#!/bin/sh
# Makes the requests and certificates of this folder with the openssl program: data that our own
# code had no hand in. The results are committed; running it again gives other keys.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/req.cnf" <<'CNF'
[req]
prompt = no
string_mask = utf8only
distinguished_name = dn
attributes = attributes
req_extensions = extensions
[dn]
C = DE
O = Übung GmbH
OU = Geräte
CN = laptop-7.example.com
[attributes]
challengePassword = correct horse battery staple
[extensions]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth, 1.3.6.1.4.1.311.20.2.2
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
subjectAltName = @names
[names]
DNS.1 = laptop-7.example.com
DNS.2 = *.example.com
email.1 = user@example.com
URI.1 = tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500
IP.1 = 192.0.2.1
IP.2 = 2001:DB8:0:0:0:0:0:1
otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:user@corp.example.com
CNF

cat >"$work/plain.cnf" <<'CNF'
[req]
prompt = no
distinguished_name = dn
[dn]
CN = device
CNF

rsa_key() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"$1" -out "$2"; }
ec_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:"$1" -out "$2"; }
request() { openssl req -new -batch -outform DER "$@"; }

rsa_key 2048 "$work/rsa2048.pem"
rsa_key 1024 "$work/rsa1024.pem"
ec_key P-256 "$work/p256.pem"
ec_key P-384 "$work/p384.pem"

request -config "$work/req.cnf" -utf8 -key "$work/rsa2048.pem" -sha256 -out csr-full.der
request -config "$work/plain.cnf" -key "$work/rsa2048.pem" -sha1 -out csr-rsa-sha1.der
request -config "$work/plain.cnf" -key "$work/rsa2048.pem" -md5 -out csr-rsa-md5.der
request -config "$work/plain.cnf" -key "$work/rsa2048.pem" -sha512 -out csr-rsa-sha512.der
request -config "$work/plain.cnf" -key "$work/rsa2048.pem" -sha256 \
    -sigopt rsa_padding_mode:pss -out csr-rsa-pss.der
request -config "$work/plain.cnf" -key "$work/p256.pem" -sha256 -out csr-p256.der
request -config "$work/plain.cnf" -key "$work/p384.pem" -sha384 -out csr-p384.der
request -config "$work/plain.cnf" -key "$work/rsa1024.pem" -sha256 -out csr-rsa1024.der

openssl genpkey -quiet -algorithm ED25519 -out "$work/ed25519.pem"
request -config "$work/plain.cnf" -key "$work/ed25519.pem" -out csr-ed25519.der

# attacks.md Z13: the curve written out, which OpenSSL takes for the named one.
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -pkeyopt ec_param_enc:explicit -out "$work/explicit.pem"
request -config "$work/plain.cnf" -key "$work/explicit.pem" -sha256 -out csr-explicit-curve.der

# As Apple's clients: version 2 and RSA-1024. openssl cannot write that version, so its octet is
# replaced (at 10: two headers of four octets and the INTEGER's two) and the info signed anew;
# signatures of one key are of one length.
request -config "$work/req.cnf" -utf8 -key "$work/rsa1024.pem" -sha256 -out csr-apple.der
printf '\002' | dd of=csr-apple.der bs=1 seek=10 conv=notrunc status=none
openssl asn1parse -inform DER -in csr-apple.der -strparse 4 -noout -out "$work/info.der"
openssl dgst -sha256 -sign "$work/rsa1024.pem" -out "$work/signature" "$work/info.der"
size=$(stat -c %s csr-apple.der)
dd if="$work/signature" of=csr-apple.der bs=1 seek=$((size - 128)) conv=notrunc status=none

# A CA, a certificate of it, and the forms in which people keep them.
cat >"$work/ca.cnf" <<'CNF'
[req]
prompt = no
distinguished_name = dn
x509_extensions = ca
[dn]
O = Example
CN = Example CA
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth, serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
openssl req -x509 -new -batch -config "$work/ca.cnf" -key "$work/p384.pem" -sha384 -days 36500 \
    -set_serial 0x00F1E2D3C4B5A69788 -out ca.pem
openssl x509 -req -inform DER -in csr-p256.der -CA ca.pem -CAkey "$work/p384.pem" -sha256 \
    -days 36500 -set_serial 0x1001 -extfile "$work/ca.cnf" -extensions leaf -out leaf.pem
openssl x509 -req -inform DER -in csr-rsa-sha512.der -CA ca.pem -CAkey "$work/p384.pem" -sha256 \
    -days 36500 -set_serial 0x1002 -out version1.pem
openssl x509 -in leaf.pem -trustout -addtrust clientAuth -out trusted.pem
openssl x509 -in leaf.pem -outform DER -out leaf.der
{ openssl x509 -in leaf.pem -text; cat "$work/p256.pem"; cat ca.pem; } >leaf-key-ca.pem
