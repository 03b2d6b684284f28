// A Grant as octets, for a request that is decided later.
#pragma once

#include "certs/enrollment.hpp"

namespace scepgate::policy {

/// Beside GrantMaker the only one that makes Grants: it restores what GrantMaker made, from the
/// store's own row. The signer alone gives it octets from elsewhere, and believes nothing of what
/// comes out (server/signer/service.hpp).
class GrantRecord {
public:
    /// JSON, version 1; all but the redemption, which was made when the request was recorded, and
    /// the wish for an approval, which has been granted when this is read.
    [[nodiscard]] static Bytes encode(const Grant& grant);

    /// Strict: kMalformed for another version, an unknown or missing member, a value that encode()
    /// would not write, or no name at all.
    [[nodiscard]] static Result<Grant> decode(ByteView record);
};

}  // namespace scepgate::policy
