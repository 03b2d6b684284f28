// Strict DER: a reading cursor and a writer (X.690).
//
// Not a general ASN.1 library: one-byte tags only, lengths up to 2^31, no BER. What clients send
// as BER is turned into DER first (certs/ber.hpp).
#pragma once

#include <initializer_list>
#include <optional>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// Identifier octets as they stand in the encoding.
enum class DerTag : std::uint8_t {
    kBoolean = 0x01,
    kInteger = 0x02,
    kBitString = 0x03,
    kOctetString = 0x04,
    kNull = 0x05,
    kOid = 0x06,
    kEnumerated = 0x0A,
    kUtf8String = 0x0C,
    kNumericString = 0x12,
    kPrintableString = 0x13,
    kT61String = 0x14,
    kIa5String = 0x16,
    kUtcTime = 0x17,
    kGeneralizedTime = 0x18,
    kVisibleString = 0x1A,
    kUniversalString = 0x1C,
    kBmpString = 0x1E,
    kSequence = 0x30,
    kSet = 0x31,
};

/// [number], primitive: IMPLICIT over a primitive type.
[[nodiscard]] constexpr DerTag context_primitive(unsigned number) {
    return static_cast<DerTag>(0x80U | number);
}
/// [number], constructed: EXPLICIT, or IMPLICIT over SEQUENCE or SET.
[[nodiscard]] constexpr DerTag context_constructed(unsigned number) {
    return static_cast<DerTag>(0xA0U | number);
}

/// One element; both views lie inside the reader's input.
struct DerElement {
    DerTag tag{};
    ByteView content;  ///< the value octets
    ByteView whole;    ///< identifier, length and value octets
};

/// A cursor over concatenated DER elements. A failed read does not move it. It does not own its
/// input.
class DerReader {
public:
    explicit DerReader(ByteView input) noexcept : rest_(input) {}
    explicit DerReader(Bytes&& input) = delete;

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] ByteView rest() const noexcept { return rest_; }
    /// True when there is a next element and its identifier is `tag`.
    [[nodiscard]] bool at(DerTag tag) const noexcept;

    /// The next element, whatever its tag. Fails (kMalformed) on truncation, a multi-byte tag,
    /// an end-of-contents, an indefinite or non-minimal length.
    Result<DerElement> next();
    /// The content of the next element, which must have this tag.
    Result<ByteView> read(DerTag tag);
    /// The same with identifier and length octets.
    Result<ByteView> read_whole(DerTag tag);
    /// Empty when the next element has another tag or there is none.
    Result<std::optional<ByteView>> read_optional(DerTag tag);

    /// Typed readers.
    Result<bool> read_boolean();
    Result<std::int64_t> read_small_integer();  ///< INTEGER that fits 63 bits, not negative
    Result<ByteView> read_oid();                ///< content octets, checked to be an OID
    /// BIT STRING whose number of bits is a multiple of 8; without the leading octet.
    Result<ByteView> read_octet_bits();

    /// Fails unless everything was read.
    [[nodiscard]] Result<void> finish(std::string_view what) const;

private:
    ByteView rest_;
};

/// DER writing: each function returns one finished element.
namespace der {

/// Appends identifier and length octets alone, for content that follows. Throws
/// std::length_error from 2^31 octets on.
void append_header(Bytes& out, DerTag tag, std::size_t length);
Bytes element(DerTag tag, ByteView content);
Bytes concat(std::initializer_list<ByteView> parts);
Bytes sequence(std::initializer_list<ByteView> parts);
Bytes set(std::initializer_list<ByteView> parts);
/// SET OF: the elements sorted as X.690 section 11.6 says.
Bytes set_of(std::vector<Bytes> elements);
Bytes oid(ByteView content);
Bytes integer(std::int64_t value);
/// INTEGER from unsigned big-endian octets; leading zeros dropped, a sign octet added if needed.
Bytes unsigned_integer(ByteView big_endian);
Bytes octet_string(ByteView content);
Bytes bit_string(ByteView octets);
Bytes boolean(bool value);
Bytes null();
Bytes printable_string(std::string_view text);
Bytes utf8_string(std::string_view text);
Bytes ia5_string(std::string_view text);
/// RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. `time`: seconds since
/// the epoch, within the years 0 to 9999; throws std::out_of_range beyond.
Bytes time(std::int64_t time);
void append_time(Bytes& out, std::int64_t time);
/// GeneralizedTime, whatever the year.
Bytes generalized_time(std::int64_t time);

}  // namespace der

/// Reads UTCTime or GeneralizedTime in their DER form (…Z, seconds, no fraction) as seconds since
/// the epoch.
Result<std::int64_t> read_time(const DerElement& element);

}  // namespace scepgate::certs
