// The fields of a frame between network process and signer, one by one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::server::signer {

inline constexpr std::size_t kFieldHeaderSize = 5;
/// A name or another short text, in octets.
inline constexpr std::size_t kLongestText = 4096;
/// Fields of one tag that may repeat.
inline constexpr std::size_t kMostRepeated = 256;

/// Appends fields; an empty one is left out.
class FieldWriter {
public:
    FieldWriter(Bytes& out) : out_(out) {}
    FieldWriter& add(std::uint8_t tag, ByteView octets);
    FieldWriter& add(std::uint8_t tag, std::string_view text) { return add(tag, as_bytes(text)); }
    FieldWriter& add(std::uint8_t tag, const std::vector<std::string>& texts);

private:
    Bytes& out_;
};

/// A cursor over fields; it does not own them. Asked for in the order of their tags, so that what
/// stands out of order is left over, and finish() finds it.
class FieldReader {
public:
    explicit FieldReader(ByteView fields) noexcept : rest_(fields) {}

    /// The next field, which must have this tag and at most so many octets.
    Result<ByteView> octets(std::uint8_t tag, std::size_t longest);
    /// The same, where it may be missing: empty then.
    Result<ByteView> optional_octets(std::uint8_t tag, std::size_t longest);
    Result<std::string> text(std::uint8_t tag);
    Result<std::string> optional_text(std::uint8_t tag);
    /// All fields of this tag that come next; kMostRepeated at most.
    Result<std::vector<std::string>> texts(std::uint8_t tag);
    [[nodiscard]] Result<void> finish() const;

private:
    ByteView rest_;
};

}  // namespace scepgate::server::signer
