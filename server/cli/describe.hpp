// SCEP messages and what is in them, put into words for support cases. Nothing secret comes out: of
// a challengePassword only its length and outer structure, of private keys nothing at all.
#pragma once

#include <nlohmann/json.hpp>

#include "scep/pki_message.hpp"

namespace scepgate::server::cli {

/// Named facts, nested as the message is. "what" says in a few words what an object describes.
using Facts = nlohmann::ordered_json;

/// Describes a file's content: DER or BER, PEM (its first block), base64 in any form that a query
/// can hold it, a URL with "message=", or the text of GetCACaps. `key` opens what is encrypted to
/// it; nullptr leaves envelopes closed. kMalformed when it is nothing that SCEP sends, with what it
/// looks like instead; kDenied for a private key.
Result<Facts> describe_file(ByteView content, const scep::RecipientKey* key);

/// The same for octets that are no text: pkiMessage, degenerate SignedData, EnvelopedData,
/// certificate, CSR, CRL, IssuerAndSerialNumber, IssuerAndSubject.
Result<Facts> describe_message(ByteView octets, const scep::RecipientKey* key);

/// One fact a line, indented; text that could play with the terminal is escaped.
[[nodiscard]] std::string to_text(const Facts& facts);

}  // namespace scepgate::server::cli
