// A CA of the configuration that certifies another.
#pragma once

#include <vector>

#include "server/cli/ca_setup.hpp"

namespace scepgate::server::cli {

/// Where the parent's CRLs and certificate are, as extensions. Not its OCSP responder, which
/// answers for what the store has. kConfig: a URL of its configuration cannot be used.
[[nodiscard]] Result<std::vector<Bytes>> pointers_of(const CaConfig& parent,
                                                     const certs::Certificate& certificate);

/// The same CA's certificate (name, key, extensions) for another time, by its parent, and never
/// beyond it; what it says of the parent is as the parent is now. kConfig, or the key's own error.
[[nodiscard]] Result<certs::Certificate> renewed_by(const Party& parent, const CaConfig& config,
                                                    const certs::Certificate& old,
                                                    std::int64_t not_before,
                                                    std::int64_t not_after);

/// Whose certificate this is, among the CAs of the configuration that have their key here. Empty:
/// nobody's. kConfig: one of its name is there, and cannot be loaded.
struct FoundParent {
    const CaConfig* config = nullptr;
    Party party;
};
[[nodiscard]] Result<std::optional<FoundParent>> find_parent(const CaSetup& setup,
                                                             const certs::Certificate& child);

}  // namespace scepgate::server::cli
