#include "certs/public_key.hpp"

#include <algorithm>
#include <climits>
#include <mutex>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "certs/ec_curve.hpp"
#include "certs/key_contexts.hpp"
#include "certs/oids.hpp"
#include "certs/rsa_public_operation.hpp"
#include "certs/rsa_unpadding.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

struct PublicKey::State {
    KeyType type = KeyType::kRsa;
    int bits = 0;
    Bytes spki;
    std::size_t key_bits_size = 0;   ///< the subjectPublicKey's octets, at the end of spki
    std::size_t modulus_offset = 0;  ///< RSA: in those octets
    std::size_t modulus_size = 0;
    std::optional<RsaPublicOperation> rsa;
    const EcCurve* curve = nullptr;  ///< EC

    // OpenSSL's form: made when it is asked for, which few operations need.
    EVP_PKEY* openssl_key() const;
    mutable std::once_flag key_made;
    mutable EvpPkeyPtr key;
    KeyContexts contexts;  ///< of `key`, so freed before it
};

namespace {

constexpr std::uint64_t kSmallestExponent = 65537;

/// A positive INTEGER's octets without the sign octet.
Result<ByteView> read_positive(DerReader& reader, std::string_view what) {
    const auto content = reader.read(DerTag::kInteger);
    if (!content) return in_context(what, content.error());
    const ByteView octets = *content;
    if (octets.empty()) return malformed(std::string(what) + " without octets");
    if (octets[0] >= 0x80) return malformed(std::string(what) + " is negative");
    if (octets[0] != 0) return octets;
    if (octets.size() == 1) return unsupported(std::string(what) + " is zero");
    if (octets[1] < 0x80) return malformed(std::string(what) + " is not minimal");
    return octets.subspan(1);
}

struct RsaNumbers {
    ByteView modulus;
    std::uint64_t exponent = 0;
};

/// Judges size, oddness and exponent.
///
///   RSAPublicKey ::= SEQUENCE {
///       modulus            INTEGER,    -- n
///       publicExponent     INTEGER  }  -- e         (RFC 8017 appendix A.1.1)
Result<RsaNumbers> check_rsa(ByteView rsa_public_key, const KeyLimits& limits) {
    DerReader outer(rsa_public_key);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return in_context("RSAPublicKey", content.error());
    if (const auto end = outer.finish("RSAPublicKey"); !end) return end.error();
    DerReader fields(*content);
    const auto modulus = read_positive(fields, "RSA modulus");
    if (!modulus) return modulus.error();
    const auto exponent = read_positive(fields, "RSA exponent");
    if (!exponent) return exponent.error();
    if (const auto end = fields.finish("RSAPublicKey"); !end) return end.error();

    if (modulus->size() > INT_MAX / 8) return unsupported("RSA modulus too long");
    const int bits = static_cast<int>(modulus->size() * 8);
    if (bits < limits.minimum_rsa_bits || bits > limits.maximum_rsa_bits) {
        return unsupported("RSA modulus of about " + std::to_string(bits) + " bits; taken are " +
                           std::to_string(limits.minimum_rsa_bits) + " to " +
                           std::to_string(limits.maximum_rsa_bits));
    }
    if (modulus->front() < 0x80) {
        return unsupported("RSA modulus whose bits are not a multiple of 8");
    }
    if ((modulus->back() & 1U) == 0) return unsupported("RSA modulus that is even");

    if (exponent->size() > 8) return unsupported("RSA exponent of more than 64 bits");
    std::uint64_t value = 0;
    for (const std::uint8_t octet : *exponent)
        value = value << 8U | octet;
    if (value < kSmallestExponent) return unsupported("RSA exponent under 65537");
    if (value > limits.maximum_rsa_exponent) {
        return unsupported("RSA exponent over " + std::to_string(limits.maximum_rsa_exponent));
    }
    if ((value & 1U) == 0) return unsupported("RSA exponent that is even");
    return RsaNumbers{*modulus, value};
}

// RFC 8017 section 9.2: 00 01 PS 00 T, with T:
//
//   DigestInfo ::= SEQUENCE {
//       digestAlgorithm AlgorithmIdentifier,
//       digest          OCTET STRING  }
//
// Empty, which no block is, when that does not fit.
Bytes signature_block(Digest digest, ByteView hash, std::size_t size) {
    const Bytes without_null = digest_identifier(digest);
    DerReader identifier(without_null);
    const ByteView oid = identifier.read(DerTag::kSequence).value();
    const Bytes info = der::sequence({der::sequence({oid, der::null()}), der::octet_string(hash)});
    if (info.size() + kPkcs1Overhead > size) return {};
    Bytes block(size, 0xFF);
    block[0] = 0x00;
    block[1] = 0x01;
    block[size - info.size() - 1] = 0x00;
    std::copy(info.begin(), info.end(), block.end() - static_cast<std::ptrdiff_t>(info.size()));
    return block;
}

/// RFC 8017 section 7.2.1: 00 02 PS 00 M, with PS of random octets, none of them zero.
Secret encryption_block(ByteView message, std::size_t size) {
    Bytes block(size);
    const std::size_t padding = size - message.size() - 3;
    const std::span<std::uint8_t> random(block.data() + 2, padding);
    fill_random(random);
    for (std::uint8_t& octet : random) {
        while (octet == 0)
            fill_random({&octet, 1});
    }
    block[1] = 0x02;
    std::copy(message.begin(), message.end(),
              block.end() - static_cast<std::ptrdiff_t>(message.size()));
    return Secret(std::move(block));
}

}  // namespace

