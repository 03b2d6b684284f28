// Certificates in PEM files.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "certs/certificate.hpp"
#include "certs/certificate_bundle.hpp"
#include "certs/ossl.hpp"

namespace scepgate::certs {
namespace {

Error config(std::string detail) {
    return {Errc::kConfig, std::move(detail)};
}

// A file may hold a private key beside its certificates, so all buffers are wiped.
void wipe_and_free(unsigned char* octets, long size) {
    OPENSSL_clear_free(octets, static_cast<std::size_t>(size));
}

struct PemBlock {
    std::string type;
    Bytes content;
};

enum class Wanted { kFirst, kAll };

/// Empty at the end of the input.
Result<std::optional<PemBlock>> read_block(BIO* input) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(input, &name, &header, &data, &size) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
            ERR_clear_error();
            return std::optional<PemBlock>{};
        }
        return config(take_ossl_error("a damaged PEM block").detail);
    }
    PemBlock block{name, {}};
    if (block.type == "CERTIFICATE") block.content.assign(data, data + size);
    OPENSSL_free(name);
    OPENSSL_free(header);
    wipe_and_free(data, size);
    return std::optional<PemBlock>{std::move(block)};
}

Result<std::vector<Certificate>> read_certificates(ByteView pem, Wanted wanted) {
    const BioPtr input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!input) return take_ossl_error("BIO_new_mem_buf");
    std::vector<Certificate> certificates;
    for (;;) {
        auto block = read_block(input.get());
        if (!block) return block.error();
        if (!*block) break;
        // OpenSSL's own form: a certificate with trust settings behind it.
        if ((*block)->type == "TRUSTED CERTIFICATE") {
            return config(
                "a TRUSTED CERTIFICATE block, whose trust settings mean nothing here; "
                "convert it: openssl x509 -in OLD -out NEW");
        }
        if ((*block)->type != "CERTIFICATE") continue;
        auto certificate = Certificate::from_der((*block)->content);
        if (!certificate) return config(certificate.error().detail);
        certificates.push_back(std::move(*certificate));
        if (wanted == Wanted::kFirst) break;
    }
    if (!certificates.empty()) return certificates;
    if (is_utf16(pem)) return config(kIsUtf16);
    const bool looks_like_der = !pem.empty() && pem[0] == 0x30;
    return config(looks_like_der
                      ? "this is DER, PEM is expected; convert it: openssl x509 -inform DER -in "
                        "OLD -out NEW"
                      : "no PEM block '-----BEGIN CERTIFICATE-----'");
}

Result<std::vector<Certificate>> read_file(const std::filesystem::path& path, Wanted wanted) {
    constexpr std::uintmax_t kMaxFile = 16U * 1024 * 1024;
    const std::string where = "certificate file " + path.string();
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) return config(where + ": " + failure.message());
    if (size > kMaxFile) return config(where + ": over 16 MiB, not a file of certificates");
    std::ifstream file(path, std::ios::binary);
    if (!file) return config(where + ": " + std::strerror(errno));
    Bytes content(static_cast<std::size_t>(size));
    file.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(size));
    content.resize(static_cast<std::size_t>(file.gcount()));
    auto certificates = read_certificates(content, wanted);
    OPENSSL_cleanse(content.data(), content.size());
    if (!certificates) return in_context(where, certificates.error());
    return certificates;
}

Result<Certificate> first_of(Result<std::vector<Certificate>> certificates) {
    if (!certificates) return certificates.error();
    return std::move(certificates->front());
}

}  // namespace

Result<Certificate> Certificate::from_pem(ByteView pem) {
    return first_of(read_certificates(pem, Wanted::kFirst));
}

Result<std::vector<Certificate>> Certificate::all_from_pem(ByteView pem) {
    return read_certificates(pem, Wanted::kAll);
}

Result<Certificate> Certificate::from_file(const std::filesystem::path& path) {
    return first_of(read_file(path, Wanted::kFirst));
}

Result<std::vector<Certificate>> Certificate::all_from_file(const std::filesystem::path& path) {
    return read_file(path, Wanted::kAll);
}

std::string Certificate::pem() const {
    constexpr std::size_t kLine = 64;
    const std::string base64 = to_base64(der());
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < base64.size(); at += kLine)
        text += base64.substr(at, kLine) + "\n";
    return text + "-----END CERTIFICATE-----\n";
}

}  // namespace scepgate::certs
