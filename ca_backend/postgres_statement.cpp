#include "ca_backend/postgres_statement.hpp"

#include <cctype>
#include <charconv>

namespace scepgate::ca_backend::postgres {
namespace {

constexpr int kText = 0;
constexpr int kBinary = 1;

/// How many octets the UTF-8 character at the front has; 0: it is none.
std::size_t utf8_length(std::string_view text) {
    const auto octet = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = octet(0);
    if (first == 0) return 0;
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(i) & 0xC0) != 0x80) return 0;
    }
    // Too long a spelling, a surrogate, beyond U+10FFFF.
    const unsigned char second = octet(1);
    const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return bad ? 0 : length;
}

}  // namespace

std::string with_numbered_parameters(std::string_view sql) {
    std::string numbered;
    int parameters = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        const char c = sql[i];
        if (c == '\'') quoted = !quoted;
        if (c != '?' || quoted) {
            numbered += c;
            continue;
        }
        numbered += '$';
        const bool has_number = i + 1 < sql.size() && std::isdigit(sql[i + 1]) != 0;
        if (!has_number) numbered += std::to_string(++parameters);
    }
    return numbered;
}

std::string storable_text(std::string_view text) {
    std::string storable;
    storable.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) {
            storable += "\xEF\xBF\xBD";
            text.remove_prefix(1);
        } else {
            storable += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return storable;
}

PreparedStatement::PreparedStatement(Database& database, std::string name, std::string_view sql)
    : database_(database), name_(std::move(name)), sql_(with_numbered_parameters(sql)) {}

PreparedStatement::Parameter& PreparedStatement::at(int parameter) {
    const auto needed = static_cast<std::size_t>(parameter);
    if (parameters_.size() < needed) parameters_.resize(needed);
    return parameters_[needed - 1];
}

void PreparedStatement::bind(int parameter, std::int64_t value) {
    at(parameter) = {std::to_string(value), nullptr, 0};
}

void PreparedStatement::bind(int parameter, std::string_view text) {
    at(parameter) = {storable_text(text), nullptr, 0};
}

void PreparedStatement::bind(int parameter, ByteView blob) {
    const char* octets = blob.empty() ? "" : reinterpret_cast<const char*>(blob.data());
    at(parameter) = {{}, octets, static_cast<int>(blob.size())};
}

Result<void> PreparedStatement::run() {
    // A long statement would push the reason out of the log's line.
    constexpr std::size_t kMost = 80;
    const std::string_view tried = std::string_view(sql_).substr(0, kMost);
    if (!prepared_) {
        const int sent = PQsendPrepare(database_.get(), name_.c_str(), sql_.c_str(), 0, nullptr);
        if (const auto done = database_.answer(sent, tried); !done) return done.error();
        prepared_ = true;
    }
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    for (const Parameter& one : parameters_) {
        const bool is_blob = one.octets != nullptr;
        values.push_back(is_blob ? one.octets : one.text.c_str());
        lengths.push_back(is_blob ? one.length : 0);
        formats.push_back(is_blob ? kBinary : kText);
    }
    const int sent =
        PQsendQueryPrepared(database_.get(), name_.c_str(), static_cast<int>(values.size()),
                            values.data(), lengths.data(), formats.data(), kBinary);
    auto result = database_.answer(sent, tried);
    if (!result) return result.error();
    result_ = *std::move(result);
    const std::string_view count = PQcmdTuples(result_.get());
    std::from_chars(count.data(), count.data() + count.size(), changes_);
    return {};
}

Result<bool> PreparedStatement::next() {
    if (!result_) {
        changes_ = 0;
        if (const auto done = run(); !done) return done.error();
    }
    ++row_;
    return row_ < PQntuples(result_.get());
}

void PreparedStatement::reset() noexcept {
    parameters_.clear();
    result_.reset();
    row_ = -1;
}

ByteView PreparedStatement::value(int column) const {
    const auto* data =
        reinterpret_cast<const std::uint8_t*>(PQgetvalue(result_.get(), row_, column));
    return {data, static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
}

bool PreparedStatement::is_null(int column) const {
    return PQgetisnull(result_.get(), row_, column) != 0;
}

std::int64_t PreparedStatement::integer(int column) const {
    // As it comes: big-endian, in 2, 4 or 8 octets, with its sign.
    const ByteView octets = value(column);
    if (octets.empty()) return 0;
    std::uint64_t number = (octets.front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const std::uint8_t octet : octets)
        number = (number << 8) | octet;
    return static_cast<std::int64_t>(number);
}

std::string PreparedStatement::text(int column) const {
    const ByteView octets = value(column);
    return {octets.begin(), octets.end()};
}

Bytes PreparedStatement::blob(int column) const {
    const ByteView octets = value(column);
    return {octets.begin(), octets.end()};
}

}  // namespace scepgate::ca_backend::postgres
