#include "server/store_verification.hpp"

#include <algorithm>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "ca_backend/certificate_record.hpp"
#include "certs/clock.hpp"
#include "server/audit_told.hpp"
#include "server/counted.hpp"
#include "server/revocations_told.hpp"

namespace scepgate::server {
namespace {

using ca_backend::RowToVerify;
using ca_backend::StoreFault;
using Rows = std::vector<RowToVerify>;

constexpr std::size_t kBatch = 1024;
/// The record behind what an earlier version wrote, which is not read.
constexpr std::string_view kAdopted = R"("event":"chain","reason":"adopted")";

bool is_signed(const certs::Certificate& certificate, const IssuerKeys& issuers, bool& known) {
    const auto [begin, end] =
        issuers.equal_range(ca_backend::issuer_hash(certificate.issuer_der()));
    known = begin != end;
    return std::any_of(begin, end,
                       [&](const auto& issuer) { return certificate.signed_by(issuer.second); });
}

std::vector<StoreFault> judge(const RowToVerify& row, const IssuerKeys& issuers) {
    auto faults = ca_backend::judge_row(row);
    const auto certificate = certs::Certificate::from_der(row.der);
    if (!certificate) return faults;
    bool known = false;
    if (is_signed(*certificate, issuers, known)) return faults;
    faults.push_back({known ? "signature_bad" : "issuer_unknown", name_of(row),
                      known ? "no configured CA of its issuer's name has signed it"
                            : "no configured CA is called " + certificate->issuer_text() +
                                  "; name an earlier one in endpoints[].renewal.previous_cas"});
    return faults;
}

/// The rows from `first` on, every `step`-th.
std::vector<StoreFault> judge_some(const Rows& rows, const IssuerKeys& issuers, std::size_t first,
                                   std::size_t step) {
    std::vector<StoreFault> faults;
    for (std::size_t i = first; i < rows.size(); i += step) {
        auto found = judge(rows[i], issuers);
        std::move(found.begin(), found.end(), std::back_inserter(faults));
    }
    return faults;
}

using Mark = CertificateMark;

bool contains(const std::vector<Mark>& sorted, Mark mark) {
    return std::binary_search(sorted.begin(), sorted.end(), mark);
}

/// Certificates that left and that the store lacks. Those that were revoked by their serial numbers
/// ("cert revoke --not-recorded") are no fault any more.
class LostCertificates {
public:
    explicit LostCertificates(const ToldIssuers& issuers) : issuers_(issuers) {}

    void add(CertificateTold told) { lost_.push_back(std::move(told)); }
    void add(TakenBackTold told) {
        // No CRL lists it any more, and the store has forgotten it.
        if (told.not_after < now_) expired_.insert(issuers_.told(told.ca, std::move(told.serial)));
    }

