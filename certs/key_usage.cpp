#include "certs/key_usage.hpp"

#include "certs/der.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr unsigned kBits = 9;

// Indexed by the bit's number.
constexpr std::array<std::string_view, kBits> kBitNames = {
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly",
};
// What newer editions of X.509 call nonRepudiation.
constexpr std::string_view kContentCommitment = "contentCommitment";

constexpr struct {
    Purpose purpose;
    std::string_view text;
} kPurposes[] = {
    {Purpose::kSignature, "signature"},
    {Purpose::kEncryption, "encryption"},
    {Purpose::kGeneralPurpose, "general_purpose"},
};

unsigned mask(KeyUsageBit bit) {
    return 1U << static_cast<unsigned>(bit);
}

}  // namespace

KeyUsage::KeyUsage(std::initializer_list<KeyUsageBit> bits) {
    for (const KeyUsageBit bit : bits)
        bits_ |= mask(bit);
}

Result<KeyUsage> KeyUsage::from_der(ByteView der) {
    DerReader reader(der);
    const auto content = reader.read(DerTag::kBitString);
    if (!content) return in_context("key usage", content.error());
    if (const auto end = reader.finish("key usage"); !end) return end.error();
    if (content->empty()) return malformed("key usage: BIT STRING without its leading octet");

    const unsigned unused = content->front();
    const ByteView octets = content->subspan(1);
    if (unused > 7 || (octets.empty() && unused != 0)) {
        return malformed("key usage: BIT STRING with an impossible number of unused bits");
    }
    if (!octets.empty() && (octets.back() & ((1U << unused) - 1)) != 0) {
        return malformed("key usage: unused bits that are set");
    }
    KeyUsage usage;
    for (std::size_t i = 0; i < octets.size() * 8; ++i) {
        if ((octets[i / 8] >> (7 - i % 8) & 1U) == 0) continue;
        if (i >= kBits) return malformed("key usage: more than nine bits");
        usage.bits_ |= 1U << i;
    }
    if (octets.size() > 2) return malformed("key usage: more than nine bits");
    if (usage.empty()) return malformed("key usage: no bit is set");
    return usage;
}

Result<KeyUsage> KeyUsage::from_names(const std::vector<std::string>& names) {
    KeyUsage usage;
    for (const std::string& name : names) {
        const auto found = std::find(kBitNames.begin(), kBitNames.end(), name);
        if (found != kBitNames.end()) {
            usage.bits_ |= 1U << static_cast<unsigned>(found - kBitNames.begin());
        } else if (name == kContentCommitment) {
            usage.bits_ |= mask(KeyUsageBit::kNonRepudiation);
        } else {
            return malformed("'" + name + "' is not a key usage (digitalSignature, " +
                             "keyEncipherment, ... as RFC 5280 spells them)");
        }
    }
    return usage;
}

bool KeyUsage::has(KeyUsageBit bit) const noexcept {
    return (bits_ & mask(bit)) != 0;
}

bool KeyUsage::within(KeyUsage other) const noexcept {
    return (bits_ & ~other.bits_) == 0;
}

Bytes KeyUsage::der() const {
    Bytes content{0x00};
    for (unsigned i = 0; i < kBits; ++i) {
        if ((bits_ >> i & 1U) == 0) continue;
        content.resize(2 + i / 8);
        content.back() |= static_cast<std::uint8_t>(0x80U >> i % 8);
        // X.690 section 11.2.2: a named bit string ends with its last bit set.
        content.front() = static_cast<std::uint8_t>(7 - i % 8);
    }
    return der::element(DerTag::kBitString, content);
}

std::vector<std::string> KeyUsage::names() const {
    std::vector<std::string> names;
    for (unsigned i = 0; i < kBits; ++i) {
        if ((bits_ >> i & 1U) != 0) names.emplace_back(kBitNames[i]);
    }
    return names;
}

std::string KeyUsage::text() const {
    std::string text;
    for (const std::string& name : names()) {
        if (!text.empty()) text += ", ";
        text += name;
    }
    return text.empty() ? "none" : text;
}

std::string_view to_text(Purpose purpose) noexcept {
    for (const auto& known : kPurposes) {
        if (known.purpose == purpose) return known.text;
    }
    return "?";
}

Result<Purpose> purpose_from_text(std::string_view text) {
    for (const auto& known : kPurposes) {
        if (known.text == text) return known.purpose;
    }
    return malformed("'" + std::string(text.substr(0, 64)) +
                     "' is not a purpose: signature, encryption, general_purpose");
}

Result<Purpose> purpose_of(const std::optional<KeyUsage>& usage) {
    using enum KeyUsageBit;
    if (!usage || *usage == KeyUsage{kDigitalSignature, kKeyEncipherment}) {
        return Purpose::kGeneralPurpose;
    }
    if (*usage == KeyUsage{kDigitalSignature}) return Purpose::kSignature;
    if (*usage == KeyUsage{kKeyEncipherment}) return Purpose::kEncryption;
    return Error{Errc::kDenied,
                 "key usage " + usage->text() +
                     ": only digitalSignature, keyEncipherment, both or no key usage lead to a "
                     "template"};
}

}  // namespace scepgate::certs
