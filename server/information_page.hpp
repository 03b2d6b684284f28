// What a browser sees at an endpoint's URL without an operation, as at NDES's mscep.dll.
#pragma once

#include <memory>

#include "server/http_message.hpp"

namespace scepgate::server {

/// No policy module: NDES's information text, 200.
[[nodiscard]] std::shared_ptr<const PreparedReply> open_information_page();
/// With a policy module NDES answers 403; administrators' runbooks take that for healthy.
[[nodiscard]] std::shared_ptr<const PreparedReply> forbidden_information_page();

}  // namespace scepgate::server
