#!/bin/sh
# Makes the challenge blobs of tests/data/policy/vectors with the openssl command line, an
# implementation that shares no code with scepgate's. Run once; the results are committed, because
# each run makes other keys, signatures and ciphertexts.
#   ./generate.sh            (needs OpenSSL 3)
# made-ec.b64 and made-rsa.b64 are scepgate's own seal_blob() over the same claims and keys, for
# readers of our blobs; a new run of this script needs them made anew.
set -eu
cd "$(dirname "$0")/vectors"
rm -f -- *
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

NOW=1800000000 # 2027-01-15T08:00:00Z: iat and nbf of all claims
AUDIENCE=https://scep.example/mdm

# --- Keys and certificates -----------------------------------------------------------------------
certificate() { # name, key options, subject, extensions...
    name=$1 options=$2 subject=$3
    shift 3
    # shellcheck disable=SC2086
    openssl genpkey $options -out "$name.key" 2>/dev/null
    printf '[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n%s\n' "$subject" >"$work/req.cnf"
    set -- $(for extension in "$@"; do printf -- '-addext %s ' "$extension"; done)
    openssl req -x509 -new -key "$name.key" -config "$work/req.cnf" -days 36500 -sha256 \
        "$@" -out "$name.pem"
}
EC='-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
P384='-algorithm EC -pkeyopt ec_paramgen_curve:P-384'
RSA='-algorithm RSA -pkeyopt rsa_keygen_bits:2048'
SIGNS=keyUsage=critical,digitalSignature
certificate signer-ec "$EC" 'CN=mdm signer' basicConstraints=CA:FALSE $SIGNS \
    subjectKeyIdentifier=hash
certificate signer-rsa "$RSA" 'CN=mdm signer rsa' basicConstraints=CA:FALSE $SIGNS
certificate signer-unknown "$EC" 'CN=somebody else' basicConstraints=CA:FALSE $SIGNS
certificate signer-ca "$EC" 'CN=mdm ca' basicConstraints=CA:TRUE keyUsage=digitalSignature,keyCertSign
certificate signer-encipherment "$EC" 'CN=mdm tls' basicConstraints=CA:FALSE keyUsage=keyEncipherment
certificate recipient-ec "$EC" 'CN=scepgate challenge ec' keyUsage=keyAgreement subjectKeyIdentifier=hash
certificate recipient-p384 "$P384" 'CN=scepgate challenge p384' keyUsage=keyAgreement
certificate recipient-rsa "$RSA" 'CN=scepgate challenge rsa' keyUsage=keyEncipherment
certificate recipient-other "$EC" 'CN=another server' keyUsage=keyAgreement

# --- The device's request, and the claims that it matches ----------------------------------------
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out device.key 2>/dev/null
cat >"$work/device.cnf" <<'CNF'
[req]
distinguished_name = dn
req_extensions = extensions
prompt = no
string_mask = utf8only
[dn]
O = Example Ltd
CN = device-0001
[extensions]
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = clientAuth
subjectAltName = DNS:device-0001.example.com,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@example.com
CNF
openssl req -new -key device.key -config "$work/device.cnf" -sha256 -outform DER -out device.csr

