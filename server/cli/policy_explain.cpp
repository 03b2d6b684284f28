// What policy says of a request, check by check, without a server or a device.
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>

#include "certs/csr_key.hpp"
#include "scep/client.hpp"
#include "scep/signer_key.hpp"
#include "server/cli/challenge_file.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/describe_parts.hpp"
#include "server/cli/policy_rotate.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"
#include "server/explanation.hpp"
#include "server/runtime_builder.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using policy::Verdict;

constexpr std::size_t kLargestSecretFile = 1 << 20;
constexpr const char* kSignerKey = "signer's key";

struct PolicyExplainOptions {
    std::string config, endpoint, csr, challenge, challenge_file, renewal_of;
    bool json = false, online = false;
};

Result<Secret> read_file(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    Bytes content(kLargestSecretFile + 1);
    stream.read(reinterpret_cast<char*>(content.data()),
                static_cast<std::streamsize>(content.size()));
    if (stream.bad() || (stream.gcount() == 0 && !stream.eof())) {
        return Error{Errc::kUnavailable, "cannot read " + file};
    }
    content.resize(static_cast<std::size_t>(stream.gcount()));
    Secret secret(std::move(content));
    if (secret.view().size() > kLargestSecretFile) return malformed(file + ": more than 1 MiB");
    return secret;
}

/// DER, or the first block of PEM.
Result<Bytes> der_of(ByteView content) {
    const auto block = first_pem_block(as_text(content));
    if (!block) return to_bytes(content);
    if (block->label != "CERTIFICATE REQUEST" && block->label != "NEW CERTIFICATE REQUEST") {
        return malformed("a " + std::string(block->label) + ", not a CERTIFICATE REQUEST");
    }
    return from_base64(without_blanks(block->body));
}

/// What stands in place of the CSR's own challenge; empty when nothing does.
Result<std::optional<Secret>> other_challenge(const PolicyExplainOptions& options) {
    if (!options.challenge.empty()) return std::optional(Secret(options.challenge));
    if (options.challenge_file.empty()) return std::optional<Secret>();
    auto read = read_challenge_file(options.challenge_file);
    if (!read) return read.error();
    return std::optional(*std::move(read));
}

/// The one that is named, or the only one, as it serves at this time.
std::shared_ptr<const Endpoint> choose_endpoint(const Runtime& runtime, const std::string& name,
                                                std::int64_t now) {
    std::string all;
    std::shared_ptr<const Endpoint> chosen;
    for (const auto& endpoint : runtime.endpoints()) {
        all += (all.empty() ? "" : ", ") + endpoint->name;
        if (name.empty() ? runtime.endpoints().size() == 1 : endpoint->name == name) {
            chosen = endpoint->next && now >= endpoint->next_from ? endpoint->next : endpoint;
        }
    }
    if (!chosen) {
        complain(kUsage, (name.empty() ? "several endpoints; choose one with --endpoint: "
                                       : "there is no endpoint '" + name + "'; there are: ") +
                             all);
    }
    return chosen;
}

/// Who signs the message: the certificate to renew, or a transient one, as a device makes it.
Result<certs::Certificate> signer_of(const PolicyExplainOptions& options, const certs::Csr& csr,
                                     std::int64_t now) {
    if (!options.renewal_of.empty()) return certs::Certificate::from_file(options.renewal_of);
    const auto key = certs::PrivateKey::generate({certs::KeyType::kEc, 256});
    if (!key) return key.error();
    return scep::transient_certificate(csr.subject(), *key, now);
}

nlohmann::ordered_json json_of(const Verdict& verdict) {
    nlohmann::ordered_json out{{"module", verdict.module},
                               {"check", verdict.check},
                               {"outcome", policy::to_text(verdict.outcome)}};
    const std::pair<const char*, const std::string*> rest[] = {{"code", &verdict.code},
                                                               {"expected", &verdict.expected},
                                                               {"found", &verdict.found},
                                                               {"hint", &verdict.hint}};
    for (const auto& [name, text] : rest) {
        if (!text->empty()) out[name] = *text;
    }
    return out;
}

/// A template may build the subject anew.
std::string certified_subject(const EnrollmentExplanation& explained, const Grant& grant) {
    const bool known = explained.preview && !explained.preview->subject.empty();
    return known ? explained.preview->subject : grant.subject().text();
}

const char* result_of(const EnrollmentExplanation& explained) {
    if (!explained.outcome) return "undecided";
    return *explained.outcome ? "granted" : "refused";
}

