// HttpSession: octets in and out, deadlines, and how a connection ends.
#include <algorithm>

#include "server/http_replies.hpp"
#include "server/http_session.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kSmallestRead = 2 * 1024;
constexpr std::size_t kLargestRead = 64 * 1024;
/// What is read of a head that is too long, to say in the log how long it was.
constexpr std::size_t kMeasured = 1024 * 1024;
/// What is read after a refusal, so that the reply arrives: a proxy that is reset while it sends
/// tells its client 502.
constexpr std::size_t kDiscarded = 4 * 1024 * 1024;
constexpr std::chrono::seconds kDiscardTime{2};
/// Small: whoever is refused holds it that long.
constexpr std::size_t kDiscardedAtOnce = 4 * 1024;
/// A body up to this goes out in one piece with its header: the kernel asks more for two.
constexpr std::size_t kCopied = 4 * 1024;

}  // namespace

void HttpSession::on_deadline() noexcept {
    expired_ = true;
    stream_->cancel();
}

void HttpSession::on_drain() noexcept {
    if (!idle_) return;
    gone_ = true;
    stream_->cancel();
}

void HttpSession::on_cut() noexcept {
    gone_ = true;
    stream_->close();
}

std::string_view HttpSession::buffered() const noexcept {
    const auto data = buffer_.cdata();
    return {static_cast<const char*>(data.data()), data.size()};
}

asio::awaitable<HttpSession::Read> HttpSession::read_more() {
    const auto space = buffer_.prepare(std::clamp(buffer_.size(), kSmallestRead, kLargestRead));
    if (!has_room()) co_return Read::kNoRoom;
    std::size_t count = 0;
    const Read read = co_await read_into(space, count);
    buffer_.commit(count);
    co_return read;
}

asio::awaitable<HttpSession::Read> HttpSession::read_into(asio::mutable_buffer space,
                                                          std::size_t& count) {
    IoResult result;
    result.error = asio::error::would_block;
    if (try_first_) result.count = stream_->read_now(space, result.error);
    if (result.error == asio::error::would_block) result = co_await stream_->read(space);
    count = result.count;
    if (gone_) co_return Read::kGone;
    if (expired_) co_return Read::kTimeout;
    if (result.error == asio::error::eof) co_return Read::kEnded;
    if (result.error) co_return Read::kGone;
    co_return Read::kData;
}

/// Reads on and throws away, to tell how long something is that starts at `start` of the buffer.
asio::awaitable<HttpSession::Measured> HttpSession::measure(std::size_t start,
                                                            std::string_view terminator) {
    deadline = std::chrono::steady_clock::now() + kDiscardTime;
    Measured measured;
    buffer_.consume(start);
    for (;;) {
        const std::size_t end = buffered().find(terminator);
        if (end != std::string_view::npos) {
            measured.octets += end;
            measured.whole = true;
            co_return measured;
        }
        // The terminator's beginning may be at the end.
        const std::size_t kept = std::min(buffer_.size(), terminator.size() - 1);
        measured.octets += buffer_.size() - kept;
        buffer_.consume(buffer_.size() - kept);
        if (measured.octets >= kMeasured || co_await read_more() != Read::kData) co_return measured;
    }
}

asio::awaitable<bool> HttpSession::send_prepared(const PreparedReply& reply, bool close) {
    std::string& octets = thread_.scratch();
    octets.assign(reply.header(close)).append(thread_.date().now()).append("\r\n");
    ByteView body = request_.method == HttpMethod::kHead ? ByteView() : reply.body();
    if (body.size() <= kCopied) {
        octets.append(as_text(body));
        body = {};
    }
    Parts parts{asio::buffer(octets), asio::buffer(body.data(), body.size())};
    if (send_now(parts)) co_return true;
    reply_header_.assign(static_cast<const char*>(parts[0].data()), parts[0].size());
    parts[0] = asio::buffer(reply_header_);
    co_return co_await send_rest(parts);
}

/// True when all of it went. What is left of `parts` is for send_rest().
bool HttpSession::send_now(Parts& parts) {
    const std::size_t size = asio::buffer_size(parts);
    error_code error;
    const std::size_t count = stream_->write_now(parts, error);
    try_first_ = false;
    if (count == size) return true;
    advance(parts, count);
    return false;
}

asio::awaitable<bool> HttpSession::send_rest(Parts parts) {
    if (gone_) co_return false;
    expired_ = false;
    deadline = std::chrono::steady_clock::now() + settings_->limits.write_time;
    const error_code error = co_await stream_->write(parts);
    deadline = kNever;
    if (error || expired_) gone_ = true;
    co_return !gone_;
}

asio::awaitable<void> HttpSession::finish() {
    drop_storage();
    if (refusal_ != 0 && !gone_) {
        co_await send_prepared(refusal_reply(refusal_), true);
    }
    if (!gone_) co_await linger();
    stream_->close();
}

asio::awaitable<void> HttpSession::linger() {
    expired_ = false;
    idle_ = true;  // nothing is lost if the server drains now
    deadline = std::chrono::steady_clock::now() + kDiscardTime;
    co_await stream_->say_goodbye();
    error_code error;
    stream_->socket().shutdown(HttpStream::Socket::shutdown_send, error);
    if (error || gone_ || expired_) co_return;

    const auto space = buffer_.prepare(kDiscardedAtOnce);
    std::size_t discarded = stream_->socket().read_some(space, error);
    // A peer whose request was answered whole, and who has sent nothing since.
    if (refusal_ == 0 && error == asio::error::would_block) co_return;
    if (error && error != asio::error::would_block) co_return;
    while (discarded < kDiscarded && !expired_ && !gone_) {
        const IoResult result = co_await stream_->read_raw(space);
        if (result.error) co_return;
        discarded += result.count;
    }
}

}  // namespace scepgate::server
