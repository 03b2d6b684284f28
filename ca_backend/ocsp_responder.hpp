// Answers of one CA about its certificates (RFC 6960, RFC 5019).
#pragma once

#include <map>
#include <mutex>

#include "ca_backend/embedded_ca.hpp"
#include "ca_backend/store.hpp"
#include "certs/ocsp.hpp"

namespace scepgate::ca_backend {

/// A signed response, and how long it may be kept.
struct OcspReply {
    Bytes der;
    std::int64_t this_update = 0;  ///< seconds since the epoch; 0: an error, not to be kept
    std::int64_t next_update = 0;
    bool for_all = false;  ///< no nonce in it: whoever asks the same may have it
};

/// Signs with a key of its own, which lives in memory alone and which the CA certifies for two
/// weeks at a time (id-kp-OCSPSigning, id-pkix-ocsp-nocheck): made on the first request, renewed at
/// half of that, different on every node. The CA's key is not used for answers.
///
/// A certificate that the CA has not issued is "unknown". Answers about one certificate without a
/// nonce are kept and given again until half of their time has passed or the certificate's status
/// has changed. Safe for concurrent use.
class OcspResponder {
public:
    /// `period`: seconds from thisUpdate to nextUpdate.
    static Result<std::shared_ptr<OcspResponder>> create(std::shared_ptr<EmbeddedCa> ca,
                                                         std::int64_t period,
                                                         std::shared_ptr<const certs::Clock> clock);

    /// Whether the first certificate asked about names this CA, by name and key.
    [[nodiscard]] bool is_asked(const certs::OcspRequest& request) const noexcept;

    /// The answer to a request that is_asked(). Signs: run it where that may block. Never fails:
    /// what cannot be done is an error response (tryLater when the store cannot be read,
    /// internalError); `fault` then says why, for the log.
    OcspReply answer(const certs::OcspRequest& request, Store& store, std::string& fault);

private:
    struct Signer {
        certs::PrivateKey key;
        certs::Certificate certificate;
    };
    struct Kept {
        OcspReply reply;
        certs::OcspCertificateStatus status;
        std::int64_t revision = -1;
    };

    OcspResponder(std::shared_ptr<EmbeddedCa> ca, std::int64_t period,
                  std::shared_ptr<const certs::Clock> clock);
    [[nodiscard]] bool names_ca(const certs::OcspCertId& id) const noexcept;
    Result<std::shared_ptr<const Signer>> signer(std::int64_t now);
    Result<certs::OcspCertificateStatus> status_of(const certs::OcspCertId& id, Store& store) const;
    Result<OcspReply> make(const certs::OcspRequest& request, Store& store, std::int64_t now);
    Result<OcspReply> kept_or_made(const certs::OcspRequest& request, Store& store,
                                   std::int64_t now);
    [[nodiscard]] std::optional<Kept> find_kept(const Bytes& id, std::int64_t now);
    void keep(const Bytes& id, Kept kept);

    std::shared_ptr<EmbeddedCa> ca_;
    std::int64_t period_;
    std::shared_ptr<const certs::Clock> clock_;
    IssuerHash issuer_;
    certs::OcspIssuerHashes sha1_, sha256_;
    std::mutex signer_mutex_;
    std::shared_ptr<const Signer> signer_;  ///< guarded by signer_mutex_
    std::mutex mutex_;
    std::map<Bytes, Kept> kept_;  ///< by CertID; guarded by mutex_
};

}  // namespace scepgate::ca_backend
