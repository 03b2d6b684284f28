// Opening challenge blobs with what was prepared once.
#pragma once

#include "policy/blob_format.hpp"
#include "policy/challenge_blob.hpp"

namespace scepgate::policy {

/// Opens blobs. Holds the pinned signers with their keys decoded and their fitness judged, which
/// would cost more on each request than the signature check itself. Safe for concurrent use.
class BlobOpener {
public:
    explicit BlobOpener(const ChallengeBlobSettings& settings);

    /// As open_blob().
    [[nodiscard]] Result<ChallengeClaims, Refusal> open(std::string_view challenge,
                                                        std::int64_t now) const;

private:
    struct PinnedSigner {
        certs::Certificate certificate;
        std::optional<certs::PublicKey> key;  ///< decoded once
        std::string fault;  ///< why nothing that it signs is taken; empty when it may sign
        std::string fingerprint;
    };
    using Signers = std::vector<const PinnedSigner*>;

    static PinnedSigner pin(const certs::Certificate& certificate);
    [[nodiscard]] Result<OuterBlob, Refusal> decode(std::string_view challenge) const;
    /// The pinned signers whose signature the blob bears.
    [[nodiscard]] Result<Signers, Refusal> find_signers(const OuterBlob& blob) const;
    /// Those of them that may sign now.
    static Result<Signers, Refusal> usable(const Signers& signers, std::int64_t now);

    std::vector<PinnedSigner> signers_;
    std::vector<BlobDecryptionKey> decryption_;
    std::size_t maximum_octets_;
};

}  // namespace scepgate::policy
