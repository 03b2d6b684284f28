// The signer's judgement: what it signs, what it refuses, and what it writes down first.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "policy/issuance_rules.hpp"
#include "server/log.hpp"
#include "server/signer/crl_signing.hpp"
#include "server/signer/rate_limit.hpp"

namespace scepgate::server::signer {

/// What the configuration says: immutable, replaced as a whole by SIGHUP.
struct SignerRuntime {
    std::map<std::string, SigningCa> cas;
    std::vector<std::string> templates;  ///< names, of all CAs
    std::optional<policy::IssuanceRules> rules;
    RateRules rates;
    CrlLimits crls;
    std::int64_t responders_per_day = 0;  ///< certificates for OCSP responders; 0: none
    [[nodiscard]] bool is_own_key(const certs::PublicKey& key) const;
};

/// What it works with; the same as long as it runs.
struct SignerParts {
    std::shared_ptr<SignedRecords> records;
    std::shared_ptr<CrlSigning> crls;
    std::shared_ptr<AuditLog> audit;
    std::shared_ptr<Log> log;
    std::shared_ptr<const certs::Clock> clock;
};

/// Answers orders. It trusts nothing in them: a Grant is what the network process says that policy
/// has allowed, and is held against the signer's own templates, rules and rate. Nothing leaves that
/// is not in its records and its audit file. Safe for concurrent use; blocks.
///
/// Refusals, beside those of EmbeddedCa and of the rules: "SignerCaUnknown",
/// "SignerGrantMalformed", "SignerProofInvalid" (the request's own signature), "SignerKeyMismatch"
/// (request and Grant), "TemplateMismatch", "KeyIsServers", "SignerCrlRefused"; temporary ones:
/// "SignerRateLimited", "SignerRecordsUnavailable", "AuditUnavailable", "CaSigningFailed".
class SignerService {
public:
    /// Counts what was signed before. kUnavailable: the records cannot be read.
    static Result<std::unique_ptr<SignerService>> create(
        SignerParts parts, std::shared_ptr<const SignerRuntime> runtime);

    /// `peer`: who asks, for the records.
    [[nodiscard]] Answer answer(const Order& order, const std::string& peer);

    void replace(std::shared_ptr<const SignerRuntime> runtime);
    [[nodiscard]] std::shared_ptr<const SignerRuntime> runtime() const;

private:
    SignerService(SignerParts parts, std::shared_ptr<const SignerRuntime> runtime)
        : parts_(std::move(parts)), runtime_(std::move(runtime)) {}

    class Turn;
    struct Judged;

    Answer answer_one(const DescribeOrder& order, const std::string& peer);
    Answer answer_one(const IssueOrder& order, const std::string& peer);
    Answer answer_one(const CrlOrder& order, const std::string& peer);
    Answer answer_one(const ResponderOrder& order, const std::string& peer);
    Result<IssuedAnswer, Refusal> issue(const SignerRuntime& runtime, const IssueOrder& order,
                                        const std::string& peer);
    /// "KeyCompromised".
    Result<void, Refusal> check_compromise(const certs::PublicKey& key);
    Result<IssuedAnswer, Refusal> sign_new(const SignerRuntime& runtime, const IssueOrder& order,
                                           const Judged& judged, const std::string& peer);
    Result<void, Refusal> record(const IssueOrder& order, const Judged& judged,
                                 const certs::Certificate& certificate, const std::string& peer);
    Result<IssuedAnswer, Refusal> certify_responder(const SignerRuntime& runtime,
                                                    const ResponderOrder& order,
                                                    const std::string& peer);
    Result<certs::Certificate, Refusal> sign_responder(const SigningCa& ca,
                                                       const certs::PublicKey& key,
                                                       const SignerRuntime& runtime);
    Refusal note(Refusal refusal, std::string_view order, const std::string& ca,
                 const std::string& peer);

    SignerParts parts_;
    RateCounter rates_;
    RateCounter responder_rate_;
    mutable std::mutex runtime_mutex_;
    std::shared_ptr<const SignerRuntime> runtime_;
    std::mutex turns_mutex_;
    std::condition_variable turn_over_;
    std::set<Sha256> at_work_;  ///< orders; guarded by turns_mutex_
};

}  // namespace scepgate::server::signer
