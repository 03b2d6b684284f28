#include "certs/bytes.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace scepgate {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> kBase64Values = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoDigit);
    for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
        values[static_cast<std::uint8_t>(kBase64Digits[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

}  // namespace

std::optional<unsigned> hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
    return std::nullopt;
}

std::string to_hex(ByteView bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += kHexDigits[byte >> 4U];
        text += kHexDigits[byte & 0x0FU];
    }
    return text;
}

Result<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return malformed("hexadecimal with an odd number of digits");
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = hex_digit(text[i]);
        const auto low = hex_digit(text[i + 1]);
        if (!high || !low) {
            return malformed("not a hexadecimal digit at position " +
                             std::to_string(high ? i + 1 : i));
        }
        bytes.push_back(static_cast<std::uint8_t>(*high << 4U | *low));
    }
    return bytes;
}

std::string to_base64(ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    const auto digit = [&text](unsigned bits) { text += kBase64Digits[bits & 0x3FU]; };
    std::size_t i = 0;
    for (; bytes.size() - i >= 3; i += 3) {
        const unsigned bits =
            unsigned{bytes[i]} << 16U | unsigned{bytes[i + 1]} << 8U | unsigned{bytes[i + 2]};
        digit(bits >> 18U);
        digit(bits >> 12U);
        digit(bits >> 6U);
        digit(bits);
    }
    const std::size_t left = bytes.size() - i;
    if (left != 0) {
        const unsigned bits =
            unsigned{bytes[i]} << 16U | (left == 2 ? unsigned{bytes[i + 1]} << 8U : 0U);
        digit(bits >> 18U);
        digit(bits >> 12U);
        if (left == 2) digit(bits >> 6U);
        text.append(3 - left, '=');
    }
    return text;
}

Result<Bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return malformed("base64 whose length is not a multiple of 4");
    std::size_t digits = text.size();
    while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=')
        --digits;

    const auto value_at = [&](std::size_t i) {
        return kBase64Values[static_cast<std::uint8_t>(text[i])];
    };
    // kNoDigit has bits that no digit has, so that four can be judged at once.
    static_assert((kNoDigit & 0xC0U) != 0);
    Bytes bytes(digits * 3 / 4);
    std::size_t at = 0, to = 0;
    for (; at + 4 <= digits; at += 4) {
        const std::uint32_t a = value_at(at), b = value_at(at + 1), c = value_at(at + 2),
                            d = value_at(at + 3);
        if (((a | b | c | d) & 0xC0U) != 0) break;
        bytes[to++] = static_cast<std::uint8_t>(a << 2U | b >> 4U);
        bytes[to++] = static_cast<std::uint8_t>(b << 4U | c >> 2U);
        bytes[to++] = static_cast<std::uint8_t>(c << 6U | d);
    }
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (; at < digits; ++at) {  // the last two or three digits, or up to the wrong one
        const std::uint8_t value = value_at(at);
        if (value == kNoDigit) {
            return malformed("not a base64 digit at position " + std::to_string(at));
        }
        bits = (bits << 6U | value) & 0xFFFU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[to++] = static_cast<std::uint8_t>(bits >> count);
        }
    }
    if ((bits & ((1U << count) - 1)) != 0) return malformed("base64 with spare bits that are set");
    return bytes;
}

Sha256 sha256(ByteView bytes) {
    // Fetched once: looking an algorithm up by name costs as much as hashing a small input.
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    Sha256 out{};
    unsigned length = 0;
    if (algorithm == nullptr ||
        EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, algorithm, nullptr) != 1 ||
        length != out.size()) {
        throw std::runtime_error("OpenSSL cannot compute SHA-256");
    }
    return out;
}

void fill_random(std::span<std::uint8_t> out) {
    if (out.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        RAND_priv_bytes(out.data(), static_cast<int>(out.size())) != 1) {
        throw std::runtime_error("no random bytes from OpenSSL");
    }
}

Bytes random_bytes(std::size_t count) {
    Bytes out(count);
    fill_random(out);
    return out;
}

}  // namespace scepgate
