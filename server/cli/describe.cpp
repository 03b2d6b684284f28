// What kind of thing a file holds, and how it is written.
#include "server/cli/describe.hpp"

#include <optional>

#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "scep/client.hpp"
#include "scep/query.hpp"
#include "server/cli/describe_parts.hpp"

namespace scepgate::server::cli {
namespace {

namespace oid = certs::oid;
using certs::DerTag;

constexpr int kMostLayers = 6;
constexpr std::size_t kLargestDescribed = 4 << 20;

Result<Facts> describe_content_info(ByteView der, ByteView type, const scep::RecipientKey* key,
                                    int depth) {
    if (equal(type, oid::kSignedData)) return describe_signed_data(der, key, depth - 1);
    if (equal(type, oid::kEnvelopedData))
        return describe_enveloped_data(der, false, key, depth - 1);
    if (equal(type, oid::kAuthEnvelopedData)) {
        return describe_enveloped_data(der, true, key, depth - 1);
    }
    return malformed("a ContentInfo of type " + oid_name(type) + ", which SCEP does not send");
}

Result<Facts> describe_pem(const PemBlock& block, const scep::RecipientKey* key) {
    if (block.label.find("PRIVATE KEY") != std::string_view::npos) {
        return Error{Errc::kDenied, "a private key: nothing of it is shown"};
    }
    const auto der = from_base64(without_blanks(block.body));
    if (!der) return in_context("PEM", der.error());
    return describe_message(*der, key);
}

/// The answer of GetCACaps: short words, one a line, one of them known.
std::optional<Facts> describe_capabilities(std::string_view text) {
    const auto known = scep::parse_capabilities(text);
    if (!known.aes && !known.des3 && !known.sha1 && !known.sha256 && !known.sha512 && !known.post &&
        !known.renewal && !known.standard && !known.next_ca) {
        return std::nullopt;
    }
    Facts words = Facts::array();
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string word = without_blanks(text.substr(0, end));
        if (word.size() > 40) return std::nullopt;
        if (!word.empty()) words.push_back(std::move(word));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return Facts{{"what", "answer to GetCACaps"},
                 {"words", words},
                 {"a_client_uses", std::string(certs::to_text(known.cipher())) + ", " +
                                       std::string(certs::to_text(known.digest())) + ", " +
                                       (known.post ? "POST" : "GET")}};
}

/// base64 as a query can hold it, alone or behind "message=".
Result<Facts> describe_base64(std::string_view text, const scep::RecipientKey* key) {
    constexpr std::string_view kMessage = "message=";
    const auto at = text.find(kMessage);
    if (at != std::string_view::npos) {
        text.remove_prefix(at + kMessage.size());
        text = text.substr(0, text.find_first_of("& \t\r\n\"'"));
    }
    const auto message = scep::decode_query_message(without_blanks(text), kLargestDescribed);
    if (!message) return message.error();
    auto facts = describe_message(message->bytes, key);
    if (facts && at != std::string_view::npos) (*facts)["base64_tolerances"] = message->repairs;
    return facts;
}

}  // namespace

std::string without_blanks(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out += c;
    }
    return out;
}

std::optional<PemBlock> first_pem_block(std::string_view text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr std::string_view kDashes = "-----";
    const auto begin = text.find(kBegin);
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin + kBegin.size());
    const auto label_end = text.find(kDashes);
    if (label_end == std::string_view::npos) return std::nullopt;
    const std::string_view label = text.substr(0, label_end);
    text.remove_prefix(label_end + kDashes.size());
    const auto end = text.find("-----END ");
    if (end == std::string_view::npos) return std::nullopt;
    return PemBlock{label, text.substr(0, end)};
}

Result<Facts> describe_layer(ByteView octets, const scep::RecipientKey* key, int depth) {
    if (depth <= 0) return malformed("too many layers");
    const auto der = certs::ber_to_der(octets);
    if (!der) return der.error();
    certs::DerReader outer(*der);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return malformed("no SEQUENCE, as everything that SCEP sends is");
    certs::DerReader inside(*sequence);
    if (inside.at(DerTag::kOid)) {
        const auto type = inside.read_oid();
        if (!type) return type.error();
        return describe_content_info(*der, *type, key, depth);
    }
    if (const auto certificate = certs::Certificate::from_der(*der)) {
        return found(describe_certificate(*certificate));
    }
    for (const auto describe : {&describe_crl, &describe_csr, &describe_query}) {
        if (auto facts = describe(*der)) return found(std::move(*facts));
    }
    return malformed("a SEQUENCE that is no message, certificate, request or CRL");
}

Result<Facts> describe_message(ByteView octets, const scep::RecipientKey* key) {
    auto facts = describe_layer(octets, key, kMostLayers);
    if (!facts) return facts.error();
    const auto der = certs::ber_to_der(octets);
    (*facts)["encoding"] = der && equal(*der, octets) ? "DER" : "BER";
    return facts;
}

Result<Facts> describe_file(ByteView content, const scep::RecipientKey* key) {
    if (content.empty()) return malformed("an empty file");
    const std::string_view text = as_text(content);
    const bool is_text = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n';
    });
    if (!is_text) {
        auto facts = describe_message(content, key);
        if (!facts) return in_context("no message of SCEP", facts.error());
        return facts;
    }
    if (const auto block = first_pem_block(text)) return describe_pem(*block, key);
    if (const auto first = text.find_first_not_of(" \t\r\n");
        first != std::string_view::npos && text[first] == '<') {
        return malformed("HTML or XML: a web page, of a login or an error, not of SCEP");
    }
    if (auto facts = describe_capabilities(text)) return found(std::move(*facts));
    auto facts = describe_base64(text, key);
    if (!facts)
        return malformed("text that is no PEM and no base64 of a message (" + facts.error().detail +
                         ")");
    return facts;
}

}  // namespace scepgate::server::cli
