#include "scep/signer_key.hpp"

#include "scep/reasons.hpp"

namespace scepgate::scep {
namespace {

std::string taken_keys(const AlgorithmRules& rules, bool ec) {
    const certs::KeyLimits& limits = rules.key_limits;
    return "RSA of " + std::to_string(limits.minimum_rsa_bits) + " to " +
           std::to_string(limits.maximum_rsa_bits) + " bits with exponent 65537" +
           (ec && limits.allow_ec ? ", EC P-256, P-384, P-521" : "");
}

}  // namespace

Result<certs::PublicKey, Refusal> judge_signer_key(const Result<certs::PublicKey>& key,
                                                   bool by_challenge, const AlgorithmRules& rules) {
    const bool ec = rules.ec_password_recipient && by_challenge;
    if (!key) return refused(reason::kSignerKey, taken_keys(rules, ec), key.error().detail);
    if (key->type() != certs::KeyType::kRsa && !ec) {
        return refused(reason::kSignerKey, taken_keys(rules, ec), key->text());
    }
    return *key;
}

}  // namespace scepgate::scep
