// A lab with a certificate that can be renewed.
#pragma once

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing {

class RenewalServiceTest : public ::testing::Test {
protected:
    RenewalServiceTest() {
        lab.endpoint.renewal = policy::RenewalSettings();
        old = lab.ask(lab.request()).cert->certificate;
        lab.module->verified = 0;
    }

    std::string renew(int new_key = 1) {
        const Asked asked = lab.ask(lab.renewal(old, 0, new_key), new_key);
        renewed = asked.cert ? asked.cert->certificate : certs::Certificate();
        return asked.record.code;
    }

    certs::Certificate enrol(const std::string& transaction_id) {
        auto request = lab.request();
        request.transaction_id = transaction_id;
        return lab.ask(request).cert->certificate;
    }

    /// Another certificate of the CA that issued `old`, of the same name and key.
    [[nodiscard]] scep::TrustedIssuer same_ca_until(std::int64_t end) const {
        certs::CertificateContents contents;
        contents.serial = certs::random_serial();
        contents.issuer_der = contents.subject_der = to_bytes(old.issuer_der());
        contents.not_before = kNow - kDay;
        contents.not_after = end;
        const certs::PrivateKey& key = certs::testing::ec_key();
        contents.spki = to_bytes(key.public_key().spki());
        return {certs::build_certificate(contents, key, certs::Digest::kSha256).value(),
                key.public_key()};
    }

    ServiceLab lab;
    certs::Certificate old, renewed;
};

}  // namespace scepgate::server::testing
