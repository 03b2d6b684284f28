// Whatever Entra ID, Microsoft Graph or Intune answers: "Success" alone is one, nothing is asked
// anywhere but where Graph's list says, a token goes out as it came, and what is reported of an
// answer is short, without a word as long as a challenge. Input: an answer's body.
#include <algorithm>

#include "ca_backend/wait_for.hpp"
#include "certs/asn1_string.hpp"
#include "certs/clock.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/test_keys.hpp"
#include "policy/intune/codes.hpp"
#include "policy/intune/messages.hpp"
#include "policy/intune/revocation_api.hpp"
#include "policy/strict_json.hpp"
#include "server/intune_revocation.hpp"

namespace scepgate::fuzz {
namespace {

using namespace policy::intune;

/// All three services.
struct Microsoft final : policy::HttpClient {
    boost::asio::awaitable<Result<policy::HttpAnswer>> send(policy::HttpCall call) override {
        policy::HttpAnswer answer;
        answer.status = 200;
        if (call.url.ends_with("/token")) {
            answer.status = token_status;
            answer.body = token;
        } else if (call.url.ends_with("/endpoints")) {
            answer.body = places;
        } else {
            answer.status = service_status;
            answer.body = service;
            asked.push_back(call.url);
            for (const auto& [name, value] : call.fields) {
                if (name == "Authorization") authorization = value;
            }
        }
        co_return answer;
    }

    std::string token = R"({"token_type":"Bearer","expires_in":3600,"access_token":"t"})";
    std::string places = R"({"value":[{"providerName":"s","uri":"https://shard.example/a/"}]})";
    std::string service = R"({"code":"Success"})";
    long token_status = 200, service_status = 200;
    std::vector<std::string> asked;
    std::string authorization;
};

Result<std::string> post(const std::shared_ptr<Microsoft>& to) {
    static const auto settings = [] {
        auto made = std::make_shared<Settings>();
        made->name = "intune";
        made->tenant = "contoso.example";
        made->app_id = "app";
        made->client_secret = Secret("secret");
        made->provider = "fuzz";
        return made;
    }();
    Api api(settings, to, std::make_shared<certs::FixedClock>(kNow));
    Service service{"s", "v"};
    std::string action = "Do";
    Secret body("{}");
    return ca_backend::wait_for(api.post(std::move(service), std::move(action), std::move(body)));
}

bool is_report(const Error& error) {
    return error.code == Errc::kUnavailable && error.detail.size() <= 500 &&
           certs::check_readable(error.detail);
}

void read_as_verdict(const std::string& body) {
    const auto verdict = read_verdict(body);
    if (!verdict) {
        FUZZ_REQUIRE(is_report(verdict.error()));
        return;
    }
    const auto json = nlohmann::json::parse(body);
    FUZZ_REQUIRE(verdict->code == json.at("code"));
    FUZZ_REQUIRE(verdict->success() == (json.at("code") == "Success"));
    FUZZ_REQUIRE(verdict->description.size() <= kLongestDescription);
    std::size_t word = 0;
    for (const char c : verdict->description) {
        word = c == ' ' ? 0 : word + 1;
        FUZZ_REQUIRE(word <= 64);
    }
    const Refusal refusal = refuse_by_code(verdict->code, verdict->description);
    FUZZ_REQUIRE(!refusal.temporary && refusal.text.size() <= kLongestDescription + 200);
    FUZZ_REQUIRE(refusal.found.size() <= 64 && certs::check_readable(refusal.found));
    const auto& known = refusal_codes();
    FUZZ_REQUIRE((refusal.code == "IntuneCodeUnknown") ==
                 std::none_of(known.begin(), known.end(),
                              [&](const auto& one) { return one.name == verdict->code; }));
}

void read_as_revocations(const std::string& body) {
    for (const std::size_t most : {std::size_t{2}, kMostRevocations}) {
        const auto page = read_revocations(body, most);
        if (!page) continue;
        FUZZ_REQUIRE(page->requests.size() + page->unanswerable <= most);
        std::vector<RevocationResult> results;
        for (const auto& request : page->requests) {
            FUZZ_REQUIRE(!request.context.empty());
            results.push_back({request.context, RevocationError::kNone, {}});
            const auto serial = server::read_intune_serial(request.serial);
            if (serial) FUZZ_REQUIRE(from_hex(*serial) && serial->size() % 2 == 0);
        }
        // The contexts go back as they came.
        const auto sent = policy::parse_strict_json(upload_body(results));
        FUZZ_REQUIRE(sent && sent->root.at("results").size() == results.size());
        for (std::size_t i = 0; i < results.size(); ++i)
            FUZZ_REQUIRE(sent->root["results"][i].at("requestContext") == results[i].context);
    }
    if (read_upload_answer(body)) FUZZ_REQUIRE(nlohmann::json::parse(body).at("value") == true);
}

void read_as_places(const std::string& body) {
    const auto urls = read_service_urls(body);
    if (urls) {
        for (const auto& [name, url] : *urls) {
            FUZZ_REQUIRE(!name.empty() && !url.empty() && url.size() <= 2048);
            FUZZ_REQUIRE(url.back() != '/');
        }
    }
    const auto graph = std::make_shared<Microsoft>();
    graph->places = body;
    const auto answer = post(graph);
    const bool there = urls && urls->contains("s");
    FUZZ_REQUIRE(static_cast<bool>(answer) == there);
    FUZZ_REQUIRE(graph->asked.size() == (there ? 1U : 0U));
    if (there) FUZZ_REQUIRE(graph->asked.front() == urls->at("s") + "/Do");
    if (!answer) FUZZ_REQUIRE(is_report(answer.error()));
}

void read_as_token(const std::string& body) {
    for (const long status : {200L, 400L}) {
        const auto entra = std::make_shared<Microsoft>();
        entra->token = body;
        entra->token_status = status;
        const auto answer = post(entra);
        if (!answer) {
            FUZZ_REQUIRE(is_report(answer.error()) && entra->asked.empty());
            continue;
        }
        FUZZ_REQUIRE(status == 200);
        const std::string token = nlohmann::json::parse(body).at("access_token");
        FUZZ_REQUIRE(entra->authorization == "Bearer " + token);
        FUZZ_REQUIRE(
            std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; }));
    }
}

void read_as_failure(const std::string& body) {
    for (const long status : {400L, 401L, 503L}) {
        const auto intune = std::make_shared<Microsoft>();
        intune->service = body;
        intune->service_status = status;
        const auto answer = post(intune);
        FUZZ_REQUIRE(!answer && is_report(answer.error()));
    }
}

}  // namespace

void run(ByteView input) {
    const std::string body(as_text(input));
    read_as_verdict(body);
    read_as_revocations(body);
    FUZZ_REQUIRE(service_error(body).size() <= 64);
    // Whole calls take a hundred times as long: of what is no JSON, for one in sixteen.
    if (!policy::parse_strict_json(body) && body.size() % 16 != 0) return;
    read_as_places(body);
    read_as_token(body);
    read_as_failure(body);
}

}  // namespace scepgate::fuzz
