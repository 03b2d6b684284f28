#include "certs/refusal.hpp"

#include <stdexcept>

namespace scepgate {

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
    throw std::logic_error("unchecked Result, refused with " + refusal.code + ": " + refusal.text);
}

}  // namespace scepgate
