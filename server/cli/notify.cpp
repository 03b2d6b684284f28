// scepgate notify list | retry | drop
#include <algorithm>
#include <iostream>

#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"
#include "server/counted.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::OutboxCount;
using ca_backend::OutboxRow;
using Json = nlohmann::ordered_json;

struct NotifyOptions {
    std::string config;
    std::string notifier;
    std::size_t limit = 100;
    bool json = false;
};

bool is_configured(const Config& config, const std::string& target) {
    return config.notifiers.contains(target);
}

Json outbox_json(const OutboxRow& row, std::int64_t now) {
    Json json = {{"notifier", row.event.target},    {"id", row.event.id},
                 {"event", row.event.kind},         {"created", certs::utc_text(row.created)},
                 {"due", certs::utc_text(row.due)}, {"attempts", row.attempts}};
    if (row.is_leased(now)) json["leased_until"] = certs::utc_text(row.leased_until);
    if (!row.error.empty()) json["error"] = row.error;
    return json;
}

Json outbox_json(const OutboxCount& count, const Config& config) {
    Json json = {{"notifier", count.target},
                 {"configured", is_configured(config, count.target)},
                 {"waiting", count.waiting},
                 {"dropped", count.dropped}};
    if (count.waiting != 0) json["oldest"] = certs::utc_text(count.oldest);
    return json;
}

void print(const OutboxCount& count, const Config& config) {
    std::cout << printable(count.target) << ": " << count.waiting << " waiting";
    if (count.waiting != 0) std::cout << " since " << certs::utc_text(count.oldest);
    if (count.dropped != 0)
        std::cout << ", " << counted(count.dropped, "refusal") << " dropped so far";
    if (!is_configured(config, count.target)) std::cout << " (not in the configuration)";
    std::cout << '\n';
}

void print(const OutboxRow& row, std::int64_t now) {
    std::cout << "  " << row.event.id << "  " << row.event.kind << "  "
              << certs::utc_text(row.created) << "  attempts " << row.attempts << ", due "
              << certs::utc_text(row.due);
    if (row.is_leased(now)) {
        std::cout << ", with a sender until " << certs::utc_text(row.leased_until)
                  << " at the latest";
    }
    if (!row.error.empty()) std::cout << ": " << printable(row.error);
    std::cout << '\n';
}

int list(const NotifyOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    const auto counts = store->outbox().count();
    if (!counts) return complain(kFailed, counts.error().detail);
    const std::int64_t now = certs::SystemClock().now();
    Json json = {{"notifiers", Json::array()}, {"messages", Json::array()}};
    std::int64_t waiting = 0;
    for (const OutboxCount& count : *counts) {
        if (!options.notifier.empty() && count.target != options.notifier) continue;
        waiting += count.waiting;
        const auto rows = store->outbox().list(count.target, options.limit);
        if (!rows) return complain(kFailed, rows.error().detail);
        json["notifiers"].push_back(outbox_json(count, *config));
        if (!options.json) print(count, *config);
        for (const OutboxRow& row : *rows) {
            json["messages"].push_back(outbox_json(row, now));
            if (!options.json) print(row, now);
        }
    }
    if (options.json) print_json(json);
    if (!options.json && waiting == 0) std::cerr << "nothing waits\n";
    return flush_output(kSuccess);
}

int retry(const NotifyOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    if (!options.notifier.empty() && !is_configured(*config, options.notifier)) {
        return complain(kFailed,
                        "there is no notifier '" + options.notifier + "' in the configuration");
    }
    const auto records = open_records(*config);
    if (!records) return kUsage;
    const auto facts = [&](AuditRecord& line) { line.add_if("notifier", options.notifier); };
    const std::int64_t now = certs::SystemClock().now();
    const auto found = audited(*records->audit, "notify_retry", facts, [&] {
        return wait_for(records->store->outbox().retry(options.notifier, now));
    });
    if (!found) return complain(kFailed, found.error().detail);
    if (options.json) {
        print_json({{"due", found->due}, {"being_sent", found->being_sent}});
    } else {
        std::cout << counted(found->due, "message") << (found->due == 1 ? " is" : " are")
                  << " due now; a running server sends them\n";
        if (found->being_sent != 0) {
            std::cout << found->being_sent << " before them are being sent; 'notify list' says "
                      << "until when a sender has them\n";
        }
    }
    return flush_output(kSuccess);
}

/// Whether anything waits for it, or was dropped.
Result<bool> is_known(ca_backend::Outbox& outbox, const std::string& target) {
    const auto counts = outbox.count();
    if (!counts) return counts.error();
    return std::any_of(counts->begin(), counts->end(),
                       [&](const OutboxCount& count) { return count.target == target; });
}

int drop(const NotifyOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    if (is_configured(*config, options.notifier)) {
        return complain(kFailed, "notifier '" + options.notifier +
                                     "' is in the configuration: take it out first, and reload");
    }
    const auto records = open_records(*config);
    if (!records) return kUsage;
    const auto known = is_known(records->store->outbox(), options.notifier);
    if (!known) return complain(kFailed, known.error().detail);
    if (!*known) {
        return complain(kFailed, "nothing waits for a notifier '" + options.notifier +
                                     "': 'scepgate notify list' says for whom it does");
    }
    std::optional<std::size_t> messages;
    const auto facts = [&](AuditRecord& line) {
        line.add("notifier", options.notifier);
        if (messages) line.add("messages", static_cast<std::int64_t>(*messages));
    };
    const auto dropped = audited(*records->audit, "notify_drop", facts, [&] {
        auto done = wait_for(records->store->outbox().drop(options.notifier));
        if (done) messages = *done;
        return done;
    });
    if (!dropped) return complain(kFailed, dropped.error().detail);
    if (options.json) {
        print_json({{"dropped", *dropped}});
    } else {
        std::cout << counted(*dropped, "message") << (*dropped == 1 ? " is" : " are")
                  << " forgotten\n";
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_notify(CLI::App& app, int& status) {
    CLI::App* notify = app.add_subcommand(
        "notify", "Look at what notifiers are still to be told; the server may be running");
    notify->require_subcommand(1);
    auto options = std::make_shared<NotifyOptions>();
    constexpr const char* kOnlyThis = "Only this one";
    const auto add = [notify, options](const char* name, const char* help, const char* which) {
        CLI::App* command = notify->add_subcommand(name, help);
        command->add_option("NOTIFIER", options->notifier, which);
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print JSON");
        return command;
    };
    CLI::App* list_command = add(
        "list",
        "How much waits for each notifier, since when, and the messages, oldest first: id, "
        "event, time, attempts, when the next one is due, until when a sender has it, why the last "
        "one failed",
        kOnlyThis);
    list_command->add_option("--limit", options->limit, "At most this many messages of each")
        ->capture_default_str();
    list_command->callback([&status, options] { status = list(*options); });
    add("retry", "Send what waits now, not when its next attempt is due", kOnlyThis)
        ->callback([&status, options] { status = retry(*options); });
    CLI::App* drop_command =
        add("drop", "Forget what waits for a notifier that is not in the configuration any more",
            "Its name");
    drop_command->get_option("NOTIFIER")->required();
    drop_command->callback([&status, options] { status = drop(*options); });
}

}  // namespace scepgate::server::cli
