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
                (told.recorded ? "'" : " --not-recorded'") + " (docs/backup.md)"};
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

/// Of one that the store has no row of, by the name of its CA.
Result<bool> is_listed(const Config& config, ca_backend::Store& store, const Bytes& serial,
                       const RevocationTold& told) {
    const auto ca = config.cas.find(told.ca);
    if (ca == config.cas.end()) return true;  // it has left the configuration: nobody can tell
    const auto certificates = certs::Certificate::all_from_file(ca->second.certificate);
    if (!certificates || certificates->empty()) return true;
    const auto found = store.find_revocation(
        {ca_backend::issuer_hash(certificates->front().subject_der()), serial});
    if (!found) return found.error();
    return found->has_value();
}

}  // namespace

void RevocationsTold::add(std::string_view line) {
    auto told = revocation_told_by(line);
    if (!told) return;
    Bytes serial = serial_from_hex(told->serial);
    if (serial.empty()) return;
    const auto [place, fresh] = last_.try_emplace(std::move(serial), *told);
    if (!fresh && place->second.time <= told->time) place->second = *std::move(told);
}

bool RevocationsTold::is_revoked(const Bytes& serial) const {
    const auto found = last_.find(serial);
    return found != last_.end() && !found->second.is_release();
}

Result<std::map<Bytes, ca_backend::StoreFault>> RevocationsTold::missing_in(
    ca_backend::sql::Connection& store) const {
    std::map<Bytes, ca_backend::StoreFault> missing;
    for (const auto& [serial, told] : last_) {
        if (told.is_release() || (!told.recorded && has_expired(told))) continue;
        missing.emplace(serial, fault_of(told, "is good in the store"));
    }
    const auto read =
        ca_backend::each_revocation(store, [&](const Bytes& serial, RevocationReason reason) {
            const auto found = missing.find(serial);
            if (found == missing.end()) return;
            const RevocationTold& told = last_.at(serial);
            if (is_held_only(told, reason)) {
                found->second = fault_of(told, "is only on hold in the store");
            } else {
                missing.erase(found);
            }
        });
    if (!read) return read.error();
    return missing;
}

Result<std::vector<std::string>> lately_lost_revocations(const Config& config,
                                                         ca_backend::Store& store) {
    constexpr std::streamoff kMost = std::streamoff{1} << 20;
    const auto text = end_of(config.audit_file, kMost);
    if (!text) return text.error();
    RevocationsTold told;
    for (std::string_view lines = *text; !lines.empty();) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        told.add(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    std::vector<std::string> lost;
    for (const auto& [serial, last] : told.all()) {
        if (last.is_release()) continue;
        const auto row = store.find_serial(last.serial);
        if (!row) return row.error();
        const auto revocation = *row ? (*row)->revocation : std::nullopt;
        if (revocation && !is_held_only(last, revocation->reason)) continue;
        if (!*row && has_expired(last)) continue;
        if (!*row) {
            const auto listed = is_listed(config, store, serial, last);
            if (!listed) return listed.error();
            if (*listed) continue;
        }
        lost.push_back(last.serial);
    }
    return lost;
}

}  // namespace scepgate::server
