// A CA's certificate, CRL and OCSP answer as verifiers judge them.
#pragma once

#include "certs/certificate.hpp"
#include "server/doctor/finding.hpp"

namespace scepgate::server::doctor {

/// What was at a URL that certificates name.
struct Verdict {
    Outcome outcome = Outcome::kOk;
    std::string came;   ///< in words
    std::string cause;  ///< unless it is well
    Remedies remedies = {};
};

/// `body` of a caIssuers URL: the CA's certificate in DER, or a PKCS#7 with it.
[[nodiscard]] Verdict judge_published_ca(ByteView body, const certs::Certificate& ca);

enum class CrlKind { kComplete, kDelta };
/// `body` of a distribution point: DER, signed by the CA, in its time.
[[nodiscard]] Verdict judge_published_crl(ByteView body, const certs::Certificate& ca, CrlKind kind,
                                          std::int64_t now);

/// An OCSP request about one certificate of `ca`, which need not exist, and its answer.
class OcspQuestion {
public:
    /// About a serial number that nobody has.
    static Result<OcspQuestion> about_nothing(const certs::Certificate& ca);

    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    /// `body` of the reply: signed by the CA or by whom it named for that, about what was asked,
    /// in its time. By the system's clock.
    [[nodiscard]] Verdict judge(ByteView body) const;

private:
    OcspQuestion(certs::Certificate ca, Bytes serial) noexcept
        : ca_(std::move(ca)), serial_(std::move(serial)) {}

    certs::Certificate ca_;
    Bytes serial_;
    Bytes der_;
};

}  // namespace scepgate::server::doctor