nlohmann::ordered_json json_of(const Endpoint& endpoint, const EnrollmentExplanation& explained) {
    nlohmann::ordered_json out{{"endpoint", endpoint.name}, {"result", result_of(explained)}};
    if (explained.outcome && *explained.outcome) {
        const Grant& grant = **explained.outcome;
        out["policy"] = grant.policy();
        const std::string granted = grant.subject().text();
        out["subject"] = certified_subject(explained, grant);
        if (out["subject"] != granted) out["granted_subject"] = granted;
        out["subject_alt_name"] = nlohmann::ordered_json::array();
        for (const auto& name : grant.subject_alt_name())
            out["subject_alt_name"].push_back(name.text());
        if (grant.sid()) out["sid"] = *grant.sid();
        out["template"] = explained.template_name;
        if (explained.preview) {
            out["key_usage"] = explained.preview->key_usage;
            out["extended_key_usage"] = explained.preview->extended_key_usage;
            out["not_after"] = certs::utc_text(explained.preview->not_after);
        }
        out["needs_approval"] = explained.needs_approval;
        std::vector<std::string> notes;
        for (const auto& left_out : grant.stripped())
            notes.push_back("left out " + left_out);
        if (explained.preview) {
            const auto& more = explained.preview->notes;
            notes.insert(notes.end(), more.begin(), more.end());
        }
        out["notes"] = notes;
    } else if (explained.outcome) {
        const Refusal& refusal = explained.outcome->error();
        out["code"] = refusal.code;
        out["fail_info"] = refusal.temporary ? "none (503)" : to_text(refusal.fail_info);
        out["reason"] = refusal.text;
        if (!refusal.hint.empty()) out["hint"] = refusal.hint;
    }
    out["verdicts"] = nlohmann::ordered_json::array();
    for (const Verdict& verdict : explained.verdicts)
        out["verdicts"].push_back(json_of(verdict));
    return out;
}

void print(const Verdict& verdict) {
    std::string said;
    const auto add = [&](const char* label, const std::string& text) {
        if (!text.empty()) said += (said.empty() ? "" : "; ") + (label + text);
    };
    add("", verdict.code);
    add("expected ", verdict.expected);
    add(verdict.expected.empty() ? "" : "found ", verdict.found);
    std::cout << std::left << std::setw(8) << policy::to_text(verdict.outcome) << std::setw(12)
              << printable(verdict.module) << ' ' << std::setw(18) << printable(verdict.check)
              << ' ' << printable(said) << '\n';
    if (!verdict.hint.empty()) std::cout << "        hint: " << printable(verdict.hint) << '\n';
}

void print(const EnrollmentExplanation& explained) {
    for (const Verdict& verdict : explained.verdicts)
        print(verdict);
    std::string end;
    if (!explained.outcome) {
        end = "undecided: it depends on what was skipped";
    } else if (*explained.outcome) {
        const Grant& grant = **explained.outcome;
        end = "granted by " + grant.policy() + ": '" + certified_subject(explained, grant) + "', " +
              certs::to_text(grant.subject_alt_name()) +
              (grant.sid() ? "; SID " + *grant.sid() : "") + "; template " +
              explained.template_name;
        if (explained.preview) {
            end += "; until " + certs::utc_text(explained.preview->not_after);
        }
        if (explained.needs_approval) end += "; once an operator approves it";
    } else {
        const Refusal& refusal = explained.outcome->error();
        end = "refused: " + refusal.code + " (the device is told " +
              (refusal.temporary ? "to come again" : to_text(refusal.fail_info)) +
              "): " + refusal.text;
    }
    std::cout << printable(end) << '\n';
}

/// What cannot be read at all ends here; the reason is a verdict like any other.
int refuse_explained(const Endpoint& endpoint, const char* check, const Refusal& refusal,
                     const PolicyExplainOptions& options) {
    EnrollmentExplanation explained;
    explained.verdicts = {policy::failed("request", check, refusal)};
    explained.outcome = refusal;
    if (options.json) {
        print_json(json_of(endpoint, explained));
    } else {
        print(explained);
    }
    return kFailed;
}

int unreadable(const Endpoint& endpoint, const char* check, const char* code, const Error& error,
               const PolicyExplainOptions& options) {
    Refusal refusal{FailInfo::kBadRequest, code, error.detail};
    // Without a sound signature of its own it is, in a message, what nobody can open.
    if (error.code != Errc::kDenied) {
        refusal.fail_info = scep::undecryptable().fail_info;
        refusal.code = scep::undecryptable().code;
    }
    return refuse_explained(endpoint, check, refusal, options);
}

/// What the server says of a message that the CSR's own key signs, as in an initial enrolment: it
/// looks at that key before it opens the envelope.
std::optional<Refusal> judge_own_signature(ByteView csr, const scep::AlgorithmRules& rules) {
    const auto spki = certs::key_info_of_csr(csr);
    if (!spki) return std::nullopt;
    const auto key =
        scep::judge_signer_key(certs::PublicKey::from_spki(*spki, rules.key_limits), true, rules);
    return key ? std::nullopt : std::optional(key.error());
}

