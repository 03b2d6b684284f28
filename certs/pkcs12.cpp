#include "certs/pkcs12.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

namespace scepgate::certs {
namespace {

using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, Deleter<OSSL_LIB_CTX_free>>;
using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, Deleter<OSSL_PROVIDER_unload>>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, Deleter<PKCS12_free>>;

constexpr std::size_t kLargestFile = 1 << 20;

void free_certificates(STACK_OF(X509) * certificates) {
    sk_X509_pop_free(certificates, X509_free);
}
using StackPtr = std::unique_ptr<STACK_OF(X509), Deleter<free_certificates>>;

/// This thread's OpenSSL uses another library context for as long as it lives. OpenSSL 3.0 does not
/// hand a context that is given on to all that is inside a PKCS#12.
class Within {
public:
    explicit Within(OSSL_LIB_CTX* library) : before_(OSSL_LIB_CTX_set0_default(library)) {}
    ~Within() { OSSL_LIB_CTX_set0_default(before_); }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

private:
    OSSL_LIB_CTX* before_;
};

/// What is in the file; freed before the context that it was made in.
struct Parsed {
    EvpPkeyPtr key;
    X509Ptr certificate;
    StackPtr more;
};

Error unusable(std::string why) {
    ERR_clear_error();
    return {Errc::kConfig, std::move(why)};
}

Result<void> parse(OSSL_LIB_CTX* library, ByteView der, const Secret& passphrase, bool legacy,
                   Parsed& parsed) {
    const Within within(library);
    const unsigned char* at = der.data();
    const Pkcs12Ptr file(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
    if (!file || at != der.data() + der.size()) return unusable("it is no PKCS#12 file");
    Bytes octets = to_bytes(passphrase.view());
    octets.push_back(0);  // OpenSSL takes text
    const Secret terminated(std::move(octets));
    const char* const text = terminated.text().data();
    if (PKCS12_mac_present(file.get()) == 1 &&
        PKCS12_verify_mac(file.get(), text, static_cast<int>(passphrase.view().size())) != 1) {
        return unusable("the passphrase is wrong, or the file was changed");
    }
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    STACK_OF(X509)* more = nullptr;
    const int done = PKCS12_parse(file.get(), text, &key, &certificate, &more);
    parsed.key.reset(key);
    parsed.certificate.reset(certificate);
    parsed.more.reset(more);
    if (done != 1) {
        return unusable(legacy ? "its contents cannot be decrypted with this passphrase"
                               : "its contents cannot be decrypted: it may be of the kind that "
                                 "needs OpenSSL's legacy provider, which is not installed");
    }
    if (!parsed.key) return unusable("there is no private key in it");
    return {};
}

/// As everything else reads it: in the usual context, through PEM.
Result<PrivateKey> moved_over(EVP_PKEY* key, const KeyLimits& limits) {
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    if (!bio ||
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return take_ossl_error("the key of a PKCS#12 file");
    }
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    const Secret pem(std::string_view(data, static_cast<std::size_t>(length)));
    return PrivateKey::from_pem(pem.view(), {}, limits);
}

Result<Certificate> moved_over(X509* certificate) {
    unsigned char* encoded = nullptr;
    const int length = i2d_X509(certificate, &encoded);
    if (length <= 0) return take_ossl_error("a certificate of a PKCS#12 file");
    const std::unique_ptr<unsigned char, Deleter<[](void* p) { OPENSSL_free(p); }>> owned(encoded);
    return Certificate::from_der({owned.get(), static_cast<std::size_t>(length)});
}

}  // namespace

Result<Pkcs12> read_pkcs12(ByteView der, const Secret& passphrase, const KeyLimits& limits) {
    if (der.empty() || der.size() > kLargestFile) return unusable("it is no PKCS#12 file");
    const LibraryPtr library(OSSL_LIB_CTX_new());
    const ProviderPtr usual(library ? OSSL_PROVIDER_load(library.get(), "default") : nullptr);
    if (!usual) return take_ossl_error("OpenSSL for a PKCS#12 file");
    const ProviderPtr legacy(OSSL_PROVIDER_load(library.get(), "legacy"));
    ERR_clear_error();
    Parsed parsed;
    if (const auto read = parse(library.get(), der, passphrase, legacy != nullptr, parsed); !read)
        return read.error();
    Pkcs12 out;
    auto moved = moved_over(parsed.key.get(), limits);
    if (!moved) return unusable(moved.error().detail);
    out.key = std::move(*moved);
    if (parsed.certificate) {
        auto own = moved_over(parsed.certificate.get());
        if (!own) return unusable(own.error().detail);
        out.certificate = std::move(*own);
    }
    for (int i = 0; parsed.more && i < sk_X509_num(parsed.more.get()); ++i) {
        auto other = moved_over(sk_X509_value(parsed.more.get(), i));
        if (!other) return unusable(other.error().detail);
        out.more.push_back(std::move(*other));
    }
    return out;
}

}  // namespace scepgate::certs
