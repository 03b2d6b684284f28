// DerReader accepts only what DER has one encoding for: writing what was read gives the input back,
// the elements stand one behind the other, and OpenSSL sees the same tags and lengths.
#include <openssl/asn1.h>

#include "certs/der.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

constexpr int kMaxDepth = 64;

void require_as_openssl_reads(const DerElement& element) {
    const unsigned char* at = element.whole.data();
    long length = 0;
    int tag = 0;
    int cls = 0;
    const int form =
        ASN1_get_object(&at, &length, &tag, &cls, static_cast<long>(element.whole.size()));
    FUZZ_REQUIRE((form & 0x81) == 0);  // neither an error nor an indefinite length
    FUZZ_REQUIRE(at == element.content.data());
    FUZZ_REQUIRE(static_cast<std::size_t>(length) == element.content.size());
    FUZZ_REQUIRE(static_cast<unsigned>(tag | cls | form) == static_cast<unsigned>(element.tag));
}

/// Each typed reader that takes the element must have understood all of it.
void require_typed_readers_exact(const DerElement& element) {
    if (const auto value = DerReader(element.whole).read_boolean()) {
        FUZZ_REQUIRE(equal(der::boolean(*value), element.whole));
    }
    if (const auto value = DerReader(element.whole).read_small_integer()) {
        FUZZ_REQUIRE(*value >= 0);
        FUZZ_REQUIRE(equal(der::integer(*value), element.whole));
    }
    if (const auto value = DerReader(element.whole).read_oid()) {
        FUZZ_REQUIRE(equal(der::oid(*value), element.whole));
    }
    if (const auto value = DerReader(element.whole).read_octet_bits()) {
        FUZZ_REQUIRE(equal(der::bit_string(*value), element.whole));
    }
    if (const auto value = read_time(element)) {
        const Bytes again = der::time(*value);
        const auto read_again = DerReader(again).next();
        FUZZ_REQUIRE(read_again && read_time(*read_again) && *read_time(*read_again) == *value);
        FUZZ_REQUIRE(read_again->tag != element.tag || equal(again, element.whole));
    }
}

void read_all(ByteView input, int depth) {
    DerReader reader(input);
    while (!reader.empty()) {
        const ByteView before = reader.rest();
        const auto element = reader.next();
        if (!element) {
            FUZZ_REQUIRE(reader.rest().data() == before.data());
            FUZZ_REQUIRE(reader.rest().size() == before.size());
            FUZZ_REQUIRE(!reader.finish("input"));
            return;
        }
        FUZZ_REQUIRE(element->whole.data() == before.data());
        FUZZ_REQUIRE(element->whole.size() + reader.rest().size() == before.size());
        FUZZ_REQUIRE(equal(der::element(element->tag, element->content), element->whole));
        FUZZ_REQUIRE(DerReader(before).at(element->tag));
        require_as_openssl_reads(*element);
        require_typed_readers_exact(*element);
        const bool constructed = (static_cast<unsigned>(element->tag) & 0x20U) != 0;
        if (constructed && depth < kMaxDepth) read_all(element->content, depth + 1);
    }
    FUZZ_REQUIRE(reader.finish("input"));
}

}  // namespace

void run(ByteView input) {
    read_all(input, 0);
}

}  // namespace scepgate::fuzz
