// Answers of one CA about its certificates (RFC 6960, RFC 5019).
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "ca_backend/store.hpp"
#include "certs/clock.hpp"
#include "certs/ocsp.hpp"

namespace scepgate::ca_backend {

/// A signed response, and how long it may be kept.
struct OcspReply {
    Bytes der;
    std::int64_t this_update = 0;  ///< seconds since the epoch; 0: an error, not to be kept
    std::int64_t next_update = 0;
    bool for_all = false;  ///< no nonce and nothing unknown in it: caches may keep it
};

struct OcspSettings {
    certs::Certificate ca;
    /// Has the CA certify the responder's key, for about two weeks (RFC 6960 section 4.2.2.2).
    std::function<Result<certs::Certificate>(const certs::PrivateKey& key)> certify;
    std::int64_t period = 3600;  ///< seconds from making an answer to its nextUpdate
    /// How many answers that cannot be kept are signed in a second.
    std::int64_t uncached_per_second = 100;
};

/// Seconds that a CA certifies a responder's key for.
inline constexpr std::int64_t kOcspResponderLifetime = std::int64_t{14} * 86400;

/// Signs with a key of its own, which lives in memory alone and which the CA certifies
/// (id-kp-OCSPSigning, id-pkix-ocsp-nocheck): made on the first request, renewed at half of its
/// time, different on every node. The CA's key is not used for answers.
///
/// A certificate that the CA has not issued is "unknown". Answers about one certificate without a
/// nonce are kept and given again until half of their time has passed or the certificate's status
/// has changed. All others cost whoever asks nothing, and a signature here: beyond
/// `uncached_per_second` of them the answer is tryLater, so that no flood of nonces takes the
/// processors from enrolments. Askers share these: what one had in this second counts twice against
/// it, so that one alone gets half of them and leaves room for others. Safe for concurrent use.
class OcspResponder {
public:
    static Result<std::shared_ptr<OcspResponder>> create(OcspSettings settings,
                                                         std::shared_ptr<const certs::Clock> clock);

    /// Whether the first certificate asked about names this CA, by name and key.
    [[nodiscard]] bool is_asked(const certs::OcspRequest& request) const noexcept;

    /// The answer to a request that is_asked(). Signs: run it where that may block. Never fails:
    /// what cannot be done is an error response (tryLater when the store cannot be read,
    /// internalError); `fault` then says why, for the log. `asker`: who counts as one.
    OcspReply answer(const certs::OcspRequest& request, Store& store, const std::string& asker,
                     std::string& fault);

private:
    struct Signer {
        certs::PrivateKey key;
        certs::Certificate certificate;
    };
    struct Kept {
        OcspReply reply;
        certs::OcspCertificateStatus status;
        std::int64_t revision = -1;
        std::int64_t made = 0;
    };

    OcspResponder(OcspSettings settings, std::shared_ptr<const certs::Clock> clock);
    [[nodiscard]] bool names_ca(const certs::OcspCertId& id) const noexcept;
    Result<std::shared_ptr<const Signer>> signer(std::int64_t now);
    Result<std::shared_ptr<const Signer>> make_signer() const;
    Result<void> take_signature(std::int64_t now, const std::string& asker);
    Result<certs::OcspCertificateStatus> status_of(const certs::OcspCertId& id, Store& store) const;
    Result<OcspReply> make(const certs::OcspRequest& request, Store& store, std::int64_t now);
    Result<OcspReply> kept_or_made(const certs::OcspRequest& request, Store& store,
                                   std::int64_t now, const std::string& asker);
    [[nodiscard]] std::optional<Kept> find_kept(const Bytes& id, std::int64_t now);
    void keep(const Bytes& id, Kept kept);

    OcspSettings settings_;
    std::shared_ptr<const certs::Clock> clock_;
    IssuerHash issuer_;
    certs::OcspIssuerHashes sha1_, sha256_;
    std::mutex signer_mutex_;
    // Guarded by signer_mutex_:
    std::shared_ptr<const Signer> signer_;
    std::int64_t asked_ca_ = 0;  ///< when it failed last
    Error ca_failure_;
    std::mutex mutex_;
    // Guarded by mutex_:
    std::map<Bytes, Kept> kept_;  ///< by CertID
    std::int64_t second_ = 0;     ///< that `signed_` counts uncached answers of
    std::int64_t signed_ = 0;
    std::map<std::string, std::int64_t> signed_for_;  ///< of these, by asker
};

}  // namespace scepgate::ca_backend
