#include "server/poll.hpp"

namespace scepgate::server {

boost::asio::awaitable<Outcome> Poll::answer(const Operation& operation) {
    const auto signer_key = ca_backend::signer_key_hash(operation.message.signer());
    auto found = parts_.store->find_pending({.endpoint = operation.endpoint.name,
                                             .transaction_id = operation.message.transaction_id(),
                                             .signer_key = signer_key},
                                            parts_.clock->now());
    if (!found) co_return refused(reason::kStoreUnavailable, found.error().detail);
    if (!*found) {
        co_return refused(reason::kPollUnknown,
                          "a request at " + operation.endpoint.name +
                              " with this transactionID, by the key that polls",
                          "none");
    }
    operation.record.known = true;
    if (const auto& certificate = (*found)->certificate) {
        const auto over = is_over(*parts_.store, *certificate, parts_.clock->now());
        if (!over) co_return refused(reason::kStoreUnavailable, over.error().detail);
        if (*over) {
            co_return refused(
                reason::kPollOver, "one that is valid",
                "serial " + certificate->serial_hex() + ", which has expired or was revoked");
        }
    }
    if (!(*found)->pending) co_return co_await approval_.answer(operation, nullptr, **found);
    auto request = restore_request(*parts_.store, operation, **found);
    if (!request) co_return refused(reason::kStoreUnavailable, request.error().detail);
    co_return co_await approval_.answer(operation, &*request, **found);
}

}  // namespace scepgate::server
