// PKCS#10 requests for tests that no builder of ours would make.
#pragma once

#include "certs/der.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/certs/support/name_der.hpp"

namespace scepgate::certs::testing {

/// Attribute ::= SEQUENCE { type, SET OF values }
inline Bytes raw_attribute(ByteView type, const std::vector<Bytes>& values) {
    Bytes content;
    for (const Bytes& value : values)
        content.insert(content.end(), value.begin(), value.end());
    return der::sequence({der::oid(type), der::element(DerTag::kSet, content)});
}

inline Bytes extension_list(const std::vector<Bytes>& extensions) {
    Bytes content;
    for (const Bytes& extension : extensions)
        content.insert(content.end(), extension.begin(), extension.end());
    return der::element(DerTag::kSequence, content);
}

/// The parts of a request; build() signs whatever they hold.
struct RawCsr {
    Bytes version = der::integer(0);
    Bytes subject = common_name(DerTag::kUtf8String, "device");
    Bytes spki = to_bytes(ec_key().public_key().spki());
    std::vector<Bytes> attributes;
    bool omit_attributes = false;
    Bytes after_attributes;
    Bytes after_signature;

    [[nodiscard]] Bytes build(const PrivateKey& key = ec_key()) const {
        Bytes set;
        for (const Bytes& attribute : attributes)
            set.insert(set.end(), attribute.begin(), attribute.end());
        if (!omit_attributes) set = der::element(context_constructed(0), set);
        const Bytes info = der::sequence({version, subject, spki, set, after_attributes});
        return der::sequence({info, signature_identifier(key.signature_algorithm(Digest::kSha256)),
                              der::bit_string(key.sign(Digest::kSha256, info).value()),
                              after_signature});
    }

    /// A sound request with this one extension request.
    static Bytes with_extensions(const std::vector<Bytes>& extensions) {
        RawCsr csr;
        csr.attributes = {raw_attribute(oid::kExtensionRequest, {extension_list(extensions)})};
        return csr.build();
    }
};

}  // namespace scepgate::certs::testing
