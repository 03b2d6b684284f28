// URLs and file names of a CA's certificate and CRLs, written with AD CS's variables.
#pragma once

#include <string>
#include <string_view>

#include "certs/result.hpp"

namespace scepgate::ca_backend {

/// What the variables stand for. One that is empty here cannot be used.
struct CaUrlNames {
    std::string dns_name;            ///< %1 <ServerDNSName>; its first label is %2
    std::string ca_name;             ///< UTF-8, as in the certificate: %3 <CaName>, %7
    std::string config_dn;           ///< %6 <ConfigurationContainer>, in RFC 4514 order
    unsigned certificate_index = 0;  ///< %4 <CertificateName>: 0 nothing, else "(1)"
    unsigned key_index = 0;          ///< %8 <CRLNameSuffix>: 0 nothing, else "(1)"
    bool delta = false;              ///< %9 <DeltaCRLAllowed>: "+" for a delta CRL
};

/// Replaces the variables of a URL, by number or by bracketed name (in any case), and encodes what
/// a URL cannot hold (a space becomes %20; "+" stays).
///
/// | %1 | <ServerDNSName> | %7 | <CATruncatedName>: 51 characters and a hash |
/// | %2 | <ServerShortName> | %8 | <CRLNameSuffix> |
/// | %3 | <CaName>: sanitised (ca_name.hpp) | %9 | <DeltaCRLAllowed> |
/// | %4 | <CertificateName> | %10 | <CDPObjectClass> |
/// | %6 | <ConfigurationContainer> | %11 | <CAObjectClass> |
///
/// "%" and two decimal digits that are no variable are percent-encoding and stay ("%20"); "%", a
/// variable's digit and a letter can be read either way and is refused. kConfig: that, an unknown
/// variable, or one whose value is not known.
[[nodiscard]] Result<std::string> expand_ca_url(std::string_view url, const CaUrlNames& names);

/// The same for the name of a file, which is not encoded: "%3%8%9.crl" gives "Lab CA+.crl".
/// kConfig also for percent-encoding and for what is no name of one file ("a/b", "..").
[[nodiscard]] Result<std::string> expand_ca_file_name(std::string_view pattern,
                                                      const CaUrlNames& names);

}  // namespace scepgate::ca_backend
