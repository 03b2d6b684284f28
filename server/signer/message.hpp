// What the network process and the signer say to each other (docs/signer.md, "The protocol").
//
//   frame = "SG" version(1) kind(1) length(4, big-endian) field*
//   field = tag(1) length(4, big-endian) octets        -- never empty
//
// Tags come in ascending order, each once, but for notes, template names and URLs, which repeat.
// Every message has one encoding only. An order is one frame, and so is its answer.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "certs/bytes.hpp"
#include "certs/refusal.hpp"

namespace scepgate::server::signer {

inline constexpr std::size_t kHeaderSize = 8;

/// Asks who is there. Answered with a Description.
struct DescribeOrder {
    std::string ca;
    bool operator==(const DescribeOrder&) const = default;
};

/// Asks for one certificate. Answered with IssuedAnswer.
struct IssueOrder {
    /// The same for every attempt at one certificate: it is signed once.
    Sha256 id{};
    std::string ca;
    std::string template_name;
    std::string endpoint;        ///< for the signer's log
    std::string transaction_id;  ///< for the signer's log
    Bytes csr;                   ///< DER: the proof of possession, and its challenge
    Bytes grant;                 ///< policy::GrantRecord
    bool operator==(const IssueOrder&) const = default;
};

/// Asks for the signature on a CRL. Answered with SignatureAnswer.
struct CrlOrder {
    std::string ca;
    Bytes to_be_signed;  ///< DER TBSCertList, whole; it names the digest
    bool operator==(const CrlOrder&) const = default;
};

/// Asks for the certificate of an OCSP responder of this CA (RFC 6960 section 4.2.2.2). What stands
/// in it and how long it is valid is the signer's to say. Answered with IssuedAnswer.
struct ResponderOrder {
    std::string ca;
    Bytes csr;  ///< DER: the responder's key, and the proof of its possession
    bool operator==(const ResponderOrder&) const = default;
};

using Order = std::variant<DescribeOrder, IssueOrder, CrlOrder, ResponderOrder>;

struct Description {
    Bytes certificate;                   ///< DER, of the CA
    std::vector<std::string> templates;  ///< what it issues by
    /// What stands in its certificates, and so in the CRLs that it signs.
    std::vector<std::string> crl_urls, freshest_crl_urls;
    /// Number of the oldest complete CRL that a delta may refer to: it was signed, and is on
    /// record. kNoBase: there is none. 0: a signer of an earlier release does not say.
    std::int64_t oldest_base = 0;
    static constexpr std::int64_t kNoBase = std::numeric_limits<std::int64_t>::max();
    bool operator==(const Description&) const = default;
};
struct IssuedAnswer {
    Bytes certificate;  ///< DER
    std::vector<std::string> notes;
    bool operator==(const IssuedAnswer&) const = default;
};
struct SignatureAnswer {
    Bytes signature;
    bool operator==(const SignatureAnswer&) const = default;
};

using Answer = std::variant<Description, IssuedAnswer, SignatureAnswer, Refusal>;

/// What follows a header.
struct FrameHeader {
    std::uint8_t kind = 0;
    std::size_t length = 0;  ///< of the fields, in octets
};

/// Reads the kHeaderSize octets of an order's, or an answer's, header. kUnsupported: another
/// version; kMalformed: no frame, a kind that does not belong here, or one longer than its kind may
/// be (a CRL's order 256 MiB, all others and answers 256 KiB).
[[nodiscard]] Result<FrameHeader> read_order_header(ByteView octets);
[[nodiscard]] Result<FrameHeader> read_answer_header(ByteView octets);

/// Reads one whole frame. kMalformed for everything that encode() does not write.
[[nodiscard]] Result<Order> decode_order(ByteView frame);
[[nodiscard]] Result<Answer> decode_answer(ByteView frame);

/// Throws std::length_error for what is longer than its kind may be.
[[nodiscard]] Bytes encode(const Order& order);
/// The same as encode(CrlOrder{ca, to_be_signed}), without a copy of the CRL between.
[[nodiscard]] Bytes encode_crl_order(std::string_view ca, ByteView to_be_signed);
/// Texts that are too long are cut.
[[nodiscard]] Bytes encode(const Answer& answer);

}  // namespace scepgate::server::signer
