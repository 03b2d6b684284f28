// One connection: its requests, one after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "server/http_connections.hpp"
#include "server/http_framing.hpp"
#include "server/http_head_scanner.hpp"
#include "server/http_io_thread.hpp"
#include "server/http_stream.hpp"

namespace scepgate::server {

/// Lives in its own coroutine on its thread, and does everything there.
///
/// A refused request is answered, then the connection ends gently: the reply is followed by the end
/// of our octets, and what the peer still sends is read and thrown away for a moment. Closed at
/// once, the peer's octets would meet a closed socket, and its RST would destroy the reply on its
/// way.
class HttpSession final : public Watched {
public:
    /// Serves `stream` on `thread`. Without a `place` (all are taken) the only answer is 503.
    static void start(HttpIoThread& thread, HttpHandler& handler,
                      std::unique_ptr<HttpStream> stream,
                      std::optional<ConnectionCounts::Place> place, std::string peer);

    ~HttpSession() override;

    void on_deadline() noexcept override;
    void on_drain() noexcept override;
    void on_cut() noexcept override;

private:
    template <class T>
    using Awaitable = boost::asio::awaitable<T>;

    /// How a read went: octets, the peer's end of octets, the deadline, a connection that is
    /// gone, or no room to read into, which is refused already.
    enum class Read { kData, kEnded, kTimeout, kGone, kNoRoom };
    struct Measured {
        std::size_t octets = 0;
        bool whole = false;  ///< else there was more than could be measured
    };

    HttpSession(HttpIoThread& thread, HttpHandler& handler, std::unique_ptr<HttpStream> stream,
                std::optional<ConnectionCounts::Place> place, std::string peer);
    static Awaitable<void> serve(std::unique_ptr<HttpSession> session);
    Awaitable<void> run();

    // A request; false: it was the last one. (http_session.cpp)
    Awaitable<bool> serve_request();
    Awaitable<bool> read_header(HeadScanner& scanner);
    Awaitable<void> refuse_too_long(HeadScanner::Status status, const HeadScanner& scanner);
    bool accept_header(std::size_t size, Framing& framing);
    void keep_details(std::size_t size);
    void wipe(HttpReply& reply) const noexcept;
    Awaitable<HttpReply> ask_handler();
    void refuse(unsigned status, std::string_view detail);
    bool refuse_unfinished(Read how, std::string_view what, std::size_t octets);

    // What a request and its reply take. (http_session_storage.cpp)
    [[nodiscard]] std::size_t storage() const noexcept;
    bool has_room(std::size_t more = 0);
    bool has_room_for(const HttpReply& reply);
    void shrink_buffer() noexcept;
    void free_large_storage() noexcept;
    void drop_storage() noexcept;

    // The body. (http_session_body.cpp)
    Awaitable<bool> read_body(const Framing& framing);
    Awaitable<bool> read_sized_body(std::size_t length);
    Awaitable<bool> read_chunked_body();

    // Octets. (http_session_io.cpp)
    [[nodiscard]] std::string_view buffered() const noexcept;
    Awaitable<Read> read_more();
    Awaitable<Read> read_into(boost::asio::mutable_buffer space, std::size_t& count);
    Awaitable<Measured> measure(std::size_t start, std::string_view terminator);
    Awaitable<bool> send_prepared(const PreparedReply& reply, bool close);
    bool send_now(Parts& parts);
    Awaitable<bool> send_rest(Parts parts);
    Awaitable<void> finish();
    Awaitable<void> linger();

    HttpIoThread& thread_;
    HttpHandler& handler_;
    std::unique_ptr<HttpStream> stream_;
    std::optional<ConnectionCounts::Place> place_;
    const std::string peer_;
    const bool wants_details_;
    std::shared_ptr<const HttpSettings> settings_;
    bool peer_is_proxy_ = false;

    boost::beast::flat_buffer buffer_;
    ParsedHeader header_;
    HttpRequest request_;
    std::string reply_header_;
    TimePoint body_deadline_ = kNever;
    std::size_t requests_ = 0;

    bool keep_alive_ = true;  ///< after the request in progress
    bool idle_ = false;       ///< between requests: may be closed at any time
    bool try_first_ = true;   ///< octets are probably there already: read before waiting
    bool expired_ = false;    ///< the deadline passed during the operation in progress
    bool gone_ = false;       ///< nothing can or shall be sent any more
    unsigned refusal_ = 0;    ///< the status to end with
};

}  // namespace scepgate::server
