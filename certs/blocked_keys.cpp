#include "certs/blocked_keys.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include <openssl/evp.h>

namespace scepgate::certs {
namespace {

constexpr std::uintmax_t kLongestList = std::uintmax_t{64} << 20;
constexpr std::size_t kModulusMark = 10;  // octets of a line of openssl-blacklist
constexpr std::size_t kSha1Size = 20;

std::string_view without_comment(std::string_view line) {
    constexpr std::string_view kBlank = " \t\r";
    line = line.substr(0, line.find('#'));
    const std::size_t first = line.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(kBlank) + 1 - first);
}

/// Empty: it has none.
Bytes modulus_mark(const PublicKey& key) {
    if (key.type() != KeyType::kRsa) return {};
    std::string text = to_hex(key.rsa_modulus());
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    text = "Modulus=" + text + '\n';
    std::array<std::uint8_t, kSha1Size> digest{};
    unsigned length = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr);
    if (done != 1 || length != kSha1Size) return {};
    return {digest.end() - kModulusMark, digest.end()};
}

}  // namespace

Result<void> BlockedKeys::add(std::string_view text) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = without_comment(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        auto octets = from_hex(line);
        if (octets && octets->size() == std::tuple_size_v<Sha256>) {
            keys_.insert(*std::move(octets));
        } else if (octets && octets->size() == kModulusMark) {
            moduli_.insert(*std::move(octets));
        } else {
            return Error{Errc::kConfig,
                         "line " + std::to_string(number) +
                             " is neither the 64 hexadecimal digits of a key's SHA-256 nor the 20 "
                             "of openssl-blacklist"};
        }
    }
    return {};
}

Result<void> BlockedKeys::add_file(const std::filesystem::path& file) {
    const auto fault = [&](const std::string& what) {
        return Error{Errc::kConfig, file.string() + ": " + what};
    };
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) return fault("there is no such file");
    if (!std::filesystem::is_regular_file(status)) return fault("is no regular file");
    if (std::filesystem::file_size(file, error) > kLongestList) return fault("has over 64 MiB");
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) return fault("cannot be read");
    auto added = add(text);
    if (!added) return fault(added.error().detail);
    return added;
}

bool BlockedKeys::contains(const PublicKey& key) const {
    const Sha256 digest = sha256(key.spki());
    if (keys_.contains(Bytes(digest.begin(), digest.end()))) return true;
    return !moduli_.empty() && moduli_.contains(modulus_mark(key));
}

}  // namespace scepgate::certs
