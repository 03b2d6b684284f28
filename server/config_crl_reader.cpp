#include "server/config_crl_reader.hpp"

#include <algorithm>

#include "ca_backend/ca_url.hpp"
#include "server/config_paths.hpp"

namespace scepgate::server {
namespace {

using Json = ConfigReader::Json;

std::optional<std::string> expanded(const std::string& file, bool delta) {
    ca_backend::CaUrlNames names;
    names.dns_name = "host";
    names.ca_name = "CA";
    names.delta = delta;
    const auto name =
        ca_backend::expand_ca_file_name(std::filesystem::path(file).filename().string(), names);
    if (!name) return std::nullopt;
    return *name;
}

void read_published_files(ConfigReader& reader, const std::string& key, const ConfigParts& parts,
                          std::vector<std::string>& files, ConfigFaults& faults) {
    std::vector<std::string> all;
    reader.texts(key, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
        // Folders are taken as they are.
        const bool plain_folder =
            std::filesystem::path(all[i]).parent_path().string().find('%') == std::string::npos;
        if (plain_folder && expanded(all[i], false)) {
            files.push_back(parts.resolve(all[i]).string());
            continue;
        }
        faults.error(reader.path_of(key) + '[' + std::to_string(i) + ']',
                     "'" + all[i] + "' is not the path of a file",
                     "give it as /var/www/pki/%3%8%9.crl; variables stand in the file's name "
                     "alone (docs/ca-urls.md)");
    }
}

void judge_delta(const ConfigReader& reader, const CrlConfig& crl, ConfigFaults& faults) {
    if (!crl.delta) return;
    if (crl.delta->period >= crl.period) {
        faults.error(reader.path_of("delta") + ".period", "is as long as the complete CRL's",
                     "make it shorter than crl.period, or leave crl.delta out");
    }
    for (std::size_t i = 0; i < crl.publish_to.size(); ++i) {
        if (expanded(crl.publish_to[i], false) != expanded(crl.publish_to[i], true)) continue;
        faults.error(reader.path_of("publish_to") + '[' + std::to_string(i) + ']',
                     "complete and delta CRL would be one file",
                     "add %9, which is \"+\" for the delta: %3%8%9.crl");
    }
}

}  // namespace

void read_published_path(ConfigReader& reader, const std::string& key, std::string& path,
                         ConfigFaults& faults) {
    reader.text(key, path);
    // "/ocsp/" and "/ocsp" are one place: what a GET asks of it comes after a slash of its own.
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    // A CA's name in a URL can have spaces: they come as %20, and are compared decoded.
    std::string spaceless = path;
    std::replace(spaceless.begin(), spaceless.end(), ' ', '-');
    if (path.empty() || (path != "/" && sound_endpoint_path(spaceless))) return;
    faults.error(reader.path_of(key), "'" + path + "' is no path",
                 "begin it with / and leave out empty segments, \".\", \"..\" and all of ? # % "
                 "and \\");
}

void read_crl(ConfigReader& owner, const ConfigParts& parts, CaConfig& ca, ConfigFaults& faults) {
    const Json* json = owner.member("crl");
    if (json == nullptr) return;
    ConfigReader reader(*json, owner.path_of("crl"), faults);
    CrlConfig& crl = ca.crl.emplace();
    const std::string name = ca.json_path.substr(ca.json_path.find('.') + 1);
    crl.path = "/crl/" + name + ".crl";
    reader.duration("period", crl.period, 3600, 366 * 86'400LL);
    reader.duration("overlap", crl.overlap, 600, 30 * 86'400LL);
    read_published_path(reader, "path", crl.path, faults);
    reader.flag("issuing_distribution_point", crl.issuing_distribution_point);
    read_published_files(reader, "publish_to", parts, crl.publish_to, faults);
    read_published_files(reader, "publish_certificate_to", parts, crl.publish_certificate_to,
                         faults);
    if (const Json* more = reader.member("delta")) {
        ConfigReader inner(*more, reader.path_of("delta"), faults);
        DeltaCrlConfig& delta = crl.delta.emplace();
        delta.path = "/crl/" + name + "+.crl";
        inner.duration("period", delta.period, 60, 366 * 86'400LL);
        inner.duration("overlap", delta.overlap, 60, 30 * 86'400LL);
        read_published_path(inner, "path", delta.path, faults);
        inner.finish();
    }
    reader.finish();
    judge_delta(reader, crl, faults);
    if (owner.member("crl_validity") != nullptr) {
        faults.error(owner.path_of("crl_validity"), "stands beside 'crl'",
                     "leave it out: crl.period and crl.overlap say it");
    }
}

void judge_crl_urls(const CaConfig& ca, bool has_crl_urls, bool has_freshest_crl_urls,
                    ConfigFaults& faults) {
    const bool deltas = ca.crl && ca.crl->delta;
    if (has_freshest_crl_urls && !deltas) {
        faults.warn(ca.json_path + ".freshest_crl_urls",
                    "certificates name a delta CRL, and none is made here",
                    "add crl.delta, or leave the URLs out if the delta CRL is made elsewhere");
    }
    if (deltas && !has_freshest_crl_urls) {
        faults.warn(ca.json_path + ".crl.delta",
                    "no certificate and no CRL says where the delta is",
                    "add freshest_crl_urls, such as [\"http://pki.example/crl/%3%8%9.crl\"]");
    }
    if (ca.crl && ca.crl->issuing_distribution_point && !has_crl_urls) {
        faults.error(ca.json_path + ".crl.issuing_distribution_point",
                     "there are no crl_urls, which is what it says",
                     "add crl_urls: verifiers compare them with those in certificates");
    }
}

}  // namespace scepgate::server
