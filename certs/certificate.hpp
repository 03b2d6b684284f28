// X.509 certificates (RFC 5280): reading, and PEM files.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "certs/extensions.hpp"
#include "certs/key_usage.hpp"
#include "certs/name.hpp"
#include "certs/public_key.hpp"

namespace scepgate::certs {

/// An immutable certificate; cheap to copy (shared), safe for concurrent use.
///
/// Reading is lenient where a certificate only carries a key (a device's self-signed one): version,
/// dates, serial sign and length, unknown and critical extensions are not judged. It is strict in
/// structure. The issuer and subject are kept as DER; decode them with Name::from_der.
class Certificate {
public:
    /// Empty: no octets, no extensions, never valid, signed by nobody.
    Certificate() = default;

    /// `der`: exactly one certificate. kMalformed when it is not one.
    static Result<Certificate> from_der(ByteView der);
    /// The first (or all) of the PEM blocks "CERTIFICATE"; blocks of other types are passed over,
    /// but "TRUSTED CERTIFICATE" is refused. kConfig for that, and when there is none.
    static Result<Certificate> from_pem(ByteView pem);
    static Result<std::vector<Certificate>> all_from_pem(ByteView pem);
    static Result<Certificate> from_file(const std::filesystem::path& path);
    static Result<std::vector<Certificate>> all_from_file(const std::filesystem::path& path);

    [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] ByteView der() const noexcept;
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] ByteView tbs() const noexcept;
    [[nodiscard]] ByteView serial() const noexcept;      ///< INTEGER content octets, as encoded
    [[nodiscard]] std::string serial_hex() const;        ///< lower case, without a leading 00 octet
    [[nodiscard]] ByteView issuer_der() const noexcept;  ///< Name, whole DER
    [[nodiscard]] ByteView subject_der() const noexcept;
    [[nodiscard]] std::string subject_text() const;  ///< RFC 4514, or "(unreadable name)"
    [[nodiscard]] std::string issuer_text() const;
    /// Seconds since the epoch; dates that cannot be read give a range that is never valid.
    [[nodiscard]] std::int64_t not_before() const noexcept;
    [[nodiscard]] std::int64_t not_after() const noexcept;
    [[nodiscard]] ByteView spki() const noexcept;
    [[nodiscard]] const std::vector<Extension>& extensions() const noexcept;
    [[nodiscard]] Sha256 fingerprint() const;  ///< SHA-256 over the whole DER

    /// The key, decoded on each call: keep it.
    [[nodiscard]] Result<PublicKey> public_key(const KeyLimits& limits = {}) const;

    /// From the extensions; empty when absent. A malformed one is an error.
    [[nodiscard]] Result<std::optional<KeyUsage>> key_usage() const;
    [[nodiscard]] Result<std::optional<ExtendedKeyUsage>> extended_key_usage() const;
    [[nodiscard]] std::optional<ByteView> subject_key_identifier() const noexcept;
    [[nodiscard]] Result<bool> is_ca() const;         ///< basicConstraints cA
    [[nodiscard]] bool self_issued() const noexcept;  ///< issuer and subject DER are equal

    /// IssuerAndSerialNumber (RFC 5652 section 10.2.4) of this certificate, whole DER.
    [[nodiscard]] Bytes issuer_and_serial() const;

    /// Whether `issuer_key` signed this certificate.
    [[nodiscard]] bool signed_by(const PublicKey& issuer_key) const;

    friend bool operator==(const Certificate& left, const Certificate& right) noexcept {
        return equal(left.der(), right.der());
    }

private:
    struct State;
    explicit Certificate(std::shared_ptr<const State> state) noexcept;
    [[nodiscard]] const State& state() const noexcept;
    std::shared_ptr<const State> state_;
};

}  // namespace scepgate::certs
