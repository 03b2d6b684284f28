#include "server/intune_revocation.hpp"

#include <algorithm>
#include <iterator>

#include "policy/composite_module.hpp"
#include "server/audit_trail.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using policy::intune::RevocationError;
using policy::intune::RevocationResult;

namespace {

/// In one go; what is left waits for the next.
constexpr int kMostPages = 20;
/// RFC 5280 section 4.1.2.2: serial numbers have up to 20 octets.
constexpr std::size_t kLongestSerial = 80;
/// Of a name that somebody else made up.
constexpr std::size_t kLongestLogged = 256;

bool has(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

RevocationResult failed(const std::string& context, RevocationError error, std::string message) {
    return {context, error, std::move(message)};
}

}  // namespace

Result<std::string> read_intune_serial(std::string_view text) {
    if (text.empty() || text.size() > kLongestSerial) return malformed("no serial number");
    std::string digits(text.size() % 2, '0');
    digits += text;
    auto octets = from_hex(digits);
    if (!octets) return octets.error();
    // As serial_hex() has it: without leading zero octets, but never without any.
    const auto first = std::find_if(octets->begin(), octets->end() - 1,
                                    [](std::uint8_t octet) { return octet != 0; });
    octets->erase(octets->begin(), first);
    return to_hex(*octets);
}

IntuneRevocation::IntuneRevocation(RevocationFeed feed, const ServiceParts& parts)
    : feed_(std::move(feed)), parts_(parts), api_(feed_.api) {}

asio::awaitable<Result<void>> IntuneRevocation::poll() {
    auto told = co_await tell();
    std::map<std::string, bool> seen;  // by their contexts: which were ours
    std::size_t most = feed_.most;
    for (int count = 0; count < kMostPages; ++count) {
        const auto page = co_await download(most);
        if (!page) co_return page.error();
        // What Intune has not taken it asks for again: never more than one page waits.
        untold_.clear();
        if (page->unanswerable != 0) {
            parts_.log->warn(
                "Intune has revocation requests without a requestContext",
                LogFields().add("policy", feed_.policy).add("requests", page->unanswerable));
        }
        bool ours = false;
        for (const Request& request : page->requests) {
            const auto [known, fresh] = seen.emplace(request.context, false);
            if (fresh) {
                auto result = co_await answer(request);
                known->second = result.has_value();
                if (result) untold_.push_back(std::move(*result));
            }
            ours |= known->second;
        }
        if (!ours && page->requests.size() + page->unanswerable >= most) {
            parts_.log->warn(
                "all requests that Intune gives at once are for other CAs: those for "
                "ours may wait behind them",
                LogFields().add("policy", feed_.policy).add("most", most));
        }
        // What is left is others', or comes again before Intune has noted what became of it.
        if (untold_.empty()) co_return told;
        told = co_await tell();
        if (!told) co_return told;
    }
    co_return Result<void>();
}

asio::awaitable<Result<policy::intune::RevocationPage>> IntuneRevocation::download(
    std::size_t& most) {
    for (;;) {
        auto page = co_await api_.download(most);
        if (page || page.error().code != Errc::kUnsupported || most == 1) co_return page;
        most /= 2;
    }
}

/// Half as many after a failure, so that what is too large for Intune gets through in parts. A
/// single one that it does not take keeps no other back; after a second in a row it takes nothing.
asio::awaitable<Result<void>> IntuneRevocation::tell() {
    std::size_t most = policy::intune::kMostRevocations;
    bool passed_over = false;
    while (!untold_.empty()) {
        const auto count = std::min(untold_.size(), most);
        const auto end = untold_.begin() + static_cast<std::ptrdiff_t>(count);
        std::vector<Answer> results(untold_.begin(), end);
        const auto told = co_await api_.upload(std::move(results));
        if (!told && count > 1) {
            most = count / 2;
            continue;
        }
        if (!told && passed_over) co_return told;
        if (!told) {
            const Answer& first = untold_.front();
            LogFields fields;
            fields.add("policy", feed_.policy)
                .add("request_context", first.context.substr(0, kLongestLogged))
                .add("result", to_text(first.error))
                .add("reason", told.error().detail);
            parts_.log->warn("Intune did not take a result: it is told when Intune asks again",
                             fields);
        }
        passed_over = !told;
        untold_.erase(untold_.begin(), end);
        most = 2 * count;
    }
    co_return Result<void>();
}

bool IntuneRevocation::granted(const ca_backend::CertificateRow& row) const {
    return std::any_of(feed_.policies.begin(), feed_.policies.end(), [&](const std::string& name) {
        return policy::had_part_in(row.policy, name);
    });
}

asio::awaitable<std::optional<RevocationResult>> IntuneRevocation::answer(const Request& request) {
    const bool named =
        has(feed_.issuers, request.issuer) || has(feed_.issuers, request.ca_configuration);
    const auto serial = read_intune_serial(request.serial);
    if (!serial) {
        if (!named) co_return std::nullopt;
        co_return failed(request.context, RevocationError::kParameterDataInvalid,
                         "the serial number is not hexadecimal");
    }
    const auto rows = parts_.store->with_serial(*serial);
    if (!rows) {
        co_return failed(request.context, RevocationError::kServiceUnavailable,
                         "the store cannot be read now");
    }
    // A CA that is gone from the configuration is known by what it issued.
    std::vector<ca_backend::CertificateRow> ours;
    std::copy_if(rows->begin(), rows->end(), std::back_inserter(ours), [&](const auto& row) {
        return request.issuer.empty() || row.issuer == request.issuer ||
               row.issuer == request.ca_configuration;
    });
    if (ours.empty() && !named) co_return std::nullopt;
    const auto row =
        std::find_if(ours.begin(), ours.end(), [&](const auto& each) { return granted(each); });
    if (row == ours.end()) {
        LogFields fields;
        fields.add("policy", feed_.policy)
            .add("serial", *serial)
            .add("issuer", request.issuer.substr(0, kLongestLogged));
        parts_.log->warn("Intune asks to revoke a certificate that it did not grant", fields);
        co_return failed(request.context, RevocationError::kCertificateNotFound,
                         "there is no such certificate of this connector");
    }
    auto result = co_await revoke(request, *row);
    co_return result;
}

bool IntuneRevocation::is_revoked(const ca_backend::CertificateId& id) const {
    const auto row = parts_.store->find_certificate(id);
    return row && *row && (*row)->revocation && !(*row)->revocation->on_hold();
}

asio::awaitable<RevocationResult> IntuneRevocation::revoke(const Request& request,
                                                           const ca_backend::CertificateRow& row) {
    // Asked for once more, or done by another server or an operator: it is as Intune wants it.
    if (row.revocation && !row.revocation->on_hold())
        co_return RevocationResult{request.context, RevocationError::kNone, {}};
    const auto certificate = certs::Certificate::from_der(row.der);
    if (!certificate) {
        co_return failed(request.context, RevocationError::kNonRetryable,
                         "the stored certificate cannot be read");
    }
    const std::int64_t now = parts_.clock->now();
    const auto line = [&](AuditEvent event) {
        AuditRecord record(event, now);
        record.add("by", "intune")
            .add("policy", row.policy)
            .add("ca", row.ca)
            .add("serial", row.serial)
            .add("subject", row.subject)
            .add_if("subject_alt_name", row.subject_alt_name)
            .add_if("device_id", row.device_id);
        return record;
    };
    if (const auto audited = parts_.audit->write(line("intend").add("act", "revoke")); !audited) {
        co_return failed(request.context, RevocationError::kRetryable,
                         "the audit file cannot be written now");
    }
    ca_backend::RevocationOrder order;
    order.certificate = ca_backend::certificate_id(*certificate);
    order.at = now;
    order.by = "intune";
    const auto id = order.certificate;
    const auto revoked = co_await parts_.store->revoke(std::move(order));
    if (!revoked) {
        const auto audited = parts_.audit->write(
            line("fail").add("act", "revoke").add("error", revoked.error().detail));
        if (!audited) parts_.log->error(audited.error().detail);
        // Another was faster: it is as Intune wants it. But the database knows other conflicts.
        if (revoked.error().code == Errc::kConflict && is_revoked(id))
            co_return RevocationResult{request.context, RevocationError::kNone, {}};
        co_return failed(request.context, RevocationError::kServiceUnavailable,
                         "the store cannot be written now");
    }
    const auto audited = parts_.audit->write(
        line("revoke").add("reason", to_text(certs::RevocationReason::kUnspecified)));
    if (!audited) parts_.log->error(audited.error().detail);
    for (const auto& renewal : revoked->renewals) {
        const auto told = parts_.audit->write(ended_renewal(renewal));
        if (!told) parts_.log->error(told.error().detail);
    }
    LogFields fields;
    fields.add("policy", feed_.policy).add("serial", row.serial).add("subject", row.subject);
    parts_.log->info("revoked for Intune", fields);
    co_return RevocationResult{request.context, RevocationError::kNone, {}};
}

}  // namespace scepgate::server
