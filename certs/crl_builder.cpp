#include "certs/crl_builder.hpp"

#include "certs/ca_oids.hpp"
#include "certs/calendar.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

/// Headers, version, algorithm and times take less, beside the issuer's name.
constexpr std::size_t kLongestHead = 256;
/// Extensions, algorithm and signature, as a rule.
constexpr std::size_t kUsualTail = 4096;
/// An entry with a serial number of 16 octets and a reason takes 49.
constexpr std::size_t kUsualEntry = 50;
/// What an entry has beside its serial number takes less.
constexpr std::size_t kLongestRest = 128;
/// DER lengths of ours go up to 2^31; what stands around the entries goes on top.
constexpr std::size_t kLongest = 0x7F000000;

void extend(Bytes& out, ByteView part) {
    out.insert(out.end(), part.begin(), part.end());
}

bool can_be_written(std::int64_t time) {
    return to_calendar(time).has_value();
}

Bytes reason_extension(RevocationReason reason) {
    const auto number = static_cast<std::uint8_t>(reason);
    return encode_extension(oid::kReasonCode, false,
                            der::element(DerTag::kEnumerated, {&number, 1}));
}

/// crlEntryExtensions; left out when they say nothing (RFC 5280 section 5.3.1).
Bytes entry_extensions(RevocationReason reason, std::optional<std::int64_t> invalidity_date) {
    Bytes all;
    if (reason != RevocationReason::kUnspecified) all = reason_extension(reason);
    if (invalidity_date) {
        extend(all, encode_extension(oid::kInvalidityDate, false,
                                     der::generalized_time(*invalidity_date)));
    }
    return all.empty() ? all : der::element(DerTag::kSequence, all);
}

ByteView significant(ByteView number) {
    while (!number.empty() && number.front() == 0)
        number = number.subspan(1);
    return number;
}

bool says(ByteView octets, std::int64_t number) {
    return equal(der::unsigned_integer(octets), der::integer(number));
}

Error faulty(const char* what) {
    return malformed(std::string("CRL: ") + what);
}

Result<void> check_contents(const CrlContents& contents) {
    if (contents.number <= 0) return faulty("its number must be positive");
    if (!can_be_written(contents.this_update) || !can_be_written(contents.next_update)) {
        return faulty("a time outside the years 0 to 9999");
    }
    if (!contents.base_number) return {};
    if (*contents.base_number <= 0 || *contents.base_number >= contents.number) {
        return faulty("a delta's base must have a lower number than the delta, and a positive one");
    }
    if (!contents.freshest_crl_urls.empty()) return faulty("a delta has no freshestCRL");
    return {};
}

Result<Bytes> crl_extensions(const CrlContents& contents) {
    Bytes all =
        der::concat({authority_key_identifier_extension(contents.authority_key_identifier),
                     encode_extension(oid::kCrlNumber, false, der::integer(contents.number))});
    if (contents.base_number) {
        extend(all, encode_extension(oid::kDeltaCrlIndicator, true,
                                     der::integer(*contents.base_number)));
    }
    if (contents.issuing_distribution_point) {
        const auto point = encode_issuing_distribution_point(*contents.issuing_distribution_point);
        if (!point) return in_context("CRL", point.error());
        extend(all, encode_extension(oid::kIssuingDistributionPoint, true, *point));
    }
    if (!contents.freshest_crl_urls.empty()) {
        extend(all, encode_extension(oid::kFreshestCrl, false,
                                     encode_distribution_points(contents.freshest_crl_urls)));
    }
    return der::element(context_constructed(0), der::element(DerTag::kSequence, all));
}

/// What stands before the entries, all headers but the outermost one included. `behind`: octets of
/// the TBSCertList behind the entries.
Bytes encode_head(const CrlContents& contents, ByteView algorithm, std::size_t entries,
                  std::size_t behind) {
    Bytes fields = der::concat({der::integer(1),  // v2
                                algorithm, contents.issuer_der, der::time(contents.this_update),
                                der::time(contents.next_update)});
    // RFC 5280 section 5.1.2.6: absent when there are none
    if (entries != 0) der::append_header(fields, DerTag::kSequence, entries);
    Bytes head;
    der::append_header(head, DerTag::kSequence, fields.size() + entries + behind);
    extend(head, fields);
    return head;
}

}  // namespace

