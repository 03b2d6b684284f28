// Certificate revocation lists, version 2 (RFC 5280 section 5): reading them.
#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "certs/distribution_points.hpp"
#include "certs/extensions.hpp"
#include "certs/public_key.hpp"

namespace scepgate::certs {

/// CRLReason (RFC 5280 section 5.3.1), by its number.
enum class RevocationReason : int {
    kUnspecified = 0,
    kKeyCompromise = 1,
    kCaCompromise = 2,
    kAffiliationChanged = 3,
    kSuperseded = 4,
    kCessationOfOperation = 5,
    kCertificateHold = 6,
    kRemoveFromCrl = 8,  ///< ends a hold; stands in delta CRLs alone
    kPrivilegeWithdrawn = 9,
    kAaCompromise = 10,
};

[[nodiscard]] std::string_view to_text(RevocationReason reason) noexcept;  ///< "keyCompromise"
/// The names of RFC 5280, without case; kMalformed names the choice.
[[nodiscard]] Result<RevocationReason> revocation_reason_from_text(std::string_view text);
/// kMalformed for a number without a meaning.
[[nodiscard]] Result<RevocationReason> revocation_reason_from_number(std::int64_t number);

/// Which CRLs a caller can do with.
enum class CrlScope {
    kComplete,  ///< those that list whatever their issuer has revoked
    kAny,       ///< also deltas, and those of CA or of end entity certificates alone
};

/// An immutable CRL; cheap to copy (shared), safe for concurrent use.
///
/// Strict: version 2 with nextUpdate, the two signature algorithms equal, each serial number once,
/// removeFromCRL in deltas alone, no critical extension that is not known here. Indirect CRLs, and
/// those of some reasons or of attribute certificates, are kUnsupported; so are deltas and those of
/// some certificates, unless they are asked for: taken for complete ones they would call revoked
/// certificates good.
///
/// Entries are judged when the CRL is read, and decoded when they are asked for: beside its own
/// octets a CRL takes four octets for each of them.
class Crl {
public:
    /// Empty: no octets, lists nothing, signed by nobody.
    Crl() = default;

    struct Entry {
        ByteView serial;  ///< unsigned big-endian, without a sign octet; in the CRL's octets
        std::int64_t revoked_at = 0;
        RevocationReason reason = RevocationReason::kUnspecified;
        std::optional<std::int64_t> invalidity_date;  ///< RFC 5280 section 5.3.2
    };
    class Entries;

    /// `der`: exactly one CRL, which is copied, or taken over without a copy.
    static Result<Crl> from_der(ByteView der, CrlScope scope = CrlScope::kComplete);
    static Result<Crl> from_der(Bytes&& der, CrlScope scope = CrlScope::kComplete);

    [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] ByteView der() const noexcept;
    [[nodiscard]] ByteView to_be_signed() const noexcept;  ///< TBSCertList, whole DER
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] ByteView issuer_der() const noexcept;  ///< Name, whole DER
    [[nodiscard]] std::int64_t this_update() const noexcept;
    [[nodiscard]] std::int64_t next_update() const noexcept;
    /// CRL number, unsigned big-endian; empty when the CRL has none.
    [[nodiscard]] ByteView number() const noexcept;
    /// A delta's BaseCRLNumber, unsigned big-endian: it says what changed since the complete CRL of
    /// that number. Empty: it is no delta.
    [[nodiscard]] std::optional<ByteView> base_number() const noexcept;
    [[nodiscard]] std::optional<ByteView> authority_key_identifier() const noexcept;
    [[nodiscard]] const std::optional<IssuingDistributionPoint>& issuing_distribution_point()
        const noexcept;
    /// Where the deltas to this CRL are.
    [[nodiscard]] const std::vector<std::string>& freshest_crl_urls() const noexcept;
    /// It lists whatever its issuer has revoked: CrlScope::kComplete.
    [[nodiscard]] bool is_complete() const noexcept;

    [[nodiscard]] Entries entries() const noexcept;  ///< by serial number
    /// The entry of this serial number (content octets, with or without a sign octet).
    [[nodiscard]] std::optional<Entry> find(ByteView serial) const;

    /// Whether `issuer_key` signed this CRL.
    [[nodiscard]] bool signed_by(const PublicKey& issuer_key) const;

private:
    struct State;
    explicit Crl(std::shared_ptr<const State> state) noexcept;
    [[nodiscard]] const State& state() const noexcept;
    std::shared_ptr<const State> state_;
};

/// The entries of a CRL, which must live as long; each is decoded when it is looked at.
class Crl::Entries {
public:
    class Iterator {
    public:
        using value_type = Entry;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using pointer = void;
        using reference = Entry;

        Iterator(const State& state, std::size_t at) noexcept : state_(&state), at_(at) {}
        Entry operator*() const;
        Iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        friend bool operator==(const Iterator& left, const Iterator& right) noexcept {
            return left.at_ == right.at_;
        }

    private:
        const State* state_;
        std::size_t at_;
    };

    explicit Entries(const State& state) noexcept : state_(&state) {}
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] Iterator begin() const noexcept { return {*state_, 0}; }
    [[nodiscard]] Iterator end() const noexcept { return {*state_, size()}; }

private:
    const State* state_;
};

}  // namespace scepgate::certs
