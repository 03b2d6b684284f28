#include "ca_backend/store.hpp"

#include <algorithm>

#include "certs/oids.hpp"
#include "certs/secret.hpp"

namespace scepgate::ca_backend {
namespace {

constexpr std::size_t kLengthOctets = 8;
constexpr std::ptrdiff_t kMostSerialOctets = 20;

void append_length(Bytes& out, std::uint64_t length) {
    for (std::size_t i = kLengthOctets; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
}

/// With the length in front, no part can pass for the end of another.
void append(Bytes& out, ByteView part) {
    append_length(out, part.size());
    out.insert(out.end(), part.begin(), part.end());
}

}  // namespace

TransactionKey transaction_key(const EnrollmentRequest& request) {
    Bytes parts;
    append(parts, as_bytes(request.endpoint));
    append(parts, as_bytes(std::to_string(request.message_type)));
    append(parts, as_bytes(request.transaction_id));
    append(parts, request.signer.der());
    append(parts, request.csr.der());
    const Secret wiped(std::move(parts));  // the CSR has its challenge
    return sha256(wiped.view());
}

Sha256 signer_key_hash(const certs::Certificate& signer) {
    return sha256(signer.spki());
}

std::string_view to_text(TransactionState state) noexcept {
    switch (state) {
        case TransactionState::kPending:
            return "pending";
        case TransactionState::kApproved:
            return "approved";
        case TransactionState::kRejected:
            return "rejected";
        case TransactionState::kExpired:
            return "expired";
        case TransactionState::kIssued:
            break;
    }
    return "issued";
}

Result<void> check_serial(ByteView serial) {
    const auto first =
        std::find_if(serial.begin(), serial.end(), [](std::uint8_t octet) { return octet != 0; });
    if (first == serial.end()) {
        return Error{Errc::kMalformed, serial.empty() ? "there is none: no digits" : "0 is none"};
    }
    if (serial.end() - first <= kMostSerialOctets) return {};
    return Error{Errc::kMalformed, "over " + std::to_string(kMostSerialOctets) +
                                       " octets, which no certificate has (RFC 5280)"};
}

Result<Bytes> parse_serial(std::string_view text) {
    std::string digits;
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_between = i % 3 == 2 && i + 1 < text.size();
        if (text[i] != ':' || !is_between) digits += text[i];
    }
    digits.erase(0, digits.find_first_not_of('0'));
    if (digits.size() % 2 != 0) digits.insert(digits.begin(), '0');
    // An empty shell variable is no number; neither are zeros alone.
    auto serial = digits.empty() ? Bytes(text.empty() ? 0 : 1) : from_hex(digits);
    if (!serial) return serial;
    if (const auto sound = check_serial(*serial); !sound) return sound.error();
    return serial;
}

IssuerHash issuer_hash(ByteView issuer_der) {
    return sha256(issuer_der);
}

CertificateId certificate_id(const certs::Certificate& certificate) {
    return {issuer_hash(certificate.issuer_der()), to_bytes(certificate.serial())};
}

Bytes without_sign_octet(ByteView serial) {
    const bool has_one = serial.size() > 1 && serial.front() == 0;
    return to_bytes(serial.subspan(has_one ? 1 : 0));
}

Sha256 identity_hash(const certs::Certificate& certificate, std::string_view template_name) {
    return identity_hash(certificate.issuer_der(), certificate, template_name);
}

Sha256 identity_hash(ByteView issuer_der, const certs::Certificate& certificate,
                     std::string_view template_name) {
    return identity_hash(issuer_der, certificate.subject_der(), certificate, template_name);
}

Sha256 identity_hash(ByteView issuer_der, ByteView subject_der,
                     const certs::Certificate& certificate, std::string_view template_name) {
    const certs::Extension* names =
        certs::find_extension(certificate.extensions(), certs::oid::kSubjectAltName);
    Bytes parts;
    append(parts, issuer_der);
    append(parts, subject_der);
    append(parts, as_bytes(template_name));
    append(parts, names == nullptr ? ByteView() : names->value);
    return sha256(parts);
}

}  // namespace scepgate::ca_backend
