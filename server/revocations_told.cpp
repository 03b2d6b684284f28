#include "server/revocations_told.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "ca_backend/store.hpp"
#include "certs/certificate.hpp"
#include "certs/clock.hpp"
#include "server/config.hpp"

namespace scepgate::server {
namespace {

using certs::RevocationReason;

/// For ever by the audit file, and not so by the store.
bool is_held_only(const RevocationTold& told, RevocationReason reason) {
    return reason == RevocationReason::kCertificateHold && told.event == "revoke";
}

bool has_expired(const RevocationTold& told) {
    return !told.not_after.empty() && told.not_after < certs::utc_text(certs::SystemClock().now());
}

ca_backend::StoreFault fault_of(const RevocationTold& told, const char* instead) {
    const bool hold = told.event == "hold";
    return {"not_revoked", "serial " + told.serial + " for '" + told.subject + "'",
            "it was " + (hold ? std::string("put on hold") : "revoked (" + told.reason + ")") +
                " at " + told.time + ", and " + instead +
                ": the store is older; do it again with 'cert " + (hold ? "hold" : "revoke") +
                (told.recorded ? "'" : " --not-recorded --ca " + told.ca + "'") +
                " (docs/backup.md)"};
}

/// The last of a file, from the beginning of a line on.
Result<std::string> end_of(const std::filesystem::path& path, std::streamoff most) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{Errc::kUnavailable,
                     "cannot read " + path.string() + ": " + std::strerror(errno)};
    }
    file.seekg(0, std::ios::end);
    const std::streamoff size = file.tellg();
    const std::streamoff length = std::min(size, most);
    file.seekg(size - length);
    std::string text(static_cast<std::size_t>(length), '\0');
    if (!file.read(text.data(), length))
        return Error{Errc::kUnavailable, "cannot read " + path.string()};
    if (length < size) text.erase(0, text.find('\n'));
    return text;
}

/// Of one that the store has no row of.
Result<bool> is_listed(ca_backend::Store& store, const ToldId& id) {
    if (!id.issuer) return true;  // its CA has left the configuration: nobody can tell
    const auto found = store.find_revocation({*id.issuer, id.serial});
    if (!found) return found.error();
    return found->has_value();
}

/// The row that is told of, if there is one.
Result<std::optional<ca_backend::CertificateRow>> row_of(ca_backend::Store& store,
                                                         const ToldIssuers& issuers,
                                                         const ToldId& id,
                                                         const RevocationTold& told) {
    auto rows = store.with_serial(told.serial);
    if (!rows) return rows.error();
    const auto may_be = [&](const ca_backend::CertificateRow& row) {
        const auto certificate = certs::Certificate::from_der(row.der);
        if (!id.issuer || !certificate) return true;
        const auto issuer = ca_backend::issuer_hash(certificate->issuer_der());
        return issuers.stored(issuer, id.serial).may_be(id);
    };
    auto found = std::find_if(rows->begin(), rows->end(),
                              [&](const auto& row) { return row.ca == told.ca; });
    if (found == rows->end()) found = std::find_if(rows->begin(), rows->end(), may_be);
    if (found == rows->end()) return std::optional<ca_backend::CertificateRow>();
    return std::optional(std::move(*found));
}

}  // namespace

void RevocationsTold::add(std::string_view line) {
    auto told = revocation_told_by(line);
    if (!told) return;
    Bytes serial = serial_from_hex(told->serial);
    if (serial.empty()) return;
    const auto [place, fresh] =
        last_.try_emplace(issuers_.told(told->ca, std::move(serial)), *told);
    if (!fresh && place->second.time <= told->time) place->second = *std::move(told);
}

bool RevocationsTold::is_revoked(const ToldId& id) const {
    const auto found = last_.find(id);
    if (found == last_.end() || found->second.is_release()) return false;
    // A CA may have been called something else when its certificate was released.
    for (auto at = last_.lower_bound({id.serial, {}});
         at != last_.end() && at->first.serial == id.serial; ++at) {
        if (at->second.is_release() && at->first.may_be(id) &&
            at->second.time >= found->second.time) {
            return false;
        }
    }
    return true;
}

Result<std::map<ToldId, ca_backend::StoreFault>> RevocationsTold::missing_in(
    ca_backend::sql::Connection& store) const {
    std::map<ToldId, ca_backend::StoreFault> missing;
    for (const auto& [id, told] : last_) {
        if (!is_revoked(id) || (!told.recorded && has_expired(told))) continue;
        missing.emplace(id, fault_of(told, "is good in the store"));
    }
    const auto take = [&](ca_backend::RevocationToVerify&& row) {
        auto at = missing.lower_bound({row.serial, {}});
        while (at != missing.end() && at->first.serial == row.serial) {
            const RevocationTold& told = last_.at(at->first);
            const bool same = issuers_.stored(row.issuer, row.serial).may_be(at->first) ||
                              (!row.ca.empty() && row.ca == told.ca);
            if (same && !is_held_only(told, row.reason)) {
                at = missing.erase(at);
                continue;
            }
            if (same) at->second = fault_of(told, "is only on hold in the store");
            ++at;
        }
    };
    if (const auto read = ca_backend::each_revocation(store, take); !read) return read.error();
    return missing;
}

Result<std::vector<std::string>> lately_lost_revocations(const Config& config,
                                                         ca_backend::Store& store) {
    constexpr std::streamoff kMost = std::streamoff{1} << 20;
    const auto text = end_of(config.audit_file, kMost);
    if (!text) return text.error();
    const ToldIssuers issuers = told_issuers(config);
    RevocationsTold told(issuers);
    for (std::string_view lines = *text; !lines.empty();) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        told.add(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    std::vector<std::string> lost;
    for (const auto& [id, last] : told.all()) {
        if (!told.is_revoked(id)) continue;
        const auto row = row_of(store, issuers, id, last);
        if (!row) return row.error();
        const auto revocation = *row ? (*row)->revocation : std::nullopt;
        if (revocation && !is_held_only(last, revocation->reason)) continue;
        if (!*row && has_expired(last)) continue;
        if (!*row) {
            const auto listed = is_listed(store, id);
            if (!listed) return listed.error();
            if (*listed) continue;
        }
        lost.push_back(last.serial);
    }
    return lost;
}

}  // namespace scepgate::server
