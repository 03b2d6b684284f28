#include "server/information_page.hpp"

namespace scepgate::server {
namespace {

constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'\r\n";

}  // namespace

std::shared_ptr<const PreparedReply> open_information_page() {
    constexpr std::string_view kText =
        "<!DOCTYPE html><html><head><title>Network Device Enrollment Service</title></head><body>"
        "<h1>Network Device Enrollment Service</h1><p>Network Device Enrollment Service allows you "
        "to obtain certificates for routers or other network devices using the Simple Certificate "
        "Enrollment Protocol (SCEP).</p><p>This URL is used by network devices to submit "
        "certificate requests.</p></body></html>\n";
    return std::make_shared<PreparedReply>(200, "text/html", as_bytes(kText), kHeaders);
}

std::shared_ptr<const PreparedReply> forbidden_information_page() {
    constexpr std::string_view kText =
        "<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1>"
        "<p>This is a SCEP service with a policy module: it answers devices, not browsers. "
        "Seeing this page means that it is reachable.</p></body></html>\n";
    return std::make_shared<PreparedReply>(403, "text/html", as_bytes(kText), kHeaders);
}

}  // namespace scepgate::server