    Result<void> judge(ca_backend::sql::Connection& connection, StoreReport& report) const {
        if (lost_.empty()) return {};
        std::set<ToldId> revoked;
        const auto read = ca_backend::each_revocation_without_certificate(
            connection, [&](ca_backend::RevocationToVerify&& row) {
                revoked.insert(issuers_.stored(row.issuer, std::move(row.serial)));
            });
        if (!read) return read.error();
        std::uint64_t taken_back = 0;
        for (const CertificateTold& each : lost_) {
            const ToldId id = issuers_.told(each.ca, serial_from_hex(each.serial));
            if (may_contain(revoked, id) || may_contain(expired_, id)) {
                ++taken_back;
                continue;
            }
            report.add({"not_stored", "serial " + each.serial + " for '" + each.subject + "'",
                        "it left at " + each.time +
                            ", and is not in the store; revoke it with 'cert revoke "
                            "--not-recorded' (docs/backup.md)"});
        }
        if (taken_back != 0) {
            report.notes.push_back(counted(taken_back, "certificate") +
                                   " that left and that the store lacks: revoked since "
                                   "('cert revoke --not-recorded')");
        }
        return {};
    }

private:
    const ToldIssuers& issuers_;
    const std::string now_ = certs::utc_text(certs::SystemClock().now());
    std::vector<CertificateTold> lost_;
    std::set<ToldId> expired_;
};

}  // namespace

void StoreReport::add(StoreFault fault) {
    ++fault_count;
    if (faults.size() < kMostFaults) faults.push_back(std::move(fault));
}

IssuerKeys issuer_keys(const Config& config, StoreReport& report) {
    IssuerKeys keys;
    const auto add = [&](const std::filesystem::path& file) {
        const auto certificates = certs::Certificate::all_from_file(file);
        if (!certificates) {
            report.add({"ca_unreadable", file.string(), certificates.error().detail});
            return;
        }
        for (const auto& certificate : *certificates) {
            if (auto key = certificate.public_key())
                keys.emplace(ca_backend::issuer_hash(certificate.subject_der()), *std::move(key));
        }
    };
    for (const auto& [name, ca] : config.cas) {
        add(ca.certificate);
        if (ca.chain) add(*ca.chain);
    }
    for (const auto& endpoint : config.endpoints) {
        if (!endpoint.renewal) continue;
        for (const auto& file : endpoint.renewal->previous_cas)
            add(file);
    }
    return keys;
}

Result<void> verify_certificates(ca_backend::sql::Connection& connection, const IssuerKeys& issuers,
                                 StoreReport& report) {
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    const auto read = ca_backend::each_certificate(connection, kBatch, [&](Rows&& rows) {
        report.certificates += rows.size();
        std::vector<std::future<std::vector<StoreFault>>> parts;
        for (std::size_t core = 0; core < cores; ++core) {
            parts.push_back(std::async(std::launch::async, [&rows, &issuers, core, cores] {
                return judge_some(rows, issuers, core, cores);
            }));
        }
        for (auto& part : parts) {
            for (auto& fault : part.get())
                report.add(std::move(fault));
        }
    });
    if (!read) return read.error();
    auto references = ca_backend::verify_references(connection);
    if (!references) return references.error();
    for (auto& fault : *references)
        report.add(std::move(fault));
    return {};
}

Result<void> verify_with_audit(ca_backend::sql::Connection& connection,
                               const std::vector<AuditChain>& chains, const ToldIssuers& issuers,
                               StoreReport& report) {
    // The store after the audit file: what is signed meanwhile is told before it is stored.
    std::vector<Mark> told, issued;
    RevocationsTold revocations(issuers);
    std::string begins;    // the first record's time
    bool partial = false;  // there was something before it
    for (const AuditChain& chain : chains) {
        bool first = true;
        const auto take = [&](std::string_view line, const AuditLink& link) {
            if (std::exchange(first, false)) {
                constexpr std::string_view kTime = "\"time\":\"";
                const std::size_t at = line.find(kTime);
                const std::string_view time =
                    at == std::string_view::npos ? "" : line.substr(at + kTime.size(), 20);
                if (begins.empty() || time < begins) {
                    begins = time;
                    partial = link.seq != 1 || line.find(kAdopted) != std::string_view::npos;
                }
            }
            revocations.add(line);
            const auto record = certificate_told_by(line);
            if (!record) return;
            told.push_back(record->mark);
            if (record->issued) issued.push_back(record->mark);
        };
        const auto audit = verify_audit_files(chain.files, chain.digest, take);
        if (!audit) return audit.error();
        report.audit.records += audit->records;
        report.audit.fault_count += audit->fault_count;
        report.fault_count += audit->fault_count;
        auto& faults = report.audit.faults;
        faults.insert(faults.end(), audit->faults.begin(), audit->faults.end());
        for (const AuditNote& note : audit->notes) {
            // Of a file as a whole: it is not there.
            if (note.place.line == 0) report.notes.push_back(note.place.file + ": " + note.text);
        }
    }
    std::sort(told.begin(), told.end());
    std::sort(issued.begin(), issued.end());

    std::vector<Mark> stored;
    std::uint64_t before = 0;
    std::vector<std::pair<Mark, StoreFault>> untold;
    const auto read = ca_backend::each_certificate(connection, kBatch, [&](Rows&& rows) {
        for (const RowToVerify& row : rows) {
            const Mark mark = mark_of(sha256(row.der));
            stored.push_back(mark);
            if (contains(told, mark)) continue;
            const std::string at = certs::utc_text(row.issued_at);
            if (partial && at <= begins) {
                ++before;
            } else {
                untold.push_back({mark,
                                  {"not_audited", name_of(row),
                                   "issued at " + at +
                                       ", and no record "
                                       "of the audit file tells of it"}});
            }
        }
    });
    if (!read) return read.error();
    std::sort(stored.begin(), stored.end());
    if (before != 0) {
        report.notes.push_back(counted(before, "certificate") + (before == 1 ? " is" : " are") +
                               " older than the chain that was read: give the audit files that "
                               "were rotated away with --audit");
    }
    // A server may have gone on since the audit file was read: it is read once more for these.
    const bool lost = std::any_of(issued.begin(), issued.end(),
                                  [&](Mark mark) { return !contains(stored, mark); });
    const auto not_revoked = revocations.missing_in(connection);
    if (!not_revoked) return not_revoked.error();
    std::vector<Mark> again;
    LostCertificates missing(issuers);
    RevocationsTold revocations_again(issuers);
    for (const AuditChain& chain : chains) {
        if (untold.empty() && !lost && not_revoked->empty()) break;
        const auto take = [&](std::string_view line, const AuditLink&) {
            revocations_again.add(line);
            if (auto taken_back = taken_back_by(line)) missing.add(*std::move(taken_back));
            auto record = certificate_told_by(line);
            if (!record) return;
            again.push_back(record->mark);
            const bool known = contains(issued, record->mark);
            if (!record->issued || contains(stored, record->mark) || !lost || !known) return;
            missing.add(*std::move(record));
        };
        const auto second = verify_audit_files(chain.files, chain.digest, take);
        if (!second) return second.error();
    }
    if (auto judged = missing.judge(connection, report); !judged) return judged;
    for (const auto& [id, fault] : *not_revoked) {
        // Released while the store was read, it is as it should be.
        if (revocations_again.is_revoked(id)) report.add(fault);
    }
    std::sort(again.begin(), again.end());
    std::uint64_t not_audited = 0;
    for (auto& [mark, fault] : untold) {
        if (contains(again, mark)) continue;
        ++not_audited;
        report.add(std::move(fault));
    }
    if (not_audited != 0) {
        report.notes.push_back(
            "not_audited: where the audit file was begun anew, for another key or after a loss, "
            "give the earlier files with --audit, and their key with --audit-key");
    }
    return {};
}

}  // namespace scepgate::server
