#include "certs/ossl.hpp"

#include <array>

#include <openssl/err.h>

namespace scepgate::certs {

Error take_ossl_error(std::string_view what_was_tried) {
    Error error{Errc::kInternal, std::string(what_was_tried)};
    const char* data = nullptr;
    int flags = 0;
    std::string_view separator = ": ";
    while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        std::array<char, 256> text{};
        ERR_error_string_n(code, text.data(), text.size());
        error.detail.append(separator).append(text.data());
        if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
            error.detail.append(" (").append(data).append(")");
        }
        separator = "; ";
    }
    return error;
}

}  // namespace scepgate::certs
