#include "ca_backend/ca_backend.hpp"

namespace scepgate::ca_backend {

std::string_view to_text(CrlKind kind) noexcept {
    return kind == CrlKind::kDelta ? "delta" : "complete";
}

Result<std::optional<IssuePreview>, Refusal> CaBackend::preview(const Grant&, const IssueContext&) {
    return std::optional<IssuePreview>();
}

boost::asio::awaitable<Result<void>> CaBackend::revoke(Store&, Bytes, certs::RevocationReason) {
    co_return Error{Errc::kUnsupported, "CA \"" + name() +
                                            "\" cannot be told of a revocation from here; revoke "
                                            "the certificate at the CA itself"};
}

boost::asio::awaitable<Result<certs::Crl>> CaBackend::crl(Store&, CrlWanted) {
    co_return Error{Errc::kUnsupported,
                    "CA \"" + name() + "\" makes no CRL here; it publishes its own"};
}

}  // namespace scepgate::ca_backend
