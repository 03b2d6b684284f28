// An OCSP responder as verifiers ask it, by libcrypto's reading of its answers.
#include <memory>

#include <openssl/ocsp.h>
#include <openssl/rand.h>

#include "certs/ossl.hpp"
#include "server/doctor/judge_published.hpp"

namespace scepgate::server::doctor {
namespace {

using certs::Deleter;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

constexpr long kOcspClockSkew = 5L * 60;

certs::X509Ptr x509_of(const certs::Certificate& certificate) {
    const ByteView der = certificate.der();
    const unsigned char* at = der.data();
    return certs::X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

/// By SHA-1, which every responder knows.
CertIdPtr cert_id(X509* ca, const Bytes& serial) {
    const certs::BnPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
    const IntegerPtr integer(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    if (ca == nullptr || !integer) return nullptr;
    return CertIdPtr(OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ca),
                                      X509_get0_pubkey_bitstr(ca), integer.get()));
}

Verdict no_use(std::string came, std::string cause) {
    return {Outcome::kFailed,
            std::move(came),
            std::move(cause),
            {{"scepgate", "cas.NAME.ocsp.path is the path of this URL (docs/revocation.md)"},
             {"a proxy", "pass POST to this path on to scepgate, and the reply as it is"}}};
}

/// Why a responder gives no answer (RFC 6960 section 4.2.1).
std::string why_none(int status) {
    switch (status) {
        case OCSP_RESPONSE_STATUS_TRYLATER:
            return "it has no time or cannot read its store: its log says why";
        case OCSP_RESPONSE_STATUS_UNAUTHORIZED:
            return "it does not answer for this CA: another CA's responder, or one that knows the "
                   "CA's earlier key";
        case OCSP_RESPONSE_STATUS_INTERNALERROR:
            return "it failed: its log says why";
        default:
            return "it does not take the request as it is sent";
    }
}

}  // namespace

Result<OcspQuestion> OcspQuestion::about_nothing(const certs::Certificate& ca) {
    Bytes serial(16);
    if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1)
        return certs::take_ossl_error("random octets");
    serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3F) | 0x40);
    OcspQuestion question(ca, std::move(serial));
    const RequestPtr request(OCSP_REQUEST_new());
    CertIdPtr id = cert_id(x509_of(ca).get(), question.serial_);
    if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr)
        return certs::take_ossl_error("an OCSP request");
    id.release();  // the request has it
    unsigned char* der = nullptr;
    const int octets = i2d_OCSP_REQUEST(request.get(), &der);
    if (octets <= 0) return certs::take_ossl_error("an OCSP request");
    question.der_.assign(der, der + octets);
    OPENSSL_free(der);
    return question;
}

Verdict OcspQuestion::judge(ByteView body) const {
    const unsigned char* at = body.data();
    const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(body.size())));
    if (!response || at != body.data() + body.size()) {
        (void)certs::take_ossl_error("");
        return no_use("no OCSP response, " + std::to_string(body.size()) + " octets",
                      "another service, or a page, is there");
    }
    if (const int status = OCSP_response_status(response.get());
        status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return no_use(std::string("the answer ") + OCSP_response_status_str(status),
                      why_none(status));
    }
    const certs::X509Ptr ca = x509_of(ca_);
    const CertIdPtr id = cert_id(ca.get(), serial_);
    const StorePtr store(X509_STORE_new());
    const BasicPtr basic(OCSP_response_get1_basic(response.get()));
    if (!basic || !id || !store || X509_STORE_add_cert(store.get(), ca.get()) != 1)
        return no_use("an OCSP response", certs::take_ossl_error("it cannot be read").detail);
    // The CA is trusted here, whatever is above it.
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    if (OCSP_basic_verify(basic.get(), nullptr, store.get(), 0) != 1) {
        return no_use("an OCSP response whose signature is not the CA's",
                      "verifiers do not take it: another CA's responder, or one whose certificate "
                      "is over (" +
                          certs::take_ossl_error("verification").detail + ")");
    }
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    if (OCSP_resp_find_status(basic.get(), id.get(), &status, nullptr, nullptr, &this_update,
                              &next_update) != 1) {
        return no_use("an OCSP response about another certificate",
                      "a cache in between gives one client's answer to another");
    }
    const std::string came = std::string("a signed answer: ") + OCSP_cert_status_str(status) +
                             " (a number that no certificate has)";
    if (OCSP_check_validity(this_update, next_update, kOcspClockSkew, -1) != 1) {
        return no_use(came,
                      "it is over or not valid yet: a cache keeps it for too long, or a clock "
                      "is wrong (" +
                          certs::take_ossl_error("its times").detail + ")");
    }
    return {Outcome::kOk, came, "", {}};
}

}  // namespace scepgate::server::doctor
