// An answer that is taken says "allow" or "deny" in so many letters, denies without granting
// anything, grants names that stand by themselves, and no account SID that it does not name.
// Input: the JSON.
#include "fuzz/fuzz.hpp"
#include "policy/sid_names.hpp"
#include "policy/webhook_answer.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    const auto answer = policy::parse_webhook_answer(as_text(input));
    if (!answer) {
        FUZZ_REQUIRE(answer.error().code == Errc::kMalformed);
        return;
    }
    FUZZ_REQUIRE(input.size() <= policy::kMaxWebhookAnswer);
    FUZZ_REQUIRE(answer->reason.size() <= 1000);
    if (!answer->allow) {
        FUZZ_REQUIRE(!answer->names && !answer->key_usage && !answer->extended_key_usage);
        FUZZ_REQUIRE(!answer->template_name && !answer->max_validity && !answer->sid);
        FUZZ_REQUIRE(!answer->approval && !answer->once);
        return;
    }
    FUZZ_REQUIRE(!answer->sid || policy::is_sid(*answer->sid));
    FUZZ_REQUIRE(!answer->max_validity || *answer->max_validity > 0);
    FUZZ_REQUIRE(!answer->once || !answer->once->empty());
    if (!answer->names) return;
    const auto& [subject, names] = *answer->names;
    FUZZ_REQUIRE(!subject.empty() || !names.empty());
    FUZZ_REQUIRE(subject.check_certifiable());
    for (const certs::GeneralName& name : names) {
        const auto again = certs::GeneralName::make(name.type, name.value);
        FUZZ_REQUIRE(again && *again == name);
        if (const auto sid = policy::sid_in(name)) FUZZ_REQUIRE(answer->sid == *sid);
    }
}

}  // namespace scepgate::fuzz
