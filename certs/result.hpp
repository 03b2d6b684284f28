// Errors as values.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace scepgate {

/// What kind of failure; coarse, for code to act on. The detail is for people.
enum class Errc {
    kMalformed,     ///< the input is not what its format says
    kUnsupported,   ///< well formed, but an algorithm, type or size we do not take
    kBadSignature,  ///< a signature or digest does not verify
    kNotFound,      ///< what was asked for does not exist
    kDenied,        ///< understood and refused
    kConflict,      ///< contradicts something recorded before
    kUnavailable,   ///< cannot be done now; later it may
    kConfig,        ///< the operator's configuration or files are wrong
    kInternal,      ///< a fault of ours, or of the library below
};

struct Error {
    Errc code = Errc::kInternal;
    std::string detail;  ///< what, where and how to mend it; never a secret
};

/// Boost calls this when value() is used on a failed Result: a bug, so it throws.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked Result: " + error.detail);
}

/// A value, or an E that says why there is none. It cannot be dropped unread, and it is
/// default-constructible (as a failure), which asio::co_spawn asks of a return type.
template <class T, class E = Error>
class [[nodiscard]] Result : public boost::system::result<T, E> {
    using Base = boost::system::result<T, E>;

public:
    Result() : Base(boost::system::in_place_error, E{}) {}
    using Base::Base;
};

/// Result<void>'s success.
template <class E>
class [[nodiscard]] Result<void, E> : public boost::system::result<void, E> {
    using Base = boost::system::result<void, E>;

public:
    Result() : Base() {}
    using Base::Base;
};

[[nodiscard]] inline Error malformed(std::string detail) {
    return {Errc::kMalformed, std::move(detail)};
}
[[nodiscard]] inline Error unsupported(std::string detail) {
    return {Errc::kUnsupported, std::move(detail)};
}

/// The same error with where it happened put in front.
[[nodiscard]] inline Error in_context(std::string_view where, Error error) {
    error.detail.insert(0, std::string(where) + ": ");
    return error;
}

}  // namespace scepgate
