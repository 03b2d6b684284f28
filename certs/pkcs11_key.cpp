#include "certs/pkcs11_key.hpp"

#include <optional>

#include "certs/der.hpp"
#include "certs/oids.hpp"
#include "certs/pkcs11_objects.hpp"
#include "certs/pkcs11_token.hpp"

namespace scepgate::certs {
namespace {

Error as_config(Error error) {
    error.code = Errc::kConfig;
    return error;
}

/// DigestInfo ::= SEQUENCE { digestAlgorithm, digest OCTET STRING } (RFC 8017 section 9.2)
Bytes digest_info(Digest digest, ByteView value) {
    const auto identifier = [digest]() -> Bytes {
        switch (digest) {
            case Digest::kSha1:
                return der::oid(oid::kSha1);
            case Digest::kSha256:
                return der::oid(oid::kSha256);
            case Digest::kSha384:
                return der::oid(oid::kSha384);
            case Digest::kSha512:
                return der::oid(oid::kSha512);
        }
        throw std::logic_error("unknown digest");
    };
    return der::sequence({der::sequence({identifier(), der::null()}), der::octet_string(value)});
}

std::size_t octets_of(int bits) {
    return (static_cast<std::size_t>(bits) + 7) / 8;
}

class Pkcs11Key final : public KeyOperations {
public:
    Pkcs11Key(std::shared_ptr<Pkcs11Token> token, Pkcs11Uri uri, PublicKey public_key,
              bool decrypts)
        : token_(std::move(token)),
          uri_(std::move(uri)),
          public_key_(std::move(public_key)),
          decrypts_(decrypts) {}

    Result<Bytes> sign(Digest digest, ByteView data) const override {
        const Bytes hashed = digest_of(digest, data);
        const ByteView value = hashed;
        const bool rsa = public_key_.type() == KeyType::kRsa;
        const std::size_t order = octets_of(public_key_.bits());
        Bytes input = rsa ? digest_info(digest, value)
                          // FIPS 186-5 section 6.4.1: as many leading bits as the order has.
                          : to_bytes(value.first(std::min(value.size(), order)));
        Bytes signature(rsa ? order : 2 * order);
        CK_MECHANISM mechanism{rsa ? CKM_RSA_PKCS : CKM_ECDSA, nullptr, 0};
        CK_ULONG length = signature.size();
        const auto done = run("signing", [&](const auto& session, CK_OBJECT_HANDLE key) {
            length = signature.size();
            const CK_RV status = session.call.C_SignInit(session.handle, &mechanism, key);
            if (status != CKR_OK) return status;
            return session.call.C_Sign(session.handle, input.data(), input.size(), signature.data(),
                                       &length);
        });
        if (!done) return done.error();
        signature.resize(std::min<std::size_t>(length, signature.size()));
        if (rsa) return signature;
        if (signature.size() != 2 * order)
            return unsupported("PKCS#11 token: an ECDSA signature of another length");
        const ByteView both = signature;
        return der::sequence(
            {der::unsigned_integer(both.first(order)), der::unsigned_integer(both.subspan(order))});
    }

    bool decrypts() const override { return decrypts_; }

    Result<Secret> raw_rsa(ByteView ciphertext) const override {
        Bytes input = to_bytes(ciphertext);
        Bytes plain(input.size());
        CK_MECHANISM mechanism{CKM_RSA_X_509, nullptr, 0};
        CK_ULONG length = 0;
        const auto done = run("decrypting", [&](const auto& session, CK_OBJECT_HANDLE key) {
            length = plain.size();
            const CK_RV status = session.call.C_DecryptInit(session.handle, &mechanism, key);
            if (status != CKR_OK) return status;
            const CK_RV ended = session.call.C_Decrypt(session.handle, input.data(), input.size(),
                                                       plain.data(), &length);
            // What is wrong with the data is not told apart: it stays zeros.
            if (ended == CKR_ENCRYPTED_DATA_INVALID || ended == CKR_ENCRYPTED_DATA_LEN_RANGE) {
                length = 0;
                return static_cast<CK_RV>(CKR_OK);
            }
            return ended;
        });
        Secret secret(std::move(plain));
        if (!done) return done.error();
        if (length != secret.view().size()) return Secret(Bytes(secret.view().size()));
        return secret;
    }

