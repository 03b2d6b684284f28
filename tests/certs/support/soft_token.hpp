// A SoftHSM token in a temporary folder, initialised by its own tool.
#pragma once

#include <filesystem>
#include <string>

#include "certs/pkcs11_uri.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs::testing {

/// SoftHSM reads its configuration at C_Initialize alone, so all tests of a process share the
/// folder, and each has a token of its own in it.
class SoftToken {
public:
    /// A new token with this label.
    explicit SoftToken(const std::string& label);

    [[nodiscard]] static std::filesystem::path module();
    [[nodiscard]] static Secret pin() { return Secret(std::string_view("1234")); }
    [[nodiscard]] Pkcs11Uri uri(const std::string& object) const;

    /// Runs "pkcs11-tool --module … --token-label … --login" with more arguments; throws when it
    /// fails.
    void tool(const std::string& arguments) const;
    /// The token's files are elsewhere, or back.
    void take_away() const;
    void bring_back() const;

private:
    std::string label_;
    std::filesystem::path folder_;  ///< the token's own
};

}  // namespace scepgate::certs::testing
