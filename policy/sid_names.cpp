#include "policy/sid_names.hpp"

#include "certs/asn1_string.hpp"
#include "certs/excerpt.hpp"
#include "certs/extensions.hpp"

namespace scepgate::policy {
namespace {

constexpr std::string_view kTagSpace = "tag:microsoft.com,";
constexpr std::string_view kSidTag = "tag:microsoft.com,2022-09-14:sid:";

bool starts_with(const certs::GeneralName& name, std::string_view prefix) noexcept {
    return name.type == certs::GeneralNameType::kUri &&
           certs::equal_ignoring_ascii_case(std::string_view(name.value).substr(0, prefix.size()),
                                            prefix);
}

}  // namespace

std::optional<std::string_view> sid_in(const certs::GeneralName& name) noexcept {
    if (!starts_with(name, kSidTag)) return std::nullopt;
    return std::string_view(name.value).substr(kSidTag.size());
}

bool is_microsoft_tag(const certs::GeneralName& name) noexcept {
    return starts_with(name, kTagSpace);
}

const certs::GeneralName* find_microsoft_tag(const certs::GeneralNames& names) noexcept {
    for (const certs::GeneralName& name : names) {
        if (is_microsoft_tag(name)) return &name;
    }
    return nullptr;
}

std::string excerpt_of(const certs::GeneralName& name) {
    constexpr std::size_t kMost = 300;
    return excerpt(name.text(), kMost);
}

bool is_sid(std::string_view text) {
    return certs::parse_sid_extension(certs::encode_sid_extension(text)).has_value();
}

}  // namespace scepgate::policy
