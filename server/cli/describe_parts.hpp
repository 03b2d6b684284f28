// The parts of describe.hpp, for its own files.
#pragma once

#include <optional>

#include "certs/certificate.hpp"
#include "certs/cms_enveloped_data.hpp"
#include "server/cli/describe.hpp"

namespace scepgate::server::cli {

/// JSON converts itself to anything, so that `return facts;` would be ambiguous.
[[nodiscard]] inline Result<Facts> found(Facts facts) {
    return Result<Facts>(boost::system::in_place_value, std::move(facts));
}

/// The first block of PEM text; empty when there is none.
struct PemBlock {
    std::string_view label;
    std::string_view body;  ///< base64, with line breaks
};
[[nodiscard]] std::optional<PemBlock> first_pem_block(std::string_view text);
/// Without white space, whatever the line length.
[[nodiscard]] std::string without_blanks(std::string_view text);

/// Wider than what the server takes: a tool for support has to show what is refused.
[[nodiscard]] certs::KeyLimits wide_key_limits() noexcept;

/// "messageType", "sha256", …; the dotted form when nobody knows it.
[[nodiscard]] std::string oid_name(ByteView oid);
[[nodiscard]] std::string algorithm_name(const certs::AlgorithmIdentifier& identifier);
/// "CN=Example CA, serial 01ab" or "key identifier …"
[[nodiscard]] std::string reference_name(const certs::CertificateReference& reference);
/// RFC 4514, or why not.
[[nodiscard]] std::string name_text(ByteView der);

[[nodiscard]] Facts describe_certificate(const certs::Certificate& certificate);
/// Empty when `der` has not the structure.
std::optional<Facts> describe_csr(ByteView der);
std::optional<Facts> describe_crl(ByteView der);
/// IssuerAndSerialNumber (GetCert, GetCRL) or IssuerAndSubject (CertPoll).
std::optional<Facts> describe_query(ByteView der);

/// `der`: a ContentInfo. `depth`: how many more layers may be inside.
Result<Facts> describe_signed_data(ByteView der, const scep::RecipientKey* key, int depth);
Result<Facts> describe_enveloped_data(ByteView der, bool authenticated,
                                      const scep::RecipientKey* key, int depth);
/// DER or BER of any kind.
Result<Facts> describe_layer(ByteView octets, const scep::RecipientKey* key, int depth);

}  // namespace scepgate::server::cli
