#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/admin/handler.hpp"
#include "server/audit_settings.hpp"
#include "server/ca_watch.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/confinement.hpp"
#include "server/cli/service_manager.hpp"
#include "server/cli/stopping.hpp"
#include "server/cli/support.hpp"
#include "server/config_changes.hpp"
#include "server/config_judge.hpp"
#include "server/config_shape.hpp"
#include "server/crl_publisher.hpp"
#include "server/descriptors.hpp"
#include "server/http_server.hpp"
#include "server/notifier.hpp"
#include "server/revocation_polling.hpp"
#include "server/revocations_told.hpp"
#include "server/runtime_publishing.hpp"
#include "server/sandbox/refused_syscall.hpp"
#include "server/scep_handler.hpp"
#include "server/store_opening.hpp"

namespace scepgate::server::cli {
namespace {

namespace asio = boost::asio;

/// How long requests in progress may take after SIGTERM.
constexpr std::chrono::seconds kDrainTime{10};
/// How long notifiers may be told of the last certificates; the rest waits in the store.
constexpr std::chrono::seconds kNotifyTime{5};

/// A server from its configuration to its end: what is built once, and what SIGHUP replaces.
class Service {
public:
    explicit Service(std::string file) : file_(std::move(file)) {}

    int run() {
        descriptors_ = raise_descriptor_limit();
        if (const auto begun = confinement_.begin(file_); !begun) return refuse("", begun.error());
        ConfigFaults faults;
        const auto judged = judge_config(file_, Occasion::kStart, clock_, faults, services_);
        config_ = judged.config;
        fit_connections(config_, descriptors_, faults);
        // Warnings go to the log; on standard error only where that is not the log already.
        if (faults.has_errors() || config_.log.file) print_faults(faults);
        if (faults.has_errors()) return status_of_faults();
        if (const int status = open(judged); status != kSuccess) return status;
        for (const auto& fault : faults.list())
            log_->warn(fault.text());
        if (const auto confined = confinement_.finish(config_, *log_); !confined)
            return refuse("", confined.error());

        asio::io_context signals;
        asio::signal_set set(signals, SIGTERM, SIGINT, SIGHUP);
        std::signal(SIGPIPE, SIG_IGN);
        config_sha256_ = config_sha256();
        audit_event("start");  // before whatever is asked
        log_endpoints(*judged.runtime);
        log_->flush();
        notifier_->use(judged.runtime->notifiers());
        server_->start();
        polling_->start(judged.runtime->revocation_feeds());
        publisher_->start(judged.runtime->publications().duties());
        for (const auto& address : server_->addresses()) {
            log_->info("serving", LogFields().add("address", address));
        }
        if (admin_server_) {
            admin_server_->start();
            for (const auto& address : admin_server_->addresses())
                log_->info("serving admin", LogFields().add("address", address));
        }
        log_->flush();
        tell_service_manager("READY=1");
        wait(set);
        daily_.emplace(signals);
        watch_daily();
        telling_.emplace(signals);
        tell_refusals();
        signals.run();
        daily_.reset();
        telling_.reset();

        log_->info("stopping");
        tell_service_manager("STOPPING=1");
        leave(signals, set);
        server_->drain(kDrainTime);
        if (admin_server_) admin_server_->drain(kDrainTime);
        notifier_->stop(kNotifyTime);
        services_.http->stop();
        polling_->stop();
        publisher_->stop();
        workers_->join();
        handler_->tell_refusals(RefusalBounds::Which::kAll);
        audit_event("stop");
        log_->info("stopped");
        log_->flush();
        take_no_more_signals();
        return kSuccess;
    }

private:
    int open(const JudgedConfig& judged) {
        auto log = Log::open(config_.log);
        if (!log) return refuse("log.file", log.error());
        log_ = std::move(*log);
        auto audit = open_audit(config_);
        if (!audit) return refuse("audit.file", audit.error());
        audit_ = std::move(*audit);
        // A database that vanished must not be replaced by an empty one: used challenges would be
        // good again. 'scepgate init' makes it.
        auto store = open_store(config_, ca_backend::StoreMode::kOpenExisting);
        if (!store) return refuse(store_path(config_), store.error());
        store_ = std::move(*store);
        services_.store->connect(store_);
        services_.crls->connect(
            audit_, [log = log_](const ca_backend::MadeCrl& made, const std::string& left_out) {
                log->error("revocations that no CRL can list were left out",
                           LogFields().add("ca", made.ca).add("left_out", left_out));
            });
        if (const int status = compare_with_audit(); status != kSuccess) return status;
        workers_ =
            std::make_unique<WorkerPool>(config_.crypto_threads, config_.queue, config_.queue_time);
        ServiceParts parts{store_, audit_, log_, clock_};
        notifier_ = std::make_shared<Notifier>(parts);
        parts.notifier = notifier_;
        polling_ = std::make_unique<RevocationPolling>(parts);
        publisher_ = std::make_unique<CrlPublisher>(services_.store, log_);
        operations_ = std::make_unique<PkiOperations>(std::move(parts));
        handler_ = std::make_unique<ScepHandler>(judged.runtime, *operations_, *workers_, log_);
        handler_->bound_refusals(config_.refusals_per_second);
        auto server = HttpServer::create(config_.http, *handler_);
        if (!server) return refuse("", server.error());
        server_ = std::move(*server);
        return judged.admin ? open_admin(judged.admin) : kSuccess;
    }

