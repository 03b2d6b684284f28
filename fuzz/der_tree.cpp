#include "fuzz/der_tree.hpp"

#include <optional>

namespace scepgate::fuzz {
namespace {

constexpr int kDepth = 24;
constexpr std::size_t kNodes = 4096;

class TlvParser {
public:
    /// All of `input` as elements, or nothing.
    std::optional<std::vector<TlvNode>> row(ByteView input, int depth) {
        std::vector<TlvNode> nodes;
        while (!input.empty()) {
            TlvNode node;
            if (++count_ > kNodes || !read(input, node, depth)) return std::nullopt;
            nodes.push_back(std::move(node));
        }
        return nodes;
    }

private:
    static bool take_identifier(ByteView& input, Bytes& identifier) {
        std::size_t size = 1;
        if ((input[0] & 0x1FU) == 0x1FU) {
            while (size < input.size() && size < 6 && (input[size] & 0x80U) != 0)
                ++size;
            ++size;
        }
        if (size > input.size()) return false;
        identifier = to_bytes(input.first(size));
        input = input.subspan(size);
        return true;
    }

    static std::optional<std::size_t> take_length(ByteView& input) {
        if (input.empty()) return std::nullopt;
        std::size_t length = input[0];
        input = input.subspan(1);
        if (length < 0x80) return length;
        const std::size_t octets = length & 0x7FU;
        if (octets == 0 || octets > 4 || octets > input.size()) return std::nullopt;
        length = 0;
        for (const std::uint8_t octet : input.first(octets))
            length = length << 8 | octet;
        input = input.subspan(octets);
        return length;
    }

    bool read(ByteView& input, TlvNode& node, int depth) {
        if (!take_identifier(input, node.identifier)) return false;
        const auto length = take_length(input);
        if (!length || *length > input.size()) return false;
        fill(node, input.first(*length), depth);
        input = input.subspan(*length);
        return true;
    }

    void fill(TlvNode& node, ByteView value, int depth) {
        constexpr std::uint8_t kBitString = 0x03;
        constexpr std::uint8_t kOctetString = 0x04;
        const std::uint8_t tag = node.identifier[0];
        const bool bits = tag == kBitString && value.size() > 2 && value[0] == 0;
        const bool may_hold =
            (tag & 0x20U) != 0 || bits || (tag == kOctetString && value.size() > 1);
        if (may_hold && depth < kDepth) {
            if (auto children = row(value.subspan(bits ? 1 : 0), depth + 1)) {
                if (bits) node.content = {0};
                node.children = std::move(*children);
                return;
            }
        }
        node.content = to_bytes(value);
    }

    std::size_t count_ = 0;
};

void append_length(Bytes& out, std::size_t length, LengthForm form) {
    if (form == LengthForm::kOff) ++length;
    if (length < 0x80 && form != LengthForm::kLong) {
        out.push_back(static_cast<std::uint8_t>(length));
        return;
    }
    Bytes octets;
    for (std::size_t rest = length; rest != 0; rest >>= 8)
        octets.insert(octets.begin(), static_cast<std::uint8_t>(rest));
    if (form == LengthForm::kLong) octets.insert(octets.begin(), 0);
    out.push_back(static_cast<std::uint8_t>(0x80U | octets.size()));
    out.insert(out.end(), octets.begin(), octets.end());
}

}  // namespace

std::vector<TlvNode> parse_tlv(ByteView input) {
    return TlvParser().row(input, 0).value_or(std::vector<TlvNode>());
}

Bytes encode_value(const TlvNode& node) {
    Bytes value = node.content;
    for (const TlvNode& child : node.children)
        append_tlv(value, child);
    return value;
}

void append_tlv(Bytes& out, const TlvNode& node) {
    out.insert(out.end(), node.identifier.begin(), node.identifier.end());
    const Bytes value = encode_value(node);
    if (node.length == LengthForm::kIndefinite) {
        out.push_back(0x80);
        out.insert(out.end(), value.begin(), value.end());
        out.insert(out.end(), {0, 0});
        return;
    }
    append_length(out, value.size(), node.length);
    out.insert(out.end(), value.begin(), value.end());
}

Bytes encode_tlv(const std::vector<TlvNode>& nodes) {
    Bytes out;
    for (const TlvNode& node : nodes)
        append_tlv(out, node);
    return out;
}

}  // namespace scepgate::fuzz
