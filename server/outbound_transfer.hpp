// One call of OutboundHttp: what libcurl is told, what comes back, and who waits for it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <curl/curl.h>

#include "certs/ossl.hpp"
#include "policy/http_client.hpp"
#include "server/outbound_settings.hpp"

namespace scepgate::server {

class OutboundTransfer {
public:
    using Outcome = Result<policy::HttpAnswer>;
    using Handler = boost::asio::any_completion_handler<void(Outcome)>;
    using Clock = std::chrono::steady_clock;
    using Settings = std::shared_ptr<const OutboundSettings>;

    /// kConfig: a URL that may not be called. kMalformed: a method or field that HTTP has not.
    static Result<std::shared_ptr<OutboundTransfer>> make(policy::HttpCall call, Settings settings);
    ~OutboundTransfer();
    OutboundTransfer(const OutboundTransfer&) = delete;
    OutboundTransfer& operator=(const OutboundTransfer&) = delete;

    // For whoever waits; any thread.

    void wait(boost::asio::any_io_executor executor, Handler handler);
    /// Resumes the waiter on its executor; only the first outcome counts.
    void complete(Outcome outcome);

    // For the thread that carries it.

    /// A handle ready to be performed, or why there is none. Owned by this.
    [[nodiscard]] Result<CURL*> open();
    [[nodiscard]] CURL* handle() const noexcept { return curl_.get(); }
    /// What became of it.
    [[nodiscard]] Outcome take(CURLcode code);
    [[nodiscard]] Clock::time_point deadline() const noexcept { return deadline_; }
    [[nodiscard]] Error unavailable(std::string_view reason) const;
    [[nodiscard]] Error too_late() const;

private:
    OutboundTransfer(policy::HttpCall call, Settings settings, std::string host);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    void add_line(std::string_view line);
    void set_request();
    void set_trust();
    void set_proxy();
    [[nodiscard]] std::string reason(CURLcode code) const;

    policy::HttpCall call_;
    Settings settings_;
    std::string host_;
    Clock::time_point deadline_;
    std::unique_ptr<CURL, certs::Deleter<curl_easy_cleanup>> curl_;
    // libcurl's own lists are not wiped: this one is.
    std::vector<Secret> lines_;
    std::vector<curl_slist> nodes_;
    policy::HttpAnswer answer_;
    std::size_t header_octets_ = 0;
    bool fields_ended_ = false;
    const char* too_large_ = nullptr;  ///< what of the answer

    std::mutex mutex_;
    boost::asio::any_io_executor executor_;
    std::optional<Handler> handler_;  ///< never assigned: Boost 1.81 recurses without end there
};

}  // namespace scepgate::server