    /// A store that was restored from a backup has forgotten revocations, and nothing else tells.
    int compare_with_audit() {
        const auto warn = [this](LogFields fields) {
            log_->error("the store is older than the audit file, as after a restore",
                        fields.add("hint",
                                   "revocations since its backup are lost: 'scepgate store "
                                   "verify' names them; docs/backup.md says what to do"));
        };
        for (const auto& [name, ca] : config_.cas) {
            const auto lifted = lift_crl_number(config_, name, *store_);
            if (!lifted) return refuse("audit.file", lifted.error());
            if (*lifted) warn(LogFields().add("ca", name).add("what", "CRL number"));
        }
        const auto lost = lately_lost_revocations(config_, *store_);
        if (!lost) return refuse("audit.file", lost.error());
        if (!lost->empty()) {
            warn(LogFields()
                     .add("what", "revocations")
                     .add("lost", lost->size())
                     .add("serial", lost->front()));
        }
        return kSuccess;
    }

    int open_admin(const std::shared_ptr<const admin::AdminRuntime>& runtime) {
        admin_ = std::make_unique<admin::AdminHandler>(runtime,
                                                       ServiceParts{store_, audit_, log_, clock_});
        auto server = HttpServer::create(config_.admin->http, *admin_);
        if (!server) return refuse("admin", server.error());
        admin_server_ = std::move(*server);
        return kSuccess;
    }

    /// A part of the configuration that cannot be used here and now.
    static int refuse(std::string path, const Error& error) {
        ConfigFaults faults;
        faults.error(std::move(path), error.detail);
        print_faults(faults);
        return kUsage;
    }

    void wait(asio::signal_set& set) {
        set.async_wait([this, &set](const boost::system::error_code& error, int signal) {
            if (error || signal != SIGHUP) {
                if (daily_) daily_->cancel();
                if (telling_) telling_->cancel();
                return;  // run() ends when nothing waits any more
            }
            try {
                reload();
            } catch (const std::exception& fault) {
                // Whatever is wrong with new files, the old ones go on serving.
                log_->error("not reloaded", LogFields().add("reason", fault.what()));
            }
            wait(set);
        });
    }

    /// Says that it is going, and goes on serving until the load balancer has had time to see it.
    /// A second SIGTERM ends that time.
    void leave(asio::io_context& signals, asio::signal_set& set) {
        handler_->leave();
        if (config_.shutdown_delay == std::chrono::milliseconds(0)) return;
        signals.restart();
        asio::steady_timer timer(signals, config_.shutdown_delay);
        timer.async_wait([&set](const boost::system::error_code&) { set.cancel(); });
        wait_for_another(set, timer);
        signals.run();
    }

    static void wait_for_another(asio::signal_set& set, asio::steady_timer& timer) {
        set.async_wait([&](const boost::system::error_code& error, int signal) {
            if (error) return;
            if (signal == SIGHUP) return wait_for_another(set, timer);
            timer.cancel();
        });
    }

    void watch_daily() {
        daily_->expires_after(std::chrono::hours(24));
        daily_->async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            log_aging_cas(*handler_->runtime(), clock_->now(), *log_);
            watch_daily();
        });
    }

