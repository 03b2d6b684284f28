// ASN.1's character strings as UTF-8, and which characters a name may hold.
#pragma once

#include <string>

#include "certs/der.hpp"

namespace scepgate::certs {

/// True for the eight string types that clients put into names and challenges.
[[nodiscard]] bool is_string(DerTag tag) noexcept;

/// The content of a string as UTF-8. kMalformed: another type, octets that its encoding does not
/// allow (overlong UTF-8, surrogates, an odd BMPString, octets over 7F in the ASCII types).
/// T61String is read as Latin-1, which is what is written into it in practice.
[[nodiscard]] Result<std::string> to_utf8(DerTag encoding, ByteView content);

/// Valid UTF-8 with no character that hides or reorders what a person reads: NUL, controls,
/// bidirectional controls, Default_Ignorable_Code_Points (zero-width characters, fillers, variation
/// selectors, tags), line and paragraph separators, noncharacters. The error names the code point.
[[nodiscard]] Result<void> check_readable(std::string_view utf8);

/// No character, or nothing but Unicode's spaces; `utf8` must be readable.
[[nodiscard]] bool is_blank(std::string_view utf8) noexcept;

/// How many code points; `utf8` must be valid.
[[nodiscard]] std::size_t count_characters(std::string_view utf8) noexcept;

/// Whether X.680's PrintableString can hold it.
[[nodiscard]] bool fits_printable_string(std::string_view text) noexcept;
/// A DER PrintableString where that can hold `utf8`, else a UTF8String.
[[nodiscard]] Bytes encode_text(std::string_view utf8);
[[nodiscard]] bool is_ascii(std::string_view text) noexcept;

/// Equality with ASCII letters alike in both cases; all other octets exact, whatever the locale.
[[nodiscard]] bool equal_ignoring_ascii_case(std::string_view left,
                                             std::string_view right) noexcept;
[[nodiscard]] char ascii_lower(char letter) noexcept;

}  // namespace scepgate::certs
