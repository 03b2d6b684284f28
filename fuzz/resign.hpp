// Signing a changed message anew, so that what was changed is looked at.
#pragma once

#include "fuzz/der_tree.hpp"

namespace scepgate::fuzz {

/// Where `message` is still a SignedData with a SignerInfo: its messageDigest and its signature
/// (SHA-256, RSA) become those that the device of the fixed keys would make. The rest stays.
void resign_as_device(std::vector<TlvNode>& message);

}  // namespace scepgate::fuzz
