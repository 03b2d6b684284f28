#include "server/signer/frame_io.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace scepgate::server::signer {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPiece = 256 * 1024;

Error lost(const boost::system::error_code& error) {
    return {Errc::kUnavailable, "the connection was lost: " + error.message()};
}

}  // namespace

asio::awaitable<Result<Begun>> begin_frame(UnixSocket& socket, HeaderReader read_header) {
    Begun begun{Bytes(kHeaderSize), 0};
    auto whole = asio::buffer(begun.frame);
    const auto [no_header, got] = co_await asio::async_read(socket, whole, kAsTuple);
    if (no_header && got == 0) co_return Error{Errc::kUnavailable, ""};
    if (no_header) co_return lost(no_header);
    const auto header = read_header(begun.frame);
    if (!header) co_return header.error();
    begun.rest = header->length;
    co_return begun;
}

asio::awaitable<Result<Bytes>> read_frame(UnixSocket& socket, HeaderReader read_header) {
    auto begun = co_await begin_frame(socket, read_header);
    if (!begun) co_return begun.error();
    auto finishing = finish_frame(socket, *std::move(begun));
    co_return co_await std::move(finishing);
}

asio::awaitable<Result<Bytes>> finish_frame(UnixSocket& socket, Begun begun) {
    Bytes frame = std::move(begun.frame);
    for (std::size_t rest = begun.rest; rest != 0;) {
        const std::size_t piece = std::min(rest, kPiece);
        const std::size_t before = frame.size();
        frame.resize(before + piece);
        auto buffer = asio::buffer(frame.data() + before, piece);
        const auto [cut, count] = co_await asio::async_read(socket, buffer, kAsTuple);
        if (cut) co_return lost(cut);
        rest -= count;
    }
    co_return frame;
}

asio::awaitable<Result<void>> write_frame(UnixSocket& socket, const Bytes& frame) {
    auto buffer = asio::buffer(frame);
    const auto [error, count] = co_await asio::async_write(socket, buffer, kAsTuple);
    if (error) co_return lost(error);
    co_return Result<void>();
}

}  // namespace scepgate::server::signer
