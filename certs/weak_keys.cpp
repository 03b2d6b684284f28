#include "certs/weak_keys.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "certs/ossl.hpp"

namespace scepgate::certs {
namespace {

using BnCtxPtr = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;

/// A few primes, and for each the residues that are "good" as bits.
struct ResidueTest {
    std::uint32_t prime = 0;
    std::array<std::uint64_t, 3> good{};

    [[nodiscard]] constexpr bool passes(std::uint64_t residue) const noexcept {
        return (good[residue / 64] >> (residue % 64) & 1U) != 0;
    }
};

constexpr ResidueTest powers_of_65537(std::uint32_t prime) noexcept {
    ResidueTest test{prime, {}};
    std::uint64_t power = 1;
    do {
        test.good[power / 64] |= std::uint64_t{1} << (power % 64);
        power = power * 65537 % prime;
    } while (power != 1);
    return test;
}

constexpr ResidueTest squares(std::uint32_t modulus) noexcept {
    ResidueTest test{modulus, {}};
    for (std::uint64_t i = 0; i < modulus; ++i)
        test.good[i * i % modulus / 64] |= std::uint64_t{1} << (i * i % modulus % 64);
    return test;
}

template <std::size_t Count>
constexpr std::uint64_t product(const std::array<ResidueTest, Count>& tests) noexcept {
    std::uint64_t all = 1;
    for (const auto& test : tests)
        all *= test.prime;
    return all;
}

/// The primes of which 65537 does not generate every residue: a modulus of two ROCA primes is a
/// power of 65537 by each of them, another one with a chance of 2^-28. One division of the modulus
/// serves the primes of a row; nearly every sound key ends at the first.
constexpr std::array kRoca1{powers_of_65537(11), powers_of_65537(37), powers_of_65537(97),
                            powers_of_65537(61), powers_of_65537(109)};
constexpr std::array kRoca2{powers_of_65537(13), powers_of_65537(17), powers_of_65537(19),
                            powers_of_65537(53), powers_of_65537(71)};
constexpr std::array kRoca3{powers_of_65537(73), powers_of_65537(79), powers_of_65537(103),
                            powers_of_65537(107)};
constexpr std::array kRoca4{powers_of_65537(127), powers_of_65537(151), powers_of_65537(157)};

/// Moduli by which few numbers are squares; all together one in 40 000.
constexpr std::array kSquares1{squares(64), squares(63), squares(65),
                               squares(11), squares(17), squares(19)};
constexpr std::array kSquares2{squares(23), squares(29), squares(31),
                               squares(37), squares(41), squares(43)};

constexpr std::uint64_t kWord = std::uint64_t{1} << 32;
static_assert(product(kRoca1) < kWord && product(kRoca2) < kWord && product(kRoca3) < kWord &&
              product(kRoca4) < kWord && product(kSquares1) < kWord && product(kSquares2) < kWord);

template <std::size_t Count>
bool all_pass(const BIGNUM* modulus, const std::array<ResidueTest, Count>& tests) {
    const std::uint64_t residue = BN_mod_word(modulus, product(tests));
    for (const auto& test : tests) {
        if (!test.passes(residue % test.prime)) return false;
    }
    return true;
}

bool has_roca_fingerprint(const BIGNUM* modulus) {
    return all_pass(modulus, kRoca1) && all_pass(modulus, kRoca2) && all_pass(modulus, kRoca3) &&
           all_pass(modulus, kRoca4);
}

/// 1/`odd` modulo 2^64, by Newton's method.
constexpr std::uint64_t inverse_of(std::uint64_t odd) noexcept {
    std::uint64_t inverse = odd;  // right in three bits, and in twice as many after each step
    for (int step = 0; step < 5; ++step)
        inverse *= 2 - odd * inverse;
    return inverse;
}

/// Whether a word is a multiple of an odd prime, by one multiplication.
struct Divisor {
    std::uint64_t inverse = 0, largest_quotient = 0;

