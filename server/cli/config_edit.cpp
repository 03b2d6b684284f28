#include "server/cli/config_edit.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "server/cli/files.hpp"
#include "server/cli/lock_holder.hpp"

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

Error cannot_edit(const std::string& what, const fs::path& file) {
    return {Errc::kUnavailable,
            "cannot " + what + " " + file.string() + ": " + std::strerror(errno)};
}

}  // namespace

Result<ConfigLock> ConfigLock::take(const fs::path& named, std::chrono::milliseconds patience) {
    std::error_code failure;
    fs::path file = fs::canonical(named, failure);  // a link stays one
    if (failure) {
        return Error{Errc::kConfig, "cannot read " + named.string() + ": " + failure.message()};
    }
    const fs::path folder = file.parent_path();
    ConfigLock lock(std::move(file), ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.folder_ < 0) return cannot_edit("read", folder);
    if (!lock_within(lock.folder_, patience)) {
        if (errno != EWOULDBLOCK) return cannot_edit("lock", folder);
        return Error{Errc::kUnavailable, lock_holder(lock.folder_) + " has locked " +
                                             folder.string() +
                                             " for longer than this command waits: let it come to "
                                             "its end, or end it, and run this again"};
    }
    auto text = read_whole_file(lock.file_);
    if (!text) return Error{Errc::kConfig, text.error().detail};
    lock.note(std::move(*text));
    return lock;
}

ConfigLock::~ConfigLock() {
    if (folder_ >= 0) ::close(folder_);
}

Result<bool> edit_config(const ConfigLock& lock, const std::function<Result<void>(Json&)>& change) {
    const fs::path& file = lock.file();
    const auto text = read_whole_file(file);
    if (!text) return text.error();
    if (*text != lock.text()) {
        return Error{
            Errc::kConfig,
            file.string() + " was changed by somebody else meanwhile: run the command again"};
    }
    const std::size_t head = head_length(*text);
    Json config =
        Json::parse(text->begin() + static_cast<std::ptrdiff_t>(head), text->end(), nullptr, false);
    if (!config.is_object()) return false;
    if (const auto made = change(config); !made) return made.error();
    const std::string changed = text->substr(0, head) + config.dump(2) + "\n";
    ConfigFaults faults;
    static_cast<void>(parse_config(changed, file.parent_path(), faults));
    for (const auto& fault : faults.list()) {
        if (!fault.warning) return Error{Errc::kConfig, fault.text()};
    }
    fs::path backup = file;
    backup += ".bak";
    if (auto kept = replace_file_like(file, backup, as_bytes(*text)); !kept) return kept.error();
    if (auto replaced = replace_file_like(file, file, as_bytes(changed)); !replaced)
        return replaced.error();
    lock.note(changed);
    return true;
}

bool has_inner_comments(const ConfigLock& lock) {
    const std::string& text = lock.text();
    const auto head = static_cast<std::ptrdiff_t>(head_length(text));
    return !Json::parse(text.begin() + head, text.end(), nullptr, false).is_object();
}

std::string name_in_config(const fs::path& file, const fs::path& folder) {
    std::error_code ignored;
    const fs::path whole = fs::absolute(file, ignored).lexically_normal();
    const fs::path relative = whole.lexically_relative(fs::absolute(folder, ignored));
    const bool inside = !relative.empty() && *relative.begin() != "..";
    return (inside ? relative : whole).string();
}

Result<bool> add_to_config(const ConfigLock& lock, const Json& additions) {
    return edit_config(lock, [&additions](Json& config) -> Result<void> {
        for (const auto& [name, ca] : additions.at("cas").items())
            config["cas"][name] = ca;
        for (const auto& [index, keys] : additions.at("endpoints").items())
            config["endpoints"].at(std::stoul(index)).update(keys);
        return {};
    });
}

}  // namespace scepgate::server::cli
