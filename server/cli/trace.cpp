#include "server/cli/trace.hpp"

#include <charconv>
#include <sys/stat.h>

#include "server/cli/describe.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

/// The number that a file of an earlier trace begins with, or 0.
int leading_number(const std::string& name) {
    constexpr int kHighest = 999'999;
    int number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    return number <= kHighest ? number : 0;
}

/// Whoever prints the file must not have its terminal played with.
std::string printable_headers(std::string_view headers) {
    std::string text;
    for (const char c : headers) {
        const bool plain = (c >= ' ' && c <= '~') || c == '\t' || c == '\n';
        if (plain) {
            text += c;
        } else if (c != '\r') {
            text += "\\x" + to_hex(as_bytes({&c, 1}));
        }
    }
    return text;
}

std::string in_words(ByteView octets, const scep::RecipientKey* key) {
    if (octets.empty()) return "nothing\n";
    const auto facts = describe_file(octets, key);
    return facts ? to_text(*facts) : "not understood: " + facts.error().detail + "\n";
}

}  // namespace

std::string without_credentials(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto host = scheme + 3;
    const auto end = std::min(url.find_first_of("/?", host), url.size());
    const auto at = url.rfind('@', end);
    if (at == std::string::npos || at < host) return url;
    return url.substr(0, host) + "…" + url.substr(at);
}

Result<Trace> Trace::open(const fs::path& folder) {
    Trace trace;
    if (folder.empty()) return trace;
    std::error_code error;
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
    ::mkdir(folder.c_str(), 0700);
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        trace.number_ = std::max(trace.number_, leading_number(entry.path().filename().string()));
    }
    if (error) {
        return Error{Errc::kUnavailable,
                     "--trace: cannot use " + folder.string() + ": " + error.message()};
    }
    trace.folder_ = folder;
    return trace;
}

Result<void> Trace::write(const WebRequest& request, std::string_view suffix,
                          ByteView content) const {
    std::string number = std::to_string(number_);
    number.insert(0, 3 - std::min<std::size_t>(3, number.size()), '0');
    const fs::path file = folder_ / (number + '-' + request.operation + '-' + std::string(suffix));
    const auto written = write_new_file(file, content, true);
    if (!written) return in_context("--trace", written.error());
    return {};
}

Result<void> Trace::request(const WebRequest& request) {
    if (folder_.empty()) return {};
    ++number_;
    std::string text = (request.post ? "POST " : "GET ") + without_credentials(request.url) + '\n';
    if (!request.message.empty()) {
        text += "\nThe message:\n" + in_words(request.message, nullptr);
        if (!content_.empty()) text += "\nWhat it has inside:\n" + in_words(content_, nullptr);
        const auto written = write(request, "request.der", request.message);
        if (!written) return written.error();
    }
    return write(request, "request.txt", as_bytes(text));
}

Result<void> Trace::reply(const WebRequest& request, const WebReply& reply) {
    if (folder_.empty()) return {};
    const std::string text = printable_headers(reply.headers) + "\nThe body:\n" +
                             in_words(reply.body, key_ ? &*key_ : nullptr);
    const auto written = write(request, "reply.body", reply.body);
    if (!written) return written.error();
    return write(request, "reply.txt", as_bytes(text));
}

Result<void> Trace::failure(const WebRequest& request, const Error& error) {
    if (folder_.empty()) return {};
    return write(request, "reply.txt", as_bytes("No reply: " + error.detail + '\n'));
}

}  // namespace scepgate::server::cli
