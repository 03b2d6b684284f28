#include "server/libcrypto_gate.hpp"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace scepgate::server {
namespace {

constexpr const char* kKey = "openssl_patched";

/// The first fixed release of each series; those between them are not mended any more.
constexpr std::array<LibcryptoVersion, 5> kFixed = {
    {{3, 0, 22}, {3, 4, 6}, {3, 5, 7}, {3, 6, 3}, {4, 0, 1}}};

std::string text(const LibcryptoVersion& version) {
    return std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' +
           std::to_string(version.patch);
}

bool same_series(const LibcryptoVersion& left, const LibcryptoVersion& right) noexcept {
    return left.major == right.major && left.minor == right.minor;
}

bool has_fixes(const LibcryptoVersion& version) noexcept {
    const auto series = std::find_if(kFixed.begin(), kFixed.end(), [&](const auto& fixed) {
        return same_series(fixed, version);
    });
    return version >= (series == kFixed.end() ? kFixed.back() : *series);
}

}  // namespace

LibcryptoVersion running_libcrypto() noexcept {
    return {::OPENSSL_version_major(), ::OPENSSL_version_minor(), ::OPENSSL_version_patch()};
}

LibcryptoVersion compiled_libcrypto() noexcept {
    return {OPENSSL_VERSION_MAJOR, OPENSSL_VERSION_MINOR, OPENSSL_VERSION_PATCH};
}

void judge_libcrypto(const LibcryptoVersion& running, const LibcryptoVersion& compiled,
                     bool patched, ConfigFaults& faults) {
    if (!has_fixes(running) && !patched) {
        faults.error(kKey,
                     "the OpenSSL of this machine, " + text(running) +
                         ", lacks fixes of holes that strangers can reach (RSA decryption, CMS)",
                     "install OpenSSL 3.0.22, 3.4.6, 3.5.7, 3.6.3, 4.0.1 or later; where your "
                     "distributor has put the fixes into this release, set it to true");
    }
    if (!same_series(running, compiled) || running < compiled) {
        faults.warn(kKey,
                    "this program was compiled for OpenSSL " + text(compiled) + " and runs with " +
                        text(running),
                    "compile and test it for the one that it runs with");
    }
}

}  // namespace scepgate::server
