// OpenSSL's CMS functions, as a reader that shares nothing with ours. For tests only.
#pragma once

#include <stdexcept>

#include <openssl/cms.h>

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs::testing {

struct X509StackDeleter {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), X509StackDeleter>;

inline X509Ptr to_x509(const Certificate& certificate) {
    const unsigned char* at = certificate.der().data();
    X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
    if (!x509) throw std::runtime_error("OpenSSL cannot read the certificate");
    return x509;
}

inline Bytes contents_of(BIO* bio) {
    const unsigned char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return Bytes(data, data + length);
}

/// One ContentInfo, read to its last octet.
class OsslCms {
public:
    explicit OsslCms(ByteView der) {
        const unsigned char* at = der.data();
        cms_.reset(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
        if (!cms_ || at != der.data() + der.size()) {
            throw std::runtime_error("OpenSSL cannot read the CMS message");
        }
    }

    [[nodiscard]] CMS_ContentInfo* get() const noexcept { return cms_.get(); }

    /// OpenSSL's own DER of it.
    [[nodiscard]] Bytes encoded() const {
        unsigned char* out = nullptr;
        const int length = i2d_CMS_ContentInfo(cms_.get(), &out);
        if (length < 0) throw std::runtime_error("OpenSSL cannot write the CMS message");
        Bytes bytes(out, out + length);
        OPENSSL_free(out);
        return bytes;
    }

    /// True when there is an eContent (or encryptedContent).
    [[nodiscard]] bool has_content() const {
        ASN1_OCTET_STRING** content = CMS_get0_content(cms_.get());
        return content != nullptr && *content != nullptr;
    }

    [[nodiscard]] std::vector<Bytes> certificates() const {
        const X509StackPtr stack(CMS_get1_certs(cms_.get()));
        std::vector<Bytes> out;
        for (int i = 0; stack && i < sk_X509_num(stack.get()); ++i) {
            unsigned char* der = nullptr;
            const int length = i2d_X509(sk_X509_value(stack.get(), i), &der);
            out.emplace_back(der, der + length);
            OPENSSL_free(der);
        }
        return out;
    }

    /// The content when the one signer is `signer`, whose certificate is given here and not taken
    /// from the message; nullopt when it does not verify. OpenSSL remembers the signer it found:
    /// ask once.
    [[nodiscard]] std::optional<Bytes> verified_by(const Certificate& signer) const {
        const X509StackPtr signers(sk_X509_new_null());
        sk_X509_push(signers.get(), to_x509(signer).release());
        const BioPtr out(BIO_new(BIO_s_mem()));
        const BioPtr nothing(has_content() ? nullptr : BIO_new(BIO_s_mem()));
        if (nothing) BIO_set_mem_eof_return(nothing.get(), 0);
        const unsigned flags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
        if (CMS_verify(cms_.get(), signers.get(), nullptr, nothing.get(), out.get(), flags) != 1) {
            return std::nullopt;
        }
        return contents_of(out.get());
    }

    [[nodiscard]] std::optional<Bytes> decrypted_by(const Certificate& recipient,
                                                    const PrivateKey& key) const {
        const BioPtr out(BIO_new(BIO_s_mem()));
        if (CMS_decrypt(cms_.get(), key.evp(), to_x509(recipient).get(), nullptr, out.get(),
                        CMS_BINARY) != 1) {
            return std::nullopt;
        }
        return contents_of(out.get());
    }

    /// The content of what was encrypted for whoever knows this password; ask once.
    [[nodiscard]] std::optional<Bytes> decrypted_by_password(std::string_view password) const {
        Bytes octets = to_bytes(as_bytes(password));
        const BioPtr out(BIO_new(BIO_s_mem()));
        if (CMS_decrypt_set1_password(cms_.get(), octets.data(),
                                      static_cast<ossl_ssize_t>(octets.size())) != 1 ||
            CMS_decrypt(cms_.get(), nullptr, nullptr, nullptr, out.get(), CMS_BINARY) != 1) {
            return std::nullopt;
        }
        return contents_of(out.get());
    }

private:
    struct CmsDeleter {
        void operator()(CMS_ContentInfo* cms) const noexcept { CMS_ContentInfo_free(cms); }
    };
    std::unique_ptr<CMS_ContentInfo, CmsDeleter> cms_;
};

/// What OpenSSL encrypts for whoever knows the password: a ContentInfo.
inline Bytes sealed_with_password(ByteView plain, std::string_view password) {
    const BioPtr in(BIO_new_mem_buf(plain.data(), static_cast<int>(plain.size())));
    CMS_ContentInfo* cms =
        CMS_encrypt(nullptr, in.get(), EVP_aes_128_cbc(), CMS_BINARY | CMS_PARTIAL | CMS_STREAM);
    Bytes octets = to_bytes(as_bytes(password));
    // Freed with the CMS_RecipientInfo.
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(octets.data(), octets.size()));
    if (CMS_add0_recipient_password(cms, -1, NID_undef, NID_undef, copy,
                                    static_cast<ossl_ssize_t>(octets.size()), nullptr) == nullptr ||
        CMS_final(cms, in.get(), nullptr, CMS_BINARY) != 1) {
        throw std::runtime_error("OpenSSL cannot encrypt to a password");
    }
    unsigned char* out = nullptr;
    const int length = i2d_CMS_ContentInfo(cms, &out);
    Bytes bytes(out, out + length);
    OPENSSL_free(out);
    CMS_ContentInfo_free(cms);
    return bytes;
}

}  // namespace scepgate::certs::testing
