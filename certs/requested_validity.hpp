// How long a device wishes its certificate to be valid: Microsoft's request attributes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// One of the two.
struct RequestedValidity {
    std::int64_t seconds = 0;    ///< from now on; 0: not given
    std::int64_t not_after = 0;  ///< seconds since the epoch; 0: not given

    friend bool operator==(const RequestedValidity&, const RequestedValidity&) = default;
};

/// The name-value pairs of a request (MS-WCCE), names in lower case.
using NameValuePairs = std::map<std::string, std::string>;

/// Reads one szENROLLMENT_NAME_VALUE_PAIR (1.3.6.1.4.1.311.13.2.1), whole DER, and adds it to
/// `pairs`; of two with one name the first stays.
///
///   EnrollmentNameValuePair ::= SEQUENCE { name BMPString, value BMPString }
///
/// kMalformed: another structure, or text over 256 octets.
Result<void> read_name_value_pair(ByteView der, NameValuePairs& pairs);

/// "ValidityPeriod" (Seconds to Years; a month has 30 days, a year 365) with
/// "ValidityPeriodUnits", or "ExpirationDate" in the format of HTTP ("Tue, 20 Jan 2026 10:00:00
/// GMT"), as AD CS reads them. Empty: neither, both, or nothing clear.
[[nodiscard]] std::optional<RequestedValidity> requested_validity(const NameValuePairs& pairs);

}  // namespace scepgate::certs
