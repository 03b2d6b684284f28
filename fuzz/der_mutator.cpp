#include "fuzz/der_mutator.hpp"

#include <algorithm>
#include <random>

// libFuzzer's own mutations. Other engines may not have them.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                              std::size_t maximum);

namespace scepgate::fuzz {
namespace {

using Row = std::vector<TlvNode>;

class DerMutator {
public:
    explicit DerMutator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }

    /// Any octets, by the engine where it has mutations.
    std::size_t plainly(std::uint8_t* data, std::size_t size, std::size_t maximum) {
        if (LLVMFuzzerMutate != nullptr) return LLVMFuzzerMutate(data, size, maximum);
        if (size == 0) return 0;
        data[below(size)] ^= static_cast<std::uint8_t>(1U << below(8));
        return size;
    }

    void mutate(Row& row) {
        collect(row);
        if (places_.empty()) return;
        auto [siblings, index] = places_[below(places_.size())];
        TlvNode& node = (*siblings)[index];
        switch (below(11)) {
            case 0:
            case 1:
            case 2:
                change_content(node);
                break;
            case 3:
                siblings->erase(siblings->begin() + static_cast<std::ptrdiff_t>(index));
                break;
            case 4:
                repeat(*siblings, index);
                break;
            case 5:
                std::swap(node, (*siblings)[below(siblings->size())]);
                break;
            case 6:
                copy_over(row, node);
                break;
            case 7:
                node.identifier = {tag()};
                break;
            case 8:
                wrap(node);
                break;
            case 9:
                node.length = static_cast<LengthForm>(below(4));
                break;
            default:
                insert_copy(row, *siblings, index);
        }
    }

    /// An element of `row`; it has one.
    const TlvNode& any_of(Row& row) {
        collect(row);
        const auto [siblings, index] = places_[below(places_.size())];
        return (*siblings)[index];
    }
    TlvNode& place_in(Row& row) {
        collect(row);
        const auto [siblings, index] = places_[below(places_.size())];
        return (*siblings)[index];
    }

private:
    struct Place {
        Row* siblings;
        std::size_t index;
    };

    void collect(Row& row) {
        places_.clear();
        add(row);
    }
    void add(Row& row) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            places_.push_back({&row, i});
            add(row[i].children);
        }
    }

    void change_content(TlvNode& node) {
        if (!node.children.empty() && below(4) != 0) {
            TlvNode child = std::move(node.children[below(node.children.size())]);
            node = std::move(child);  // one level less
            return;
        }
        constexpr std::size_t kRoom = 64;
        Bytes content = encode_value(node);
        const std::size_t size = content.size();
        content.resize(size + kRoom);
        content.resize(plainly(content.data(), size, content.size()));
        node.children.clear();
        node.content = std::move(content);
    }

    void repeat(Row& siblings, std::size_t index) {
        static constexpr std::size_t kTimes[] = {1, 1, 1, 2, 8, 40, 130};
        constexpr std::size_t kMost = 16 * 1024;
        const TlvNode node = siblings[index];
        const std::size_t times = kTimes[below(std::size(kTimes))];
        if (encode_value(node).size() * times > kMost) return;
        siblings.insert(siblings.begin() + static_cast<std::ptrdiff_t>(index), times, node);
    }

    void copy_over(Row& row, TlvNode& node) {
        TlvNode copy = any_of(row);
        node = std::move(copy);
    }

    void insert_copy(Row& row, Row& siblings, std::size_t index) {
        TlvNode copy = any_of(row);
        siblings.insert(siblings.begin() + static_cast<std::ptrdiff_t>(index), std::move(copy));
    }

    void wrap(TlvNode& node) {
        TlvNode outer;
        outer.identifier = {tag()};
        outer.children.push_back(std::move(node));
        node = std::move(outer);
    }

    std::uint8_t tag() {
        static constexpr std::uint8_t kTags[] = {
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1C,
            0x1E, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86, 0x87, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x24};
        return kTags[below(std::size(kTags))];
    }

    std::minstd_rand random_;
    std::vector<Place> places_;
};

std::size_t write_back(const Bytes& made, std::uint8_t* data, std::size_t maximum) {
    if (made.empty() || made.size() > maximum) return 0;
    std::copy(made.begin(), made.end(), data);
    return made.size();
}

}  // namespace

std::size_t mutate_der(std::uint8_t* data, std::size_t size, std::size_t maximum, unsigned seed,
                       const Repair& repair) {
    DerMutator mutator(seed);
    Row row = mutator.below(8) == 0 ? Row() : parse_tlv({data, size});
    if (row.empty()) return mutator.plainly(data, size, maximum);
    for (std::size_t times = 1 + mutator.below(3); times > 0; --times)
        mutator.mutate(row);
    if (repair && mutator.below(8) != 0) repair(row);
    const std::size_t made = write_back(encode_tlv(row), data, maximum);
    return made != 0 ? made : mutator.plainly(data, size, maximum);
}

std::size_t cross_over_der(ByteView data1, ByteView data2, std::uint8_t* out, std::size_t maximum,
                           unsigned seed) {
    DerMutator mutator(seed);
    Row into = parse_tlv(data1);
    Row from = parse_tlv(data2);
    if (into.empty() || from.empty()) return 0;
    const TlvNode taken = mutator.any_of(from);
    mutator.place_in(into) = taken;
    return write_back(encode_tlv(into), out, maximum);
}

}  // namespace scepgate::fuzz