    void tell_refusals() {
        telling_->expires_after(std::chrono::seconds(1));
        telling_->async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            handler_->tell_refusals(RefusalBounds::Which::kDue);
            tell_refusals();
        });
    }

    /// New configuration, keys and certificates without dropping a connection. With any error the
    /// old ones stay. Listeners, store, files and threads stay as they are until a restart.
    void reload() {
        ConfigFaults faults;
        auto judged = judge_config(file_, Occasion::kReload, clock_, faults, services_);
        if (judged.runtime) {
            fit_connections(judged.config, descriptors_, faults);
            warn_of_restart(config_, judged.config, faults);
            confinement_.judge_reload(judged.config, faults);
        }
        log_reload_faults(*log_, faults);
        report(log_->reopen());
        sandbox::tell_refused_syscalls_in(log_->descriptor());
        report(audit_->reopen());
        if (!judged.runtime || faults.has_errors()) return;
        handler_->replace(judged.runtime);
        notifier_->use(judged.runtime->notifiers());
        polling_->start(judged.runtime->revocation_feeds());
        publisher_->start(judged.runtime->publications().duties());
        handler_->bound_refusals(judged.config.refusals_per_second);
        server_->update(judged.config.http);
        report(server_->reload_tls());
        if (admin_server_) reload_admin(judged);
        audit_config_change();
        audit_event("reload");
        log_->info("reloaded");
        log_endpoints(*judged.runtime);
        log_->flush();
    }

    void reload_admin(const JudgedConfig& judged) {
        // Without "admin" nobody may ask any more, though it listens until the restart.
        admin_->replace(judged.admin ? judged.admin
                                     : std::make_shared<const admin::AdminRuntime>());
        if (judged.config.admin) admin_server_->update(judged.config.admin->http);
        report(admin_server_->reload_tls());
    }

    /// What devices of all kinds will get: the first thing to look at when one kind fails.
    void log_endpoints(const Runtime& runtime) {
        for (const auto& endpoint : runtime.endpoints()) {
            LogFields fields;
            fields.add("endpoint", endpoint->name)
                .add("preset", endpoint->shape.preset)
                .add("shape", to_text(endpoint->shape))
                .add("ca", endpoint->ca->chain().front().subject_text());
            if (endpoint->next) {
                fields.add("next_ca", endpoint->next->ca->chain().front().subject_text())
                    .add("next_from", certs::utc_text(endpoint->next_from));
            }
            log_->info("endpoint", fields);
        }
    }

    void report(const Result<void>& result) {
        if (!result) log_->error(result.error().detail);
    }

    void audit_event(AuditEvent event) {
        report(audit_->write(AuditRecord(event, clock_->now())
                                 .add("version", SCEPGATE_VERSION)
                                 .add("config", config_.file.string())
                                 .add("config_sha256", config_sha256_)));
    }

    void audit_config_change() {
        std::string now = config_sha256();
        if (now == config_sha256_) return;
        report(audit_->write(AuditRecord("config_change", clock_->now())
                                 .add("config", config_.file.string())
                                 .add("before", config_sha256_)
                                 .add("config_sha256", now)));
        config_sha256_ = std::move(now);
    }

    /// Of the file that is served from; it was read a moment ago.
    [[nodiscard]] std::string config_sha256() const {
        std::ifstream stream(config_.file, std::ios::binary);
        std::ostringstream text;
        text << stream.rdbuf();
        return to_hex(sha256(as_bytes(text.str())));
    }

    std::string file_;
    Confinement confinement_;
    std::size_t descriptors_ = 0;  ///< that there may be
    Config config_;                ///< what was started
    std::string config_sha256_;
    std::shared_ptr<const certs::Clock> clock_ = std::make_shared<certs::SystemClock>();
    std::shared_ptr<Log> log_;
    std::shared_ptr<AuditLog> audit_;
    std::shared_ptr<ca_backend::Store> store_;
    RuntimeServices services_;  ///< the same for all configurations
    std::shared_ptr<Notifier> notifier_;
    std::unique_ptr<WorkerPool> workers_;
    std::unique_ptr<RevocationPolling> polling_;
    std::unique_ptr<CrlPublisher> publisher_;
    std::unique_ptr<PkiOperations> operations_;
    std::unique_ptr<ScepHandler> handler_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<admin::AdminHandler> admin_;
    std::optional<asio::steady_timer> daily_, telling_;  ///< while run() waits
    std::unique_ptr<HttpServer> admin_server_;           ///< null without "admin"
};

}  // namespace

void add_serve(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "serve",
        "Serve SCEP in the foreground. SIGTERM ends requests in progress and stops; SIGHUP reads "
        "configuration, keys and certificates anew without dropping a connection.");
    auto file = std::make_shared<std::string>();
    command->add_option("--config", *file, "The configuration file")->required()->type_name("FILE");
    command->callback([&status, file] { status = Service(*file).run(); });
}

}  // namespace scepgate::server::cli
