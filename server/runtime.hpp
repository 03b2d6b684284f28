// What the server answers with: the configuration turned into keys, modules and ready replies.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "ca_backend/ca_backend.hpp"
#include "certs/clock.hpp"
#include "policy/issuance_rules.hpp"
#include "policy/policy_module.hpp"
#include "policy/renewal.hpp"
#include "scep/cert_rep.hpp"
#include "scep/message_content.hpp"
#include "server/endpoint_shape.hpp"
#include "server/http_message.hpp"
#include "server/http_settings.hpp"
#include "server/own_keys.hpp"
#include "server/publication.hpp"
#include "server/revocation_feed.hpp"

namespace scepgate::server {

struct NotifierSet;

/// Whether an operator has to agree to certificates of a template.
struct ApprovalRule {
    bool required = false;
    std::int64_t expires = 7 * 86400;  ///< seconds in which the operator can
};

/// The other side of a CA rollover, as seen from an endpoint before or after it: devices still
/// mean it, or mean it already.
struct Counterpart {
    std::shared_ptr<ca_backend::CaBackend> ca;
    std::vector<certs::Certificate> ra;  ///< what it speaks SCEP with
};

/// The RA before a rollover.
struct EarlierRa {
    scep::ReplySigner signer;
    std::vector<scep::RecipientKey> recipients;  ///< what is encrypted to these it answers
};

/// One SCEP service under one or more paths. Immutable; shared by requests in progress.
struct Endpoint {
    std::string name;                ///< in records and logs
    std::vector<std::string> paths;  ///< lower case, no trailing slash
    std::shared_ptr<policy::PolicyModule> policy;
    std::shared_ptr<ca_backend::CaBackend> ca;
    scep::ReplySigner signer;
    std::vector<scep::RecipientKey> recipients;
    scep::AlgorithmRules rules;
    EndpointShape shape;
    std::array<std::string, 3> templates;   ///< by certs::Purpose; "" for none
    std::array<ApprovalRule, 3> approvals;  ///< of these templates
    /// By certs::Purpose: what a Grant can name in place of the one above.
    std::array<std::map<std::string, ApprovalRule>, 3> other_templates;
    std::size_t maximum_pending = 1000;              ///< requests that may wait for an operator
    std::optional<policy::RenewalSettings> renewal;  ///< empty: only challenges count
    std::optional<policy::IssuanceRules> issuance_rules;  ///< empty: what policy granted passes
    std::vector<scep::TrustedIssuer> issuers;  ///< the CA, its predecessors and its successor
    std::optional<Counterpart> counterpart;
    /// After a rollover: the RA before. A device that has not fetched GetCACert since encrypts to
    /// it, and takes its signature alone.
    std::optional<EarlierRa> earlier_ra;
    std::shared_ptr<const OwnKeys> own_keys = std::make_shared<OwnKeys>();  ///< of all endpoints
    /// What stands in this one's place from `next_from` (seconds since the epoch) on, under the
    /// same name and paths. Until then it answers what is encrypted to its own certificates.
    std::shared_ptr<const Endpoint> next;
    std::int64_t next_from = 0;

    std::shared_ptr<const PreparedReply> capabilities;
    std::shared_ptr<const PreparedReply> ca_certificates;
    std::shared_ptr<const PreparedReply> next_ca_certificates;  ///< null: there is no next CA
    std::shared_ptr<const PreparedReply> information_page;      ///< a GET without operation

    [[nodiscard]] const std::string& template_for(certs::Purpose purpose) const noexcept {
        return templates[static_cast<std::size_t>(purpose)];
    }
    /// The same, or the one that is named where that is another of this purpose.
    [[nodiscard]] const std::string& template_for(certs::Purpose purpose,
                                                  const std::string& named) const;
    /// Of the template that the Grant names, where it is one of these, or of template_for().
    [[nodiscard]] const ApprovalRule& approval_for(const Grant& grant) const;
};

/// Policy modules by the names that the configuration gives them.
using PolicyModules = std::map<std::string, std::shared_ptr<policy::PolicyModule>>;

/// All endpoints. Replaced as a whole when the configuration is reloaded.
class Runtime {
public:
    /// `message_limit`: octets of a message, whether it comes as a body or in a query. `clock`
    /// tells which endpoints have come to their next CA.
    explicit Runtime(
        std::vector<std::shared_ptr<const Endpoint>> endpoints,
        std::size_t message_limit = HttpLimits{}.body,
        std::shared_ptr<const certs::Clock> clock = std::make_shared<certs::SystemClock>(),
        PolicyModules policies = {}, std::shared_ptr<const NotifierSet> notifiers = nullptr);

    /// The endpoint whose path this is, or begins: paths match without ASCII case, with any suffix
    /// below ("/scep/pkiclient.exe", "/scep/"); the longest wins. Null when there is none, and for
    /// suffixes with "..", "//", or anything but letters, digits, ".", "_", "-" and "/".
    /// From Endpoint::next_from on it is the successor.
    [[nodiscard]] std::shared_ptr<const Endpoint> route(std::string_view path) const;

    [[nodiscard]] const std::vector<std::shared_ptr<const Endpoint>>& endpoints() const noexcept {
        return endpoints_;
    }
    /// All that the configuration names, whether or not an endpoint has them.
    [[nodiscard]] const PolicyModules& policies() const noexcept { return policies_; }
    [[nodiscard]] std::size_t message_limit() const noexcept { return message_limit_; }
    /// Null: nobody is told of anything.
    [[nodiscard]] const std::shared_ptr<const NotifierSet>& notifiers() const noexcept {
        return notifiers_;
    }

    /// What the CAs publish beside SCEP.
    [[nodiscard]] const Publications& publications() const noexcept { return publications_; }
    void set_publications(Publications publications) { publications_ = std::move(publications); }

    /// Whom to ask about revocations while this is the current one.
    [[nodiscard]] const std::vector<RevocationFeed>& revocation_feeds() const noexcept {
        return revocation_feeds_;
    }
    void set_revocation_feeds(std::vector<RevocationFeed> feeds) {
        revocation_feeds_ = std::move(feeds);
    }

private:
    [[nodiscard]] std::shared_ptr<const Endpoint> at_this_time(
        const std::shared_ptr<const Endpoint>& endpoint) const;

    std::vector<std::shared_ptr<const Endpoint>> endpoints_;
    std::vector<std::pair<std::string, std::shared_ptr<const Endpoint>>>
        routes_;  ///< longest first
    std::size_t message_limit_;
    std::vector<RevocationFeed> revocation_feeds_;
    Publications publications_;
    std::shared_ptr<const certs::Clock> clock_;
    PolicyModules policies_;
    std::shared_ptr<const NotifierSet> notifiers_;
};

}  // namespace scepgate::server
