// What a GetCert or GetCRL holds: whatever is read stands in the octets as it is written again, and
// an issuer is always named.
// Input: an IssuerAndSerialNumber.
#include "fuzz/fuzz.hpp"
#include "scep/message_content.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    namespace der = certs::der;
    const auto serial = scep::parse_issuer_and_serial(input);
    if (!serial) {
        FUZZ_REQUIRE(serial.error().code == Errc::kMalformed);
        return;
    }
    FUZZ_REQUIRE(!serial->issuer.empty());
    FUZZ_REQUIRE(!serial->serial.empty() && serial->serial.size() <= 32);
    FUZZ_REQUIRE(serial->serial.size() == 1 || serial->serial.front() != 0);
    // The number as sent ends in the number as read, after zeros alone.
    const Bytes issuer = serial->issuer.der();
    const auto found = std::search(input.begin(), input.end(), issuer.begin(), issuer.end());
    FUZZ_REQUIRE(found != input.end());
    const ByteView number(input.last(serial->serial.size()));
    FUZZ_REQUIRE(equal(number, serial->serial));
    const Bytes unsigned_form =
        der::sequence({issuer, der::element(certs::DerTag::kInteger, serial->serial)});
    const auto again = scep::parse_issuer_and_serial(unsigned_form);
    FUZZ_REQUIRE(again && again->serial == serial->serial);
}

}  // namespace scepgate::fuzz
