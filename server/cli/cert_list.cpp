// scepgate cert list
#include <ctime>
#include <iostream>

#include <nlohmann/json.hpp>

#include "certs/clock.hpp"
#include "server/cli/cert.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/counted.hpp"
#include "server/shell_word.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CertificateFilter;
using ca_backend::CertificatePage;
using ca_backend::CertificateRow;
using Json = nlohmann::ordered_json;
using Status = CertificateFilter::Status;

/// Rows are printed as they come, so many in memory at a time.
constexpr std::size_t kRowsAtOnce = 500;

struct CertListOptions {
    std::string config, serial, expiring;
    std::string issued_from, issued_until, expires_from, expires_until;
    CertificateFilter filter;
    std::size_t limit = 1000, scan = 100'000;
    bool valid = false, expired = false, revoked = false, on_hold = false;
    bool json = false, page = false;
};

/// "2026-11-22" (its first second) or "2026-11-22T05:00:00Z"; kMalformed.
Result<std::int64_t> parse_utc(const std::string& text) {
    std::tm time{};
    for (const char* format : {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"}) {
        time = {};
        const char* end = ::strptime(text.c_str(), format, &time);
        if (end == nullptr || *end != '\0') continue;
        const std::tm read = time;
        const std::int64_t seconds = ::timegm(&time);
        // The 31st of a month that has none is another day.
        if (time.tm_mday == read.tm_mday) return seconds;
    }
    return Error{Errc::kMalformed, "'" + text +
                                       "' is no time: write 2026-11-22 or 2026-11-22T05:00:00Z, "
                                       "which is UTC"};
}

Result<void> set_time(std::optional<std::int64_t>& into, const char* option,
                      const std::string& text, bool whole_day) {
    if (text.empty()) return {};
    const auto time = parse_utc(text);
    if (!time) return in_context(option, time.error());
    constexpr std::int64_t kDay = 86'400;
    const bool day = text.find('T') == std::string::npos;
    into = *time + (whole_day && day ? kDay - 1 : 0);
    return {};
}

Result<CertificateFilter> filter_of(const CertListOptions& options) {
    CertificateFilter filter = options.filter;
    filter.now = certs::SystemClock().now();
    if (!options.serial.empty()) {
        auto serial = ca_backend::parse_serial(options.serial);
        if (!serial) return in_context("--serial", serial.error());
        filter.serial = *std::move(serial);
    }
    for (const auto& done :
         {set_time(filter.issued_from, "--issued-from", options.issued_from, false),
          set_time(filter.issued_until, "--issued-until", options.issued_until, true),
          set_time(filter.expires_from, "--expires-from", options.expires_from, false),
          set_time(filter.expires_until, "--expires-until", options.expires_until, true)}) {
        if (!done) return done.error();
    }
    if (!options.expiring.empty()) {
        const auto within = parse_duration(options.expiring);
        if (!within) return in_context("--expiring", within.error());
        filter.expires_from = filter.now + 1;
        filter.expires_until = filter.now + *within;
    }
    if (options.valid) filter.status = Status::kValid;
    if (options.expired) filter.status = Status::kExpired;
    if (options.revoked) filter.status = Status::kRevoked;
    if (options.on_hold) filter.status = Status::kOnHold;
    return filter;
}

std::string_view status_of(const CertificateRow& row) {
    if (!row.revocation) return "";
    return row.revocation->on_hold() ? "on hold  " : "revoked  ";
}

/// Rows as they come: lines, or members of a JSON array.
class Printer {
public:
    explicit Printer(const CertListOptions& options) : options_(options) {
        if (!options_.json) return;
        std::cout << (options_.page ? "{\n\"certificates\": [" : "[");
    }
    void print(const CertificateRow& row) {
        if (options_.json) {
            std::cout << (first_ ? "\n" : ",\n")
                      << to_json(row).dump(2, ' ', true, Json::error_handler_t::replace);
            first_ = false;
            return;
        }
        std::cout << row.serial << "  " << certs::utc_text(row.issued_at) << "  until "
                  << certs::utc_text(row.not_after) << "  " << status_of(row) << row.template_name
                  << "  " << printable(row.subject.empty() ? row.subject_alt_name : row.subject)
                  << '\n';
    }
    void end(const std::optional<std::string>& next, std::size_t scanned) {
        if (!options_.json) return;
        std::cout << (first_ ? "]" : "\n]");
        if (options_.page) {
            std::cout << ",\n\"next\": " << (next ? Json(*next) : Json()).dump()
                      << ",\n\"scanned\": " << scanned << "\n}";
        }
        std::cout << '\n';
    }

private:
    const CertListOptions& options_;
    bool first_ = true;
};

int list(const CertListOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto filter = filter_of(options);
    if (!filter) return complain(kUsage, filter.error().detail);
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    std::size_t shown = 0, scanned = 0;
    std::optional<std::string> next = filter->after;
    std::optional<Printer> printer;
    bool looked_enough = false;
    do {
        filter->after = next;
        filter->limit = std::min(options.limit - shown, kRowsAtOnce);
        if (options.scan != 0) filter->scan_limit = options.scan - scanned;
        const auto page = store->list(*filter);
        if (!page) {
            return complain(page.error().code == Errc::kMalformed ? kUsage : kFailed,
                            page.error().detail);
        }
        if (!printer) printer.emplace(options);
        for (const CertificateRow& row : page->rows)
            printer->print(row);
        if (!std::cout) break;
        shown += page->rows.size();
        scanned += page->scanned;
        next = page->next;
        looked_enough = options.scan != 0 && scanned >= options.scan;
    } while (next && shown < options.limit && !looked_enough);
    printer->end(next, scanned);
    if (next) {
        std::cerr << "scepgate: "
                  << (shown < options.limit ? "looked at " + counted(scanned, "certificate") +
                                                  " and not at the rest, because no index serves "
                                                  "these filters (--scan 0 looks at all)"
                                            : std::string("there may be more"))
                  << "; go on with the same filters and --after " << shell_word(*next) << '\n';
    }
    return flush_output(kSuccess);
}

void add_filters(CLI::App& command, CertListOptions& options) {
    CertificateFilter& filter = options.filter;
    const auto text = [&command](const char* name, std::optional<std::string>& into,
                                 const char* help) {
        return command.add_option(name, into, help)->check(not_empty());
    };
    text("--subject", filter.subject_contains, "Subjects that contain this text (searches)");
    text("--subject-is", filter.subject, "This subject, as it is listed");
    text("--subject-begins", filter.subject_begins, "Subjects that begin so, in their order");
    text("--san", filter.alt_name,
         "This subject alternative name: dns:host.example, or host.example of any type");
    text("--san-contains", filter.alt_name_contains,
         "Subject alternative names that contain this text (searches)");
    text("--device", filter.device_id, "This device_id of the challenge");
    text("--user", filter.user_id, "This user_id of the challenge");
    command.add_option("--serial", options.serial, "This serial number, in hex");
    text("--transaction", filter.transaction_id, "This transactionID");
    text("--template", filter.template_name, "This template (searches)");
    text("--endpoint", filter.endpoint, "This endpoint's name (searches)");
    text("--ca", filter.ca, "This CA (searches)");
    text("--policy", filter.policy, "This policy (searches)");
    constexpr auto* kTime = "TIME";
    command.add_option("--issued-from", options.issued_from, "Issued at this time or later")
        ->type_name(kTime);
    command.add_option("--issued-until", options.issued_until, "Issued at this time or before")
        ->type_name(kTime);
    auto* from = command.add_option("--expires-from", options.expires_from,
                                    "That expire at this time or later, the soonest first");
    auto* until = command.add_option("--expires-until", options.expires_until,
                                     "That expire at this time or before, the soonest first");
    command
        .add_option("--expiring", options.expiring,
                    "That expire within this time (30d) from now, the soonest first")
        ->check(a_duration())
        ->excludes(from->type_name(kTime))
        ->excludes(until->type_name(kTime));
    auto* status = command.add_option_group("status");
    status->add_flag("--valid", options.valid, "Neither expired nor revoked (searches)");
    status->add_flag("--expired", options.expired, "Expired, the latest first");
    status->add_flag("--revoked", options.revoked, "Revoked or on hold, the latest first");
    status->add_flag("--on-hold", options.on_hold, "On hold (searches what is revoked)");
    status->require_option(0, 1);
}

}  // namespace

void add_cert_list(CLI::App& cert, int& status) {
    auto options = std::make_shared<CertListOptions>();
    CLI::App* command = cert.add_subcommand(
        "list",
        "List issued certificates, newest first; all filters that are given must hold. What an "
        "index serves is quick among millions; what 'searches' looks at one certificate after the "
        "other, so many for one call (--scan). The server may be running.");
    add_config_option(*command, options->config);
    command->add_flag("--json", options->json, "Print a JSON array");
    command
        ->add_flag("--page", options->page,
                   "With --json: an object of certificates, next (for --after, or null) and "
                   "scanned")
        ->needs("--json");
    add_filters(*command, *options);
    command->add_option("--limit", options->limit, "At most this many")->capture_default_str();
    command->add_option("--after", options->filter.after,
                        "Go on there: what a call with the same filters named last");
    command
        ->add_option("--scan", options->scan,
                     "Look at about this many certificates at most where a filter searches; 0: at "
                     "all")
        ->capture_default_str();
    command->callback([&status, options] { status = list(*options); });
}

}  // namespace scepgate::server::cli
