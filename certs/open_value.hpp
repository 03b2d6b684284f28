// Values of open types (ANY) that nobody here reads.
#pragma once

#include "certs/der.hpp"

namespace scepgate::certs {

/// Whether a reader that knows no more than the tag can take it, as OpenSSL's does: a universal
/// type has contents of its form (X.690 section 8), and strings are in one piece (10.2). Times and
/// the characters of strings are not looked at, nor what is within a SEQUENCE or SET. kMalformed.
Result<void> check_open_value(const DerElement& value);

}  // namespace scepgate::certs
