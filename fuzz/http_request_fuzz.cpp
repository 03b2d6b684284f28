// An HTTP request means the same however its octets arrive: whole or one by one, the header ends at
// the same place, and a chunked body has the same content and end. A header that is accepted has
// one framing only, as a plain look at its lines confirms (request smuggling).
// Input: what a connection sends.
#include <boost/beast/core/string.hpp>

#include "fuzz/fuzz.hpp"
#include "server/http_chunked.hpp"
#include "server/http_framing.hpp"
#include "server/http_head_scanner.hpp"

namespace scepgate::fuzz {
namespace {

using server::ChunkedDecoder;
using server::Framing;
using server::HeadScanner;

constexpr std::size_t kBodyLimit = 4096;

const server::HttpLimits& limits() {
    static const server::HttpLimits small = [] {
        server::HttpLimits made;
        made.request_line = 512;
        made.header_fields = 1024;
        made.header_count = 16;
        return made;
    }();
    return small;
}

/// Names and values of the field lines, by splitting at CRLF and the first colon.
std::vector<std::pair<std::string_view, std::string_view>> field_lines(std::string_view header) {
    std::vector<std::pair<std::string_view, std::string_view>> fields;
    for (header.remove_prefix(header.find("\r\n") + 2); !header.starts_with("\r\n");) {
        const std::string_view line = header.substr(0, header.find("\r\n"));
        const std::size_t colon = line.find(':');
        FUZZ_REQUIRE(colon != std::string_view::npos && colon > 0);
        fields.emplace_back(line.substr(0, colon), line.substr(colon + 1));
        header.remove_prefix(line.size() + 2);
    }
    return fields;
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

void require_one_framing(std::string_view header, const Framing& framing) {
    std::vector<std::string_view> lengths;
    std::vector<std::string_view> codings;
    std::size_t hosts = 0;
    for (const auto& [name, value] : field_lines(header)) {
        if (boost::beast::iequals(name, "Content-Length")) lengths.push_back(trimmed(value));
        if (boost::beast::iequals(name, "Transfer-Encoding")) codings.push_back(trimmed(value));
        if (boost::beast::iequals(name, "Host")) ++hosts;
    }
    FUZZ_REQUIRE(hosts <= 1 && lengths.size() + codings.size() <= 1);
    FUZZ_REQUIRE((framing.body == Framing::Body::kChunked) == (codings.size() == 1));
    if (framing.body == Framing::Body::kChunked) {
        FUZZ_REQUIRE(boost::beast::iequals(codings.front(), "chunked"));
    }
    if (framing.body == Framing::Body::kSized) {
        FUZZ_REQUIRE(lengths.size() == 1 && framing.length > 0);
        const std::size_t digits = lengths.front().find_first_not_of('0');
        FUZZ_REQUIRE(digits != std::string_view::npos);
        FUZZ_REQUIRE(lengths.front().substr(digits) == std::to_string(framing.length));
    }
    const std::string_view line = header.substr(0, header.find("\r\n"));
    FUZZ_REQUIRE(line.find(framing.path) != std::string_view::npos);
    FUZZ_REQUIRE(line.find(framing.query) != std::string_view::npos);
}

struct Chunked {
    ChunkedDecoder::Status status = ChunkedDecoder::Status::kMore;
    Bytes body;
    std::size_t taken = 0;
};

/// Decodes in pieces of `step` octets.
Chunked decode(ByteView input, std::size_t step) {
    ChunkedDecoder decoder(kBodyLimit);
    Chunked result;
    while (result.taken < input.size() && result.status == ChunkedDecoder::Status::kMore) {
        const ByteView piece =
            input.subspan(result.taken, std::min(step, input.size() - result.taken));
        std::size_t taken = 0;
        result.status = decoder.decode(piece, result.body, taken);
        FUZZ_REQUIRE(taken <= piece.size());
        FUZZ_REQUIRE(result.status != ChunkedDecoder::Status::kMore || taken == piece.size());
        result.taken += taken;
    }
    FUZZ_REQUIRE(result.body.size() <= kBodyLimit);
    return result;
}

void require_same_in_pieces(ByteView body) {
    const Chunked whole = decode(body, std::max<std::size_t>(body.size(), 1));
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
        const Chunked pieces = decode(body, step);
        FUZZ_REQUIRE(pieces.status == whole.status);
        if (whole.status != ChunkedDecoder::Status::kComplete) continue;
        FUZZ_REQUIRE(pieces.body == whole.body && pieces.taken == whole.taken);
    }
}

}  // namespace

void run(ByteView input) {
    require_same_in_pieces(input);

    const std::string_view octets = as_text(input);
    HeadScanner at_once;
    const auto status = at_once.scan(octets, limits());
    HeadScanner growing;
    auto last = HeadScanner::Status::kMore;
    for (std::size_t size = 1; size <= octets.size() && last == HeadScanner::Status::kMore; ++size)
        last = growing.scan(octets.substr(0, size), limits());
    FUZZ_REQUIRE(octets.empty() || last == status);
    if (status != HeadScanner::Status::kComplete) return;
    FUZZ_REQUIRE(growing.size() == at_once.size() && at_once.size() <= octets.size());

    const std::string_view header = octets.substr(0, at_once.size());
    FUZZ_REQUIRE(header.ends_with("\r\n\r\n"));
    server::ParsedHeader parsed;
    if (!server::parse_header(header, parsed)) return;
    std::string agent;
    server::copy_user_agent(parsed, agent);
    FUZZ_REQUIRE(agent.size() <= 256);
    FUZZ_REQUIRE(
        std::all_of(agent.begin(), agent.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    const auto framing = server::check_framing(parsed);
    if (!framing) {
        FUZZ_REQUIRE(framing.error().status >= 400 && framing.error().status < 600);
        return;
    }
    require_one_framing(header, *framing);
    if (framing->body == Framing::Body::kChunked) {
        require_same_in_pieces(input.subspan(at_once.size()));
    }
}

}  // namespace scepgate::fuzz
