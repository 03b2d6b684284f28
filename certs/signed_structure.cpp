#include "certs/signed_structure.hpp"

namespace scepgate::certs {

Result<SignedStructure> read_signed_structure(ByteView der, std::string_view what) {
    DerReader outer(der);
    const auto all = outer.read(DerTag::kSequence);
    if (!all) return all.error();
    if (const auto end = outer.finish("after the " + std::string(what)); !end) return end.error();

    DerReader fields(*all);
    const auto to_be_signed = fields.read_whole(DerTag::kSequence);
    if (!to_be_signed) return to_be_signed.error();
    const auto algorithm = fields.read_whole(DerTag::kSequence);
    if (!algorithm) return algorithm.error();
    const auto signature = fields.read_octet_bits();
    if (!signature) return signature.error();
    if (const auto end = fields.finish("after the signature"); !end) return end.error();

    DerReader inner(*to_be_signed);
    const auto content = inner.read(DerTag::kSequence);
    if (!content) return content.error();
    return SignedStructure{*to_be_signed, *content, *algorithm, *signature};
}

}  // namespace scepgate::certs
