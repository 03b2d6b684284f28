#include "certs/encrypted_key.hpp"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

namespace scepgate::certs {
namespace {

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;
using EncryptedPtr = std::unique_ptr<X509_SIG, Deleter<X509_SIG_free>>;

/// OpenSSL's own 2048 were chosen when guessing was dear.
constexpr int kIterations = 600'000;
constexpr int kByCipher = -1;  ///< PBES2 with HMAC-SHA256

}  // namespace

Result<Secret> to_encrypted_pem(const PrivateKey& key, const Secret& passphrase) {
    const std::string_view text = passphrase.text();
    if (text.empty()) return Error{Errc::kConfig, "the passphrase of a private key is empty"};
    if (!key.is_here()) return unsupported("writing a private key that is not here");
    const Pkcs8Ptr plain(EVP_PKEY2PKCS8(key.evp()));
    constexpr int kOwnSaltLength = 0;
    const EncryptedPtr encrypted(plain ? PKCS8_encrypt(kByCipher, EVP_aes_256_cbc(), text.data(),
                                                       static_cast<int>(text.size()), nullptr,
                                                       kOwnSaltLength, kIterations, plain.get())
                                       : nullptr);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!encrypted || !bio || PEM_write_bio_PKCS8(bio.get(), encrypted.get()) != 1) {
        return take_ossl_error("encrypting a private key");
    }
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return Secret(std::string_view(data, static_cast<std::size_t>(length)));
}

}  // namespace scepgate::certs
