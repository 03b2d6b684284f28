#include "policy/intune/client_assertion.hpp"

#include <nlohmann/json.hpp>
#include <openssl/rsa.h>

#include "certs/ossl.hpp"

namespace scepgate::policy::intune {
namespace {

using Json = nlohmann::ordered_json;

std::string part(const Json& json) {
    return to_base64url(as_bytes(json.dump()));
}

Result<Bytes> sign_pss(const certs::PrivateKey& key, ByteView data) {
    if (!key.is_here()) return unsupported("RSASSA-PSS with a token's key: use RS256");
    const certs::EvpMdCtxPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;  // owned by `context`
    std::size_t size = 0;
    if (!context ||
        EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, key.evp()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
        // RFC 7518 section 3.5: as long as the hash.
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) != 1) {
        return certs::take_ossl_error("signing a client assertion");
    }
    Bytes signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) != 1)
        return certs::take_ossl_error("signing a client assertion");
    signature.resize(size);
    return signature;
}

}  // namespace

Result<Secret> make_client_assertion(const AppCertificate& app, const std::string& app_id,
                                     const std::string& token_url, std::int64_t now) {
    const bool pss = app.algorithm == AssertionAlgorithm::kPs256;
    Json header;
    header["alg"] = pss ? "PS256" : "RS256";
    header["typ"] = "JWT";
    header["x5t#S256"] = to_base64url(app.certificate.fingerprint());
    Json claims;
    claims["aud"] = token_url;
    claims["iss"] = app_id;
    claims["sub"] = app_id;
    claims["jti"] = make_guid();
    claims["nbf"] = now;
    claims["iat"] = now;
    claims["exp"] = now + kAssertionLifetime;
    const std::string signing_input = part(header) + '.' + part(claims);
    const auto signature = pss ? sign_pss(app.key, as_bytes(signing_input))
                               : app.key.sign(certs::Digest::kSha256, as_bytes(signing_input));
    if (!signature) return signature.error();
    return Secret(signing_input + '.' + to_base64url(*signature));
}

std::string make_guid() {
    Bytes octets = random_bytes(16);
    octets[6] = static_cast<std::uint8_t>((octets[6] & 0x0F) | 0x40);
    octets[8] = static_cast<std::uint8_t>((octets[8] & 0x3F) | 0x80);
    std::string guid = to_hex(octets);
    for (const std::size_t at : {20U, 16U, 12U, 8U})
        guid.insert(at, 1, '-');
    return guid;
}

std::string to_base64url(ByteView bytes) {
    std::string text = to_base64(bytes);
    while (!text.empty() && text.back() == '=')
        text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

}  // namespace scepgate::policy::intune
