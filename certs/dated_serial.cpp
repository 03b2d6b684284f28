#include "certs/dated_serial.hpp"

#include <algorithm>

namespace scepgate::certs {

Bytes dated_serial(std::int64_t now) {
    constexpr std::size_t kOctets = 16, kDateOctets = 5;
    // Begins with 1 until 2106: no sign octet comes or goes, so all are as long.
    const std::uint64_t date =
        (std::uint64_t{1} << 32) + static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0));
    Bytes serial;
    for (std::size_t i = kDateOctets; i-- > 0;)
        serial.push_back(static_cast<std::uint8_t>(date >> (8 * i)));
    const Bytes random = random_bytes(kOctets - kDateOctets);
    serial.insert(serial.end(), random.begin(), random.end());
    return serial;
}

}  // namespace scepgate::certs
