// The description of the API, compiled in.
#pragma once

#include <string_view>

namespace scepgate::server::admin {

/// server/admin/openapi.json.
[[nodiscard]] std::string_view openapi_document() noexcept;

}  // namespace scepgate::server::admin
