// scepgate pending list | approve | reject
#include <iostream>

#include "server/audit_trail.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::Decision;
using ca_backend::PendingFilter;
using ca_backend::StoredTransaction;
using Json = nlohmann::ordered_json;

struct PendingOptions {
    std::string config;
    std::string transaction;
    std::optional<std::int64_t> request;
    std::string reason;
    std::size_t limit = 1000;
    bool all = false;
    bool json = false;
};

Json pending_json(const StoredTransaction& transaction) {
    Json json = {{"request", transaction.id},
                 {"transaction_id", transaction.transaction_id},
                 {"state", to_text(transaction.state)},
                 {"endpoint", transaction.endpoint},
                 {"subject", transaction.subject},
                 {"subject_alt_name", transaction.subject_alt_name},
                 {"ca", transaction.ca},
                 {"template", transaction.template_name},
                 {"policy", transaction.policy},
                 {"device_id", transaction.device_id},
                 {"user_id", transaction.user_id},
                 {"recorded_at", certs::utc_text(transaction.recorded_at)}};
    if (!transaction.pending) return json;
    json["expires"] = certs::utc_text(transaction.pending->expires);
    // For an operator who asks the device's owner which request is theirs (RFC 8894 section 2.4).
    json["csr_sha256"] = to_hex(sha256(transaction.pending->csr));
    json["upstream_id"] = transaction.pending->upstream_id;
    if (transaction.pending->decided_at != 0) {
        json["decided_at"] = certs::utc_text(transaction.pending->decided_at);
        json["decided_by"] = transaction.pending->decided_by;
        json["reason"] = transaction.pending->reason;
    }
    if (transaction.certificate) json["serial"] = transaction.certificate->serial_hex();
    return json;
}

void print_line(std::ostream& out, const StoredTransaction& transaction) {
    const std::string& name =
        transaction.subject.empty() ? transaction.subject_alt_name : transaction.subject;
    out << transaction.id << "  " << to_text(transaction.state) << "  "
        << certs::utc_text(transaction.recorded_at) << "  " << transaction.endpoint << "  "
        << printable(transaction.transaction_id) << "  " << printable(name) << '\n';
}

int list(const PendingOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    PendingFilter filter;
    filter.open_only = !options.all;
    if (!options.transaction.empty()) filter.transaction_id = options.transaction;
    filter.now = certs::SystemClock().now();
    filter.limit = options.limit;
    const auto found = store->list_pending(filter);
    if (!found) return complain(kFailed, found.error().detail);
    if (options.json) {
        Json all = Json::array();
        for (const auto& transaction : *found)
            all.push_back(pending_json(transaction));
        print_json(all);
    } else {
        for (const auto& transaction : *found)
            print_line(std::cout, transaction);
    }
    return flush_output(kSuccess);
}

/// The one transaction that the options name; otherwise says why there is none.
std::optional<StoredTransaction> choose(ca_backend::Store& store, const PendingOptions& options,
                                        std::int64_t now) {
    PendingFilter filter;
    filter.transaction_id = options.transaction;
    filter.now = now;
    auto found = store.list_pending(filter);
    if (found && found->empty()) {
        filter.open_only = false;
        found = store.list_pending(filter);
        if (found && found->size() > 1 && !options.request) found->resize(1);
    }
    if (!found) {
        complain(kFailed, found.error().detail);
        return std::nullopt;
    }
    if (options.request) {
        std::erase_if(*found, [&options](const StoredTransaction& transaction) {
            return transaction.id != *options.request;
        });
    }
    if (found->empty()) {
        complain(kFailed,
                 "no such transaction is pending; 'scepgate pending list' shows those "
                 "that are");
        return std::nullopt;
    }
    if (found->size() > 1) {
        complain(kFailed, "several devices have a pending transaction '" + options.transaction +
                              "'; choose one by its first column, with --request NUMBER:");
        for (const auto& transaction : *found)
            print_line(std::cerr, transaction);
        return std::nullopt;
    }
    return std::move(found->front());
}

int decide(const PendingOptions& options, Decision::Verdict verdict) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    Decision decision;
    decision.verdict = verdict;
    decision.by = operator_name();
    decision.reason = options.reason;
    decision.now = certs::SystemClock().now();
    const auto chosen = choose(*records->store, options, decision.now);
    if (!chosen) return kFailed;
    decision.id = chosen->id;
    const auto facts = [&](AuditRecord& line) {
        line.add("endpoint", chosen->endpoint)
            .add("transaction_id", chosen->transaction_id)
            .add("request", chosen->id)
            .add("subject", chosen->subject);
        add_grant(line, *chosen);
        line.add_if("reason", decision.reason);
    };
    const AuditEvent act =
        verdict == Decision::Verdict::kApprove ? AuditEvent("approve") : AuditEvent("reject");
    const auto decided = audited(*records->audit, act, facts,
                                 [&] { return wait_for(records->store->decide(decision)); });
    if (!decided) return complain(kFailed, decided.error().detail);
    if (options.json) {
        print_json(pending_json(*decided));
    } else {
        print_line(std::cout, *decided);
    }
    return flush_output(kSuccess);
}

void add_config(CLI::App& command, PendingOptions& options) {
    add_config_option(command, options.config);
    command.add_flag("--json", options.json, "Print JSON");
}

}  // namespace

void add_pending(CLI::App& app, int& status) {
    CLI::App* pending = app.add_subcommand(
        "pending", "Decide on requests that wait for an operator; the server may be running");
    pending->require_subcommand(1);
    auto options = std::make_shared<PendingOptions>();
    CLI::App* list_command = pending->add_subcommand(
        "list",
        "List waiting requests, newest first: number, state, time, endpoint, "
        "transactionID, subject");
    add_config(*list_command, *options);
    list_command->add_flag("--all", options->all,
                           "Also those that were rejected, issued or have expired");
    list_command->add_option("--transaction", options->transaction, "Only this transactionID");
    list_command->add_option("--limit", options->limit, "At most this many")->capture_default_str();
    list_command->callback([&status, options] { status = list(*options); });

    const auto add = [pending, options, &status](const char* name, const char* help,
                                                 Decision::Verdict verdict) {
        CLI::App* command = pending->add_subcommand(name, help);
        command->add_option("TRANSACTION", options->transaction, "Its transactionID")->required();
        add_config(*command, *options);
        command
            ->add_option("--request", options->request,
                         "Its number, where several devices chose the same transactionID")
            ->type_name("NUMBER");
        command->add_option("--reason", options->reason, "Why, for the record")->type_name("TEXT");
        command->callback([&status, options, verdict] { status = decide(*options, verdict); });
    };
    add("approve", "Let a request be issued: the device gets its certificate when it next asks",
        Decision::Verdict::kApprove);
    add("reject", "Refuse a request for good", Decision::Verdict::kReject);
}

}  // namespace scepgate::server::cli
