// The vectors of docs/challenge-blob.md: blobs by the openssl command line, and what is said of
// them.
#include <gtest/gtest.h>

#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

struct Vector {
    const char* name;     ///< of the .b64 file
    const char* outcome;  ///< "ok" or the refusal's code
};

const Vector kVectors[] = {
    {"good-ec", "ok"},
    {"good-p384", "ok"},
    {"good-rsa", "ok"},
    {"good-rkeyid", "ok"},
    {"good-ec-cbc", "ok"},
    {"good-ec-cbc128", "ok"},
    {"good-rsa-cbc", "ok"},
    {"good-ber", "ok"},
    {"good-keyid-nocerts", "ok"},
    {"made-ec", "ok"},
    {"made-rsa", "ok"},
    {"bad-unencrypted", "ChallengeDeserializationError"},
    {"bad-content-type", "ChallengeDeserializationError"},
    {"bad-unsigned", "ChallengeDeserializationError"},
    {"bad-two-signers", "ChallengeDeserializationError"},
    {"bad-detached", "ChallengeDeserializationError"},
    {"bad-nested", "ChallengeDecryptionError"},
    {"bad-trailing", "ChallengeDeserializationError"},
    {"bad-signer-unknown", "SigningCertThumbprintMismatch"},
    {"bad-signed-anew", "SigningCertThumbprintMismatch"},
    {"bad-sha1", "SignatureValidationFailed"},
    {"bad-no-attributes", "SignatureValidationFailed"},
    {"bad-signer-ca", "SignerNotValid"},
    {"bad-signer-usage", "SignerNotValid"},
    {"bad-recipient", "ChallengeDecryptionError"},
    {"bad-two-recipients", "ChallengeDecryptionError"},
    {"bad-pkcs1", "ChallengeDecryptionError"},
    {"bad-sha1-kdf", "ChallengeDecryptionError"},
    {"bad-password-recipient", "ChallengeDecryptionError"},
    {"bad-3des", "ChallengeDecryptionError"},
    {"bad-duplicate-claim", "ClaimsInvalid"},
    {"bad-critical-claim", "ClaimsInvalid"},
    {"bad-missing-exp", "ClaimsInvalid"},
    {"bad-audience", "AudienceMismatch"},
    {"bad-lifetime", "ChallengeInvalidTimestamp"},
    {"bad-backwards", "ChallengeInvalidTimestamp"},
    {"bad-subject", "SubjectNameMismatch"},
    {"bad-subject-order", "SubjectNameMismatch"},
    {"bad-san", "SubjectAltNameMismatch"},
    {"bad-key-usage", "KeyUsageMismatch"},
    {"bad-extended-key-usage", "EnhancedKeyUsageMismatch"},
    {"bad-key-type", "KeyTypeMismatch"},
    {"bad-key-length", "KeyLengthMismatch"},
    {"bad-purpose", "PurposeMismatch"},
};

class ChallengeVectorsTest : public ::testing::TestWithParam<Vector> {
protected:
    /// The server's settings, and the signers whose fitness two vectors are about.
    static ChallengeBlobSettings trusting() {
        ChallengeBlobSettings made = settings();
        made.trusted_signers.push_back(certificate("signer-ca"));
        made.trusted_signers.push_back(certificate("signer-encipherment"));
        return made;
    }
};

std::string test_name(const ::testing::TestParamInfo<Vector>& tested) {
    std::string name = tested.param.name;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(C07, ChallengeVectorsTest, ::testing::ValuesIn(kVectors), test_name);

TEST_P(ChallengeVectorsTest, LeadsToTheDocumentedOutcome) {
    const ChallengeBlobSettings server = trusting();
    const auto csr = certs::Csr::from_der(as_bytes(read_vector("device.csr"))).value();
    std::string outcome = "ok";
    std::string text;
    const auto opened = open_blob(server, read_vector(std::string(GetParam().name) + ".b64"), kNow);
    if (!opened) {
        outcome = opened.error().code;
        text = opened.error().text;
        EXPECT_EQ(opened.error().fail_info, FailInfo::kBadMessageCheck);
    } else if (const auto refusal = judge_claims(server, *opened, request(csr), kNow)) {
        outcome = refusal->code;
        text = refusal->text;
    }
    EXPECT_EQ(outcome, GetParam().outcome) << text;
}

TEST(ChallengeVectorsTest, HaveOneRowForEachFile) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(vector_path(""))) {
        if (entry.path().extension() == ".b64") ++files;
    }
    EXPECT_EQ(files, std::size(kVectors));
}

TEST(ChallengeVectorsTest, StandInTheDocumentWithTheirOutcomes) {
    const auto path =
        std::filesystem::path(SCEPGATE_TEST_DATA) / ".." / ".." / "docs" / "challenge-blob.md";
    std::ifstream file(path);
    const std::string document{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(document.empty()) << path;
    for (const Vector& vector : kVectors) {
        const std::string outcome =
            vector.outcome == std::string("ok") ? "taken" : "`" + std::string(vector.outcome) + "`";
        const std::size_t row = document.find("| `" + std::string(vector.name) + ".b64` |");
        ASSERT_NE(row, std::string::npos) << vector.name;
        const std::string line = document.substr(row, document.find('\n', row) - row);
        EXPECT_TRUE(line.ends_with("| " + outcome + " |")) << line;
    }
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file
