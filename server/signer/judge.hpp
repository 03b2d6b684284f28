// All that is judged before a signer starts: the one place, for 'signer', its reload and 'config
// check'.
#pragma once

#include <sys/types.h>

#include "server/config_judge.hpp"
#include "server/signer/service.hpp"

namespace scepgate::server::signer {

struct JudgedSigner {
    Config config;
    std::shared_ptr<const SignerRuntime> runtime;  ///< null when there is an error
    std::vector<uid_t> allowed;
    std::optional<gid_t> group;  ///< of the socket
};

/// Whether the file has the member "signer"; false also when it cannot be read.
[[nodiscard]] bool is_signers(const std::filesystem::path& file);

/// Reads the file, loads the CAs' certificates and keys, and looks at what signing needs: OpenSSL,
/// users, audit and log file, and what others may do to all these files. Nothing is created or
/// changed.
[[nodiscard]] JudgedSigner judge_signer(const std::filesystem::path& file, Occasion occasion,
                                        std::shared_ptr<const certs::Clock> clock,
                                        ConfigFaults& faults);

}  // namespace scepgate::server::signer
