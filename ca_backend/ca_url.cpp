#include "ca_backend/ca_url.hpp"

#include <algorithm>
#include <array>

#include "ca_backend/ca_name.hpp"
#include "certs/asn1_string.hpp"

namespace scepgate::ca_backend {
namespace {

constexpr std::string_view kCdpObjectClass =
    "?certificateRevocationList?base?objectClass=cRLDistributionPoint";
constexpr std::string_view kCaObjectClass =
    "?cACertificate?base?objectClass=certificationAuthority";
constexpr std::size_t kMaxNetbiosName = 15;

std::string suffix(unsigned index) {
    return index == 0 ? std::string() : '(' + std::to_string(index) + ')';
}

/// NetBIOS: the first label, in upper case.
std::string short_name(std::string_view dns_name) {
    std::string name(dns_name.substr(0, std::min(dns_name.find('.'), kMaxNetbiosName)));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return name;
}

struct Variable {
    int number;
    std::string_view name;
    std::string_view from;  ///< where its value comes from; "" when it may be empty
    std::string (*value)(const CaUrlNames&);
};

const std::array<Variable, 10> kVariables{{
    {1, "ServerDNSName", "the CA's dns_name",
     [](const CaUrlNames& names) { return names.dns_name; }},
    {2, "ServerShortName", "the CA's dns_name",
     [](const CaUrlNames& names) { return short_name(names.dns_name); }},
    {3, "CaName", "a common name in the CA's certificate",
     [](const CaUrlNames& names) { return sanitized_ca_name(names.ca_name); }},
    {4, "CertificateName", "",
     [](const CaUrlNames& names) { return suffix(names.certificate_index); }},
    {6, "ConfigurationContainer", "the CA's config_dn",
     [](const CaUrlNames& names) { return names.config_dn; }},
    {7, "CATruncatedName", "a common name in the CA's certificate",
     [](const CaUrlNames& names) { return truncated_ca_name(names.ca_name); }},
    {8, "CRLNameSuffix", "", [](const CaUrlNames& names) { return suffix(names.key_index); }},
    {9, "DeltaCRLAllowed", "",
     [](const CaUrlNames& names) { return std::string(names.delta ? "+" : ""); }},
    {10, "CDPObjectClass", "", [](const CaUrlNames&) { return std::string(kCdpObjectClass); }},
    {11, "CAObjectClass", "", [](const CaUrlNames&) { return std::string(kCaObjectClass); }},
}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const Variable* by_number(int number) {
    const auto* found = std::find_if(kVariables.begin(), kVariables.end(),
                                     [=](const Variable& one) { return one.number == number; });
    return found == kVariables.end() ? nullptr : found;
}

const Variable* by_name(std::string_view name) {
    const auto* found = std::find_if(kVariables.begin(), kVariables.end(), [=](const auto& one) {
        return certs::equal_ignoring_ascii_case(one.name, name);
    });
    return found == kVariables.end() ? nullptr : found;
}

std::string all_names() {
    std::string all;
    for (const Variable& one : kVariables) {
        all += (all.empty() ? "" : ", ") + ('%' + std::to_string(one.number)) + " <" +
               std::string(one.name) + '>';
    }
    return all;
}

Error error(const std::string& what) {
    return {Errc::kConfig, what};
}

/// The pattern, taken off piece by piece.
class Pattern {
public:
    Pattern(std::string_view text, const CaUrlNames& names) : rest_(text), names_(names) {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

    struct Piece {
        std::string text;
        bool encoded = false;  ///< "%20": stays as it is
    };

    Result<Piece> next() {
        if (rest_.front() == '<') return bracketed();
        if (rest_.front() == '%') return numbered();
        const auto end = rest_.find_first_of("%<");
        return Piece{std::string(take(end == std::string_view::npos ? rest_.size() : end))};
    }

private:
    std::string_view take(std::size_t length) {
        const auto taken = rest_.substr(0, length);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    Result<Piece> bracketed() {
        const auto end = rest_.find('>');
        if (end == std::string_view::npos) return error("a '<' without its '>'");
        const auto whole = take(end + 1);
        const Variable* variable = by_name(whole.substr(1, whole.size() - 2));
        if (variable == nullptr) {
            return error("unknown variable " + std::string(whole) + "; there are " + all_names());
        }
        return value_of(*variable);
    }

    Result<Piece> numbered() {
        const char first = rest_.size() > 1 ? rest_[1] : '\0';
        const char second = rest_.size() > 2 ? rest_[2] : '\0';
        if (!is_digit(first)) {
            if (is_hex(first) && is_hex(second)) return Piece{std::string(take(3)), true};
            return error("a '%' with no number behind it; the character itself is written %25");
        }
        const int one_digit = first - '0';
        if (!is_hex(second)) return variable(one_digit, 2);
        if (is_digit(second)) {
            const int both = one_digit * 10 + (second - '0');
            // %10 to %19 would encode control characters.
            if (both < 20) return variable(both, 3);
            return Piece{std::string(take(3)), true};
        }
        if (const Variable* also = by_number(one_digit)) {
            return error('\'' + std::string(rest_.substr(0, 3)) + "' can be the variable %" +
                         std::to_string(one_digit) + " or a percent-encoded character: write <" +
                         std::string(also->name) + ">, or the character itself");
        }
        return Piece{std::string(take(3)), true};
    }

    Result<Piece> variable(int number, std::size_t length) {
        const auto whole = take(length);
        const Variable* found = by_number(number);
        if (found == nullptr) {
            return error("unknown variable " + std::string(whole) + "; there are " + all_names());
        }
        return value_of(*found);
    }

    Result<Piece> value_of(const Variable& variable) const {
        Piece piece{variable.value(names_)};
        if (piece.text.empty() && !variable.from.empty()) {
            return error("%" + std::to_string(variable.number) + " <" + std::string(variable.name) +
                         "> needs " + std::string(variable.from));
        }
        return piece;
    }

    std::string_view rest_;
    const CaUrlNames& names_;
};

/// RFC 3986: unreserved and reserved characters; brackets only for addresses.
bool stands_in_url(char c) {
    constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=";
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
}

void append_encoded(std::string& out, std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char c : text) {
        if (stands_in_url(c)) {
            out.push_back(c);
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(kDigits[octet >> 4U]);
        out.push_back(kDigits[octet & 0xFU]);
    }
}

}  // namespace

Result<std::string> expand_ca_url(std::string_view url, const CaUrlNames& names) {
    std::string out;
    for (Pattern pattern(url, names); !pattern.at_end();) {
        const auto piece = pattern.next();
        if (!piece) return piece.error();
        if (piece->encoded) {
            out += piece->text;
        } else {
            append_encoded(out, piece->text);
        }
    }
    return out;
}

Result<std::string> expand_ca_file_name(std::string_view text, const CaUrlNames& names) {
    std::string out;
    for (Pattern pattern(text, names); !pattern.at_end();) {
        const auto piece = pattern.next();
        if (!piece) return piece.error();
        if (piece->encoded) {
            return error("'" + piece->text + "' is for URLs: write the character itself");
        }
        out += piece->text;
    }
    const bool unfit =
        out.empty() || out == "." || out == ".." || std::any_of(out.begin(), out.end(), [](char c) {
            return c == '/' || static_cast<unsigned char>(c) < 0x20;
        });
    if (unfit) return error("'" + std::string(text) + "' does not name one file");
    return out;
}

}  // namespace scepgate::ca_backend
