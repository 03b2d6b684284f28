// HttpSession: reading a request's body.
#include "server/http_chunked.hpp"
#include "server/http_replies.hpp"
#include "server/http_session.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

asio::awaitable<bool> HttpSession::read_body(const Framing& framing) {
    const std::size_t limit = settings_->limits.body;
    if (framing.length > limit) {
        refuse(413, "body of " + std::to_string(framing.length) + " octets announced, limit " +
                        std::to_string(limit));
        co_return false;
    }
    if (framing.expect_continue && buffer_.size() == 0) {
        Parts parts{asio::buffer(kContinueReply), asio::const_buffer()};
        if (!send_now(parts) && !co_await send_rest(parts)) co_return false;
    }
    deadline = body_deadline_;
    try_first_ = true;
    const bool whole = framing.body == Framing::Body::kSized
                           ? co_await read_sized_body(static_cast<std::size_t>(framing.length))
                           : co_await read_chunked_body();
    // A GET's body means nothing, but it must not be taken for the next request.
    if (request_.method != HttpMethod::kPost) request_.body.clear();
    co_return whole;
}

asio::awaitable<bool> HttpSession::read_sized_body(std::size_t length) {
    constexpr std::size_t kFirstPart = 16 * 1024;
    Bytes& body = request_.body;
    const ByteView here = as_bytes(buffered().substr(0, length));
    body.assign(here.begin(), here.end());
    buffer_.consume(here.size());
    std::size_t filled = body.size();
    while (filled < length) {
        // Room for as much as came so far: what is only announced costs nothing.
        if (filled == body.size()) {
            const std::size_t size =
                filled + std::min(length - filled, std::max(filled, kFirstPart));
            if (size > body.capacity()) {
                if (!has_room(size - body.capacity())) co_return false;
                body.reserve(size);  // exactly what was counted
            }
            body.resize(size);
        }
        std::size_t count = 0;
        const Read read =
            co_await read_into(asio::buffer(body.data() + filled, body.size() - filled), count);
        filled += count;
        if (read != Read::kData) co_return refuse_unfinished(read, "body", filled);
    }
    co_return true;
}

asio::awaitable<bool> HttpSession::read_chunked_body() {
    ChunkedDecoder decoder(settings_->limits.body);
    for (;;) {
        std::size_t taken = 0;
        const auto status = decoder.decode(as_bytes(buffered()), request_.body, taken);
        buffer_.consume(taken);
        if (!has_room()) co_return false;
        switch (status) {
            case ChunkedDecoder::Status::kComplete:
                co_return true;
            case ChunkedDecoder::Status::kBad:
                refuse(400, "a chunked body that is malformed");
                co_return false;
            case ChunkedDecoder::Status::kTooLarge:
                refuse(413, "chunked body of more than " + std::to_string(request_.body.size()) +
                                " octets, limit " + std::to_string(settings_->limits.body) +
                                " and 64 KiB for its framing");
                co_return false;
            case ChunkedDecoder::Status::kMore:
                break;
        }
        const Read read = co_await read_more();
        if (read != Read::kData) co_return refuse_unfinished(read, "body", request_.body.size());
    }
}

}  // namespace scepgate::server
