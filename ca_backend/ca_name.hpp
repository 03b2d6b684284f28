// A CA's name as AD CS writes it into file names, URLs and directory entries.
#pragma once

#include <string>
#include <string_view>

namespace scepgate::ca_backend {

/// MS-WCCE section 3.1.1.4.1.1.2: every UTF-16 code unit that a file name or a directory entry
/// cannot hold becomes "!" and four hexadecimal digits: "R&D" gives "R!0026D". Takes UTF-8; what
/// is not UTF-8 is replaced octet by octet.
[[nodiscard]] std::string sanitized_ca_name(std::string_view name);

/// The same, at most 57 characters: from the 52nd on it becomes "-" and a hash of five digits
/// (sections 3.1.1.4.1.1 and 3.1.1.4.1.1.1).
[[nodiscard]] std::string truncated_ca_name(std::string_view name);

}  // namespace scepgate::ca_backend
