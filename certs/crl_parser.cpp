#include "certs/ca_oids.hpp"
#include "certs/crl_entry.hpp"
#include "certs/crl_state.hpp"
#include "certs/oids.hpp"
#include "certs/signed_structure.hpp"

namespace scepgate::certs {
namespace {

Result<std::int64_t> read_time_field(DerReader& reader) {
    const auto element = reader.next();
    if (!element) return element.error();
    return read_time(*element);
}

/// An INTEGER (0..MAX) that is all of an extension's value.
Result<ByteView> parse_number(ByteView value, std::string_view what) {
    DerReader reader(value);
    const auto number = read_non_negative(reader, what);
    if (!number) return number.error();
    if (const auto end = reader.finish(what); !end) return end.error();
    return *number;
}

//   AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] OCTET STRING OPTIONAL, ... }
Result<std::optional<ByteView>> parse_key_identifier(ByteView value) {
    DerReader outer(value);
    const auto fields = outer.read(DerTag::kSequence);
    if (!fields) return fields.error();
    if (const auto end = outer.finish("authorityKeyIdentifier"); !end) return end.error();
    return DerReader(*fields).read_optional(context_primitive(0));
}

/// What a serial number is ordered by: its length and first octets in one machine word, so that a
/// million of them are sorted without a look at each one's octets.
std::uint64_t sort_key(ByteView serial) noexcept {
    constexpr std::size_t kOctets = 7;
    std::uint64_t key = std::min<std::size_t>(serial.size(), 0xFF);
    for (std::size_t i = 0; i < kOctets; ++i)
        key = key << 8U | (i < serial.size() ? serial[i] : 0U);
    return key;
}

}  // namespace

//   CertificateList  ::=  SEQUENCE  {
//        tbsCertList          TBSCertList,
//        signatureAlgorithm   AlgorithmIdentifier,
//        signatureValue       BIT STRING  }
Result<void> Crl::State::parse(CrlScope scope) {
    const auto parts = read_signed_structure(der, "CRL");
    if (!parts) return parts.error();
    tbs = parts->to_be_signed;
    outer_algorithm = parts->algorithm;
    signature = parts->signature;
    if (const auto read = parse_tbs(parts->content); !read) return read.error();
    if (has_removals_ && !base_number) return malformed("removeFromCRL in a complete CRL");
    if (scope == CrlScope::kComplete && !is_complete()) {
        return unsupported(base_number ? "a delta, where a complete CRL is wanted"
                                       : "of some certificates alone, where a complete CRL is "
                                         "wanted (issuingDistributionPoint)");
    }
    return {};
}

//   TBSCertList  ::=  SEQUENCE  {
//        version                 Version OPTIONAL, -- if present, MUST be v2
//        signature               AlgorithmIdentifier,
//        issuer                  Name,
//        thisUpdate              Time,
//        nextUpdate              Time OPTIONAL,
//        revokedCertificates     SEQUENCE OF SEQUENCE { ... } OPTIONAL,
//        crlExtensions           [0]  EXPLICIT Extensions OPTIONAL }
Result<void> Crl::State::parse_tbs(ByteView content) {
    DerReader fields(content);
    const auto version = fields.read_small_integer();
    if (!version || *version != 1) return unsupported("not of version 2");
    const auto algorithm = fields.read_whole(DerTag::kSequence);
    if (!algorithm) return algorithm.error();
    if (!equal(*algorithm, outer_algorithm)) return malformed("it names two signature algorithms");
    const auto name = fields.read_whole(DerTag::kSequence);
    if (!name) return name.error();
    issuer = *name;
    const auto from = read_time_field(fields);
    if (!from) return in_context("thisUpdate", from.error());
    this_update = *from;
    const auto until = read_time_field(fields);
    if (!until) return in_context("nextUpdate", until.error());
    next_update = *until;
    if (next_update < this_update) return malformed("nextUpdate lies before thisUpdate");
    const auto revoked = fields.read_optional(DerTag::kSequence);
    if (!revoked) return revoked.error();
    if (*revoked) {
        if (const auto read = parse_entries(**revoked); !read) return read.error();
    }
    const auto wrapped = fields.read_optional(context_constructed(0));
    if (!wrapped) return wrapped.error();
    if (*wrapped) {
        const auto extensions = parse_extensions(**wrapped);
        if (!extensions) return extensions.error();
        for (const Extension& extension : *extensions) {
            if (const auto read = parse_extension(extension); !read) return read.error();
        }
    }
    // RFC 5280 section 5.2.6
    if (base_number && !freshest_crl_urls.empty()) return malformed("freshestCRL in a delta");
    return fields.finish("TBSCertList");
}

Result<void> Crl::State::parse_entries(ByteView content) {
    bool ascending = true;
    ByteView last;
    for (DerReader list(content); !list.empty();) {
        const std::uint8_t* const begin = list.rest().data();
        const auto one = list.read(DerTag::kSequence);
        if (!one) return one.error();
        const auto entry = parse_crl_entry(*one);
        if (!entry) return entry.error();
        ascending = ascending && (entries.empty() || is_less_number(last, entry->serial));
        last = entry->serial;
        has_removals_ = has_removals_ || entry->reason == RevocationReason::kRemoveFromCrl;
        entries.push_back(static_cast<std::uint32_t>(begin - der.data()));  // DER is below 2^32
    }
    return ascending ? Result<void>() : sort_entries();
}

Result<void> Crl::State::sort_entries() {
    struct Keyed {
        std::uint64_t key;
        std::uint32_t offset;
    };
    std::vector<Keyed> keyed;
    keyed.reserve(entries.size());
    for (const std::uint32_t offset : entries)
        keyed.push_back({sort_key(serial_at(offset)), offset});
    std::sort(keyed.begin(), keyed.end(), [this](const Keyed& left, const Keyed& right) {
        if (left.key != right.key) return left.key < right.key;
        return is_less_number(serial_at(left.offset), serial_at(right.offset));
    });
    const auto twice = std::adjacent_find(
        keyed.begin(), keyed.end(), [this](const Keyed& left, const Keyed& right) {
            return left.key == right.key && equal(serial_at(left.offset), serial_at(right.offset));
        });
    if (twice != keyed.end()) {
        return malformed("serial number " + to_hex(serial_at(twice->offset)) +
                         " stands in it twice");
    }
    std::transform(keyed.begin(), keyed.end(), entries.begin(),
                   [](const Keyed& each) { return each.offset; });
    return {};
}

Result<void> Crl::State::parse_extension(const Extension& extension) {
    if (equal(extension.oid, oid::kCrlNumber)) {
        const auto read = parse_number(extension.value, "a CRL number");
        if (!read) return read.error();
        number = *read;
    } else if (equal(extension.oid, oid::kDeltaCrlIndicator)) {
        const auto read = parse_number(extension.value, "a base CRL number");
        if (!read) return read.error();
        base_number = *read;
    } else if (equal(extension.oid, oid::kAuthorityKeyIdentifier)) {
        const auto read = parse_key_identifier(extension.value);
        if (!read) return read.error();
        authority_key_identifier = *read;
    } else if (equal(extension.oid, oid::kIssuingDistributionPoint)) {
        auto read = parse_issuing_distribution_point(extension.value);
        if (!read) return read.error();
        issuing_distribution_point = std::move(*read);
    } else if (equal(extension.oid, oid::kFreshestCrl)) {
        auto read = parse_distribution_points(extension.value);
        if (!read) return in_context("freshestCRL", read.error());
        freshest_crl_urls = std::move(*read);
    } else if (extension.critical) {
        return unsupported("critical extension " + oid_to_text(extension.oid));
    }
    return {};
}

}  // namespace scepgate::certs
