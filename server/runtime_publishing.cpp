#include "server/runtime_publishing.hpp"

#include <map>

#include "ca_backend/wait_for.hpp"
#include "server/config_ca_urls.hpp"
#include "server/crl_records.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;
using ca_backend::CrlKind;

std::vector<fs::path> expand_files(const std::vector<std::string>& patterns,
                                   const ca_backend::CaUrlNames& names) {
    std::vector<fs::path> files;
    for (const fs::path pattern : patterns) {
        const auto name = ca_backend::expand_ca_file_name(pattern.filename().string(), names);
        if (name) files.push_back(pattern.parent_path() / *name);
    }
    return files;
}

}  // namespace

std::vector<fs::path> crl_files(const CaConfig& ca, const certs::Certificate& certificate,
                                CrlKind kind) {
    if (!ca.crl) return {};
    auto names = ca_url_names(ca, certificate);
    names.delta = kind == CrlKind::kDelta;
    return expand_files(ca.crl->publish_to, names);
}

std::vector<fs::path> certificate_files(const CaConfig& ca, const certs::Certificate& certificate) {
    if (!ca.crl) return {};
    return expand_files(ca.crl->publish_certificate_to, ca_url_names(ca, certificate));
}

void add_duties(const std::string& name, const CaConfig& config, const BuiltCa& ca,
                PublisherDuties& duties) {
    const certs::Certificate& certificate = ca.backend->chain().front();
    for (const CrlKind kind : {CrlKind::kComplete, CrlKind::kDelta}) {
        if (kind == CrlKind::kDelta && !config.crl->delta) continue;
        duties.crls.push_back({name, ca.backend, kind, crl_files(config, certificate, kind)});
    }
    auto files = certificate_files(config, certificate);
    if (!files.empty()) duties.certificates.push_back({name, certificate, std::move(files)});
}

void judge_files(const PublisherDuties& duties, const Config& config, ConfigFaults& faults) {
    std::map<fs::path, std::string> taken;
    const auto judge = [&](const std::vector<fs::path>& files, const std::string& at,
                           const std::string& whose) {
        for (const fs::path& file : files) {
            const auto [place, fresh] = taken.emplace(file, whose);
            if (!fresh) {
                faults.error(at, file.string() + " is written for " + place->second + ", too",
                             "give each a name of its own, such as with %3%8%9");
            }
            std::error_code ignored;
            if (fs::is_directory(file.parent_path(), ignored)) continue;
            faults.warn(
                at, "there is no folder " + file.parent_path().string(),
                "make it, writable by the server's user, before the server's start; without "
                "it nothing is published there");
        }
    };
    for (const CrlDuty& duty : duties.crls) {
        judge(duty.files, config.cas.at(duty.ca_name).json_path + ".crl.publish_to",
              "the " + std::string(to_text(duty.kind)) + " CRL of " + duty.ca_name);
    }
    for (const CertificateDuty& duty : duties.certificates) {
        judge(duty.files, config.cas.at(duty.ca_name).json_path + ".crl.publish_certificate_to",
              "the certificate of " + duty.ca_name);
    }
}

Result<bool> lift_crl_number(const Config& config, const std::string& ca_name,
                             ca_backend::Store& store) {
    const auto last = last_recorded_crl(config.audit_file, ca_name);
    if (!last) return last.error();
    if (*last == 0) return false;
    const auto certificates = certs::Certificate::all_from_file(config.cas.at(ca_name).certificate);
    if (!certificates || certificates->empty()) return false;  // the CA itself has a fault
    return ca_backend::wait_for(
        store.lift_crl_number(ca_backend::issuer_hash(certificates->front().subject_der()), *last));
}

}  // namespace scepgate::server
