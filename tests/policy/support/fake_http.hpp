// An HttpClient that answers as a test says.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "policy/http_client.hpp"

namespace scepgate::policy::testing {

class FakeHttp final : public HttpClient {
public:
    struct Seen {
        std::string method, url, body;
        HttpFields fields;
        [[nodiscard]] std::string field(std::string_view name) const {
            for (const auto& [key, value] : fields) {
                if (key == name) return value;
            }
            return "(none)";
        }
    };
    using Answer = std::function<Result<HttpAnswer>(const Seen&)>;

    explicit FakeHttp(Answer how) : answer(std::move(how)) {}

    boost::asio::awaitable<Result<HttpAnswer>> send(HttpCall call) override {
        // As from the network: others go on meanwhile.
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
        const std::lock_guard lock(mutex_);
        seen.push_back({call.method, call.url, std::string(call.body.text()), call.fields});
        co_return answer(seen.back());
    }

    [[nodiscard]] std::size_t count(std::string_view part_of_url) const {
        return static_cast<std::size_t>(std::count_if(
            seen.begin(), seen.end(),
            [&](const Seen& one) { return one.url.find(part_of_url) != std::string::npos; }));
    }

    Answer answer;
    std::vector<Seen> seen;

private:
    std::mutex mutex_;
};

inline HttpAnswer json_answer(std::string body, long status = 200) {
    return {status, {{"content-type", "application/json"}}, std::move(body)};
}

}  // namespace scepgate::policy::testing
