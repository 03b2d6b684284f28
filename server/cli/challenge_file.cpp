#include "server/cli/challenge_file.hpp"

#include <algorithm>
#include <vector>

#include "certs/bytes.hpp"
#include "server/cli/files.hpp"

namespace scepgate::server::cli {
namespace {

constexpr std::size_t kLongestFold = 128;  ///< columns

bool is_base64(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '+' || c == '/' || c == '-' || c == '_' || c == '=';
    });
}

/// Lines of one length, but for the last, and in front the beginning of a SEQUENCE in Base64: a
/// list of passwords is no blob, and neither is a list of blobs.
bool is_folded_blob(const std::vector<std::string_view>& lines) {
    const std::size_t columns = lines.front().size();
    if (!lines.front().starts_with("MI") || columns > kLongestFold) return false;
    return std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
        const bool last = line.data() == lines.back().data();
        return is_base64(line) && (last ? line.size() <= columns : line.size() == columns);
    });
}

/// Those that are not empty, without their ends.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        while (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.find_first_not_of(" \t") != std::string_view::npos) lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

Result<Secret> read_challenge_file(const std::filesystem::path& file) {
    auto octets = read_whole_file(file);
    if (!octets)
        return Error{Errc::kConfig, "cannot read a challenge from " + file.string() + ": " +
                                        octets.error().detail};
    const Secret whole{std::string_view(*octets)};
    OPENSSL_cleanse(octets->data(), octets->size());
    const auto lines = lines_of(whole.text());
    if (lines.empty())
        return Error{Errc::kConfig, "there is no challenge in " + file.string() + ": it is empty"};
    if (lines.size() == 1) return Secret(lines.front());
    if (!is_folded_blob(lines)) {
        return Error{Errc::kConfig,
                     file.string() + " has several lines: give a file with one challenge in it"};
    }
    std::string blob;
    for (const std::string_view line : lines)
        blob += line;
    Secret joined{std::string_view(blob)};
    OPENSSL_cleanse(blob.data(), blob.size());
    return joined;
}

}  // namespace scepgate::server::cli
