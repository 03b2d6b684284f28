#include "server/cli/stopping.hpp"

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace scepgate::server::cli {

void take_no_more_signals() {
    // The last signal_set to go gives signals their default action back, which ends the process.
    // This one stays.
    static auto& context = *new boost::asio::io_context(1);
    static auto& stays = *new boost::asio::signal_set(context, SIGTERM, SIGINT, SIGHUP);
    (void)stays;
}

}  // namespace scepgate::server::cli
