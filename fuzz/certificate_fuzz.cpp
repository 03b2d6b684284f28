// A certificate that is accepted is kept as sent and comes back from its PEM. Where OpenSSL parses
// it too, both see the same serial, names, key octets, times and number of extensions.
#include <openssl/x509.h>

#include "certs/certificate.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

void require_name(ByteView ours, const X509_NAME* theirs) {
    unsigned char* out = nullptr;
    const int length = i2d_X509_NAME(theirs, &out);
    FUZZ_REQUIRE(length > 0);
    FUZZ_REQUIRE(equal(ours, {out, static_cast<std::size_t>(length)}));
    OPENSSL_free(out);
}

void require_serial(const Certificate& ours, const X509* theirs) {
    unsigned char* out = nullptr;
    const int length = i2d_ASN1_INTEGER(X509_get0_serialNumber(theirs), &out);
    FUZZ_REQUIRE(length > 0);
    const Bytes der(out, out + length);
    OPENSSL_free(out);
    FUZZ_REQUIRE(der == der::element(DerTag::kInteger, ours.serial()));
}

/// A date that we could not read makes the certificate never valid; else it is OpenSSL's.
void require_times(const Certificate& ours, const X509* theirs) {
    if (ours.not_before() > ours.not_after()) return;
    FUZZ_REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notBefore(theirs), ours.not_before()) == 0);
    FUZZ_REQUIRE(ASN1_TIME_cmp_time_t(X509_get0_notAfter(theirs), ours.not_after()) == 0);
}

void require_key(const Certificate& ours, const X509* theirs) {
    const auto key = ours.public_key();
    if (!key) return;
    EVP_PKEY* other = X509_get0_pubkey(theirs);
    FUZZ_REQUIRE(other != nullptr && EVP_PKEY_eq(other, key->evp()) == 1);
}

}  // namespace

void run(ByteView input) {
    const auto certificate = Certificate::from_der(input);
    if (!certificate) return;
    FUZZ_REQUIRE(equal(certificate->der(), input));
    const std::string pem = certificate->pem();
    const auto again = Certificate::from_pem(as_bytes(pem));
    FUZZ_REQUIRE(again && *again == *certificate);

    const Bytes reference = certificate->issuer_and_serial();
    FUZZ_REQUIRE(DerReader(reference).read(DerTag::kSequence));
    FUZZ_REQUIRE(certificate->self_issued() ==
                 equal(certificate->issuer_der(), certificate->subject_der()));
    (void)certificate->subject_text();
    (void)certificate->issuer_text();
    (void)certificate->serial_hex();
    (void)certificate->key_usage();
    (void)certificate->extended_key_usage();
    (void)certificate->subject_key_identifier();
    (void)certificate->is_ca();
    if (const auto key = certificate->public_key()) (void)certificate->signed_by(*key);

    const unsigned char* at = input.data();
    const X509Ptr theirs(d2i_X509(nullptr, &at, static_cast<long>(input.size())));
    if (!theirs) return;
    FUZZ_REQUIRE(at == input.data() + input.size());
    require_name(certificate->issuer_der(), X509_get_issuer_name(theirs.get()));
    require_name(certificate->subject_der(), X509_get_subject_name(theirs.get()));
    require_serial(*certificate, theirs.get());
    require_times(*certificate, theirs.get());
    require_key(*certificate, theirs.get());
    FUZZ_REQUIRE(static_cast<std::size_t>(X509_get_ext_count(theirs.get())) ==
                 certificate->extensions().size());
}

}  // namespace scepgate::fuzz
