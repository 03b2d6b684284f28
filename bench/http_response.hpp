// Reading HTTP/1.1 responses on one connection, one after the other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "certs/result.hpp"

namespace scepgate::bench {

/// One response, grown by append() as octets arrive. It costs little: one buffer that is kept from
/// response to response, and only the three header fields that frame a body are looked at.
///
/// Not for hostile servers: a body is limited, the rest is as lenient as a client may be.
class HttpResponse {
public:
    static constexpr std::size_t kMaximumHead = 32 * 1024;
    static constexpr std::size_t kMaximumBody = 16 * 1024 * 1024;

    /// Takes what was received; true once the response is whole. Octets after its end are
    /// kMalformed: nothing is pipelined.
    Result<bool> append(std::string_view received);

    /// The server closed the connection: the end of a body without a length, or else kMalformed.
    Result<void> end_of_stream();

    /// Ready for the next response on the same connection.
    void reset() noexcept;

    [[nodiscard]] bool begun() const noexcept { return !received_.empty(); }
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] std::string_view body() const noexcept;

private:
    enum class Framing { kUnknown, kLength, kChunked, kUntilClose };

    Result<bool> read_head();
    Result<void> read_field(std::string_view line);
    Result<bool> read_chunks();

    std::string received_;
    std::size_t position_ = 0;  ///< where the body, or the next chunk, begins
    Framing framing_ = Framing::kUnknown;
    std::size_t length_ = 0;
    std::string chunks_;
    int status_ = 0;
    bool keep_alive_ = false;
};

}  // namespace scepgate::bench
