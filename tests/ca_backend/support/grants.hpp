// Requests, Grants and CAs for tests of the CA side.
#pragma once

#include "ca_backend/embedded_ca.hpp"
#include "policy/grant_maker.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::ca_backend::testing {

using certs::testing::ec_key;
using certs::testing::key;
using certs::testing::rsa_key;

inline constexpr std::int64_t kNow = 1'795'000'000;  // 2026-11-18
inline constexpr std::int64_t kDay = 86400;

/// A verified request made by `device_key` with these contents.
EnrollmentRequest make_request(const certs::PrivateKey& device_key,
                               const certs::CsrContents& contents, certs::Purpose purpose);

/// What stands in the Grant; names default to a plain device.
struct GrantSpec {
    const certs::PrivateKey& device_key = rsa_key();
    std::string subject = "CN=device-1,O=Example";
    Bytes subject_der = {};  ///< in place of `subject`
    certs::GeneralNames subject_alt_name = {};
    certs::Purpose purpose = certs::Purpose::kGeneralPurpose;
    std::optional<certs::KeyUsage> key_usage = {};
    std::optional<certs::ExtendedKeyUsage> extended_key_usage = {};
    std::optional<std::int64_t> max_validity = {};
    std::optional<std::string> sid = {};
    std::string device_id = {};
    std::string user_id = {};
    /// Microsoft's request attributes: names and values, in ASCII.
    std::vector<std::pair<std::string, std::string>> asks = {};
};
Grant make_grant(const GrantSpec& spec = {});

certs::GeneralName general_name(certs::GeneralNameType type, std::string_view value);

/// A template that allows what most tests ask for.
Template device_template();

struct CaSpec {
    const certs::PrivateKey& key = rsa_key();
    std::string subject = "CN=Test CA,O=Example";
    std::int64_t not_before = kNow - 365 * kDay;
    std::int64_t not_after = kNow + 3650 * kDay;
    bool ca = true;
    std::optional<certs::KeyUsage> key_usage =
        certs::KeyUsage{certs::KeyUsageBit::kKeyCertSign, certs::KeyUsageBit::kCrlSign};
    std::vector<Bytes> more_extensions = {};
    std::optional<Bytes> key_identifier = {};  ///< absent: the key's, as ours are made
};
/// A self-signed certificate.
certs::Certificate make_ca_certificate(const CaSpec& spec = {});

/// A CA with that certificate and the template "device".
EmbeddedCaSettings ca_settings(const CaSpec& spec = {});

/// Issues and waits. The context names the template.
Result<IssueOutcome, Refusal> issue(EmbeddedCa& ca, const Grant& grant,
                                    const std::string& template_name = "device");
/// The same where it must succeed.
IssuedCertificate issue_ok(EmbeddedCa& ca, const Grant& grant,
                           const std::string& template_name = "device");

/// Creates a CA that must be sound, with its clock at kNow.
std::shared_ptr<EmbeddedCa> make_ca(EmbeddedCaSettings settings = ca_settings(),
                                    std::int64_t now = kNow);

}  // namespace scepgate::ca_backend::testing
