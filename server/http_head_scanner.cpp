#include "server/http_head_scanner.hpp"

namespace scepgate::server {

HeadScanner::Status HeadScanner::scan(std::string_view input, const HttpLimits& limits) noexcept {
    if (fields_start_ == 0) {
        const Status status = scan_line(input, limits.request_line);
        if (status != Status::kComplete) return status;
    }
    return scan_fields(input, limits);
}

HeadScanner::Status HeadScanner::bad(std::string_view fault) noexcept {
    fault_ = fault;
    return Status::kBad;
}

HeadScanner::Status HeadScanner::scan_line(std::string_view input, std::size_t limit) noexcept {
    while (position_ < input.size() && input[position_] >= ' ' && input[position_] <= '~')
        ++position_;
    if (position_ > limit) return Status::kLineTooLong;
    if (position_ == input.size()) return Status::kMore;
    if (input[position_] != '\r') {
        return bad("an octet in the request line is not printable ASCII");
    }
    if (position_ + 1 == input.size()) return Status::kMore;
    if (input[position_ + 1] != '\n') return bad("a CR without LF in the request line");
    position_ += 2;
    fields_start_ = line_start_ = position_;
    return Status::kComplete;
}

HeadScanner::Status HeadScanner::scan_fields(std::string_view input,
                                             const HttpLimits& limits) noexcept {
    for (;;) {
        const std::size_t end = input.find('\n', position_);
        const std::size_t seen = end == std::string_view::npos ? input.size() : end + 1;
        // The empty line at the end is no field.
        if (seen - fields_start_ > limits.header_fields + 2) return Status::kFieldsTooLong;
        if (end == std::string_view::npos) {
            position_ = seen;
            return Status::kMore;
        }
        if (end == line_start_ || input[end - 1] != '\r') {
            return bad("a header line ends in LF without CR");
        }
        position_ = seen;
        if (end - line_start_ == 1) return Status::kComplete;
        if (input[line_start_] == ' ' || input[line_start_] == '\t') {
            return bad("a folded header field");
        }
        if (++fields_ > limits.header_count) return Status::kTooManyFields;
        line_start_ = position_;
    }
}

}  // namespace scepgate::server
