#include "certs/ber.hpp"

#include <vector>

#include "certs/der.hpp"

namespace scepgate::certs {
namespace {

constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t kOctetString = static_cast<std::uint8_t>(DerTag::kOctetString);
constexpr std::uint8_t kSegmentedOctetString = kOctetString | kConstructed;
constexpr std::uint8_t kEndOfContents = 0x00;
constexpr std::uint8_t kIndefinite = 0x80;

/// One element of the output, in the order of writing.
struct Node {
    std::uint8_t tag = 0;
    bool has_header = true;  ///< false for the segments of an OCTET STRING
    std::size_t length = 0;  ///< of the content as it will be written
    ByteView primitive;      ///< the content, unless constructed
};

/// A constructed element whose end was not reached yet.
struct Open {
    std::size_t node = 0;
    std::size_t end = 0;  ///< its own end; when indefinite, that of the element around it
    bool indefinite = false;
    bool segmented = false;
};

std::size_t header_size(std::size_t length) noexcept {
    std::size_t size = 2;
    for (std::size_t rest = length < 0x80 ? 0 : length; rest != 0; rest >>= 8U)
        ++size;
    return size;
}

/// Reads the tree with a stack of its own, so that nesting costs no call stack.
class Rewriter {
public:
    Rewriter(ByteView input, BerLimits limits) : input_(input), limits_(limits) {}

    Result<Bytes> run() {
        do {
            if (const auto step = read_one(); !step) return step.error();
            while (!open_.empty() && !open_.back().indefinite && at_ == open_.back().end)
                close();
        } while (!open_.empty());
        if (at_ != input_.size()) return malformed("BER: octets after the element");
        return write();
    }

private:
    Result<void> read_one() {
        const std::size_t end = open_.empty() ? input_.size() : open_.back().end;
        if (end - at_ < 2) return malformed("BER: truncated before a tag and length");
        const std::uint8_t tag = input_[at_];
        const std::uint8_t first_length = input_[at_ + 1];
        at_ += 2;
        if (tag == kEndOfContents) {
            if (first_length != 0 || open_.empty() || !open_.back().indefinite) {
                return malformed("BER: end-of-contents out of place");
            }
            close();
            return {};
        }
        if (tag == kConstructed) return malformed("BER: end-of-contents that is constructed");
        if ((tag & 0x1FU) == 0x1FU) return malformed("BER: a tag of several octets");
        if (nodes_.size() >= limits_.elements) return malformed("BER: too many elements");

        const bool in_segments = !open_.empty() && open_.back().segmented;
        const bool segmented = tag == kSegmentedOctetString;
        if (in_segments && !segmented && tag != kOctetString) {
            return malformed("BER: OCTET STRING with a segment of another type");
        }
        if (first_length == kIndefinite) return open_indefinite(tag, end, in_segments);

        const auto length = read_length(first_length, end);
        if (!length) return length.error();
        Node node{tag, !in_segments, *length, {}};
        if ((tag & kConstructed) != 0) {
            node.length = 0;
            return open(node, {0, at_ + *length, false, segmented});
        }
        node.primitive = input_.subspan(at_, *length);
        at_ += *length;
        add_to_parent(node);
        nodes_.push_back(node);
        return {};
    }

    Result<void> open_indefinite(std::uint8_t tag, std::size_t end, bool in_segments) {
        if ((tag & kConstructed) == 0) return malformed("BER: primitive of indefinite length");
        changed_ = true;
        return open({tag, !in_segments, 0, {}}, {0, end, true, tag == kSegmentedOctetString});
    }

    Result<void> open(Node node, Open state) {
        if (open_.size() >= limits_.depth) return malformed("BER: nested too deep");
        if (state.segmented) {
            node.tag = kOctetString;
            changed_ = true;
        }
        state.node = nodes_.size();
        nodes_.push_back(node);
        open_.push_back(state);
        return {};
    }

    void close() {
        const Node& node = nodes_[open_.back().node];
        open_.pop_back();
        add_to_parent(node);
    }

    void add_to_parent(const Node& node) {
        if (open_.empty()) return;
        nodes_[open_.back().node].length +=
            node.length + (node.has_header ? header_size(node.length) : 0);
    }

    Result<std::size_t> read_length(std::uint8_t first, std::size_t end) {
        std::size_t length = first;
        if (first > kIndefinite) {
            const std::size_t octets = first & 0x7FU;
            if (octets == 0x7F) return malformed("BER: reserved length octet");
            if (octets > end - at_) return malformed("BER: truncated in a length");
            length = 0;
            for (std::size_t i = 0; i < octets; ++i) {
                length = length << 8U | input_[at_++];
                // Also keeps the shift from overflowing, however many octets there are.
                if (length > input_.size()) return malformed("BER: length beyond the input");
            }
            changed_ = changed_ || header_size(length) != 2 + octets;
        }
        if (length > end - at_) return malformed("BER: length beyond the element around it");
        return length;
    }

    [[nodiscard]] Bytes write() const {
        if (!changed_) return to_bytes(input_);
        Bytes out;
        out.reserve(nodes_[0].length + header_size(nodes_[0].length));
        for (const Node& node : nodes_) {
            if (node.has_header) {
                der::append_header(out, static_cast<DerTag>(node.tag), node.length);
            }
            out.insert(out.end(), node.primitive.begin(), node.primitive.end());
        }
        return out;
    }

    ByteView input_;
    BerLimits limits_;
    std::size_t at_ = 0;
    bool changed_ = false;
    std::vector<Node> nodes_;
    std::vector<Open> open_;
};

}  // namespace

Result<Bytes> ber_to_der(ByteView input, BerLimits limits) {
    return Rewriter(input, limits).run();
}

}  // namespace scepgate::certs
