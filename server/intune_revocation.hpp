// Asks Intune which certificates it wants revoked, and revokes them.
#pragma once

#include <map>

#include "policy/intune/revocation_api.hpp"
#include "server/operation.hpp"
#include "server/revocation_feed.hpp"

namespace scepgate::server {

/// One feed's requests, once through: download, revoke, say how it went; page by page until there
/// is nothing new. What is asked for and is done already counts as done, so several servers with
/// one store, and requests that come again, do no harm.
///
/// A certificate is revoked when a policy of the tenant had a part in granting it, and it is of the
/// issuer that Intune names; requests for others' CAs are left to them. Each one stands in the
/// audit file.
class IntuneRevocation {
public:
    IntuneRevocation(RevocationFeed feed, const ServiceParts& parts);

    /// kUnavailable: Intune, or the store, cannot be asked now; what was done is told next time.
    /// A result that Intune alone does not take is no failure: it stands in the log.
    boost::asio::awaitable<Result<void>> poll();

    [[nodiscard]] const RevocationFeed& feed() const noexcept { return feed_; }

private:
    using Request = policy::intune::RevocationRequest;
    using Answer = policy::intune::RevocationResult;

    /// Fewer at once where they are too large for one answer.
    boost::asio::awaitable<Result<policy::intune::RevocationPage>> download(std::size_t& most);
    [[nodiscard]] bool granted(const ca_backend::CertificateRow& row) const;
    [[nodiscard]] bool is_revoked(const ca_backend::CertificateId& id) const;
    boost::asio::awaitable<std::optional<Answer>> answer(const Request& request);
    boost::asio::awaitable<Answer> revoke(const Request& request,
                                          const ca_backend::CertificateRow& row);
    boost::asio::awaitable<Result<void>> tell();

    RevocationFeed feed_;
    const ServiceParts& parts_;
    policy::intune::RevocationApi api_;
    std::vector<Answer> untold_;  ///< of one page: what Intune has not taken yet
};

/// The serial number in Intune's hexadecimal (either case, leading zeros or none, an odd number of
/// digits) as serial_hex() has it. kMalformed.
[[nodiscard]] Result<std::string> read_intune_serial(std::string_view text);

}  // namespace scepgate::server
