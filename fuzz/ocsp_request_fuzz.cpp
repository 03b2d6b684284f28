// What an OCSP request is read as lies in its octets and within the limits, and OpenSSL reads the
// same certificates in it.
#include <openssl/ocsp.h>

#include "certs/ocsp.hpp"
#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

bool inside(ByteView part, ByteView whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

void run(ByteView input) {
    const auto request = certs::parse_ocsp_request(input);
    if (!request) return;
    FUZZ_REQUIRE(input.size() <= certs::kLargestOcspRequest);
    FUZZ_REQUIRE(!request->certificates.empty());
    FUZZ_REQUIRE(request->certificates.size() <= certs::kMostOcspCertificates);
    if (request->nonce) {
        FUZZ_REQUIRE(inside(*request->nonce, input));
        FUZZ_REQUIRE(!request->nonce->empty() &&
                     request->nonce->size() <= certs::kLongestOcspNonce);
    }
    using RequestPtr = std::unique_ptr<OCSP_REQUEST, certs::Deleter<OCSP_REQUEST_free>>;
    const unsigned char* at = input.data();
    const RequestPtr theirs(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(input.size())));
    for (const auto& id : request->certificates) {
        FUZZ_REQUIRE(inside(id.whole, input) && inside(id.serial, id.whole));
        FUZZ_REQUIRE(inside(id.issuer_name_hash, id.whole) && inside(id.issuer_key_hash, id.whole));
    }
    if (!theirs) return;  // it reads into what we pass over: a requestor's name, a signature
    FUZZ_REQUIRE(static_cast<std::size_t>(OCSP_request_onereq_count(theirs.get())) ==
                 request->certificates.size());
}

}  // namespace scepgate::fuzz
