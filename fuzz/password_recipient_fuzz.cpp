// A PasswordRecipientInfo is read only within its bounds, and a key comes out of it only when its
// check value is right; then OpenSSL too takes a message to that recipient alone. (In the input
// itself another part may be one that OpenSSL cannot read, and refuses the whole for.)
// Input: an EnvelopedData in a ContentInfo.
#include <openssl/cms.h>

#include "certs/cms_password.hpp"
#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;
using CmsPtr = std::unique_ptr<CMS_ContentInfo, Deleter<CMS_ContentInfo_free>>;

constexpr std::string_view kPassword = "secret";
/// What an input may make the fuzzer work; the parser's own limit is far above.
constexpr std::uint32_t kAffordable = 20'000;

Bytes message_to(ByteView recipient, const ContentEncryption& encryption) {
    const Bytes content(block_length(encryption.cipher));
    const Bytes data =
        der::sequence({der::integer(3), der::set({der::element(context_constructed(3), recipient)}),
                       der::sequence({der::oid(oid::kData),
                                      encode_content_encryption(encryption.cipher, encryption.iv),
                                      der::element(context_primitive(0), content)})});
    return der::sequence(
        {der::oid(oid::kEnvelopedData), der::element(context_constructed(0), data)});
}

bool openssl_unwraps(ByteView message) {
    const unsigned char* at = message.data();
    const CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(message.size())));
    if (!cms) return false;
    Bytes password = to_bytes(as_bytes(kPassword));
    return CMS_decrypt_set1_password(cms.get(), password.data(),
                                     static_cast<ossl_ssize_t>(password.size())) == 1;
}

}  // namespace

void run(ByteView input) {
    DerReader outer(input);
    const auto info = outer.read(DerTag::kSequence);
    if (!info || !outer.empty()) return;
    DerReader fields(*info);
    const auto type = fields.read_oid();
    if (!type || !equal(*type, oid::kEnvelopedData)) return;
    const auto wrapped = fields.read(context_constructed(0));
    if (!wrapped || !fields.empty()) return;
    const auto data = parse_enveloped_data(*wrapped, false);
    if (!data) return;
    FUZZ_REQUIRE(data->password_recipients.size() <= data->other_recipients);
    for (const ByteView each : data->password_recipients) {
        const auto wrap = parse_password_recipient(each);
        if (!wrap) continue;
        FUZZ_REQUIRE(!wrap->salt.empty() && wrap->salt.size() <= 64);
        FUZZ_REQUIRE(wrap->iterations >= 1 && wrap->iterations <= 1'000'000);
        FUZZ_REQUIRE(wrap->iv.size() == 16);
        if (wrap->iterations > kAffordable) continue;
        const auto encryption = parse_content_encryption(data->content_encryption);
        if (!encryption) continue;
        const auto key = unwrap_key(*wrap, as_bytes(kPassword), key_length(encryption->cipher));
        if (!key) continue;
        FUZZ_REQUIRE(key->view().size() == key_length(encryption->cipher));
        FUZZ_REQUIRE(openssl_unwraps(message_to(each, *encryption)));
    }
}

}  // namespace scepgate::fuzz