int explain(const PolicyExplainOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto content = read_file(options.csr);
    if (!content) return complain(kUsage, content.error().detail);
    auto challenge = other_challenge(options);
    if (!challenge) return complain(kUsage, challenge.error().detail);

    const auto clock = std::make_shared<certs::SystemClock>();
    const std::int64_t now = clock->now();
    boost::asio::io_context context;  // outlives the thread that asks services
    RuntimeServices services;
    std::shared_ptr<ca_backend::Store> store = open_store_to_read(*config);
    services.store->connect(store);
    ConfigFaults faults;
    const auto runtime = build_runtime(*config, clock, faults, services);
    if (!runtime) {
        print_faults(faults);
        return kUsage;
    }
    const auto endpoint = choose_endpoint(*runtime, options.endpoint, now);
    if (!endpoint) return kUsage;
    if (!options.renewal_of.empty() && !endpoint->renewal) {
        return complain(kUsage, "endpoint " + endpoint->name +
                                    " renews nothing: leave --renewal-of out, or give it a "
                                    "'renewal'");
    }

    const auto der = der_of(content->view());
    if (!der) {
        return unreadable(*endpoint, "csr", "CertificateRequestDecodingFailed", der.error(),
                          options);
    }
    const bool renewal = !options.renewal_of.empty();
    std::optional<Refusal> signer_refused;
    if (!renewal) signer_refused = judge_own_signature(*der, endpoint->rules);
    certs::CsrLimits limits;
    limits.key = endpoint->rules.key_limits;
    const auto csr = certs::Csr::from_der(*der, limits, endpoint->rules.sha1);
    if (!csr && signer_refused)
        return refuse_explained(*endpoint, kSignerKey, *signer_refused, options);
    if (!csr) {
        return unreadable(*endpoint, "csr", "CertificateRequestDecodingFailed", csr.error(),
                          options);
    }
    const auto purpose = certs::purpose_of(csr->requested().key_usage);
    if (!purpose) {
        return unreadable(*endpoint, "key usage", "KeyUsageUnsupported", purpose.error(), options);
    }
    const auto signer = signer_of(options, *csr, now);
    if (!signer) return complain(kUsage, signer.error().detail);
    const EnrollmentRequest request{
        .endpoint = endpoint->name,
        .kind = renewal ? EnrollmentKind::kRenewal : EnrollmentKind::kInitial,
        .message_type = renewal ? 17 : 19,
        .transaction_id = "explain",
        .csr = *challenge ? csr->with_challenge(std::move(**challenge)) : *csr,
        .purpose = *purpose,
        .signer = *signer,
        .client_address = "",
        .template_name = endpoint->template_for(*purpose)};
    auto explained = wait_for(
        context,
        explain_enrollment(*endpoint, request, store.get(), now,
                           options.online ? policy::Reach::kOnline : policy::Reach::kOffline));
    if (signer_refused) {
        explained.verdicts.insert(explained.verdicts.begin(),
                                  policy::failed("request", kSignerKey, *signer_refused));
        explained.outcome = *signer_refused;
    }
    explained.verdicts.insert(
        explained.verdicts.begin(),
        {.module = "request",
         .check = "csr",
         .found = "'" + csr->subject().text() + "', " +
                  certs::to_text(csr->requested().subject_alt_name) + ", signed by its own key"});
    if (options.json) {
        print_json(json_of(*endpoint, explained));
    } else {
        print(explained);
    }
    return explained.outcome && *explained.outcome ? kSuccess : kFailed;
}

}  // namespace

void add_policy(CLI::App& app, int& status) {
    CLI::App* policy =
        app.add_subcommand("policy", "Ask what policy says, and look after its keys");
    policy->require_subcommand(1);
    add_policy_rotate(*policy, status);
    CLI::App* command = policy->add_subcommand(
        "explain",
        "Run all checks on a certificate request as the server would, and print each verdict: the "
        "CSR, its key, the endpoint's policies, whether the challenge was used, template and CA. "
        "Nothing is signed, used up or recorded, and no service is asked without --online. No "
        "challenge is ever printed. Exit status 0 when it would be granted, 1 when it would be "
        "refused or that depends on what was not asked.");
    auto options = std::make_shared<PolicyExplainOptions>();
    add_config_option(*command, options->config);
    command->add_option("--endpoint", options->endpoint,
                        "Which endpoint, by its name or first path (default: the only one)");
    command->add_option("--csr", options->csr, "The certificate request, PEM or DER")
        ->required()
        ->type_name("FILE");
    auto* text = command->add_option("--challenge", options->challenge,
                                     "A challenge in place of the CSR's own; other users of this "
                                     "machine may see it: better --challenge-file");
    command->add_option("--challenge-file", options->challenge_file, "The same, from a file")
        ->type_name("FILE")
        ->excludes(text);
    command
        ->add_option("--renewal-of", options->renewal_of,
                     "The certificate that signs, when this is a renewal (PEM)")
        ->type_name("FILE");
    command->add_flag("--online", options->online,
                      "Ask the services too that policies ask (nothing is told to them that a "
                      "request would not tell)");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = explain(*options); });
}

}  // namespace scepgate::server::cli
