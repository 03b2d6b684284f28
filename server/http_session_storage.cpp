// HttpSession: what a request and its reply take, counted against what all may take together.
#include <openssl/crypto.h>

#include "server/http_session.hpp"

namespace scepgate::server {
namespace {

/// What a connection may keep for its next request.
constexpr std::size_t kLarge = 16 * 1024;

}  // namespace

/// All of it, and by what was allocated: a buffer that was emptied is as large as before.
std::size_t HttpSession::storage() const noexcept {
    return buffer_.capacity() + request_.raw_query.capacity() + request_.path.capacity() +
           request_.body.capacity();
}

/// Counts what is held now and `more` that is about to be; else the request is refused.
bool HttpSession::has_room(std::size_t more) {
    const std::size_t octets = storage() + more;
    if (!place_ || place_->hold(octets)) return true;
    refuse(503, "a request that takes " + std::to_string(octets) +
                    " octets or more, while all together hold " +
                    std::to_string(ConnectionCounts::kMostLarge));
    return false;
}

/// The same for what is about to be written. Who does not read has it held for as long as
/// `write_time`; a shared body is there once, however many read it.
bool HttpSession::has_room_for(const HttpReply& reply) {
    const std::size_t octets = reply.body.capacity() + reply.headers.capacity();
    if (!place_ || place_->hold(storage() + octets)) return true;
    refuse(503, "a reply of " + std::to_string(octets) +
                    " octets, while all requests and replies together hold " +
                    std::to_string(ConnectionCounts::kMostLarge));
    return false;
}

/// Moves what is left of a large buffer. Only a quarter of it or less: of a thousand requests in
/// one segment the rest would otherwise be copied after each.
void HttpSession::shrink_buffer() noexcept {
    if (buffer_.capacity() > kLarge && buffer_.size() <= buffer_.capacity() / 4)
        buffer_.shrink_to_fit();
}

/// A connection that once carried something large and is idle now must not hold the memory.
void HttpSession::free_large_storage() noexcept {
    if (!wants_details_ || buffer_.size() == 0) shrink_buffer();  // a copy would stay unwiped
    if (request_.raw_query.capacity() > kLarge) std::string().swap(request_.raw_query);
    if (request_.path.capacity() > kLarge) std::string().swap(request_.path);
    if (request_.body.capacity() > kLarge) Bytes().swap(request_.body);
    if (place_) (void)place_->hold(storage());
}

/// After the last request: nobody may hold it while a refusal is on its way.
void HttpSession::drop_storage() noexcept {
    if (wants_details_) OPENSSL_cleanse(buffer_.data().data(), buffer_.size());
    buffer_.clear();
    buffer_.shrink_to_fit();
    std::string().swap(request_.raw_query);
    std::string().swap(request_.path);
    Bytes().swap(request_.body);
    if (place_) (void)place_->hold(storage());
}

}  // namespace scepgate::server
