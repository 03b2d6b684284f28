#include "ca_backend/ca_name.hpp"

#include <cstdint>

#include <boost/locale/encoding_utf.hpp>

namespace scepgate::ca_backend {
namespace {

constexpr std::size_t kMaxKept = 51;
constexpr std::size_t kReplacement = 5;  // "!0026"
constexpr std::string_view kDisallowed = "!\"#%&'()*+,/:;<=>?[\\]^`{|}";

std::u16string code_units(std::string_view name) {
    try {
        return boost::locale::conv::utf_to_utf<char16_t>(name.data(), name.data() + name.size(),
                                                         boost::locale::conv::stop);
    } catch (const boost::locale::conv::conversion_error&) {
        std::u16string octets;
        for (const char octet : name)
            octets.push_back(static_cast<unsigned char>(octet));
        return octets;
    }
}

void append_replacement(std::string& out, char16_t unit) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out.push_back('!');
    for (unsigned shift = 16; shift != 0;) {
        shift -= 4;
        out.push_back(kDigits[static_cast<unsigned>(unit) >> shift & 0xFU]);
    }
}

std::string hash_text(std::string_view excess) {
    std::uint16_t hash = 0;
    for (const char c : excess) {
        const unsigned rotated = static_cast<unsigned>(hash) << 1U | (hash & 0x8000U ? 1U : 0U);
        hash = static_cast<std::uint16_t>(rotated + static_cast<unsigned char>(c));
    }
    const std::string digits = std::to_string(hash);
    return std::string(5 - digits.size(), '0') + digits;
}

}  // namespace

std::string sanitized_ca_name(std::string_view name) {
    std::string out;
    for (const char16_t unit : code_units(name)) {
        const bool plain = unit >= 0x20 && unit < 0x7F &&
                           kDisallowed.find(static_cast<char>(unit)) == std::string_view::npos;
        if (plain) {
            out.push_back(static_cast<char>(unit));
        } else {
            append_replacement(out, unit);
        }
    }
    return out;
}

std::string truncated_ca_name(std::string_view name) {
    const std::string whole = sanitized_ca_name(name);
    if (whole.size() <= kMaxKept) return whole;
    std::size_t kept = kMaxKept;
    // A replacement is kept whole or not at all.
    if (const auto mark = whole.rfind('!', kMaxKept - 1);
        mark != std::string::npos && mark + kReplacement > kMaxKept) {
        kept = mark;
    }
    return whole.substr(0, kept) + '-' + hash_text(std::string_view(whole).substr(kept));
}

}  // namespace scepgate::ca_backend
