// The SCEP query string: which operation, and the message of a GET (RFC 8894 section 4.1).
#pragma once

#include <optional>
#include <string_view>

#include "scep/message.hpp"

namespace scepgate::scep {

enum class Operation { kGetCaCaps, kGetCaCert, kGetNextCaCert, kPkiOperation };
[[nodiscard]] std::string_view to_text(Operation operation) noexcept;

/// Views into the raw query.
struct Query {
    std::optional<Operation> operation;       ///< absent: the query has no operation parameter
    std::optional<std::string_view> message;  ///< still encoded as sent
};

/// Splits the raw query (what follows "?") at "&". Order is free, unknown parameters are ignored,
/// names and operation values match without ASCII case after one round of percent-decoding. A
/// repeated operation or message, an unknown operation, or broken percent-encoding of a name or an
/// operation is kMalformed (attacks.md H16).
Result<Query> parse_query(std::string_view raw_query);

/// A decoded PKIOperation message and what had to be mended on the way.
struct QueryMessage {
    Bytes bytes;
    Tolerances
        repairs;  ///< of "raw-plus", "space-as-plus", "line-breaks", "no-padding", "url-safe"
};

/// Decodes the message of a PKIOperation GET from the raw value: one round of percent-decoding,
/// then base64 in the standard or the URL-safe alphabet (never both in one message); a raw "+" and
/// a space are "+"; CR and LF (encoded) are dropped; padding may be missing. Everything else is
/// kMalformed: double encoding, padding in the middle or too much of it, spare bits, a length of 1
/// modulo 4, NUL, PEM armour (attacks.md B01–B07). More than `limit` octets decoded is kMalformed.
Result<QueryMessage> decode_query_message(std::string_view raw_value, std::size_t limit);

}  // namespace scepgate::scep
