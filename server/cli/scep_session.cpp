#include "server/cli/scep_session.hpp"

#include <algorithm>

namespace scepgate::server::cli {

Result<scep::CaCertificates> fetch_ca(WebClient& web, std::string_view fingerprint,
                                      std::int64_t now) {
    const auto reply = web.get("GetCACert", "");
    if (!reply) return reply.error();
    if (reply->status != 200) {
        return Error{Errc::kUnavailable, "GetCACert: " + web.url() + " answers HTTP " +
                                             std::to_string(reply->status) + "; check the path"};
    }
    auto certificates = scep::parse_ca_certificates(reply->body, now);
    if (!certificates) return in_context("GetCACert", certificates.error());
    if (!fingerprint.empty()) {
        std::string wanted;
        for (const char c : fingerprint) {
            if (c != ':' && c != ' ')
                wanted += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        const auto& chain = certificates->chain;
        const bool known = std::any_of(chain.begin(), chain.end(), [&](const auto& certificate) {
            return to_hex(certificate.fingerprint()) == wanted;
        });
        if (!known) {
            return Error{Errc::kDenied, "no CA certificate of " + web.url() +
                                            " has the fingerprint given; its issuing CA has " +
                                            to_hex(certificates->ca.fingerprint())};
        }
    }
    return certificates;
}

Result<ServerIdentity> identify(WebClient& web, std::string_view fingerprint, std::int64_t now) {
    ServerIdentity identity;
    const auto capabilities = web.get("GetCACaps", "");
    if (!capabilities) return capabilities.error();
    // Servers older than GetCACaps answer anything at all (RFC 8894 section 3.5.2).
    if (capabilities->status == 200) {
        identity.capabilities = scep::parse_capabilities(as_text(capabilities->body));
    }
    auto certificates = fetch_ca(web, fingerprint, now);
    if (!certificates) return certificates.error();
    identity.certificates = std::move(*certificates);
    return identity;
}

}  // namespace scepgate::server::cli
