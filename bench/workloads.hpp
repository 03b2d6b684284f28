// What a run sends: enrolments, or one request for a static reply again and again.
#pragma once

#include <unordered_map>
#include <vector>

#include "bench/load.hpp"
#include "scep/client.hpp"

namespace scepgate::bench {

/// The same request each time; every reply must be the bytes of the first one.
class StaticWorkload final : public Workload {
public:
    StaticWorkload(std::string request, std::string expected)
        : request_(std::move(request)), expected_(std::move(expected)) {}

    std::string_view request(std::size_t) const override { return request_; }
    Result<void> answer(std::size_t, const HttpResponse& response) override;

private:
    std::string request_;
    std::string expected_;
};

struct EnrolmentSettings {
    Url url;
    bool post = true;
    std::size_t count = 1000;
    unsigned threads = 1;                 ///< for making and verifying, before and after the run
    std::string subject = "CN=bench-%d";  ///< %d: the number of the request
    std::optional<certs::KeyUsage> key_usage;
    /// One for all requests, or one for each of them.
    std::vector<std::string> challenges;
    certs::ContentCipher cipher = certs::ContentCipher::kAes128Cbc;
    certs::Digest digest = certs::Digest::kSha256;
};

/// What verification says of the replies.
struct Verdict {
    std::size_t certificates = 0;               ///< replies that are right in all respects
    std::size_t duplicate_serials = 0;          ///< certificates with a serial that another one has
    std::map<std::string, std::size_t> errors;  ///< of the others, by kind
};

/// Enrolments, each request made before the run and each reply verified after it.
class EnrolmentWorkload final : public Workload {
public:
    /// `keys` serve in turn when there are fewer than requests; every request has a CSR, a
    /// transient certificate, a transactionID and a nonce of its own all the same.
    static Result<EnrolmentWorkload> build(const EnrolmentSettings& settings,
                                           const std::vector<certs::PrivateKey>& keys,
                                           const scep::CaCertificates& ca);

    std::string_view request(std::size_t index) const override { return items_[index].http; }
    /// Keeps the body for verify(); only the HTTP status is judged here.
    Result<void> answer(std::size_t index, const HttpResponse& response) override;

    /// Verifies each reply: signed by the RA, our transactionID and nonce, decrypts with the
    /// device's key, holds a certificate for it that the CA signed and that is valid now. Counted
    /// are those of the requests from `measured_from` on, serials over all.
    [[nodiscard]] Verdict verify(std::size_t measured_from) const;

private:
    struct Item {
        scep::ClientRequest request;
        std::string http;
        std::string reply;  ///< empty: no answer with HTTP 200
    };
    Result<std::string> serial_of_reply(const Item& item, const certs::PublicKey& ca_key) const;

    std::vector<Item> items_;
    scep::CaCertificates ca_;
    unsigned threads_ = 1;
};

}  // namespace scepgate::bench
