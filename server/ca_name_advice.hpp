// What a CA had better not be called.
#pragma once

#include <string>
#include <vector>

#include "certs/name.hpp"

namespace scepgate::server {

/// One sentence for each thing in the common name that has made trouble elsewhere: it is a host's
/// name, has an underscore, is too long, or there is none. It stays for the CA's whole life.
[[nodiscard]] std::vector<std::string> ca_name_advice(const certs::Name& subject);

}  // namespace scepgate::server
