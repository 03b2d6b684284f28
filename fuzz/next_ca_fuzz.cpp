// A client takes next CA certificates only out of content that the current CA or its RA signed
// (OpenSSL must agree), and only certificates of CAs.
// Input: GetNextCACert's answer; the same octets also as content that is rightly signed.
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "fuzz/client_keys.hpp"
#include "fuzz/openssl_cms.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

void require_all_cas(const std::vector<Certificate>& next) {
    FUZZ_REQUIRE(!next.empty());
    for (const Certificate& certificate : next) {
        const auto ca = certificate.is_ca();
        FUZZ_REQUIRE(ca && *ca);
    }
}

Bytes signed_by_ra(ByteView content) {
    SignedDataContents contents;
    contents.content_type = oid::kData;
    contents.content = content;
    contents.signing_time = kNow;
    contents.certificates = {ra().certificate};
    auto message = build_signed_data(contents, ra().certificate, ra().key);
    FUZZ_REQUIRE(message);
    return std::move(*message);
}

}  // namespace

void run(ByteView input) {
    if (const auto next = scep::parse_next_ca_certificates(input, trusted_ca())) {
        const auto der = ber_to_der(input);
        FUZZ_REQUIRE(der);
        require_openssl_verifies(*der, ra().certificate);
        require_all_cas(*next);
    }
    const auto wrapped = scep::parse_next_ca_certificates(signed_by_ra(input), trusted_ca());
    if (wrapped) require_all_cas(*wrapped);
}

}  // namespace scepgate::fuzz
