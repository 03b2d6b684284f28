#include "server/credentials.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/clock.hpp"
#include "certs/pkcs11_key.hpp"
#include "certs/pkcs12.hpp"
#include "server/file_access.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

constexpr std::streamoff kLargestCredential = 1 << 20;

Result<Secret> read_file(const fs::path& file) {
    std::error_code error;
    const auto status = fs::status(file, error);
    if (!error && fs::exists(status) && !fs::is_regular_file(status)) {
        return Error{Errc::kConfig, file.string() + " is not a file"};
    }
    std::ifstream stream;
    stream.rdbuf()->pubsetbuf(nullptr, 0);  // a buffer would keep a copy that nobody wipes
    stream.open(file, std::ios::binary | std::ios::ate);
    if (!stream) {
        return Error{Errc::kConfig, "cannot read " + file.string() + ": " + std::strerror(errno)};
    }
    const auto size = static_cast<std::streamoff>(stream.tellg());
    if (size == 0) return Error{Errc::kConfig, file.string() + " is empty"};
    if (size < 0 || size > kLargestCredential) {
        return Error{Errc::kConfig, file.string() + " holds over 1 MiB: not a key or certificate"};
    }
    Bytes bytes(static_cast<std::size_t>(size));
    stream.seekg(0);
    if (!stream.read(reinterpret_cast<char*>(bytes.data()), size)) {
        return Error{Errc::kConfig, "cannot read " + file.string()};
    }
    return Secret(std::move(bytes));
}

/// Of a secret's file that cannot be read.
std::string remedy_of(const fs::path& file) {
    std::error_code error;
    const bool there = fs::exists(file, error);
    const bool denied = error == std::errc::permission_denied ||
                        (there && ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0);
    return denied ? "let " + this_user() + " read it: " + how_to_let_read(file) : "check the path";
}

}  // namespace

bool CredentialLoader::judge_mode(const fs::path& file, const std::string& json_path) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return true;  // reading it will say why
    if ((status.st_mode & S_IRWXO) != 0) {
        faults_.error(
            json_path, file.string() + " is open to everybody on this machine",
            "replace the secret if others were logged in, and run: chmod o= " + shell_path(file));
        return false;
    }
    return true;
}

bool CredentialLoader::valid_now(const certs::Certificate& certificate) const noexcept {
    return certificate.not_before() <= now_ && now_ <= certificate.not_after();
}

void CredentialLoader::judge_validity(const certs::Certificate& certificate, const fs::path& file,
                                      const std::string& json_path, Expiry expiry,
                                      const RenewalAdvice& renewal) {
    const std::string name = "the certificate '" + certificate.subject_text() + "'";
    const bool invalid = !valid_now(certificate);
    const bool error = invalid && expiry == Expiry::kError;
    std::string what;
    std::string remedy;
    if (invalid && now_ <= certificate.not_after()) {
        what = name + " is valid only from " + certs::utc_text(certificate.not_before());
        remedy = "check this machine's clock, or wait";
    } else if (certificate.not_after() < now_ + kExpiryWarning) {
        const std::string how =
            renewal ? renewal(certificate, file) : "put its successor into " + file.string();
        if (how.empty() && !error) return;
        what = name + (invalid ? " expired on " : " expires on ") +
               certs::utc_text(certificate.not_after());
        remedy = error ? "renew it" : invalid ? "leave it out, or renew it" : "renew it soon";
        if (!how.empty()) remedy += ": " + how;
    }
    if (what.empty()) return;
    if (error) return faults_.error(json_path, what, remedy);
    faults_.warn(json_path, what, remedy);
}

std::optional<std::vector<certs::Certificate>> CredentialLoader::read_certificates(
    const fs::path& file, const std::string& json_path) {
    if (file.empty()) return std::nullopt;
    std::error_code unknown;
    if (fs::is_regular_file(file, unknown) && fs::file_size(file, unknown) == 0) {
        faults_.error(json_path, file.string() + " is empty",
                      "give a PEM file with the certificate");
        return std::nullopt;
    }
    auto loaded = certs::Certificate::all_from_file(file);
    if (!loaded) {
        faults_.error(json_path, loaded.error().detail, "give a PEM file with the certificate");
        return std::nullopt;
    }
    return std::move(*loaded);
}

std::optional<std::vector<certs::Certificate>> CredentialLoader::certificates(
    const fs::path& file, const std::string& json_path, Expiry expiry,
    const RenewalAdvice& renewal) {
    auto loaded = read_certificates(file, json_path);
    if (!loaded) return std::nullopt;
    for (const auto& certificate : *loaded) {
        const bool first = &certificate == &loaded->front();
        judge_validity(certificate, file, json_path, expiry, first ? renewal : RenewalAdvice());
    }
    return loaded;
}

std::vector<std::vector<certs::Certificate>> CredentialLoader::alternatives(
    const std::vector<fs::path>& files, const std::string& json_path,
    const RenewalAdvice& renewal) {
    std::vector<std::vector<certs::Certificate>> all;
    bool one_is_valid = false;
    const auto path_of = [&](std::size_t i) { return json_path + "[" + std::to_string(i) + "]"; };
    for (std::size_t i = 0; i < files.size(); ++i) {
        all.push_back(
            read_certificates(files[i], path_of(i)).value_or(decltype(all)::value_type{}));
        for (const auto& certificate : all.back())
            one_is_valid = one_is_valid || valid_now(certificate);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const auto& certificate : all[i])
            judge_validity(certificate, files[i], path_of(i),
                           one_is_valid ? Expiry::kWarning : Expiry::kError, renewal);
    }
    return all;
}