claims() { # signer's certificate
    iss=$(openssl x509 -in "$1.pem" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
    cat <<JSON
{
  "v": 1,
  "jti": "0123456789abcdef0123456789abcdef",
  "iss": "$iss",
  "aud": "$AUDIENCE",
  "iat": $NOW,
  "nbf": $NOW,
  "exp": $((NOW + 3600)),
  "subject": { "text": "CN=device-0001,O=Example Ltd" },
  "san": [
    { "type": "dns", "value": "device-0001.example.com" },
    { "type": "upn", "value": "user@example.com" }
  ],
  "key_usage": ["digitalSignature", "keyEncipherment"],
  "extended_key_usage": ["clientAuth"],
  "key": { "types": ["rsa", "ec:p256"], "minimum_bits": 2048 },
  "device_id": "device-0001"
}
JSON
}
claims signer-ec >claims.json
claims signer-rsa >claims-signer-rsa.json

# --- Sealing -------------------------------------------------------------------------------------
EC_OPTIONS='-keyopt ecdh_kdf_md:sha256 -aes256-wrap'
OAEP='-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256'

# The content of a ContentInfo, which is what a SignedData carries as its eContent.
strip() { # ContentInfo, output
    offset=$(openssl asn1parse -inform DER -in "$1" | awk -F: '/d=2/ { print $1 + 0; exit }')
    openssl asn1parse -inform DER -in "$1" -strparse "$offset" -noout -out "$2"
}
encrypt() { # claims, output, recipient and options...
    input=$1 output=$2
    shift 2
    openssl cms -encrypt -binary -in "$input" -outform DER -out "$work/envelope.der" "$@"
    strip "$work/envelope.der" "$output"
}
sign() { # input, signer, content type, output, options...
    input=$1 signer=$2 type=$3 output=$4
    shift 4
    openssl cms -sign -binary -nodetach -in "$input" -signer "$signer.pem" -inkey "$signer.key" \
        -econtent_type "$type" -md sha256 -outform DER -out "$work/signed.der" "$@"
    openssl base64 -A -in "$work/signed.der" -out "$output"
}
AUTH=id-smime-ct-authEnvelopedData
ENVELOPED=pkcs7-envelopedData

seal() { # name, claims, signer, recipient options...
    name=$1 input=$2 signer=$3
    shift 3
    encrypt "$input" "$work/inner.der" -aes-256-gcm "$@"
    sign "$work/inner.der" "$signer" "$AUTH" "$name.b64"
}

# shellcheck disable=SC2086
make_good() {
    seal good-ec claims.json signer-ec -recip recipient-ec.pem $EC_OPTIONS
    seal good-p384 claims.json signer-ec -recip recipient-p384.pem $EC_OPTIONS
    seal good-rsa claims-signer-rsa.json signer-rsa -recip recipient-rsa.pem $OAEP
    seal good-rkeyid claims.json signer-ec -keyid -recip recipient-ec.pem $EC_OPTIONS

    encrypt claims.json "$work/inner.der" -aes-256-cbc -recip recipient-ec.pem $EC_OPTIONS
    sign "$work/inner.der" signer-ec $ENVELOPED good-ec-cbc.b64
    encrypt claims.json "$work/inner.der" -aes-128-cbc -recip recipient-ec.pem \
        -keyopt ecdh_kdf_md:sha256 -aes128-wrap
    sign "$work/inner.der" signer-ec $ENVELOPED good-ec-cbc128.b64 -md sha512
    encrypt claims.json "$work/inner.der" -aes-128-cbc -recip recipient-rsa.pem $OAEP
    sign "$work/inner.der" signer-ec $ENVELOPED good-rsa-cbc.b64 -md sha384

    encrypt claims.json "$work/inner.der" -aes-256-gcm -recip recipient-ec.pem $EC_OPTIONS
    sign "$work/inner.der" signer-ec $AUTH good-ber.b64 -stream
    sign "$work/inner.der" signer-ec $AUTH good-keyid-nocerts.b64 -keyid -nocerts
}

# shellcheck disable=SC2086
make_bad() {
    encrypt claims.json "$work/inner.der" -aes-256-gcm -recip recipient-ec.pem $EC_OPTIONS

    # The layouts
    sign claims.json signer-ec pkcs7-data bad-unencrypted.b64
    sign "$work/inner.der" signer-ec pkcs7-data bad-content-type.b64
    openssl base64 -A -in "$work/envelope.der" -out bad-unsigned.b64
    sign "$work/inner.der" signer-ec $AUTH bad-two-signers.b64 \
        -signer signer-rsa.pem -inkey signer-rsa.key
    openssl cms -sign -binary -in "$work/inner.der" -signer signer-ec.pem -inkey signer-ec.key \
        -econtent_type $AUTH -md sha256 -outform DER -out "$work/signed.der"
    openssl base64 -A -in "$work/signed.der" -out bad-detached.b64
    base64 -d good-ec.b64 >"$work/good.der"
    sign "$work/good.der" signer-ec $AUTH bad-nested.b64
    (cat "$work/good.der" && printf '\0') | openssl base64 -A -out bad-trailing.b64

    # The signature
    sign "$work/inner.der" signer-unknown $AUTH bad-signer-unknown.b64
    sign "$work/inner.der" signer-rsa $AUTH bad-signed-anew.b64
    sign "$work/inner.der" signer-ec $AUTH bad-sha1.b64 -md sha1
    sign "$work/inner.der" signer-ec $AUTH bad-no-attributes.b64 -noattr
    sign "$work/inner.der" signer-ca $AUTH bad-signer-ca.b64
    sign "$work/inner.der" signer-encipherment $AUTH bad-signer-usage.b64

    # The envelope
    seal bad-recipient claims.json signer-ec -recip recipient-other.pem $EC_OPTIONS
    seal bad-two-recipients claims.json signer-ec -recip recipient-ec.pem $EC_OPTIONS \
        -recip recipient-rsa.pem $OAEP
    seal bad-pkcs1 claims.json signer-ec -recip recipient-rsa.pem
    seal bad-sha1-kdf claims.json signer-ec -recip recipient-ec.pem -aes256-wrap
    encrypt claims.json "$work/inner.der" -aes-256-cbc -pwri_password secret
    sign "$work/inner.der" signer-ec $ENVELOPED bad-password-recipient.b64
    encrypt claims.json "$work/inner.der" -des3 -recip recipient-ec.pem $EC_OPTIONS
    sign "$work/inner.der" signer-ec $ENVELOPED bad-3des.b64

    # The claims: one change each
    change() { # name, sed script
        sed "$2" claims.json >"$work/claims.json"
        cmp -s "$work/claims.json" claims.json && { echo "$1: no change" >&2; exit 1; }
        seal "$1" "$work/claims.json" signer-ec -recip recipient-ec.pem $EC_OPTIONS
    }
    change bad-duplicate-claim 's/"v": 1,/"v": 1, "v": 1,/'
    change bad-critical-claim 's/"v": 1,/"v": 1, "crit": ["location"],/'
    change bad-missing-exp '/"exp"/d'
    change bad-audience 's#scep.example/mdm#other.example/mdm#'
    change bad-lifetime "s/\"exp\": [0-9]*/\"exp\": $((NOW + 366 * 86400))/"
    change bad-backwards "s/\"exp\": [0-9]*/\"exp\": $((NOW - 1))/"
    change bad-subject 's/CN=device-0001/CN=device-0002/'
    change bad-subject-order 's/CN=device-0001,O=Example Ltd/O=Example Ltd,CN=device-0001/'
    change bad-san 's/user@example.com/admin@example.com/'
    change bad-key-usage 's/, "keyEncipherment"//'
    change bad-extended-key-usage 's/"clientAuth"/"serverAuth"/'
    change bad-key-type 's/"rsa", "ec:p256"/"ec:p256"/'
    change bad-key-length 's/2048/3072/'
    change bad-purpose 's/"v": 1,/"v": 1, "purpose": "signature",/'
}
make_good
make_bad
