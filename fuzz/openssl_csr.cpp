#include "fuzz/openssl_csr.hpp"

#include <openssl/x509v3.h>

#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using X509ReqPtr = std::unique_ptr<X509_REQ, certs::Deleter<X509_REQ_free>>;

void require_same_subject(const certs::Csr& csr, X509_REQ* theirs) {
    unsigned char* out = nullptr;
    const int length = i2d_X509_NAME(X509_REQ_get_subject_name(theirs), &out);
    FUZZ_REQUIRE(length > 0);
    FUZZ_REQUIRE(equal(csr.subject().der(), {out, static_cast<std::size_t>(length)}));
    OPENSSL_free(out);
}

/// At most one challenge, and it is the one we read.
void require_same_challenge(const certs::Csr& csr, X509_REQ* theirs) {
    const int at = X509_REQ_get_attr_by_NID(theirs, NID_pkcs9_challengePassword, -1);
    if (at < 0) {
        FUZZ_REQUIRE(!csr.challenge());
        return;
    }
    FUZZ_REQUIRE(X509_REQ_get_attr_by_NID(theirs, NID_pkcs9_challengePassword, at) < 0);
    X509_ATTRIBUTE* attribute = X509_REQ_get_attr(theirs, at);
    FUZZ_REQUIRE(X509_ATTRIBUTE_count(attribute) == 1);
    const ASN1_TYPE* value = X509_ATTRIBUTE_get0_type(attribute, 0);
    if (value->type == V_ASN1_BMPSTRING || value->type == V_ASN1_UNIVERSALSTRING) return;
    const ASN1_STRING* text = value->value.asn1_string;
    const ByteView octets(ASN1_STRING_get0_data(text),
                          static_cast<std::size_t>(ASN1_STRING_length(text)));
    FUZZ_REQUIRE(csr.challenge() ? equal(csr.challenge()->view(), octets) : octets.empty());
}

}  // namespace

bool openssl_finds_signature_good(ByteView csr) {
    const unsigned char* at = csr.data();
    const X509ReqPtr theirs(d2i_X509_REQ(nullptr, &at, static_cast<long>(csr.size())));
    if (!theirs) return true;
    EVP_PKEY* key = X509_REQ_get0_pubkey(theirs.get());
    return key != nullptr && X509_REQ_verify(theirs.get(), key) == 1;
}

void require_openssl_agrees(const certs::Csr& csr) {
    const unsigned char* at = csr.der().data();
    const X509ReqPtr theirs(d2i_X509_REQ(nullptr, &at, static_cast<long>(csr.der().size())));
    FUZZ_REQUIRE(theirs);
    FUZZ_REQUIRE(at == csr.der().data() + csr.der().size());
    EVP_PKEY* key = X509_REQ_get0_pubkey(theirs.get());
    FUZZ_REQUIRE(key != nullptr);
    FUZZ_REQUIRE(EVP_PKEY_eq(key, csr.public_key().evp()) == 1);
    FUZZ_REQUIRE(X509_REQ_verify(theirs.get(), key) == 1);
    require_same_subject(csr, theirs.get());
    require_same_challenge(csr, theirs.get());
}

}  // namespace scepgate::fuzz
