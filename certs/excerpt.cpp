#include "certs/excerpt.hpp"

namespace scepgate {

std::string excerpt(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80)
        --most;
    text.resize(most);
    return text + "…";
}

}  // namespace scepgate
