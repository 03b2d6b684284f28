#include "server/http_chunked.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kOverheadLimit = 64 * 1024;
constexpr unsigned kMostSizeDigits = 8;

int hex_value(std::uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// What may stand in an extension or a trailer line.
bool is_text(std::uint8_t c) {
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

}  // namespace

ChunkedDecoder::Status ChunkedDecoder::decode(ByteView input, Bytes& body, std::size_t& taken) {
    taken = 0;
    while (taken < input.size() && state_ != State::kComplete) {
        if (state_ == State::kData) {
            const std::size_t count = std::min<std::size_t>(chunk_, input.size() - taken);
            const ByteView part = input.subspan(taken, count);
            body.insert(body.end(), part.begin(), part.end());
            taken += count;
            chunk_ -= static_cast<std::uint32_t>(count);
            if (chunk_ == 0) state_ = State::kDataCr;
            continue;
        }
        state_ = step(input[taken++]);
        if (state_ == State::kBad) return Status::kBad;
        if (++overhead_ > kOverheadLimit) return Status::kTooLarge;
        if (state_ == State::kData) {
            if (chunk_ > body_limit_ - content_) return Status::kTooLarge;
            content_ += chunk_;
        }
    }
    return state_ == State::kComplete ? Status::kComplete : Status::kMore;
}

ChunkedDecoder::State ChunkedDecoder::step_size(std::uint8_t c) noexcept {
    if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > kMostSizeDigits) return State::kBad;
        chunk_ = chunk_ << 4 | static_cast<std::uint32_t>(digit);
        return State::kSize;
    }
    if (digits_ == 0) return State::kBad;
    if (c == ';') return State::kExtension;
    return c == '\r' ? State::kSizeLf : State::kBad;
}

ChunkedDecoder::State ChunkedDecoder::step(std::uint8_t c) noexcept {
    switch (state_) {
        case State::kSizeStart:
            chunk_ = 0;
            digits_ = 0;
            return step_size(c);
        case State::kSize:
            return step_size(c);
        case State::kExtension:
            if (c == '\r') return State::kSizeLf;
            return is_text(c) ? State::kExtension : State::kBad;
        case State::kSizeLf:
            if (c != '\n') return State::kBad;
            return chunk_ == 0 ? State::kTrailerStart : State::kData;
        case State::kDataCr:
            return c == '\r' ? State::kDataLf : State::kBad;
        case State::kDataLf:
            return c == '\n' ? State::kSizeStart : State::kBad;
        case State::kTrailerStart:
            if (c == '\r') return State::kEndLf;
            return is_text(c) ? State::kTrailer : State::kBad;
        case State::kTrailer:
            if (c == '\r') return State::kTrailerLf;
            return is_text(c) ? State::kTrailer : State::kBad;
        case State::kTrailerLf:
            return c == '\n' ? State::kTrailerStart : State::kBad;
        case State::kEndLf:
            return c == '\n' ? State::kComplete : State::kBad;
        case State::kData:
        case State::kComplete:
        case State::kBad:
            break;
    }
    return State::kBad;
}

}  // namespace scepgate::server
