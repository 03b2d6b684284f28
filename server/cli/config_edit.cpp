#include "server/cli/config_edit.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Octets of white space and comments in front of the value.
std::size_t head_length(std::string_view text) {
    std::size_t at = 0;
    for (;;) {
        at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
        const std::string_view rest = text.substr(at);
        std::size_t end = std::string_view::npos;
        if (rest.starts_with("//")) end = rest.find('\n');
        if (rest.starts_with("/*")) end = rest.find("*/");
        if (end == std::string_view::npos) return at;
        at += end + (rest.starts_with("/*") ? 2 : 1);
    }
}

Error cannot(const std::string& what, const fs::path& file) {
    return {Errc::kUnavailable,
            "cannot " + what + " " + file.string() + ": " + std::strerror(errno)};
}

Result<void> replace_keeping_mode(const fs::path& file, const std::string& text) {
    struct stat before {};
    if (::stat(file.c_str(), &before) != 0) return cannot("read", file);
    fs::path temporary = file;
    temporary += ".new." + std::to_string(::getpid());
    if (auto written = write_new_file(temporary, as_bytes(text), true); !written) {
        return written.error();
    }
    const bool same_owner = before.st_uid == ::geteuid() ||
                            ::chown(temporary.c_str(), before.st_uid, before.st_gid) == 0;
    const bool done = same_owner && ::chmod(temporary.c_str(), before.st_mode & 07777) == 0 &&
                      ::rename(temporary.c_str(), file.c_str()) == 0;
    if (done) return {};
    auto error = cannot("replace", file);
    ::unlink(temporary.c_str());
    return error;
}

}  // namespace

Result<std::string> read_whole_file(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    if (!stream || !(text << stream.rdbuf())) return cannot("read", file);
    return text.str();
}

Result<bool> edit_config(const fs::path& named, const std::function<void(Json&)>& change) {
    std::error_code failure;
    const fs::path file = fs::canonical(named, failure);  // a link stays one
    if (failure) return cannot("read", named);
    const auto text = read_whole_file(file);
    if (!text) return text.error();
    const std::size_t head = head_length(*text);
    Json config =
        Json::parse(text->begin() + static_cast<std::ptrdiff_t>(head), text->end(), nullptr, false);
    if (!config.is_object()) return false;
    change(config);
    const std::string changed = text->substr(0, head) + config.dump(2) + "\n";
    ConfigFaults faults;
    static_cast<void>(parse_config(changed, file.parent_path(), faults));
    for (const auto& fault : faults.list()) {
        if (!fault.warning) return Error{Errc::kConfig, fault.text()};
    }
    fs::path backup = file;
    backup += ".bak";
    if (!fs::copy_file(file, backup, fs::copy_options::overwrite_existing, failure)) {
        return Error{Errc::kUnavailable,
                     "cannot write " + backup.string() + ": " + failure.message()};
    }
    if (auto replaced = replace_keeping_mode(file, changed); !replaced) return replaced.error();
    return true;
}

Result<bool> add_to_config(const fs::path& named, const Json& additions) {
    return edit_config(named, [&additions](Json& config) {
        for (const auto& [name, ca] : additions.at("cas").items())
            config["cas"][name] = ca;
        for (const auto& [index, keys] : additions.at("endpoints").items())
            config["endpoints"].at(std::stoul(index)).update(keys);
    });
}

}  // namespace scepgate::server::cli
