// The chunked transfer coding of a request body (RFC 9112 section 7.1).
#pragma once

#include <cstdint>

#include "certs/bytes.hpp"

namespace scepgate::server {

/// Takes a chunked body apart as it arrives. Chunk extensions and trailer fields are dropped
/// unread, but every octet counts: Beast 1.81 counts neither (attacks.md Z03), lets trailers into
/// the header (Z02), and its own decoder asserts when the last chunk's CRLF comes octet by octet.
class ChunkedDecoder {
public:
    enum class Status { kMore, kComplete, kBad, kTooLarge };

    /// `body_limit`: octets of content. Chunk sizes, extensions and trailers may take 64 KiB more.
    explicit ChunkedDecoder(std::size_t body_limit) noexcept : body_limit_(body_limit) {}

    /// Reads from `input` and appends content to `body`. `taken`: octets used; after kComplete the
    /// rest is the next request.
    Status decode(ByteView input, Bytes& body, std::size_t& taken);

private:
    enum class State {
        kSizeStart,
        kSize,
        kExtension,
        kSizeLf,
        kData,
        kDataCr,
        kDataLf,
        kTrailerStart,
        kTrailer,
        kTrailerLf,
        kEndLf,
        kComplete,
        kBad,
    };
    State step(std::uint8_t octet) noexcept;
    State step_size(std::uint8_t octet) noexcept;

    std::size_t body_limit_;
    std::size_t content_ = 0;
    std::size_t overhead_ = 0;
    std::uint32_t chunk_ = 0;  ///< octets of this chunk still to come
    unsigned digits_ = 0;
    State state_ = State::kSizeStart;
};

}  // namespace scepgate::server
