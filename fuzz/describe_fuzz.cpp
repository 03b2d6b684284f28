// What 'scepgate decode' prints of a stranger's file: lines that a terminal shows as they are, and
// JSON in ASCII, the same each time; of a private key nothing, and of a challenge no word. Input: a
// file.
#include <algorithm>

#include "certs/asn1_string.hpp"
#include "certs/csr.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/test_keys.hpp"
#include "server/cli/describe.hpp"

namespace scepgate::fuzz {
namespace {

using server::cli::Facts;

void require_printable(const Facts& facts) {
    const std::string text = server::cli::to_text(facts);
    FUZZ_REQUIRE(text.ends_with('\n'));
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        FUZZ_REQUIRE(certs::check_readable(line));
        rest.remove_prefix(line.size() + 1);
    }
    // As print_json() does.
    const std::string json = facts.dump(2, ' ', true, Facts::error_handler_t::replace);
    FUZZ_REQUIRE(std::all_of(json.begin(), json.end(),
                             [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
    FUZZ_REQUIRE(!Facts::parse(json, nullptr, false).is_discarded());
}

/// The challenge of a request, where it cannot stand in the output for another reason: it is in no
/// other place of the file, and has a character that none of our words has.
void require_no_challenge(ByteView input, const Facts& facts) {
    const auto csr = certs::Csr::from_der(input);
    if (!csr || !csr->challenge()) return;
    const std::string_view challenge = csr->challenge()->text();
    if (challenge.size() < 8 || challenge.find('!') == std::string_view::npos) return;
    if (as_text(input).find(challenge) != as_text(input).rfind(challenge)) return;
    FUZZ_REQUIRE(server::cli::to_text(facts).find(challenge) == std::string::npos);
}

void describe(ByteView input, const scep::RecipientKey* key) {
    const auto facts = server::cli::describe_file(input, key);
    if (!facts) {
        FUZZ_REQUIRE(facts.error().code == Errc::kMalformed ||
                     facts.error().code == Errc::kDenied ||
                     facts.error().code == Errc::kUnsupported);
        return;
    }
    FUZZ_REQUIRE(facts->is_object() && facts->contains("what"));
    require_printable(*facts);
    require_no_challenge(input, *facts);
    const auto again = server::cli::describe_file(input, key);
    FUZZ_REQUIRE(again && *again == *facts);
}

}  // namespace

void run(ByteView input) {
    static const scep::RecipientKey key{ra().certificate, ra().key};
    describe(input, nullptr);
    describe(input, &key);
}

}  // namespace scepgate::fuzz