EVP_PKEY* PublicKey::State::openssl_key() const {
    std::call_once(key_made, [this] {
        const ByteView encoded = ByteView(spki).last(key_bits_size);
        if (type == KeyType::kEc) {
            key = make_ec_key(*curve, encoded);
            return;
        }
        const unsigned char* at = encoded.data();
        key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(encoded.size())));
    });
    return key.get();
}

PublicKey::PublicKey(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

//   SubjectPublicKeyInfo ::= SEQUENCE {
//       algorithm            AlgorithmIdentifier,
//       subjectPublicKey     BIT STRING  }
Result<PublicKey> PublicKey::from_spki(ByteView spki, const KeyLimits& limits) {
    constexpr std::string_view kWhat = "SubjectPublicKeyInfo";
    DerReader outer(spki);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return in_context(kWhat, content.error());
    if (const auto end = outer.finish(kWhat); !end) return end.error();
    DerReader fields(*content);
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return in_context(kWhat, algorithm.error());
    const auto key_bits = fields.read_octet_bits();
    if (!key_bits) return in_context(kWhat, key_bits.error());
    if (const auto end = fields.finish(kWhat); !end) return end.error();

    auto state = std::make_shared<State>();
    Bytes identifier;
    if (equal(algorithm->algorithm, oid::kRsaEncryption)) {
        if (!algorithm->null_or_no_parameters()) {
            return malformed("rsaEncryption with parameters other than NULL");
        }
        const auto numbers = check_rsa(*key_bits, limits);
        if (!numbers) return numbers.error();
        const ByteView modulus = numbers->modulus;
        state->type = KeyType::kRsa;
        state->bits = static_cast<int>(modulus.size() * 8);
        state->modulus_offset = static_cast<std::size_t>(modulus.data() - key_bits->data());
        state->modulus_size = modulus.size();
        identifier = der::sequence({der::oid(oid::kRsaEncryption), der::null()});
        auto operation = RsaPublicOperation::make(modulus, numbers->exponent);
        if (!operation) return operation.error();
        state->rsa = std::move(*operation);
    } else if (equal(algorithm->algorithm, oid::kEcPublicKey)) {
        if (!limits.allow_ec) return unsupported("EC key where only RSA is taken");
        const auto curve = find_curve(*algorithm);
        if (!curve) return curve.error();
        state->type = KeyType::kEc;
        state->curve = *curve;
        state->bits = state->curve->bits;
        identifier = der::sequence({der::oid(oid::kEcPublicKey), der::oid(state->curve->oid)});
        if (const auto sound = check_point(*state->curve, *key_bits); !sound) return sound.error();
    } else {
        return unsupported("public key algorithm " + oid_to_text(algorithm->algorithm) +
                           " is not taken: RSA (rsaEncryption) is, and EC on P-256, P-384 and "
                           "P-521");
    }
    state->key_bits_size = key_bits->size();
    state->spki = der::sequence({identifier, der::bit_string(*key_bits)});
    return PublicKey(std::move(state));
}

KeyType PublicKey::type() const noexcept {
    return state_ ? state_->type : KeyType::kRsa;
}

int PublicKey::bits() const noexcept {
    return state_ ? state_->bits : 0;
}

std::string PublicKey::text() const {
    if (type() == KeyType::kRsa) return "rsa:" + std::to_string(bits());
    return "ec:p" + std::to_string(bits());
}

ByteView PublicKey::spki() const noexcept {
    return state_ ? ByteView(state_->spki) : ByteView();
}

ByteView PublicKey::rsa_modulus() const noexcept {
    if (!state_) return {};
    return spki().last(state_->key_bits_size).subspan(state_->modulus_offset, state_->modulus_size);
}

ByteView PublicKey::ec_point() const noexcept {
    return state_ && state_->curve != nullptr ? spki().last(state_->key_bits_size) : ByteView();
}

Bytes PublicKey::key_identifier() const {
    return digest_of(Digest::kSha1, spki().last(state_ ? state_->key_bits_size : 0));
}

EVP_PKEY* PublicKey::evp() const noexcept {
    return state_ ? state_->openssl_key() : nullptr;
}

bool PublicKey::verifies(SignatureAlgorithm algorithm, ByteView data, ByteView signature) const {
    if (!state_ || algorithm.key_type != state_->type) return false;
    const Bytes digest = digest_of(algorithm.digest, data);
    if (state_->rsa) {
        // The block that a signature must be of is known, so nothing of the one at hand is parsed.
        const auto block = state_->rsa->raise(signature);
        return block && *block == signature_block(algorithm.digest, digest, block->size());
    }
    const EvpPkeyCtxPtr context =
        state_->contexts.verifying(state_->openssl_key(), algorithm.digest);
    const bool good = context && EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                                                 digest.data(), digest.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
}

Result<Bytes> PublicKey::encrypt_pkcs1(ByteView plain) const {
    if (!state_ || !state_->rsa) return unsupported("encryption needs an RSA key");
    if (plain.size() + kPkcs1Overhead > state_->modulus_size)
        return unsupported("a content key this long");
    const Secret block = encryption_block(plain, state_->modulus_size);
    auto encrypted = state_->rsa->raise(block.view());
    if (!encrypted) return Error{Errc::kInternal, "RSA encryption: no memory"};
    return *std::move(encrypted);
}

Result<Bytes> PublicKey::encrypt_oaep(ByteView plain, Digest digest) const {
    if (!state_ || !state_->rsa) return unsupported("encryption needs an RSA key");
    const EvpPkeyCtxPtr context = state_->contexts.encrypting(evp());
    if (!context || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), evp_md(digest)) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), evp_md(digest)) != 1) {
        return take_ossl_error("RSA encryption");
    }
    Bytes out(state_->modulus_size);
    std::size_t length = out.size();
    if (EVP_PKEY_encrypt(context.get(), out.data(), &length, plain.data(), plain.size()) != 1) {
        return take_ossl_error("RSA encryption");
    }
    out.resize(length);
    return out;
}

}  // namespace scepgate::certs
