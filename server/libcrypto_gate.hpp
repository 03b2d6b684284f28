// Whether the OpenSSL of this machine is fit for what strangers send.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

struct LibcryptoVersion {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    auto operator<=>(const LibcryptoVersion&) const = default;
};

/// The one that this process has loaded.
[[nodiscard]] LibcryptoVersion running_libcrypto() noexcept;
/// The one whose headers it was compiled with.
[[nodiscard]] LibcryptoVersion compiled_libcrypto() noexcept;

/// An error for a release without the fixes for RSA decryption and CMS that we rely on, unless the
/// distributor has put them into it (`patched`: their packages keep the old number, so a program
/// cannot tell). A warning when it is not the series, or older than the release, that this program
/// was compiled for.
void judge_libcrypto(const LibcryptoVersion& running, const LibcryptoVersion& compiled,
                     bool patched, ConfigFaults& faults);

}  // namespace scepgate::server
