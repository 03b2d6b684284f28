// The checks of a URL, one after the other.
#pragma once

#include <array>
#include <set>

#include "server/doctor/exchange.hpp"
#include "server/doctor/messages.hpp"
#include "server/doctor/report.hpp"

namespace scepgate::server::doctor {

/// In the order of the report. docs/doctor.md says of each what it finds.
inline constexpr std::array<std::string_view, 36> kChecks = {"name",
                                                             "port",
                                                             "https",
                                                             "tls-handshake",
                                                             "tls-chain",
                                                             "tls-name",
                                                             "tls-validity",
                                                             "tls-client-certificate",
                                                             "tls-1.2",
                                                             "answers",
                                                             "capabilities-type",
                                                             "capabilities",
                                                             "ca-type",
                                                             "ca-bundle",
                                                             "ca-root",
                                                             "ca-usages",
                                                             "ca-validity",
                                                             "ca-identifier",
                                                             "ca-same",
                                                             "http-1.0",
                                                             "path-slash",
                                                             "path-suffix",
                                                             "path-case",
                                                             "post",
                                                             "post-no-type",
                                                             "post-expect",
                                                             "post-chunked",
                                                             "post-64k",
                                                             "post-1m",
                                                             "get",
                                                             "query-escapes",
                                                             "long-get",
                                                             "reply-type",
                                                             "reply-cache",
                                                             "compression",
                                                             "time"};

struct ExaminationSettings {
    std::string ca_file;         ///< PEM to trust for https; empty: the system's
    std::set<std::string> skip;  ///< checks that are not made
    ExchangeLimits limits;
};

/// What one run knows and finds. The groups below add to it.
class Examination {
public:
    Examination(Place place, ExaminationSettings settings, std::int64_t now);

    /// Whether the check is to be made: it was not left out.
    [[nodiscard]] bool wants(std::string_view id) const;
    void add(Finding finding);
    void fail(std::string_view id, std::string sent, std::string came, std::string cause,
              Remedies remedies = {});
    void fine(std::string_view id, std::string sent, std::string came);
    /// Every check without a finding so far whose id begins so.
    void skip(std::string_view beginning, const std::string& because);
    /// A request, remembered for what all replies must be.
    [[nodiscard]] Reply ask(const Request& request);
    /// Request targets of this URL.
    [[nodiscard]] std::string target(std::string_view query) const;

    /// Findings in the order of kChecks.
    [[nodiscard]] std::vector<Finding> findings() const;

    Exchange web;
    const ExaminationSettings settings;
    const std::int64_t now;

    // What later checks need of earlier ones.
    Reply capabilities_reply;
    scep::ServerCapabilities capabilities;
    std::vector<Bytes> ca_bodies;           ///< that GetCACert gave, each once
    std::vector<scep::CaCertificates> cas;  ///< those of them that can be read
    std::optional<std::string> compressed;  ///< a reply that was, though not asked for

private:
    [[nodiscard]] bool has(std::string_view id) const;
    std::vector<Finding> findings_;
};

/// Name, port and TLS; false when nothing more can be asked.
bool check_reach(Examination& run);
/// GetCACaps, GetCACert, the forms of the path; false when nothing there speaks SCEP.
bool check_static(Examination& run);
/// PKIOperation, by POST and GET.
void check_messages(Examination& run);

/// All of them.
std::vector<Finding> examine(const Place& place, const ExaminationSettings& settings,
                             std::int64_t now);

}  // namespace scepgate::server::doctor
