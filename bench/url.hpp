// The server's URL, and the HTTP requests made for it.
#pragma once

#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::bench {

struct Url {
    std::string host;
    std::string port = "80";
    std::string target = "/";  ///< path and query

    /// "http://host[:port][/path]"; https is kUnsupported (the figures would be TLS's).
    static Result<Url> parse(std::string_view text);

    [[nodiscard]] std::string authority() const;  ///< as the Host field has it
};

/// A GET of an operation, whole and ready to send; `message` is percent-encoded here.
[[nodiscard]] std::string get_request(const Url& url, std::string_view operation,
                                      std::string_view message = {});
/// PKIOperation by POST, and by GET in base64.
[[nodiscard]] std::string pki_operation_post(const Url& url, ByteView message);
[[nodiscard]] std::string pki_operation_get(const Url& url, ByteView message);

}  // namespace scepgate::bench