    [[nodiscard]] constexpr bool divides(std::uint64_t word) const noexcept {
        return word * inverse <= largest_quotient;
    }
};

/// The odd primes under 752 (NIST SP 800-89 section 5.3.3), and their products, each of as many as
/// a word holds.
struct SmallPrimes {
    struct Product {
        std::uint64_t value = 1, inverse = 1;
        std::size_t end = 0;  ///< of its primes in `divisors`
    };
    std::array<Divisor, 132> divisors{};
    std::array<Product, 18> products{};
};

constexpr SmallPrimes kSmallPrimes = [] {
    SmallPrimes small;
    std::size_t count = 0, row = 0;
    for (std::uint64_t candidate = 3; candidate < 752; candidate += 2) {
        bool prime = true;
        for (std::uint64_t divisor = 3; divisor * divisor <= candidate; divisor += 2)
            prime = prime && candidate % divisor != 0;
        if (!prime) continue;
        if (small.products[row].value > UINT64_MAX / candidate) ++row;
        small.products[row].value *= candidate;
        small.divisors[count++] = {inverse_of(candidate), UINT64_MAX / candidate};
        small.products[row].end = count;
    }
    for (auto& product : small.products)
        product.inverse = inverse_of(product.value);
    return small;
}();
static_assert(kSmallPrimes.products.back().end == kSmallPrimes.divisors.size());

/// For each product, what is left of the modulus after Montgomery's division by a power of two: it
/// has the same odd factors, and costs two multiplications a word where a remainder costs two
/// divisions. Word by word, so that the products' multiplications need not wait for one another.
auto residues_of(ByteView modulus) noexcept {
    std::array<std::uint64_t, kSmallPrimes.products.size()> residues{};
    for (std::size_t end = modulus.size(); end > 0;) {
        const std::size_t begin = end - std::min<std::size_t>(end, 8);
        std::uint64_t word = 0;
        for (std::size_t i = begin; i < end; ++i)
            word = word << 8U | modulus[i];
        end = begin;
        for (std::size_t i = 0; i < residues.size(); ++i) {
            const auto& product = kSmallPrimes.products[i];
            const std::uint64_t quotient = (word - residues[i]) * product.inverse;
            __extension__ using Double = unsigned __int128;
            residues[i] = static_cast<std::uint64_t>(Double{quotient} * product.value >> 64U) +
                          (word < residues[i] ? 1 : 0);
        }
    }
    return residues;
}

bool has_small_factor(ByteView modulus) noexcept {
    const auto residues = residues_of(modulus);
    bool found = false;
    std::size_t next = 0;
    for (std::size_t i = 0; i < residues.size(); ++i) {
        for (; next < kSmallPrimes.products[i].end; ++next)
            found = kSmallPrimes.divisors[next].divides(residues[i]) || found;
    }
    return found;
}

/// The largest number whose square is not over `n`; null without memory. Newton's method from the
/// root of the leading half of the bits, found the same way: each step doubles the bits that are
/// right.
BnPtr square_root(const BIGNUM* n, BN_CTX* context) {
    constexpr int kWordBits = 62;
    constexpr int kGuardBits = 4;  // so that the first step is the last, but for its proof
    BnPtr root;
    if (BN_num_bits(n) <= kWordBits) {
        root.reset(BN_new());
        const auto start =
            static_cast<BN_ULONG>(std::sqrt(static_cast<double>(BN_get_word(n)))) + 2;
        if (!root || BN_set_word(root.get(), start) != 1) return nullptr;
    } else {
        const int shift = BN_num_bits(n) / 4 - kGuardBits;
        const BnPtr leading(BN_new());
        if (!leading || BN_rshift(leading.get(), n, 2 * shift) != 1) return nullptr;
        root = square_root(leading.get(), context);
        // Not under the root of n.
        if (!root || BN_add_word(root.get(), 1) != 1 ||
            BN_lshift(root.get(), root.get(), shift) != 1) {
            return nullptr;
        }
    }
    const BnPtr quotient(BN_new());
    if (!quotient) return nullptr;
    for (;;) {
        if (BN_div(quotient.get(), nullptr, n, root.get(), context) != 1) return nullptr;
        if (BN_cmp(quotient.get(), root.get()) >= 0) return root;
        if (BN_add(root.get(), root.get(), quotient.get()) != 1 ||
            BN_rshift1(root.get(), root.get()) != 1) {
            return nullptr;
        }
    }
}

/// Whether ((root + step)² - modulus) may be a square, by its residues alone.
class SquareFilter {
public:
    SquareFilter(const BIGNUM* root, const BIGNUM* modulus)
        : root1_(BN_mod_word(root, product(kSquares1))),
          root2_(BN_mod_word(root, product(kSquares2))),
          modulus1_(BN_mod_word(modulus, product(kSquares1))),
          modulus2_(BN_mod_word(modulus, product(kSquares2))) {}

