#include "certs/certificate_bundle.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certs/ber.hpp"
#include "certs/cms_signed_data.hpp"
#include "certs/der.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {
namespace {

/// As OpenSSL, GnuTLS and AD CS write certificates and PKCS#7.
constexpr std::array<std::string_view, 5> kLabels{"CERTIFICATE", "X509 CERTIFICATE", "PKCS7",
                                                  "PKCS #7 SIGNED DATA", "CMS"};

/// A chain is short; this is a bundle that somebody put together.
constexpr CmsLimits kBundle{.certificates = 100, .certificate_octets = 512 * 1024};

Error bundle_fault(std::string detail) {
    return {Errc::kConfig, std::move(detail)};
}

/// ContentInfo ::= SEQUENCE { OBJECT IDENTIFIER, … }; a Certificate has a SEQUENCE in that place.
bool is_content_info(ByteView der) {
    DerReader outer(der);
    const auto inside = outer.read(DerTag::kSequence);
    return inside && DerReader(*inside).at(DerTag::kOid);
}

Result<std::vector<Certificate>> read_binary(ByteView octets) {
    const auto der = ber_to_der(octets);
    if (!der) return bundle_fault("neither a certificate nor a PKCS#7: " + der.error().detail);
    if (!is_content_info(*der)) {
        auto one = Certificate::from_der(octets);
        if (!one) return bundle_fault(one.error().detail);
        return std::vector{std::move(*one)};
    }
    auto data = parse_signed_data(*der, kBundle);
    if (!data) return bundle_fault("a PKCS#7 that cannot be read: " + data.error().detail);
    return std::move(data->certificates);
}

struct OpensslFree {
    void operator()(void* memory) const noexcept { OPENSSL_free(memory); }
};

Result<std::vector<Certificate>> read_blocks(ByteView text) {
    const BioPtr input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!input) return take_ossl_error("BIO_new_mem_buf");
    std::vector<Certificate> all;
    for (;;) {
        char* label = nullptr;
        char* header = nullptr;
        unsigned char* data = nullptr;
        long size = 0;
        if (PEM_read_bio(input.get(), &label, &header, &data, &size) != 1) {
            const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            if (!end) return bundle_fault(take_ossl_error("a damaged PEM block").detail);
            ERR_clear_error();
            return all;
        }
        const std::unique_ptr<char, OpensslFree> own_label(label), own_header(header);
        const Bytes content(data, data + size);
        OPENSSL_clear_free(data, static_cast<std::size_t>(size));  // it may have been a key
        if (std::find(kLabels.begin(), kLabels.end(), std::string_view(label)) == kLabels.end())
            continue;
        auto some = read_binary(content);
        if (!some) return some.error();
        std::move(some->begin(), some->end(), std::back_inserter(all));
    }
}

}  // namespace

bool is_utf16(ByteView octets) noexcept {
    if (octets.size() < 4) return false;
    const bool marked =
        (octets[0] == 0xFF && octets[1] == 0xFE) || (octets[0] == 0xFE && octets[1] == 0xFF);
    const bool dashes = (octets[0] == '-' && octets[1] == 0 && octets[2] == '-') ||
                        (octets[0] == 0 && octets[1] == '-' && octets[2] == 0);
    return marked || dashes;
}

Result<std::vector<Certificate>> read_certificate_bundle(ByteView octets) {
    if (is_utf16(octets)) return bundle_fault(kIsUtf16);
    constexpr std::string_view kBegin = "-----BEGIN ";
    const bool pem = as_text(octets).find(kBegin) != std::string_view::npos;
    auto all = pem ? read_blocks(octets) : read_binary(octets);
    if (all && all->empty()) return bundle_fault("there is no certificate in it");
    return all;
}

}  // namespace scepgate::certs
