// Octets on a connection to a whole server: what comes back is HTTP, each reply with its length, a
// status that this server gives, and never "something is broken here"; CRLs, certificates and
// answers of the OCSP responder can be read; then the connection ends. Input: what a client sends
// before it closes its side.
#include <charconv>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ocsp.h>

#include "certs/crl.hpp"
#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/served_lab.hpp"

namespace scepgate::fuzz {
namespace {

using boost::asio::ip::tcp;

/// All that is answered. A connection that hangs ends with libFuzzer's own limit.
std::string exchange(ByteView sent) {
    boost::asio::io_context context;
    tcp::socket socket(context);
    socket.connect({boost::asio::ip::address_v4::loopback(), ServedLab::instance().port()});
    boost::system::error_code closed;
    boost::asio::write(socket, boost::asio::buffer(sent.data(), sent.size()), closed);
    if (!closed) socket.shutdown(tcp::socket::shutdown_send, closed);
    std::string answer;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), closed);
    return answer;
}

bool is_ours(unsigned status) {
    constexpr unsigned kStatuses[] = {100, 200, 304, 400, 404, 405, 408, 411,
                                      413, 414, 415, 417, 431, 501, 505};
    return std::find(std::begin(kStatuses), std::end(kStatuses), status) != std::end(kStatuses);
}

std::size_t number_after(std::string_view text, std::string_view what) {
    const std::size_t at = text.find(what);
    std::size_t number = 0;
    if (at != std::string_view::npos)
        std::from_chars(text.data() + at + what.size(), text.data() + text.size(), number);
    return number;
}

bool is_ocsp_response(ByteView body) {
    using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, certs::Deleter<OCSP_RESPONSE_free>>;
    const unsigned char* at = body.data();
    const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(body.size())));
    return response && at == body.data() + body.size();
}

void require_body(std::string_view header, ByteView body) {
    const auto is = [&](std::string_view type) {
        return header.find("\r\nContent-Type: " + std::string(type) + "\r\n") !=
               std::string_view::npos;
    };
    if (header.starts_with("HTTP/1.1 304")) FUZZ_REQUIRE(body.empty());
    if (is("application/ocsp-response")) FUZZ_REQUIRE(is_ocsp_response(body));
    if (is("application/pkix-crl")) FUZZ_REQUIRE(certs::Crl::from_der(body, certs::CrlScope::kAny));
    if (is("application/pkix-cert")) FUZZ_REQUIRE(certs::Certificate::from_der(body));
}

void require_replies(std::string_view answer, bool bodies) {
    while (!answer.empty()) {
        FUZZ_REQUIRE(answer.starts_with("HTTP/1.1 "));
        FUZZ_REQUIRE(is_ours(static_cast<unsigned>(number_after(answer, "HTTP/1.1 "))));
        const std::size_t end = answer.find("\r\n\r\n");
        FUZZ_REQUIRE(end != std::string_view::npos);
        const std::string_view header = answer.substr(0, end + 2);
        answer.remove_prefix(end + 4);
        if (!bodies) return;
        const std::size_t length = number_after(header, "Content-Length: ");
        FUZZ_REQUIRE(length <= answer.size());
        require_body(header, as_bytes(answer.substr(0, length)));
        answer.remove_prefix(length);
    }
}

}  // namespace

void run(ByteView input) {
    const std::string answer = exchange(input);
    // A reply to HEAD has a length and no body: then only the first is looked at.
    require_replies(answer, as_text(input).find("HEAD") == std::string_view::npos);
}

}  // namespace scepgate::fuzz
