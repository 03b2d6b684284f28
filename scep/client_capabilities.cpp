// GetCACaps as a client reads it.
#include "certs/asn1_string.hpp"
#include "scep/client.hpp"

namespace scepgate::scep {
namespace {

struct Keyword {
    std::string_view text;
    bool ServerCapabilities::*flag;
};

constexpr std::array<Keyword, 9> kKeywords{{
    {"AES", &ServerCapabilities::aes},
    {"DES3", &ServerCapabilities::des3},
    {"SHA-1", &ServerCapabilities::sha1},
    {"SHA-256", &ServerCapabilities::sha256},
    {"SHA-512", &ServerCapabilities::sha512},
    {"POSTPKIOperation", &ServerCapabilities::post},
    {"Renewal", &ServerCapabilities::renewal},
    {"SCEPStandard", &ServerCapabilities::standard},
    {"GetNextCACert", &ServerCapabilities::next_ca},
}};

std::string_view trimmed(std::string_view line) noexcept {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = line.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

certs::ContentCipher ServerCapabilities::cipher() const noexcept {
    return aes ? certs::ContentCipher::kAes128Cbc : certs::ContentCipher::kDes3Cbc;
}

certs::Digest ServerCapabilities::digest() const noexcept {
    if (sha256) return certs::Digest::kSha256;
    return sha512 ? certs::Digest::kSha512 : certs::Digest::kSha1;
}

ServerCapabilities parse_capabilities(std::string_view body) {
    ServerCapabilities found;
    while (!body.empty()) {
        const std::size_t end = std::min(body.find('\n'), body.size());
        const std::string_view word = trimmed(body.substr(0, end));
        for (const Keyword& keyword : kKeywords) {
            if (certs::equal_ignoring_ascii_case(word, keyword.text)) found.*keyword.flag = true;
        }
        body.remove_prefix(std::min(end + 1, body.size()));
    }
    // What SCEPStandard promises (RFC 8894 section 3.5.2).
    if (found.standard) found.aes = found.sha256 = found.post = true;
    return found;
}

}  // namespace scepgate::scep
