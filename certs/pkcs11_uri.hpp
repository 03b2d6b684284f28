// PKCS#11 URIs (RFC 7512): which object of which token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// What a URI names; an attribute that it leaves out is not looked at.
struct Pkcs11Uri {
    std::string token, serial, manufacturer, model;  ///< of the token; "": any
    std::optional<std::uint64_t> slot;
    std::string object;  ///< its label; "": any
    Bytes id;            ///< its CKA_ID; empty: any

    /// "pkcs11:token=ca;object=issuing". kMalformed: not one, without object and id, or with an
    /// attribute that has no place here: the module and the PIN have keys of their own in the
    /// configuration, and a type other than private is no private key.
    static Result<Pkcs11Uri> parse(std::string_view text);

    /// As it would be written, for people.
    [[nodiscard]] std::string text() const;
};

}  // namespace scepgate::certs
