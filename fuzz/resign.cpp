#include "fuzz/resign.hpp"

#include "certs/oids.hpp"
#include "fuzz/test_keys.hpp"

namespace scepgate::fuzz {
namespace {

constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kFirst = 0xA0;  // [0], constructed

/// The `which`-th child with this tag (from the end where negative), or null.
TlvNode* child(TlvNode* node, std::uint8_t tag, int which = 0) {
    if (node == nullptr) return nullptr;
    TlvNode* last = nullptr;
    for (TlvNode& each : node->children) {
        if (each.identifier[0] != tag) continue;
        if (which-- == 0) return &each;
        last = &each;
    }
    return which < 0 ? last : nullptr;
}

void set_content(TlvNode* node, ByteView octets) {
    if (node == nullptr) return;
    node->children.clear();
    node->content = to_bytes(octets);
}

/// The value of the messageDigest attribute.
TlvNode* digest_in(TlvNode* attributes) {
    for (TlvNode& attribute : attributes->children) {
        const TlvNode* type = child(&attribute, kOid);
        if (type != nullptr && equal(type->content, certs::oid::kMessageDigest))
            return child(child(&attribute, kSet), kOctetString);
    }
    return nullptr;
}

}  // namespace

void resign_as_device(std::vector<TlvNode>& message) {
    if (message.empty()) return;
    TlvNode* signed_data = child(child(&message.front(), kFirst), kSequence);
    TlvNode* content = child(child(child(signed_data, kSequence), kFirst), kOctetString);
    TlvNode* signer = child(child(signed_data, kSet, -1), kSequence);
    TlvNode* attributes = child(signer, kFirst);
    TlvNode* signature = child(signer, kOctetString, -1);
    if (attributes == nullptr || signature == nullptr) return;
    if (content != nullptr) set_content(digest_in(attributes), sha256(encode_value(*content)));

    TlvNode as_set = *attributes;  // RFC 5652 section 5.4: signed as an explicit SET OF
    as_set.identifier = {kSet};
    Bytes octets;
    append_tlv(octets, as_set);
    const auto made = device().key.sign(certs::Digest::kSha256, octets);
    FUZZ_REQUIRE(made);
    set_content(signature, *made);
}

}  // namespace scepgate::fuzz
