#include "certs/der.hpp"

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::uint8_t kLongLength = 0x80;

std::string tag_text(DerTag tag) {
    const std::array<std::uint8_t, 1> octet{static_cast<std::uint8_t>(tag)};
    return "0x" + to_hex(octet);
}

}  // namespace

bool DerReader::at(DerTag tag) const noexcept {
    return !rest_.empty() && rest_[0] == static_cast<std::uint8_t>(tag);
}

Result<DerElement> DerReader::next() {
    if (rest_.size() < 2) return malformed("DER: truncated before a tag and length");
    // X.690 8.1.5: universal number 0 marks the end of an indefinite length, in BER alone.
    if ((rest_[0] & ~0x20U) == 0) return malformed("DER: end-of-contents");
    // X.690 8.1.2.4: all ones in the low five bits start a tag of several octets.
    if ((rest_[0] & 0x1FU) == 0x1FU) return malformed("DER: a tag of several octets");

    std::size_t header = 2;
    std::size_t length = rest_[1];
    if (length >= kLongLength) {
        const std::size_t octets = length & 0x7FU;
        if (octets == 0) return malformed("DER: indefinite length");
        if (octets > 4) return malformed("DER: length of more than four octets");
        if (rest_.size() - header < octets) return malformed("DER: truncated in a length");
        length = 0;
        for (std::size_t i = 0; i < octets; ++i)
            length = length << 8U | rest_[header + i];
        header += octets;
        // X.690 10.1: the fewest octets possible.
        const bool minimal = octets == 1 ? length >= kLongLength : length >> 8U * (octets - 1) != 0;
        if (!minimal) return malformed("DER: length that is not minimal");
    }
    if (length > rest_.size() - header) {
        return malformed("DER: element of " + std::to_string(length) + " octets where " +
                         std::to_string(rest_.size() - header) + " are left");
    }

    const DerElement element{static_cast<DerTag>(rest_[0]), rest_.subspan(header, length),
                             rest_.first(header + length)};
    rest_ = rest_.subspan(header + length);
    return element;
}

Result<ByteView> DerReader::read(DerTag tag) {
    if (!at(tag)) {
        return malformed("DER: expected tag " + tag_text(tag) + ", found " +
                         (rest_.empty() ? "the end" : tag_text(static_cast<DerTag>(rest_[0]))));
    }
    const auto element = next();
    if (!element) return element.error();
    return element->content;
}

Result<ByteView> DerReader::read_whole(DerTag tag) {
    const ByteView before = rest_;
    const auto content = read(tag);
    if (!content) return content.error();
    return before.first(before.size() - rest_.size());
}

Result<std::optional<ByteView>> DerReader::read_optional(DerTag tag) {
    if (!at(tag)) return std::optional<ByteView>{};
    const auto content = read(tag);
    if (!content) return content.error();
    return std::optional<ByteView>{*content};
}

Result<bool> DerReader::read_boolean() {
    DerReader ahead = *this;
    const auto content = ahead.read(DerTag::kBoolean);
    if (!content) return content.error();
    // X.690 11.1: TRUE has all bits set.
    if (content->size() != 1 || ((*content)[0] != 0x00 && (*content)[0] != 0xFF)) {
        return malformed("DER: BOOLEAN that is neither 00 nor FF");
    }
    const bool value = (*content)[0] != 0;
    *this = ahead;
    return value;
}

Result<std::int64_t> DerReader::read_small_integer() {
    DerReader ahead = *this;
    const auto content = ahead.read(DerTag::kInteger);
    if (!content) return content.error();
    if (content->empty()) return malformed("DER: INTEGER without octets");
    const ByteView octets = *content;
    // X.690 8.3.2: the first nine bits are not all alike.
    if (octets.size() > 1 &&
        ((octets[0] == 0x00 && octets[1] < 0x80) || (octets[0] == 0xFF && octets[1] >= 0x80))) {
        return malformed("DER: INTEGER that is not minimal");
    }
    if (octets[0] >= 0x80) return malformed("DER: negative INTEGER");
    if (octets.size() > 8) return malformed("DER: INTEGER of more than 63 bits");
    std::uint64_t value = 0;
    for (const std::uint8_t octet : octets)
        value = value << 8U | octet;
    *this = ahead;
    return static_cast<std::int64_t>(value);
}

Result<ByteView> DerReader::read_oid() {
    DerReader ahead = *this;
    const auto content = ahead.read(DerTag::kOid);
    if (!content) return content.error();
    if (!is_oid(*content)) return malformed("DER: OBJECT IDENTIFIER that is not one");
    *this = ahead;
    return *content;
}

Result<ByteView> DerReader::read_octet_bits() {
    DerReader ahead = *this;
    const auto content = ahead.read(DerTag::kBitString);
    if (!content) return content.error();
    if (content->empty()) return malformed("DER: BIT STRING without its leading octet");
    if (content->front() != 0) return malformed("DER: BIT STRING with unused bits");
    *this = ahead;
    return content->subspan(1);
}

Result<void> DerReader::finish(std::string_view what) const {
    if (!rest_.empty()) {
        return malformed(std::string(what) + ": " + std::to_string(rest_.size()) +
                         " octets too many");
    }
    return {};
}

}  // namespace scepgate::certs
