#include "server/audit_digest.hpp"

#include <stdexcept>

#include "certs/hmac.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kKeyIdLength = 16;

}  // namespace

AuditDigest::AuditDigest(std::optional<Secret> key) : key_(std::move(key)) {
    if (key_) key_id_ = to_hex(of("scepgate audit key")).substr(0, kKeyIdLength);
}

bool AuditDigest::is_key_id(std::string_view text) {
    return text == "-" || (text.size() == kKeyIdLength &&
                           text.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

Sha256 AuditDigest::of(std::string_view text) const {
    return key_ ? hmac_sha256(key_->view(), as_bytes(text)) : sha256(as_bytes(text));
}

RunningSha256::RunningSha256() : context_(EVP_MD_CTX_new()) {
    begin();
}

RunningSha256::RunningSha256(const RunningSha256& other) : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) != 1) {
        throw std::runtime_error("SHA-256: OpenSSL cannot copy");
    }
}

void RunningSha256::begin() {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("SHA-256: OpenSSL cannot begin");
    }
}

void RunningSha256::add(std::string_view text) {
    if (EVP_DigestUpdate(context_.get(), text.data(), text.size()) != 1) {
        throw std::runtime_error("SHA-256: OpenSSL cannot go on");
    }
}

Sha256 RunningSha256::finish() {
    Sha256 value{};
    if (EVP_DigestFinal_ex(context_.get(), value.data(), nullptr) != 1) {
        throw std::runtime_error("SHA-256: OpenSSL cannot end");
    }
    begin();
    return value;
}

}  // namespace scepgate::server
