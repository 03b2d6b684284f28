// What ber_to_der gives is strict DER all the way down, without segmented OCTET STRINGs; it is not
// larger than the input (but for length octets); doing it again changes nothing, and DER input
// comes out as it went in.
#include "certs/ber.hpp"
#include "certs/der.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

constexpr auto kSegmentedOctetString = static_cast<DerTag>(0x24);

/// One element, or with `many` any number of them, in definite and minimal lengths throughout.
bool is_der(ByteView input, bool many) {
    DerReader reader(input);
    std::size_t count = 0;
    for (; !reader.empty(); ++count) {
        const auto element = reader.next();
        if (!element || element->tag == kSegmentedOctetString) return false;
        const bool constructed = (static_cast<unsigned>(element->tag) & 0x20U) != 0;
        if (constructed && !is_der(element->content, true)) return false;
    }
    return many || count == 1;
}

}  // namespace

void run(ByteView input) {
    // Deeper nesting than the limit costs the rewriter nothing, but would cost is_der the stack.
    const auto out = ber_to_der(input);
    if (!out) return;
    FUZZ_REQUIRE(is_der(*out, false));
    FUZZ_REQUIRE(out->size() <= input.size() + BerLimits{}.depth * 4);
    const auto again = ber_to_der(*out);
    FUZZ_REQUIRE(again && *again == *out);
    if (is_der(input, false)) FUZZ_REQUIRE(equal(*out, input));
}

}  // namespace scepgate::fuzz