    Result<Secret> agree(const PublicKey& peer) const override {
        // The last octets of the SPKI are the uncompressed point: 04 x y.
        const std::size_t field = octets_of(public_key_.bits());
        Bytes point = to_bytes(peer.spki().last(2 * field + 1));
        CK_ECDH1_DERIVE_PARAMS parameters{};
        parameters.kdf = CKD_NULL;
        parameters.public_data = point.data();
        parameters.public_data_len = point.size();
        CK_MECHANISM mechanism{CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
        Pkcs11Attributes wanted;
        wanted.add_number(CKA_CLASS, CKO_SECRET_KEY)
            .add_number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
            .add_number(CKA_VALUE_LEN, field)
            .add_flag(CKA_TOKEN, false)
            .add_flag(CKA_SENSITIVE, false)
            .add_flag(CKA_EXTRACTABLE, true);
        Bytes value;
        const auto done = run("agreeing on a key", [&](const auto& session, CK_OBJECT_HANDLE key) {
            auto& list = wanted.list();
            CK_OBJECT_HANDLE shared = 0;
            CK_RV status = session.call.C_DeriveKey(session.handle, &mechanism, key, list.data(),
                                                    list.size(), &shared);
            if (status != CKR_OK) return status;
            status = read_attribute(session, shared, CKA_VALUE, value);
            session.call.C_DestroyObject(session.handle, shared);
            return status;
        });
        Secret secret(std::move(value));
        if (!done) return done.error();
        if (secret.view().size() == field) return secret;
        return unsupported("PKCS#11 token: a shared secret of another length");
    }

private:
    template <class Operation>
    Result<void> run(const std::string& what, Operation operation) const {
        return token_->run(what, [&](const Pkcs11Token::Session& session) -> CK_RV {
            CK_OBJECT_HANDLE key = 0;
            const CK_RV status = find(session, key);
            return status == CKR_OK ? operation(session, key) : status;
        });
    }

    /// Handles are good for as long as the sessions are.
    CK_RV find(const Pkcs11Token::Session& session, CK_OBJECT_HANDLE& key) const {
        {
            const std::lock_guard lock(mutex_);
            if (handle_ && handle_epoch_ == session.epoch) {
                key = *handle_;
                return CKR_OK;
            }
        }
        Pkcs11Attributes wanted;
        wanted.add_number(CKA_CLASS, CKO_PRIVATE_KEY).add_name(uri_);
        std::vector<CK_OBJECT_HANDLE> found;
        const CK_RV status = find_objects(session, wanted, found);
        if (status != CKR_OK) return status;
        if (found.size() != 1) return CKR_KEY_HANDLE_INVALID;
        // One with the same name may have taken its place.
        Bytes spki;
        const CK_RV read = read_spki(session, found.front(), uri_, spki);
        if (read != CKR_OK) return read;
        if (!equal(spki, public_key_.spki())) return CKR_KEY_HANDLE_INVALID;
        key = found.front();
        const std::lock_guard lock(mutex_);
        handle_ = key;
        handle_epoch_ = session.epoch;
        return CKR_OK;
    }

    std::shared_ptr<Pkcs11Token> token_;
    Pkcs11Uri uri_;
    PublicKey public_key_;
    bool decrypts_;
    mutable std::mutex mutex_;
    mutable std::optional<CK_OBJECT_HANDLE> handle_;
    mutable unsigned handle_epoch_ = 0;
};

Result<std::size_t> count_keys(Pkcs11Token& token, const Pkcs11Uri& uri) {
    std::vector<CK_OBJECT_HANDLE> found;
    const auto done = token.run("looking for a key", [&](const Pkcs11Token::Session& session) {
        Pkcs11Attributes wanted;
        wanted.add_number(CKA_CLASS, CKO_PRIVATE_KEY).add_name(uri);
        return find_objects(session, wanted, found);
    });
    if (!done) return done.error();
    return found.size();
}

/// CKA_EC_PARAMS: the named curve.
Bytes curve_of(int bits) {
    if (bits == 384) return der::oid(oid::kP384);
    if (bits == 521) return der::oid(oid::kP521);
    return der::oid(oid::kP256);
}

}  // namespace

Result<PrivateKey> load_pkcs11_key(const std::filesystem::path& module, const Pkcs11Uri& uri,
                                   const Secret& pin, const KeyLimits& limits) {
    auto token = Pkcs11Token::open(module, uri, pin);
    if (!token) return token.error();
    std::vector<CK_OBJECT_HANDLE> found;
    Bytes spki;
    Bytes decrypts;
    const auto done = (*token)->run("reading a key", [&](const Pkcs11Token::Session& session) {
        Pkcs11Attributes wanted;
        wanted.add_number(CKA_CLASS, CKO_PRIVATE_KEY).add_name(uri);
        CK_RV status = find_objects(session, wanted, found);
        if (status != CKR_OK || found.size() != 1) return status;
        status = read_spki(session, found.front(), uri, spki);
        if (status != CKR_OK) return status;
        return read_attribute(session, found.front(), CKA_DECRYPT, decrypts);
    });
    if (!done) return as_config(in_context(uri.text(), done.error()));
    if (found.empty()) {
        return Error{Errc::kConfig, uri.text() + ": the token has no such private key" +
                                        (pin.empty() ? ", or shows it only with a PIN" : "")};
    }
    if (found.size() > 1) {
        return Error{Errc::kConfig, uri.text() +
                                        ": the token has several such private keys; tell "
                                        "them apart by 'id'"};
    }
    if (spki.empty()) {
        return Error{Errc::kConfig, uri.text() +
                                        ": the token does not show the key's public half: "
                                        "write a public key object with the same id"};
    }
    const auto public_key = PublicKey::from_spki(spki, limits);
    if (!public_key) return as_config(in_context(uri.text(), public_key.error()));
    const bool may_decrypt = decrypts.size() == 1 && decrypts.front() == CK_TRUE;
    auto operations = std::make_shared<Pkcs11Key>(*token, uri, *public_key, may_decrypt);
    if (public_key->type() != KeyType::kRsa || !may_decrypt)
        return PrivateKey::from_operations(*public_key, std::move(operations));
    auto key = PrivateKey::from_decrypting(*public_key, std::move(operations));
    if (!key) return as_config(in_context(uri.text(), key.error()));
    return key;
}

Result<PrivateKey> generate_pkcs11_key(const std::filesystem::path& module, const Pkcs11Uri& uri,
                                       const Secret& pin, KeySpec spec, Pkcs11Use use) {
    if (uri.object.empty()) {
        return Error{Errc::kConfig, uri.text() + ": a new key needs a label: give 'object'"};
    }
    auto token = Pkcs11Token::open(module, uri, pin);
    if (!token) return token.error();
    const auto there = count_keys(**token, uri);
    if (!there) return as_config(in_context(uri.text(), there.error()));
    if (*there > 0) {
        return Error{Errc::kDenied, uri.text() + ": the token has such a key already"};
    }
    Pkcs11Uri named = uri;
    if (named.id.empty()) named.id = random_bytes(16);
    const bool rsa = spec.type == KeyType::kRsa;
    Pkcs11Attributes open_half;
    open_half.add_flag(CKA_TOKEN, true).add_name(named);
    if (rsa) {
        constexpr std::array<std::uint8_t, 3> kExponent{0x01, 0x00, 0x01};
        open_half.add_number(CKA_MODULUS_BITS, static_cast<CK_ULONG>(spec.bits))
            .add(CKA_PUBLIC_EXPONENT, kExponent);
    } else {
        open_half.add(CKA_EC_PARAMS, curve_of(spec.bits));
    }
    Pkcs11Attributes private_half;
    private_half.add_flag(CKA_TOKEN, true)
        .add_flag(CKA_PRIVATE, true)
        .add_flag(CKA_SENSITIVE, true)
        .add_flag(CKA_EXTRACTABLE, false)
        .add_flag(CKA_SIGN, use == Pkcs11Use::kSign)
        .add_name(named);
    if (rsa) private_half.add_flag(CKA_DECRYPT, use == Pkcs11Use::kDecrypt);
    if (!rsa) private_half.add_flag(CKA_DERIVE, use == Pkcs11Use::kAgree);
    CK_MECHANISM mechanism{rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    const auto made = (*token)->run(
        "making a key",
        [&](const Pkcs11Token::Session& session) {
            auto& open_list = open_half.list();
            auto& private_list = private_half.list();
            CK_OBJECT_HANDLE open_key = 0;
            CK_OBJECT_HANDLE private_key = 0;
            return session.call.C_GenerateKeyPair(session.handle, &mechanism, open_list.data(),
                                                  open_list.size(), private_list.data(),
                                                  private_list.size(), &open_key, &private_key);
        },
        Pkcs11Token::Access::kReadWrite);
    if (!made) return as_config(in_context(uri.text(), made.error()));
    return load_pkcs11_key(module, uri, pin);
}

}  // namespace scepgate::certs
