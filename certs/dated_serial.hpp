// Serial numbers of those who keep what they issue.
#pragma once

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// A new serial number: five octets that grow with the time (2^32 and the seconds since the epoch),
/// then 88 random bits. New ones stand at the end of an index. Always 16 octets, and positive.
[[nodiscard]] Bytes dated_serial(std::int64_t now);

}  // namespace scepgate::certs
