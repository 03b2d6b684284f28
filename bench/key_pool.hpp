// RSA keys for the devices of a run.
#pragma once

#include <filesystem>
#include <vector>

#include "certs/private_key.hpp"

namespace scepgate::bench {

/// `count` RSA-2048 keys. With a `file` (PEM, one key after another) they are taken from there;
/// what it lacks is made and added to it, so that only the first run waits for key generation. The
/// file is made for its owner only.
Result<std::vector<certs::PrivateKey>> key_pool(std::size_t count, unsigned threads,
                                                const std::filesystem::path& file = {});

}  // namespace scepgate::bench
