#include "server/admin/services.hpp"

namespace scepgate::server::admin {

void Services::audit_denied(const HttpRequest& request, std::string_view caller,
                            std::string_view about, std::string_view reason) const {
    AuditRecord line("admin_denied", parts.clock->now());
    line.add_if("caller", caller)
        .add("client", request.client_address)
        .add_if("about", about)
        .add("reason", reason);
    if (auto written = parts.audit->write(line); !written) parts.log->error(written.error().detail);
}

}  // namespace scepgate::server::admin
