// A client takes a CRL only when the issuing CA signed it, octet for octet as it stands in the
// reply. Input: the content of a SUCCESS to a GetCRL, which is rightly encrypted and signed here.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certs/ber.hpp"
#include "certs/crl.hpp"
#include "certs/oids.hpp"
#include "fuzz/client_keys.hpp"

namespace scepgate::fuzz {

namespace {

/// What is read of a CRL holds together, and OpenSSL finds the same entries.
void look_into(const certs::Crl& crl) {
    std::size_t entries = 0;
    ByteView last;
    for (const certs::Crl::Entry entry : crl.entries()) {
        FUZZ_REQUIRE(entries == 0 || last.size() < entry.serial.size() ||
                     as_text(last) < as_text(entry.serial));
        last = entry.serial;
        const auto found = crl.find(entry.serial);
        FUZZ_REQUIRE(found && found->reason == entry.reason);
        FUZZ_REQUIRE(entry.reason != certs::RevocationReason::kRemoveFromCrl || crl.base_number());
        ++entries;
    }
    FUZZ_REQUIRE(entries == crl.entries().size());
    const unsigned char* at = crl.der().data();
    const std::unique_ptr<X509_CRL, certs::Deleter<X509_CRL_free>> other(
        d2i_X509_CRL(nullptr, &at, static_cast<long>(crl.der().size())));
    ERR_clear_error();
    if (!other) return;  // it is stricter in what a Name or an unknown extension may hold
    const auto* revoked = X509_CRL_get_REVOKED(other.get());
    FUZZ_REQUIRE(entries == 0 || sk_X509_REVOKED_num(revoked) == static_cast<int>(entries));
    const int delta = X509_CRL_get_ext_by_NID(other.get(), NID_delta_crl, -1);
    FUZZ_REQUIRE(crl.base_number().has_value() == (delta >= 0));
}

}  // namespace

void run(ByteView input) {
    if (const auto any = certs::Crl::from_der(input, certs::CrlScope::kAny)) {
        look_into(*any);
        FUZZ_REQUIRE(any->is_complete() == bool(certs::Crl::from_der(input)));
    }
    scep::ClientRequest request = device_request(device().certificate.issuer_and_serial());
    request.type = scep::MessageType::kGetCrl;
    const auto body = success_with(input);
    const auto reply = scep::decode_get_crl_reply(body, request, trusted_ca());
    if (reply) {
        FUZZ_REQUIRE(reply->status == scep::PkiStatus::kSuccess);
        const auto crl = certs::Crl::from_der(reply->crl);
        FUZZ_REQUIRE(crl && crl->signed_by(ra().key.public_key()));
        const auto inner = certs::ber_to_der(input);
        FUZZ_REQUIRE(inner);
        FUZZ_REQUIRE(std::search(inner->begin(), inner->end(), reply->crl.begin(),
                                 reply->crl.end()) != inner->end());
    }
    // The same octets as a CRL by itself.
    if (const auto crl = certs::Crl::from_der(input)) {
        request.content = Bytes();
        const auto wrapped = success_with(certs::build_crl_only(input));
        const auto taken = scep::decode_get_crl_reply(wrapped, request, trusted_ca());
        FUZZ_REQUIRE(!taken || equal(taken->crl, input));
    }
}

}  // namespace scepgate::fuzz
