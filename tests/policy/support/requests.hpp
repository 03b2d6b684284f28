// Requests for certificates, and asking a module about them.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "policy/policy_module.hpp"
#include "tests/policy/support/vectors.hpp"

namespace scepgate::policy::testing {

/// The CSR's contents that the claims of the vectors allow; tests change one thing.
inline certs::CsrContents matching_contents(std::string_view challenge = {}) {
    using enum certs::KeyUsageBit;
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=device-0001,O=Example Ltd").value();
    contents.subject_alt_name = {
        certs::GeneralName::make(certs::GeneralNameType::kDns, "device-0001.example.com").value(),
        certs::GeneralName::make(certs::GeneralNameType::kUpn, "user@example.com").value()};
    contents.key_usage = certs::KeyUsage{kDigitalSignature, kKeyEncipherment};
    contents.extended_key_usage = {certs::extended_key_usage_from_text("clientAuth").value()};
    contents.challenge = challenge;
    return contents;
}

/// The account's SID as KB5014754 writes it into a subjectAltName.
inline certs::GeneralName sid_name(std::string_view sid) {
    return certs::GeneralName::make(certs::GeneralNameType::kUri,
                                    "tag:microsoft.com,2022-09-14:sid:" + std::string(sid))
        .value();
}

inline EnrollmentRequest request(certs::Csr csr) {
    const auto purpose = certs::purpose_of(csr.requested().key_usage);
    EnrollmentRequest made{.endpoint = "/scep",
                           .kind = EnrollmentKind::kInitial,
                           .message_type = 19,
                           .transaction_id = "1",
                           .csr = std::move(csr),
                           .purpose = purpose.value(),
                           .signer = certificate("signer-unknown"),
                           .client_address = "192.0.2.1"};
    return made;
}

inline EnrollmentRequest request(const certs::CsrContents& contents,
                                 const certs::PrivateKey& key = private_key("device")) {
    const Bytes der = certs::build_csr(contents, key).value();
    return request(certs::Csr::from_der(der).value());
}

/// Runs a coroutine to its end.
template <class T>
T run(boost::asio::awaitable<T> work) {
    boost::asio::io_context context;
    auto answer = boost::asio::co_spawn(context, std::move(work), boost::asio::use_future);
    context.run();
    return answer.get();
}

/// What the module says of the request.
inline Result<Grant, Refusal> verify(PolicyModule& module, const EnrollmentRequest& asked) {
    return run(module.verify_request(asked));
}

/// What challenge the module makes.
inline Result<Challenge> minted(PolicyModule& module, const ChallengeParameters& parameters) {
    return run(module.generate_challenge(parameters));
}

/// "ok", or the refusal's code.
template <class T>
std::string outcome(const Result<T, Refusal>& result) {
    return result ? "ok" : result.error().code;
}

}  // namespace scepgate::policy::testing
