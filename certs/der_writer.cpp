#include <stdexcept>

#include "certs/der.hpp"

namespace scepgate::certs::der {
namespace {

void append(Bytes& out, ByteView part) {
    out.insert(out.end(), part.begin(), part.end());
}

std::size_t total_size(std::initializer_list<ByteView> parts) noexcept {
    std::size_t size = 0;
    for (const ByteView part : parts)
        size += part.size();
    return size;
}

Bytes begin_element(DerTag tag, std::size_t length) {
    Bytes out;
    out.reserve(length + 6);
    append_header(out, tag, length);
    return out;
}

Bytes element_of(DerTag tag, std::initializer_list<ByteView> parts) {
    Bytes out = begin_element(tag, total_size(parts));
    for (const ByteView part : parts)
        append(out, part);
    return out;
}

}  // namespace

void append_header(Bytes& out, DerTag tag, std::size_t length) {
    if (length > 0x7FFFFFFFU) throw std::length_error("a DER element of 2^31 octets or more");
    out.push_back(static_cast<std::uint8_t>(tag));
    if (length < 0x80) {
        out.push_back(static_cast<std::uint8_t>(length));
        return;
    }
    unsigned octets = 1;
    while (length >> 8U * octets != 0)
        ++octets;
    out.push_back(static_cast<std::uint8_t>(0x80U | octets));
    while (octets-- > 0)
        out.push_back(static_cast<std::uint8_t>(length >> 8U * octets));
}

Bytes element(DerTag tag, ByteView content) {
    return element_of(tag, {content});
}

Bytes concat(std::initializer_list<ByteView> parts) {
    Bytes out;
    out.reserve(total_size(parts));
    for (const ByteView part : parts)
        append(out, part);
    return out;
}

Bytes sequence(std::initializer_list<ByteView> parts) {
    return element_of(DerTag::kSequence, parts);
}

Bytes set(std::initializer_list<ByteView> parts) {
    return element_of(DerTag::kSet, parts);
}

Bytes set_of(std::vector<Bytes> elements) {
    // X.690 11.6 compares with the shorter one padded by zeros at its end. No element is a prefix
    // of another (the length is part of it), so the lexicographic order is the same.
    std::sort(elements.begin(), elements.end(), [](const Bytes& left, const Bytes& right) {
        return as_text(left) < as_text(right);  // octets compare as unsigned there too
    });
    std::size_t length = 0;
    for (const Bytes& element : elements)
        length += element.size();
    Bytes out = begin_element(DerTag::kSet, length);
    for (const Bytes& element : elements)
        append(out, element);
    return out;
}

Bytes oid(ByteView content) {
    return element(DerTag::kOid, content);
}

Bytes integer(std::int64_t value) {
    std::array<std::uint8_t, 8> octets{};
    for (unsigned i = 0; i < octets.size(); ++i) {
        octets[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (56U - 8U * i));
    }
    // Drop leading octets that only repeat the sign (X.690 8.3.2).
    ByteView rest = octets;
    while (rest.size() > 1 &&
           ((rest[0] == 0x00 && rest[1] < 0x80) || (rest[0] == 0xFF && rest[1] >= 0x80))) {
        rest = rest.subspan(1);
    }
    return element(DerTag::kInteger, rest);
}

Bytes unsigned_integer(ByteView big_endian) {
    while (!big_endian.empty() && big_endian[0] == 0)
        big_endian = big_endian.subspan(1);
    constexpr std::array<std::uint8_t, 1> kZero{0};
    const bool sign_octet = big_endian.empty() || big_endian[0] >= 0x80;
    return element_of(DerTag::kInteger, {sign_octet ? ByteView(kZero) : ByteView(), big_endian});
}

Bytes octet_string(ByteView content) {
    return element(DerTag::kOctetString, content);
}

Bytes bit_string(ByteView octets) {
    constexpr std::array<std::uint8_t, 1> kNoUnusedBits{0};
    return element_of(DerTag::kBitString, {kNoUnusedBits, octets});
}

Bytes boolean(bool value) {
    const std::array<std::uint8_t, 1> octet{value ? std::uint8_t{0xFF} : std::uint8_t{0x00}};
    return element(DerTag::kBoolean, octet);
}

Bytes null() {
    return element(DerTag::kNull, {});
}

Bytes printable_string(std::string_view text) {
    return element(DerTag::kPrintableString, as_bytes(text));
}

Bytes utf8_string(std::string_view text) {
    return element(DerTag::kUtf8String, as_bytes(text));
}

Bytes ia5_string(std::string_view text) {
    return element(DerTag::kIa5String, as_bytes(text));
}

}  // namespace scepgate::certs::der
