#include "scep/message.hpp"

#include <array>

namespace scepgate::scep {
namespace {

struct KnownType {
    MessageType type;
    std::string_view number;
    std::string_view name;
};
constexpr std::array<KnownType, 6> kTypes{{
    {MessageType::kCertRep, "3", "CertRep"},
    {MessageType::kRenewalReq, "17", "RenewalReq"},
    {MessageType::kPkcsReq, "19", "PKCSReq"},
    {MessageType::kCertPoll, "20", "CertPoll"},
    {MessageType::kGetCert, "21", "GetCert"},
    {MessageType::kGetCrl, "22", "GetCRL"},
}};

}  // namespace

std::string_view to_text(MessageType type) noexcept {
    for (const KnownType& known : kTypes) {
        if (known.type == type) return known.name;
    }
    return "unknown";
}

std::optional<MessageType> message_type_from_text(std::string_view text) noexcept {
    for (const KnownType& known : kTypes) {
        if (known.number == text) return known.type;
    }
    return std::nullopt;
}

}  // namespace scepgate::scep