CrlBuilder::CrlBuilder(CrlContents contents, std::size_t expected)
    : contents_(std::move(contents)), room_(kLongestHead + contents_.issuer_der.size()) {
    for (std::size_t i = 0; i < reasons_.size(); ++i)
        reasons_[i] = entry_extensions(static_cast<RevocationReason>(i), std::nullopt);
    octets_.reserve(room_ + expected * kUsualEntry + kUsualTail);
    octets_.resize(room_);
}

Result<void> CrlBuilder::add(const RevokedCertificate& revoked) {
    const ByteView serial = significant(revoked.serial);
    const auto refuse = [&serial](const char* why) {
        return malformed("CRL: certificate " + to_hex(serial) + ": " + why);
    };
    const auto reason = static_cast<std::size_t>(revoked.reason);
    if (serial.empty()) return faulty("an entry without a serial number, or of number 0");
    if (!revocation_reason_from_number(static_cast<std::int64_t>(revoked.reason)))
        return refuse("its reason has no meaning");
    if (revoked.reason == RevocationReason::kRemoveFromCrl && !contents_.base_number) {
        return refuse("removeFromCRL is for deltas");
    }
    if (!can_be_written(revoked.revoked_at) || !can_be_written(revoked.invalidity_date.value_or(0)))
        return refuse("a time outside the years 0 to 9999");
    if (octets_.size() + serial.size() + kLongestRest > kLongest) {
        return unsupported("CRL: over " + std::to_string(kLongest) + " octets");
    }
    const Bytes number = der::unsigned_integer(serial);
    const Bytes time = der::time(revoked.revoked_at);
    const Bytes dated = revoked.invalidity_date
                            ? entry_extensions(revoked.reason, revoked.invalidity_date)
                            : Bytes{};
    const ByteView extensions = dated.empty() ? ByteView(reasons_[reason]) : ByteView(dated);
    der::append_header(octets_, DerTag::kSequence, number.size() + time.size() + extensions.size());
    extend(octets_, number);
    extend(octets_, time);
    extend(octets_, extensions);
    ++size_;
    return {};
}

Result<Crl> CrlBuilder::sign(const PrivateKey& signer, Digest digest) && {
    if (const auto sound = check_contents(contents_); !sound) return sound.error();
    const auto extensions = crl_extensions(contents_);
    if (!extensions) return extensions.error();
    const Bytes algorithm = signature_identifier(signer.signature_algorithm(digest));
    const Bytes head =
        encode_head(contents_, algorithm, octets_.size() - room_, extensions->size());
    std::size_t begin = room_ - head.size();
    std::copy(head.begin(), head.end(), octets_.begin() + static_cast<std::ptrdiff_t>(begin));
    extend(octets_, *extensions);

    const auto signature = signer.sign(digest, ByteView(octets_).subspan(begin));
    if (!signature) return signature.error();
    extend(octets_, algorithm);
    extend(octets_, der::bit_string(*signature));
    Bytes header;
    der::append_header(header, DerTag::kSequence, octets_.size() - begin);
    begin -= header.size();
    std::copy(header.begin(), header.end(), octets_.begin() + static_cast<std::ptrdiff_t>(begin));
    octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(begin));

    // Read back, so that nothing put in can shift another field or stand in it twice.
    auto crl = Crl::from_der(std::move(octets_), CrlScope::kAny);
    if (!crl) return crl.error();
    if (!is_as_wanted(*crl)) return faulty("a field to be put in is not one DER element");
    if (!crl->signed_by(signer.public_key())) {
        return Error{Errc::kInternal,
                     "the signature made on a CRL does not verify: a fault of the machine or of "
                     "the key store; the CRL was thrown away"};
    }
    return crl;
}

bool CrlBuilder::is_as_wanted(const Crl& made) const {
    const auto base = made.base_number();
    return equal(made.issuer_der(), contents_.issuer_der) && made.entries().size() == size_ &&
           says(made.number(), contents_.number) && made.this_update() == contents_.this_update &&
           made.next_update() == contents_.next_update &&
           (contents_.base_number ? base && says(*base, *contents_.base_number) : !base) &&
           made.issuing_distribution_point() == contents_.issuing_distribution_point &&
           made.freshest_crl_urls() == contents_.freshest_crl_urls;
}

}  // namespace scepgate::certs
