// What an administrator types when one of the server's own certificates ends. What a command needs
// has to be in files; else it says in words what to do. A command never writes over a file that
// holds more than the certificate which it renews.
#pragma once

#include "server/config.hpp"
#include "server/credentials.hpp"

namespace scepgate::server {

struct BuiltCa;

/// By the command 'ca rollover' for a root of its own; at `now`. For another CA: 'ca csr' and 'ca
/// install'. Nothing when all of its endpoints have a next CA before its end, or when it neither
/// issues nor ends within kExpiryWarning. `config` has to outlive it.
[[nodiscard]] RenewalAdvice renewal_of_ca(const Config& config, const std::string& name,
                                          std::int64_t now);

/// The same of a CA in the signer's own configuration, which has no endpoints.
[[nodiscard]] RenewalAdvice renewal_of_signers_ca(const Config& config, const std::string& name);

/// The same key anew: signed by itself, as it was; else a CSR for whoever issued it.
[[nodiscard]] RenewalAdvice renewal_of_pair(const KeyPairConfig& pair);

/// One of a challenge blob policy's pairs of "signer" or "decryption" (`key`): by the command
/// 'policy rotate', which promotes what was staged behind it, or as renewal_of_pair() where the
/// configuration is in no file. One that has others before it was rotated already: nothing is to be
/// done.
[[nodiscard]] RenewalAdvice renewal_of_challenge_key(const std::filesystem::path& config_file,
                                                     const std::string& policy,
                                                     const std::string& key,
                                                     const std::vector<KeyPairConfig>& pairs,
                                                     const KeyPairConfig& pair);

/// The command that gives an endpoint a new RA. Empty where there is none: it refuses while 'next'
/// stands.
[[nodiscard]] std::string ra_command(const EndpointConfig& endpoint,
                                     const std::filesystem::path& config_file);

/// An RA's, of an endpoint of this `ca`: by `command`, where the CA's key is here; else signed by
/// it anew, if it was, and not beyond its end. Where the CA ends soon, what to do about that.
/// Nothing where `next` comes before its end. `ca` has to outlive it.
[[nodiscard]] RenewalAdvice renewal_of_ra(const KeyPairConfig& pair, const BuiltCa& ca,
                                          const std::optional<EndpointConfig::Next>& next,
                                          const std::string& command, std::int64_t now);

}  // namespace scepgate::server
