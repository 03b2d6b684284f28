// Frames on a Unix socket.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/signer/message.hpp"

namespace scepgate::server::signer {

using UnixSocket = boost::asio::local::stream_protocol::socket;

/// Errors on a socket are everyday events: values, not exceptions.
inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Which headers are expected.
using HeaderReader = Result<FrameHeader> (*)(ByteView);

/// Reads one whole frame. kUnavailable: the peer left (with "" as detail where it did so between
/// two frames) or the socket failed; else what `read_header` says. Memory grows with what arrives,
/// not with what a header promises.
boost::asio::awaitable<Result<Bytes>> read_frame(UnixSocket& socket, HeaderReader read_header);

/// A frame of which the header was read.
struct Begun {
    Bytes frame;           ///< the header's octets
    std::size_t rest = 0;  ///< octets of fields that follow
};
/// The two halves of read_frame().
boost::asio::awaitable<Result<Begun>> begin_frame(UnixSocket& socket, HeaderReader read_header);
boost::asio::awaitable<Result<Bytes>> finish_frame(UnixSocket& socket, Begun begun);

/// kUnavailable: the peer left.
boost::asio::awaitable<Result<void>> write_frame(UnixSocket& socket, const Bytes& frame);

}  // namespace scepgate::server::signer
