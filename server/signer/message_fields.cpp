#include "server/signer/message_fields.hpp"

namespace scepgate::server::signer {
namespace {

Error bad_field(std::uint8_t tag, const std::string& fault) {
    return malformed("signer message: field " + std::to_string(tag) + ' ' + fault);
}

}  // namespace

FieldWriter& FieldWriter::add(std::uint8_t tag, ByteView octets) {
    if (octets.empty()) return *this;
    out_.push_back(tag);
    for (int shift = 24; shift >= 0; shift -= 8)
        out_.push_back(static_cast<std::uint8_t>(octets.size() >> shift));
    out_.insert(out_.end(), octets.begin(), octets.end());
    return *this;
}

FieldWriter& FieldWriter::add(std::uint8_t tag, const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size() && i < kMostRepeated; ++i)
        add(tag, std::string_view(texts[i]).substr(0, kLongestText));
    return *this;
}

Result<ByteView> FieldReader::optional_octets(std::uint8_t tag, std::size_t longest) {
    if (rest_.empty() || rest_.front() != tag) return ByteView();
    if (rest_.size() < kFieldHeaderSize) return bad_field(tag, "is cut short");
    std::size_t length = 0;
    for (std::size_t i = 1; i < kFieldHeaderSize; ++i)
        length = length << 8U | rest_[i];
    if (length == 0) return bad_field(tag, "is empty");
    if (length > longest) {
        return bad_field(tag, "has " + std::to_string(length) + " octets, and may have " +
                                  std::to_string(longest));
    }
    if (length > rest_.size() - kFieldHeaderSize) return bad_field(tag, "is cut short");
    const ByteView content = rest_.subspan(kFieldHeaderSize, length);
    rest_ = rest_.subspan(kFieldHeaderSize + length);
    return content;
}

Result<ByteView> FieldReader::octets(std::uint8_t tag, std::size_t longest) {
    auto content = optional_octets(tag, longest);
    if (content && content->empty()) return bad_field(tag, "is missing");
    return content;
}

Result<std::string> FieldReader::optional_text(std::uint8_t tag) {
    const auto content = optional_octets(tag, kLongestText);
    if (!content) return content.error();
    return std::string(as_text(*content));
}

Result<std::string> FieldReader::text(std::uint8_t tag) {
    const auto content = octets(tag, kLongestText);
    if (!content) return content.error();
    return std::string(as_text(*content));
}

Result<std::vector<std::string>> FieldReader::texts(std::uint8_t tag) {
    std::vector<std::string> all;
    while (!rest_.empty() && rest_.front() == tag) {
        if (all.size() == kMostRepeated) return bad_field(tag, "comes too often");
        auto one = text(tag);
        if (!one) return one.error();
        all.push_back(std::move(*one));
    }
    return all;
}

Result<void> FieldReader::finish() const {
    if (rest_.empty()) return {};
    return bad_field(rest_.front(), "does not belong here, or not in this order");
}

}  // namespace scepgate::server::signer
