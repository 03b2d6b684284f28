#include "server/sandbox/writable_places.hpp"

#include <algorithm>

#include "server/http_address.hpp"

namespace scepgate::server::sandbox {
namespace {

namespace fs = std::filesystem;
using Kind = WritablePlace::Kind;

/// As many as the kernel follows.
constexpr std::size_t kMostLinks = 40;

/// What stands there is the kernel's, and other things' besides.
bool is_kernels(const fs::path& folder) {
    const std::string name = folder.lexically_normal().string();
    return name == "/dev" || name == "/dev/fd" || name == "/dev/pts" || name == "/proc" ||
           name.starts_with("/proc/");
}

fs::path folder_of(const fs::path& file) {
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

class PlaceCollector {
public:
    void file(const fs::path& file, const std::string& json_path, Kind kind = Kind::kFiles,
              bool published = false) {
        if (file.empty()) return;
        for (const fs::path& name : names_of(file)) {
            const fs::path folder = folder_of(name);
            if (is_kernels(folder)) return add({name, kind, json_path, published});
            add({folder, kind, json_path, published});
        }
    }

    void add(WritablePlace place) {
        if (std::find(all_.begin(), all_.end(), place) == all_.end())
            all_.push_back(std::move(place));
    }

    std::vector<WritablePlace> take() { return std::move(all_); }

private:
    std::vector<WritablePlace> all_;
};

void add_published(const CaConfig& ca, PlaceCollector& places) {
    if (!ca.crl) return;
    // Variables stand in the files' names alone.
    for (const auto& file : ca.crl->publish_to)
        places.file(file, ca.json_path + ".crl.publish_to", Kind::kFiles, true);
    for (const auto& file : ca.crl->publish_certificate_to)
        places.file(file, ca.json_path + ".crl.publish_certificate_to", Kind::kFiles, true);
}

}  // namespace

std::vector<fs::path> names_of(const fs::path& file) {
    std::vector<fs::path> names{file};
    std::error_code failure;
    while (names.size() <= kMostLinks &&
           fs::is_symlink(fs::symlink_status(names.back(), failure))) {
        const fs::path target = fs::read_symlink(names.back(), failure);
        if (failure) break;
        names.push_back(folder_of(names.back()) / target);
    }
    return names;
}

std::vector<WritablePlace> writable_places(const Config& config) {
    PlaceCollector places;
    places.file(config.store_sqlite, "store.sqlite");
    places.file(config.audit_file, "audit.file");
    if (config.log.file) places.file(*config.log.file, "log.file");
    if (config.signer) {
        places.file(config.signer->state, "signer.state");
        places.file(config.signer->socket, "signer.socket", Kind::kSocket);
    }
    for (const auto& [name, ca] : config.cas)
        add_published(ca, places);
    for (std::size_t i = 0; i < config.sandbox.writable.size(); ++i) {
        places.add({config.sandbox.writable[i], Kind::kAnything,
                    "sandbox.writable[" + std::to_string(i) + "]", false});
    }
    return places.take();
}

std::vector<std::uint16_t> listening_ports(const Config& config) {
    auto listeners = config.http.listen;
    if (config.admin) {
        const auto& more = config.admin->http.listen;
        listeners.insert(listeners.end(), more.begin(), more.end());
    }
    std::vector<std::uint16_t> ports;
    for (const auto& listener : listeners) {
        if (const auto endpoint = parse_endpoint(listener.address))
            ports.push_back(endpoint->port());
    }
    return ports;
}

}  // namespace scepgate::server::sandbox
