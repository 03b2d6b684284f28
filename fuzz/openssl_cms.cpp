#include "fuzz/openssl_cms.hpp"

#include <openssl/cms.h>

#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using CmsPtr = std::unique_ptr<CMS_ContentInfo, certs::Deleter<CMS_ContentInfo_free>>;

ByteView octets(const ASN1_OCTET_STRING* string) {
    if (string == nullptr) return {};
    return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

void require_message_digest(CMS_ContentInfo* message, CMS_SignerInfo* signer) {
    X509_ALGOR* algorithm = nullptr;
    CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &algorithm, nullptr);
    const EVP_MD* digest = EVP_get_digestbyobj(algorithm->algorithm);
    FUZZ_REQUIRE(digest != nullptr);
    ASN1_OCTET_STRING** content = CMS_get0_content(message);
    const ByteView data = octets(content != nullptr ? *content : nullptr);
    Bytes computed(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    FUZZ_REQUIRE(EVP_Digest(data.data(), data.size(), computed.data(), &size, digest, nullptr) ==
                 1);
    computed.resize(size);

    // -3: exactly one attribute of this type with exactly one value.
    const auto* stated = static_cast<const ASN1_OCTET_STRING*>(CMS_signed_get0_data_by_OBJ(
        signer, OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING));
    FUZZ_REQUIRE(stated != nullptr && equal(octets(stated), computed));
}

}  // namespace

void require_openssl_verifies(ByteView message, const certs::Certificate& signer) {
    const unsigned char* at = message.data();
    const CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(message.size())));
    at = signer.der().data();
    const certs::X509Ptr certificate(
        d2i_X509(nullptr, &at, static_cast<long>(signer.der().size())));
    if (!cms || !certificate) return;
    STACK_OF(CMS_SignerInfo)* signers = CMS_get0_SignerInfos(cms.get());
    FUZZ_REQUIRE(sk_CMS_SignerInfo_num(signers) == 1);
    CMS_SignerInfo* info = sk_CMS_SignerInfo_value(signers, 0);
    CMS_SignerInfo_set1_signer_cert(info, certificate.get());
    FUZZ_REQUIRE(CMS_SignerInfo_verify(info) == 1);
    require_message_digest(cms.get(), info);
}

}  // namespace scepgate::fuzz
