// An order or an answer between network process and signer has one encoding: what is accepted comes
// out of the encoder as it went in. A Grant in an order that is accepted keeps its meaning.
// Input: one frame.
#include "fuzz/fuzz.hpp"
#include "policy/grant_record.hpp"
#include "server/signer/message.hpp"

namespace scepgate::fuzz {

using namespace server::signer;

void run(ByteView input) {
    if (const auto order = decode_order(input)) {
        FUZZ_REQUIRE(equal(encode(*order), input));
        FUZZ_REQUIRE(read_order_header(input.first(kHeaderSize)));
        FUZZ_REQUIRE(!decode_answer(input));
        if (const auto* issue = std::get_if<IssueOrder>(&*order)) {
            const auto grant = policy::GrantRecord::decode(issue->grant);
            if (!grant) return;
            const Bytes record = policy::GrantRecord::encode(*grant);
            const auto again = policy::GrantRecord::decode(record);
            FUZZ_REQUIRE(again && equal(policy::GrantRecord::encode(*again), record));
        }
    }
    if (const auto answer = decode_answer(input)) {
        // Texts beyond what an encoder writes are the one thing that is taken and not given.
        const Bytes once = encode(*answer);
        FUZZ_REQUIRE(once.size() <= input.size());
        const auto again = decode_answer(once);
        FUZZ_REQUIRE(again && encode(*again) == once);
    }
}

}  // namespace scepgate::fuzz
