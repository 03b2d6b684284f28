// Object identifiers that only a CA reads or writes.
#pragma once

#include "certs/oids.hpp"

namespace scepgate::certs::oid {

/// freshestCRL, RFC 5280 section 4.2.1.15
inline constexpr Octets<3> kFreshestCrl{0x55, 0x1D, 0x2E};
/// invalidityDate, RFC 5280 section 5.3.2
inline constexpr Octets<3> kInvalidityDate{0x55, 0x1D, 0x18};
/// szOID_CERTSRV_CA_VERSION: in the certificate of an AD CS CA
inline constexpr Octets<9> kCaVersion{0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x15, 0x01};

/// Extensions of AD CS: application policies, and the template by name (version 1) or OID
inline constexpr Octets<9> kApplicationPolicies{0x2B, 0x06, 0x01, 0x04, 0x01,
                                                0x82, 0x37, 0x15, 0x0A};
inline constexpr Octets<9> kCertificateTemplateName{0x2B, 0x06, 0x01, 0x04, 0x01,
                                                    0x82, 0x37, 0x14, 0x02};
inline constexpr Octets<9> kCertificateTemplate{0x2B, 0x06, 0x01, 0x04, 0x01,
                                                0x82, 0x37, 0x15, 0x07};
/// A request attribute: szENROLLMENT_NAME_VALUE_PAIR
inline constexpr Octets<10> kNameValuePair{0x2B, 0x06, 0x01, 0x04, 0x01,
                                           0x82, 0x37, 0x0D, 0x02, 0x01};
/// certificatePolicies, its anyPolicy and its qualifiers (RFC 5280 section 4.2.1.4)
inline constexpr Octets<3> kCertificatePolicies{0x55, 0x1D, 0x20};
inline constexpr Octets<4> kAnyPolicy{0x55, 0x1D, 0x20, 0x00};
inline constexpr Octets<8> kCpsQualifier{0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01};
inline constexpr Octets<8> kUserNoticeQualifier{0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x02};
inline constexpr Octets<3> kNameConstraints{0x55, 0x1D, 0x1E};
/// Other extensions of CAs (RFC 5280 sections 4.2.1.5, 4.2.1.7, 4.2.1.11 and 4.2.1.14)
inline constexpr Octets<3> kIssuerAltName{0x55, 0x1D, 0x12};
inline constexpr Octets<3> kPolicyMappings{0x55, 0x1D, 0x21};
inline constexpr Octets<3> kPolicyConstraints{0x55, 0x1D, 0x24};
inline constexpr Octets<3> kInhibitAnyPolicy{0x55, 0x1D, 0x36};
inline constexpr Octets<4> kAnyExtendedKeyUsage{0x55, 0x1D, 0x25, 0x00};

}  // namespace scepgate::certs::oid
