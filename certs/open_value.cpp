#include "certs/open_value.hpp"

#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::uint8_t kClassBits = 0xC0;
constexpr std::uint8_t kConstructedBit = 0x20;
constexpr std::uint8_t kNumberBits = 0x1F;

/// Universal tag numbers (X.680 section 8.4) whose contents have a form.
enum Universal : std::uint8_t {
    kBooleanType = 1,
    kIntegerType = 2,
    kBitStringType = 3,
    kNullType = 5,
    kOidType = 6,
    kEnumeratedType = 10,
    kSequenceType = 16,
    kSetType = 17,
    kUniversalStringType = 28,
    kBmpStringType = 30,
};

/// X.690 8.3.2: the first nine bits are not all alike.
bool is_minimal_integer(ByteView octets) {
    if (octets.size() < 2) return !octets.empty();
    return !(octets[0] == 0x00 && octets[1] < 0x80) && !(octets[0] == 0xFF && octets[1] >= 0x80);
}

bool has_form_of(std::uint8_t type, ByteView content) {
    switch (type) {
        case kBooleanType:
            return content.size() == 1;
        case kIntegerType:
        case kEnumeratedType:
            return is_minimal_integer(content);
        case kBitStringType:
            return !content.empty() && content[0] < 8;
        case kNullType:
            return content.empty();
        case kOidType:
            return is_oid(content);
        case kUniversalStringType:
            return content.size() % 4 == 0;
        case kBmpStringType:
            return content.size() % 2 == 0;
        default:
            return true;
    }
}

}  // namespace

Result<void> check_open_value(const DerElement& value) {
    const auto tag = static_cast<std::uint8_t>(value.tag);
    if ((tag & kClassBits) != 0) return {};
    const auto type = static_cast<std::uint8_t>(tag & kNumberBits);
    const bool constructed = (tag & kConstructedBit) != 0;
    const bool is_list = type == kSequenceType || type == kSetType;
    if (constructed == is_list && (is_list || has_form_of(type, value.content))) return {};
    return malformed("DER: a value of universal type " + std::to_string(type) +
                     " that has not its form");
}

}  // namespace scepgate::certs
