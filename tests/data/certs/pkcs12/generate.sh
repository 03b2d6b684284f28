#!/bin/bash
# Makes the PKCS#12 files of this folder anew, with the openssl program.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/root.key" \
  -out "$work/root.pem" -days 36500 -subj "/CN=PKCS 12 root"
openssl req -new -newkey rsa:2048 -nodes -keyout "$work/ca.key" -subj "/CN=PKCS 12 CA" |
  openssl x509 -req -CA "$work/root.pem" -CAkey "$work/root.key" -days 36500 -out "$work/ca.pem"

export_p12() {
  openssl pkcs12 -export -inkey "$work/ca.key" -in "$work/ca.pem" -certfile "$work/root.pem" \
    -passout "pass:correct horse" "$@"
}
export_p12 -out aes.p12
export_p12 -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -out legacy_3des.p12
export_p12 -legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40 -macalg sha1 -out legacy_rc2.p12
openssl pkcs12 -export -nokeys -in "$work/ca.pem" -passout "pass:correct horse" -out no_key.p12
