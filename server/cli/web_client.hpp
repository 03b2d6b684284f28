// HTTP for the client tool (libcurl).
#pragma once

#include <memory>
#include <string>

#include "certs/bytes.hpp"
#include "server/cli/trace.hpp"

namespace scepgate::server::cli {

struct WebSettings {
    std::string ca_file;  ///< PEM for https; empty: the system's
    long timeout_seconds = 60;
};

/// A connection to one SCEP URL, kept alive over requests. No redirects: a SCEP URL that redirects
/// is a login page or a wrong path. Errors say what to do. kMalformed: the server was there and
/// hung up, or answered what is no HTTP; kConfig: no URL; kUnavailable: no answer.
class WebClient {
public:
    /// `trace`, if there is one, gets every exchange and must live as long.
    WebClient(std::string url, WebSettings settings, Trace* trace);
    ~WebClient();

    /// GET URL?operation=OPERATION&message=
    Result<WebReply> get(std::string_view operation);
    /// GET URL?operation=PKIOperation&message=BASE64, percent-encoded.
    Result<WebReply> get_message(ByteView message);
    /// POST URL?operation=PKIOperation with a DER body.
    Result<WebReply> post_message(ByteView message);

private:
    struct Handle;
    [[nodiscard]] std::string url_of(std::string_view operation) const;
    Result<WebReply> exchange(const WebRequest& request);
    Result<WebReply> perform(const WebRequest& request);
    std::string url_;
    WebSettings settings_;
    Trace* trace_;
    std::unique_ptr<Handle> handle_;
};

}  // namespace scepgate::server::cli
