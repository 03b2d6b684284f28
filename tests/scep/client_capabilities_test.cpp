#include <gtest/gtest.h>

#include "scep/ca_info.hpp"
#include "scep/client.hpp"

namespace scepgate::scep::this_file {
namespace {

using certs::ContentCipher;
using certs::Digest;

TEST(ClientCapabilitiesTest, ReadsWhatTheServerSideWrites) {
    const StaticReply reply = ca_capabilities({.algorithms = {}, .renewal = true, .next_ca = true});
    const auto found = parse_capabilities(as_text(reply.body));
    EXPECT_TRUE(found.aes && found.des3 && found.sha1 && found.sha256 && found.sha512);
    EXPECT_TRUE(found.post && found.renewal && found.standard && found.next_ca);
}

TEST(ClientCapabilitiesTest, R_D05_IgnoresCaseLineEndsBlanksAndUnknownWords) {
    for (const char* body :
         {"aes\nsha-256\nPostPkiOperation", "AES\r\nSHA-256\r\nPOSTPKIOPERATION\r\n",
          " AES \n\n\tSHA-256\nUpdate\nExample.com-AES256\nPOSTPKIOperation \n"}) {
        const auto found = parse_capabilities(body);
        EXPECT_TRUE(found.aes && found.sha256 && found.post) << body;
        EXPECT_FALSE(found.des3 || found.sha1 || found.sha512 || found.renewal || found.standard ||
                     found.next_ca)
            << body;
    }
}

TEST(ClientCapabilitiesTest, R_D05_AWordInsideAnotherDoesNotCount) {
    const auto found = parse_capabilities("AES256\nXAES\nSHA-2567\nAES SHA-256\n<p>Renewal</p>");
    EXPECT_FALSE(found.aes || found.sha256 || found.renewal);
}

TEST(ClientCapabilitiesTest, R_D06_NothingAtAllIsNoCapabilities) {
    const auto found = parse_capabilities("");
    EXPECT_FALSE(found.aes || found.post || found.sha256 || found.standard);
}

TEST(ClientCapabilitiesTest, R_D02_ScepStandardPromisesAesSha256AndPost) {
    const auto found = parse_capabilities("SCEPStandard");
    EXPECT_TRUE(found.aes && found.sha256 && found.post);
    EXPECT_FALSE(found.renewal || found.des3 || found.sha1);
}

TEST(ClientCapabilitiesTest, R_D08_PrefersAes128AndSha256) {
    struct Row {
        const char* body;
        ContentCipher cipher;
        Digest digest;
    };
    for (const Row& row :
         {Row{"AES\nDES3\nSHA-1\nSHA-256\nSHA-512", ContentCipher::kAes128Cbc, Digest::kSha256},
          Row{"SCEPStandard", ContentCipher::kAes128Cbc, Digest::kSha256},
          Row{"DES3\nSHA-1\nSHA-512", ContentCipher::kDes3Cbc, Digest::kSha512},
          Row{"DES3\nSHA-1", ContentCipher::kDes3Cbc, Digest::kSha1},
          Row{"", ContentCipher::kDes3Cbc, Digest::kSha1}}) {
        const auto found = parse_capabilities(row.body);
        EXPECT_EQ(found.cipher(), row.cipher) << row.body;
        EXPECT_EQ(found.digest(), row.digest) << row.body;
    }
}

}  // namespace
}  // namespace scepgate::scep::this_file
