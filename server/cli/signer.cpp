// scepgate signer
#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/confinement.hpp"
#include "server/cli/service_manager.hpp"
#include "server/cli/stopping.hpp"
#include "server/cli/support.hpp"
#include "server/cores.hpp"
#include "server/descriptors.hpp"
#include "server/sandbox/refused_syscall.hpp"
#include "server/signer/judge.hpp"
#include "server/signer/listener.hpp"

namespace scepgate::server::cli {
namespace {

namespace asio = boost::asio;

/// How long orders in progress may take after SIGTERM.
constexpr std::chrono::seconds kSignerDrainTime{10};
/// Most of an order is one signature; while one waits for the disk, others sign.
constexpr unsigned kThreadsACore = 4;

/// A signer from its configuration to its end.
class SignerProgram {
public:
    explicit SignerProgram(std::string file) : file_(std::move(file)), signals_(context_) {}

    int run() {
        (void)raise_descriptor_limit();  // its listener has a limit of its own
        if (const auto begun = confinement_.begin(file_); !begun) return complain(begun.error());
        ConfigFaults faults;
        auto judged = signer::judge_signer(file_, Occasion::kStart, clock_, faults);
        if (faults.has_errors() || judged.config.log.file) print_faults(faults);
        if (faults.has_errors()) return status_of_faults();
        if (const int status = open(judged); status != kSuccess) return status;
        for (const auto& fault : faults.list())
            log_->warn(fault.text());
        if (const auto confined = confinement_.finish(judged.config, *log_); !confined)
            return complain(confined.error());

        signals_.add(SIGTERM);
        signals_.add(SIGINT);
        signals_.add(SIGHUP);
        std::signal(SIGPIPE, SIG_IGN);
        if (const auto written = write_event("start"); !written) return complain(written.error());
        listener_->start();
        log_->info("signing", LogFields()
                                  .add("socket", judged.config.signer->socket.string())
                                  .add("cas", std::uint64_t{judged.runtime->cas.size()}));
        log_->flush();
        tell_service_manager("READY=1");
        wait();
        listener_->run();
        workers_->join();
        report(write_event("stop"));
        log_->info("stopped");
        log_->flush();
        take_no_more_signals();
        return kSuccess;
    }

private:
    int open(signer::JudgedSigner& judged) {
        const Config& config = judged.config;
        auto log = Log::open(config.log);
        if (!log) return complain(log.error());
        log_ = *std::move(log);
        auto audit = open_audit(config);
        if (!audit) return complain(audit.error());
        audit_ = *std::move(audit);
        auto records = signer::SignedRecords::open(config.signer->state);
        if (!records) return complain(records.error());
        auto revocations = signer::RevocationRecords::open(config.signer->state);
        if (!revocations) return complain(revocations.error());
        const std::shared_ptr<signer::SignedRecords> certificates = *std::move(records);
        auto crls = std::make_shared<signer::CrlSigning>(*std::move(revocations), certificates,
                                                         audit_, clock_);
        auto service = signer::SignerService::create(
            {certificates, std::move(crls), audit_, log_, clock_}, judged.runtime);
        if (!service) return complain(service.error());
        service_ = *std::move(service);
        const unsigned cores = config.crypto_threads != 0 ? config.crypto_threads : usable_cores();
        workers_ = std::make_unique<WorkerPool>(cores * kThreadsACore, config.signer->queue);
        signer::ListenerSettings settings;
        settings.socket = config.signer->socket;
        settings.group = judged.group;
        settings.allowed = judged.allowed;
        settings.connections = config.signer->connections;
        auto listener =
            signer::SignerListener::open(context_, std::move(settings), *service_, *workers_, log_);
        if (!listener) return complain(listener.error());
        listener_ = *std::move(listener);
        return kSuccess;
    }

    /// Without memory for it the process ends: better started anew than deaf.
    void wait() noexcept {
        signals_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            if (signal != SIGHUP) {
                listener_->drain(kSignerDrainTime, [this] { context_.stop(); });
                log_->info("stopping");
                tell_service_manager("STOPPING=1");
                return;
            }
            try {
                reload();
            } catch (const std::exception& fault) {
                log_->error("not reloaded", LogFields().add("reason", fault.what()));
            }
            wait();
        });
    }

    /// New keys, templates, rules and limits. With any error the old ones stay; socket, state,
    /// files and threads stay until a restart.
    void reload() {
        ConfigFaults faults;
        auto judged = signer::judge_signer(file_, Occasion::kReload, clock_, faults);
        if (judged.runtime) confinement_.judge_reload(judged.config, faults);
        log_reload_faults(*log_, faults);
        report(log_->reopen());
        sandbox::tell_refused_syscalls_in(log_->descriptor());
        report(audit_->reopen());
        if (!judged.runtime || faults.has_errors()) return;
        service_->replace(judged.runtime);
        listener_->allow(std::move(judged.allowed));
        report(write_event("reload"));
        log_->info("reloaded");
        log_->flush();
    }

    void report(const Result<void>& result) {
        if (!result) log_->error(result.error().detail);
    }

    Result<void> write_event(std::string_view event) {
        return audit_->write(AuditRecord(event, clock_->now()).add("version", SCEPGATE_VERSION));
    }

    std::string file_;
    Confinement confinement_;
    std::shared_ptr<const certs::Clock> clock_ = std::make_shared<certs::SystemClock>();
    std::shared_ptr<Log> log_;
    std::shared_ptr<AuditLog> audit_;
    std::unique_ptr<signer::SignerService> service_;
    std::unique_ptr<WorkerPool> workers_;
    asio::io_context context_{1};
    asio::signal_set signals_;
    std::unique_ptr<signer::SignerListener> listener_;
};

}  // namespace

void add_signer(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "signer",
        "Hold the CAs' keys and sign for 'serve', which runs as another user and asks on a Unix "
        "socket. What is asked for is held against the signer's own templates, rules and limits. "
        "SIGTERM ends orders in progress and stops; SIGHUP reads the configuration anew.");
    auto file = std::make_shared<std::string>();
    command->add_option("--config", *file, "The signer's configuration file")
        ->required()
        ->type_name("FILE");
    command->callback([&status, file] { status = SignerProgram(*file).run(); });
}

}  // namespace scepgate::server::cli
