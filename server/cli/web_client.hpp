// HTTP for the client tool (libcurl).
#pragma once

#include <memory>
#include <string>

#include "certs/bytes.hpp"

namespace scepgate::server::cli {

struct WebReply {
    long status = 0;
    std::string content_type;
    Bytes body;
};

struct WebSettings {
    std::string ca_file;  ///< PEM for https; empty: the system's
    long timeout_seconds = 60;
};

/// A connection to one SCEP URL, kept alive over requests. No redirects: a SCEP URL that redirects
/// is a login page or a wrong path, and says so in the error.
class WebClient {
public:
    WebClient(std::string url, WebSettings settings);
    ~WebClient();

    /// GET URL?operation=OPERATION&message=MESSAGE; `message` is percent-encoded here.
    Result<WebReply> get(std::string_view operation, std::string_view message);
    /// POST URL?operation=PKIOperation with a DER body.
    Result<WebReply> post(ByteView body);

    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    struct Handle;
    Result<WebReply> perform(const std::string& url, const ByteView* body);
    std::string url_;
    WebSettings settings_;
    std::unique_ptr<Handle> handle_;
};

}  // namespace scepgate::server::cli
