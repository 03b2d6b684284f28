// Which keys may sign a pkiMessage.
#pragma once

#include "scep/pki_message.hpp"

namespace scepgate::scep {

/// The signer's key as it was read, if it is one that the reply can be encrypted to: RSA, or EC
/// where a challenge (`by_challenge`: there may be one) and ec_password_recipient allow it.
/// Refused: badAlg "SignerKeyUnsupported".
[[nodiscard]] Result<certs::PublicKey, Refusal> judge_signer_key(
    const Result<certs::PublicKey>& key, bool by_challenge, const AlgorithmRules& rules);

}  // namespace scepgate::scep