std::optional<Secret> CredentialLoader::secret(const SecretSource& source) {
    if (source.environment) {
        const char* value = std::getenv(source.environment->c_str());
        if (value == nullptr || *value == '\0') {
            faults_.error(source.json_path + ".env",
                          "the environment has no " + *source.environment,
                          "set it where scepgate is started");
            return std::nullopt;
        }
        return Secret(std::string_view(value));
    }
    if (!source.file || source.file->empty()) return std::nullopt;
    if (!judge_mode(*source.file, source.json_path + ".file")) return std::nullopt;
    auto bytes = read_file(*source.file);
    if (!bytes) {
        faults_.error(source.json_path + ".file", bytes.error().detail, remedy_of(*source.file));
        return std::nullopt;
    }
    return std::move(*bytes);
}

std::optional<Secret> CredentialLoader::secret_line(const SecretSource& source) {
    const auto whole = secret(source);
    if (!whole) return std::nullopt;
    std::string_view text = whole->text();
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    if (text.empty()) {
        faults_.error(source.json_path, "is empty");
        return std::nullopt;
    }
    return Secret(text);
}

std::optional<certs::PrivateKey> CredentialLoader::key(const KeySource& source) {
    if (source.token) return token_key(source);
    if (source.pkcs12) return pkcs12_key(source);
    const auto pem = secret(source.pem);
    Secret passphrase;
    if (source.passphrase) {
        auto given = secret_line(*source.passphrase);
        if (!given) return std::nullopt;
        passphrase = std::move(*given);
    }
    if (!pem) return std::nullopt;
    auto loaded = certs::PrivateKey::from_pem(pem->view(), passphrase);
    if (loaded) return std::move(*loaded);
    faults_.error(source.pem.json_path, loaded.error().detail,
                  "give an RSA or EC private key in PEM, with its passphrase if it has one");
    return std::nullopt;
}

std::optional<certs::PrivateKey> CredentialLoader::pkcs12_key(const KeySource& source) {
    const std::string at = source.pem.json_path + ".pkcs12";
    const auto file = secret(SecretSource{source.pem.json_path, source.pkcs12, std::nullopt});
    Secret passphrase;
    if (source.passphrase) {
        auto given = secret_line(*source.passphrase);
        if (!given) return std::nullopt;
        passphrase = std::move(*given);
    }
    if (!file) return std::nullopt;
    auto read = certs::read_pkcs12(file->view(), passphrase);
    if (read) return std::move(read->key);
    faults_.error(at, source.pkcs12->string() + ": " + read.error().detail,
                  "give a PKCS#12 file with an RSA or EC private key, and its passphrase");
    return std::nullopt;
}

std::optional<certs::PrivateKey> CredentialLoader::token_key(const KeySource& source) {
    const TokenKeySource& token = *source.token;
    Secret pin;
    if (token.pin) {
        auto given = secret_line(*token.pin);
        if (!given) return std::nullopt;
        pin = std::move(*given);
    }
    if (token.module.empty() || (token.uri.object.empty() && token.uri.id.empty()))
        return std::nullopt;  // reported when it was read
    auto loaded = certs::load_pkcs11_key(token.module, token.uri, pin);
    if (loaded) return std::move(*loaded);
    faults_.error(source.pem.json_path + ".pkcs11", loaded.error().detail,
                  "'pkcs11-tool --module " + shell_path(token.module) +
                      " --list-slots' shows the tokens, with --login --list-objects their keys");
    return std::nullopt;
}

std::optional<Credential> CredentialLoader::credential(const fs::path& certificate,
                                                       const KeySource& key,
                                                       const std::string& json_path, Expiry expiry,
                                                       const RenewalAdvice& renewal) {
    auto chain = certificates(certificate, json_path + ".certificate", expiry, renewal);
    auto loaded = this->key(key);
    if (!chain || !loaded) return std::nullopt;

    Credential credential;
    credential.key = std::move(*loaded);
    credential.certificate = chain->front();
    credential.more.assign(chain->begin() + 1, chain->end());
    const auto certified = credential.certificate.public_key();
    if (!certified) {
        faults_.error(json_path + ".certificate", certified.error().detail);
        return std::nullopt;
    }
    if (!(*certified == credential.key.public_key())) {
        const auto own = std::find_if(
            credential.more.begin(), credential.more.end(), [&](const certs::Certificate& later) {
                const auto public_key = later.public_key();
                return public_key && *public_key == credential.key.public_key();
            });
        const bool misplaced = own != credential.more.end();
        faults_.error(
            json_path + ".key",
            "this key does not belong to the certificate '" +
                credential.certificate.subject_text() + "'" + (misplaced ? ", which is first" : ""),
            misplaced ? "put '" + own->subject_text() + "' first in " + certificate.string() +
                            ", and behind it who has issued it, up to the root"
                      : "give the key that " + certificate.string() + " was issued for");
        return std::nullopt;
    }
    return credential;
}

}  // namespace scepgate::server
