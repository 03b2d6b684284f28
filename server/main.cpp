// scepgate: one program, one subcommand a task.
#include <curl/curl.h>

#include "server/cli/commands.hpp"
#include "server/cli/help.hpp"
#include "server/cli/support.hpp"

int main(int argc, char** argv) {
    namespace cli = scepgate::server::cli;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CLI::App app{
        "scepgate: a SCEP (RFC 8894) and NDES-compatible certificate enrolment server and client.\n"
        "Begin with 'scepgate init lab' and 'scepgate serve --config lab/scepgate.json'.",
        "scepgate"};
    app.set_version_flag("--version", "scepgate " SCEPGATE_VERSION);
    app.require_subcommand(1);
    cli::set_up_help(app);

    int status = cli::kSuccess;
    cli::add_init(app, status);
    cli::add_serve(app, status);
    cli::add_signer(app, status);
    cli::add_config(app, status);
    cli::add_challenge(app, status);
    cli::add_policy(app, status);
    cli::add_enroll(app, status);
    cli::add_renew(app, status);
    cli::add_getca(app, status);
    cli::add_getnextca(app, status);
    cli::add_getcert(app, status);
    cli::add_getcrl(app, status);
    cli::add_cert(app, status);
    cli::add_pending(app, status);
    cli::add_notify(app, status);
    cli::add_ca(app, status);
    cli::add_audit(app, status);
    cli::add_store(app, status);
    cli::add_doctor(app, status);
    cli::add_decode(app, status);
    cli::group_commands(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return cli::flush_output(app.exit(error) == 0 ? cli::kSuccess : cli::kUsage);
    } catch (const std::exception& error) {
        return cli::complain(cli::kFailed, error.what());
    }
    return cli::flush_output(status);
}
