#include "server/signer/message.hpp"

#include <stdexcept>

#include "server/signer/message_fields.hpp"

namespace scepgate::server::signer {
namespace {

constexpr std::uint8_t kVersion = 1;

constexpr std::uint8_t kDescribe = 0x01;
constexpr std::uint8_t kIssue = 0x02;
constexpr std::uint8_t kSignCrl = 0x03;
constexpr std::uint8_t kCertifyResponder = 0x04;
constexpr std::uint8_t kDescription = 0x81;
constexpr std::uint8_t kIssued = 0x82;
constexpr std::uint8_t kSignature = 0x83;
constexpr std::uint8_t kRefused = 0xFF;

constexpr std::size_t kNumberSize = 8;  // big-endian
constexpr std::size_t kLongestShortOrder = 8 * 1024;
constexpr std::size_t kLongestIssueOrder = 256 * 1024;
constexpr std::size_t kLongestCrlOrder = std::size_t{256} * 1024 * 1024;
constexpr std::size_t kLongestAnswer = 256 * 1024;
constexpr std::size_t kLongestCertificate = 64 * 1024;
constexpr std::size_t kLongestSignature = 4096;

/// How long the fields of a kind may be; 0: there is no such kind.
std::size_t longest(std::uint8_t kind) {
    switch (kind) {
        case kDescribe:
            return kLongestShortOrder;
        case kIssue:
        case kCertifyResponder:
            return kLongestIssueOrder;
        case kSignCrl:
            return kLongestCrlOrder;
        case kDescription:
        case kIssued:
        case kSignature:
        case kRefused:
            return kLongestAnswer;
        default:
            return 0;
    }
}

Result<FrameHeader> read_header(ByteView octets, bool answer) {
    if (octets.size() < kHeaderSize || octets[0] != 'S' || octets[1] != 'G') {
        return malformed("signer message: not a frame of this protocol");
    }
    if (octets[2] != kVersion) {
        return unsupported("signer message: of version " + std::to_string(octets[2]) +
                           "; network process and signer have to be of one release");
    }
    FrameHeader header{octets[3], 0};
    for (std::size_t i = 4; i < kHeaderSize; ++i)
        header.length = header.length << 8U | octets[i];
    const std::size_t most = longest(header.kind);
    if (most == 0 || (header.kind >= kDescription) != answer) {
        return malformed("signer message: of kind " + std::to_string(header.kind));
    }
    if (header.length > most) {
        return malformed("signer message: " + std::to_string(header.length) +
                         " octets, and it may have " + std::to_string(most));
    }
    return header;
}

/// The fields of a frame that is whole.
Result<ByteView> fields_of(ByteView frame, const FrameHeader& header) {
    if (frame.size() - kHeaderSize != header.length) {
        return malformed("signer message: its length is not what its header says");
    }
    return frame.subspan(kHeaderSize);
}

/// A frame without its fields; finish() writes their length.
Bytes start(std::uint8_t kind) {
    return {'S', 'G', kVersion, kind, 0, 0, 0, 0};
}

Bytes finish(Bytes frame) {
    const std::size_t length = frame.size() - kHeaderSize;
    if (length > longest(frame[3])) throw std::length_error("signer message: too long");
    for (std::size_t i = 0; i < 4; ++i)
        frame[4 + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    return frame;
}

Bytes encode_one(const DescribeOrder& order) {
    Bytes out = start(kDescribe);
    FieldWriter(out).add(1, order.ca);
    return finish(std::move(out));
}

Bytes encode_one(const IssueOrder& order) {
    Bytes out = start(kIssue);
    FieldWriter(out)
        .add(1, ByteView(order.id))
        .add(2, order.ca)
        .add(3, order.template_name)
        .add(4, order.endpoint)
        .add(5, order.transaction_id)
        .add(6, order.csr)
        .add(7, order.grant);
    return finish(std::move(out));
}

Bytes encode_one(const CrlOrder& order) {
    return encode_crl_order(order.ca, order.to_be_signed);
}

Bytes encode_one(const ResponderOrder& order) {
    Bytes out = start(kCertifyResponder);
    FieldWriter(out).add(1, order.ca).add(2, order.csr);
    return finish(std::move(out));
}

/// As many of the texts as fit beside the rest of an answer.
std::vector<std::string> that_fit(const std::vector<std::string>& texts) {
    std::vector<std::string> all;
    std::size_t room = kLongestAnswer / 6;
    for (const std::string& text : texts) {
        if (text.size() + kFieldHeaderSize > room) break;
        room -= text.size() + kFieldHeaderSize;
        all.push_back(text);
    }
    return all;
}

Bytes number_octets(std::int64_t number) {
    Bytes octets(kNumberSize);
    for (std::size_t i = 0; i < kNumberSize; ++i)
        octets[kNumberSize - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    return octets;
}

/// A positive one.
Result<std::int64_t> read_number(ByteView octets) {
    if (octets.size() != kNumberSize || octets.front() > 0x7F) return malformed("no number");
    std::int64_t number = 0;
    for (const std::uint8_t octet : octets)
        number = number << 8 | octet;
    if (number == 0) return malformed("a number that is left out when it is 0");
    return number;
}

Bytes encode_one(const Description& answer) {
    Bytes out = start(kDescription);
    FieldWriter fields(out);
    fields.add(1, answer.certificate)
        .add(2, that_fit(answer.templates))
        .add(3, that_fit(answer.crl_urls))
        .add(4, that_fit(answer.freshest_crl_urls));
    if (answer.oldest_base > 0) fields.add(5, number_octets(answer.oldest_base));
    return finish(std::move(out));
}

Bytes encode_one(const IssuedAnswer& answer) {
    Bytes out = start(kIssued);
    FieldWriter(out).add(1, answer.certificate).add(2, that_fit(answer.notes));
    return finish(std::move(out));
}

Bytes encode_one(const SignatureAnswer& answer) {
    Bytes out = start(kSignature);
    FieldWriter(out).add(1, answer.signature);
    return finish(std::move(out));
}

Bytes encode_one(const Refusal& refusal) {
    Bytes out = start(kRefused);
    // '0' + failInfo: a field is never empty, and neither is a digit.
    const std::uint8_t fail_info =
        static_cast<std::uint8_t>('0' + static_cast<int>(refusal.fail_info));
    FieldWriter fields(out);
    fields.add(1, ByteView(&fail_info, 1));
    if (refusal.temporary) fields.add(2, "t");
    std::uint8_t tag = 3;
    for (const std::string* text : {&refusal.code, &refusal.check, &refusal.text, &refusal.expected,
                                    &refusal.found, &refusal.hint}) {
        fields.add(tag++, std::string_view(*text).substr(0, kLongestText));
    }
    return finish(std::move(out));
}

Result<Order> decode_describe(FieldReader fields) {
    auto ca = fields.text(1);
    if (!ca) return ca.error();
    if (const auto end = fields.finish(); !end) return end.error();
    return Order(DescribeOrder{std::move(*ca)});
}

Result<Order> decode_issue(FieldReader fields) {
    IssueOrder order;
    const auto id = fields.octets(1, order.id.size());
    if (!id) return id.error();
    if (id->size() != order.id.size()) return malformed("signer message: an id of another length");
    std::copy(id->begin(), id->end(), order.id.begin());
    for (const auto& [tag, target] :
         {std::pair<std::uint8_t, std::string*>{2, &order.ca}, {3, &order.template_name}}) {
        auto text = fields.text(tag);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    for (const auto& [tag, target] :
         {std::pair<std::uint8_t, std::string*>{4, &order.endpoint}, {5, &order.transaction_id}}) {
        auto text = fields.optional_text(tag);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    for (const auto& [tag, target] :
         {std::pair<std::uint8_t, Bytes*>{6, &order.csr}, {7, &order.grant}}) {
        const auto octets = fields.octets(tag, kLongestIssueOrder);
        if (!octets) return octets.error();
        *target = to_bytes(*octets);
    }
    if (const auto end = fields.finish(); !end) return end.error();
    return Order(std::move(order));
}

Result<Order> decode_sign_crl(FieldReader fields) {
    auto ca = fields.text(1);
    if (!ca) return ca.error();
    const auto tbs = fields.octets(2, kLongestCrlOrder);
    if (!tbs) return tbs.error();
    if (const auto end = fields.finish(); !end) return end.error();
    return Order(CrlOrder{std::move(*ca), to_bytes(*tbs)});
}

Result<Order> decode_certify_responder(FieldReader fields) {
    auto ca = fields.text(1);
    if (!ca) return ca.error();
    const auto csr = fields.octets(2, kLongestIssueOrder);
    if (!csr) return csr.error();
    if (const auto end = fields.finish(); !end) return end.error();
    return Order(ResponderOrder{std::move(*ca), to_bytes(*csr)});
}

Result<Answer> decode_description(FieldReader fields) {
    const auto certificate = fields.octets(1, kLongestCertificate);
    if (!certificate) return certificate.error();
    Description description{to_bytes(*certificate), {}, {}, {}, 0};
    std::uint8_t tag = 2;
    for (auto* target :
         {&description.templates, &description.crl_urls, &description.freshest_crl_urls}) {
        auto texts = fields.texts(tag++);
        if (!texts) return texts.error();
        *target = std::move(*texts);
    }
    const auto base = fields.optional_octets(5, kNumberSize);
    if (!base) return base.error();
    if (!base->empty()) {
        const auto number = read_number(*base);
        if (!number) return number.error();
        description.oldest_base = *number;
    }
    if (const auto end = fields.finish(); !end) return end.error();
    return Answer(std::move(description));
}

Result<Answer> decode_issued(FieldReader fields) {
    const auto certificate = fields.octets(1, kLongestCertificate);
    if (!certificate) return certificate.error();
    auto notes = fields.texts(2);
    if (!notes) return notes.error();
    if (const auto end = fields.finish(); !end) return end.error();
    return Answer(IssuedAnswer{to_bytes(*certificate), std::move(*notes)});
}

Result<Answer> decode_signature(FieldReader fields) {
    const auto signature = fields.octets(1, kLongestSignature);
    if (!signature) return signature.error();
    if (const auto end = fields.finish(); !end) return end.error();
    return Answer(SignatureAnswer{to_bytes(*signature)});
}

Result<Answer> decode_refused(FieldReader fields) {
    Refusal refusal;
    const auto fail_info = fields.octets(1, 1);
    if (!fail_info) return fail_info.error();
    const int number = fail_info->front() - '0';
    if (number < 0 || number > static_cast<int>(FailInfo::kBadCertId)) {
        return malformed("signer message: a failInfo that is none");
    }
    refusal.fail_info = static_cast<FailInfo>(number);
    const auto temporary = fields.optional_text(2);
    if (!temporary) return temporary.error();
    if (!temporary->empty() && *temporary != "t") return malformed("signer message: field 2");
    refusal.temporary = !temporary->empty();
    std::uint8_t tag = 3;
    for (std::string* target : {&refusal.code, &refusal.check, &refusal.text, &refusal.expected,
                                &refusal.found, &refusal.hint}) {
        auto text = fields.optional_text(tag++);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    if (const auto end = fields.finish(); !end) return end.error();
    return Answer(std::move(refusal));
}

}  // namespace

Result<FrameHeader> read_order_header(ByteView octets) {
    return read_header(octets, false);
}

Result<FrameHeader> read_answer_header(ByteView octets) {
    return read_header(octets, true);
}

Result<Order> decode_order(ByteView frame) {
    const auto header = read_order_header(frame);
    if (!header) return header.error();
    const auto fields = fields_of(frame, *header);
    if (!fields) return fields.error();
    switch (header->kind) {
        case kDescribe:
            return decode_describe(FieldReader(*fields));
        case kIssue:
            return decode_issue(FieldReader(*fields));
        case kCertifyResponder:
            return decode_certify_responder(FieldReader(*fields));
        default:
            return decode_sign_crl(FieldReader(*fields));
    }
}

Result<Answer> decode_answer(ByteView frame) {
    const auto header = read_answer_header(frame);
    if (!header) return header.error();
    const auto fields = fields_of(frame, *header);
    if (!fields) return fields.error();
    switch (header->kind) {
        case kDescription:
            return decode_description(FieldReader(*fields));
        case kIssued:
            return decode_issued(FieldReader(*fields));
        case kSignature:
            return decode_signature(FieldReader(*fields));
        default:
            return decode_refused(FieldReader(*fields));
    }
}

Bytes encode(const Order& order) {
    return std::visit([](const auto& each) { return encode_one(each); }, order);
}

Bytes encode_crl_order(std::string_view ca, ByteView to_be_signed) {
    Bytes out = start(kSignCrl);
    out.reserve(out.size() + ca.size() + to_be_signed.size() + 2 * kFieldHeaderSize);
    FieldWriter(out).add(1, ca).add(2, to_be_signed);
    return finish(std::move(out));
}

Bytes encode(const Answer& answer) {
    return std::visit([](const auto& each) { return encode_one(each); }, answer);
}

}  // namespace scepgate::server::signer