    [[nodiscard]] bool passes(std::uint64_t step) const noexcept {
        // Four of five steps end here, before anything is divided.
        static_assert(kSquares1.front().prime == 64);
        const std::uint64_t root = root1_ + step;
        if (!kSquares1.front().passes((root * root - modulus1_) % 64)) return false;
        return passes(kSquares1, root1_ + step, modulus1_) &&
               passes(kSquares2, root2_ + step, modulus2_);
    }

private:
    template <std::size_t Count>
    static bool passes(const std::array<ResidueTest, Count>& tests, std::uint64_t root,
                       std::uint64_t modulus) noexcept {
        for (const auto& test : tests) {
            const std::uint64_t residue = root % test.prime;
            const std::uint64_t rest =
                (residue * residue + test.prime - modulus % test.prime) % test.prime;
            if (!test.passes(rest)) return false;
        }
        return true;
    }

    std::uint64_t root1_, root2_, modulus1_, modulus2_;
};

/// Fermat: with primes p and q, n = ((p+q)/2)² - ((p-q)/2)²; when they are close, (p+q)/2 is next
/// to the root of n.
bool has_close_primes(const BIGNUM* modulus) {
    constexpr std::uint64_t kSteps = 300;
    const BnCtxPtr context(BN_CTX_new());
    const BnPtr root = context ? square_root(modulus, context.get()) : nullptr;
    const BnPtr sum(BN_new());
    const BnPtr rest(BN_new());
    if (!root || !sum || !rest) return true;  // what cannot be checked is not certified
    const SquareFilter filter(root.get(), modulus);
    for (std::uint64_t step = 0; step <= kSteps; ++step) {
        if (!filter.passes(step)) continue;
        if (BN_copy(sum.get(), root.get()) == nullptr || BN_add_word(sum.get(), step) != 1 ||
            BN_sqr(rest.get(), sum.get(), context.get()) != 1 ||
            BN_sub(rest.get(), rest.get(), modulus) != 1) {
            return true;
        }
        if (BN_is_negative(rest.get())) continue;  // step 0 of a modulus that is no square
        if (BN_is_zero(rest.get())) return true;
        const BnPtr other = square_root(rest.get(), context.get());
        if (!other || BN_sqr(sum.get(), other.get(), context.get()) != 1) return true;
        if (BN_cmp(sum.get(), rest.get()) == 0) return true;
    }
    return false;
}

}  // namespace

std::optional<std::string_view> weakness_of(const PublicKey& key) {
    if (key.type() != KeyType::kRsa) return std::nullopt;
    const ByteView octets = key.rsa_modulus();
    const BnPtr modulus(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
    if (!modulus) return "its modulus cannot be read";
    if (has_small_factor(octets))
        return "its modulus has a factor under 752: its private key can be computed";
    if (has_roca_fingerprint(modulus.get()))
        return "it has the fingerprint of ROCA (CVE-2017-15361): its private key can be computed";
    if (has_close_primes(modulus.get()))
        return "its primes are close together (CVE-2022-26320): its private key can be computed";
    return std::nullopt;
}

}  // namespace scepgate::certs
