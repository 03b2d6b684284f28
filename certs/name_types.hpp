// Attribute types of names: their RFC 4514 spellings, encodings and upper bounds.
#pragma once

#include <string_view>

#include "certs/der.hpp"

namespace scepgate::certs {

struct NameType {
    ByteView oid;
    std::string_view name;       ///< as text() writes it
    std::string_view long_name;  ///< also taken; may be the same
    DerTag encoding;             ///< UTF8String: a DirectoryString; else the only one it takes
    std::size_t upper_bound;     ///< characters; 0 for none
};

/// nullptr for a type without a name of its own.
[[nodiscard]] const NameType* find_name_type(ByteView oid) noexcept;
/// In any case of letters.
[[nodiscard]] const NameType* find_name_type(std::string_view name) noexcept;

/// The string type to write a value in; null `type`: one without a name of its own. kDenied: there
/// is none (Name::check_legal_form).
[[nodiscard]] Result<DerTag> encoding_for(const NameType* type, std::string_view value);

}  // namespace scepgate::certs
