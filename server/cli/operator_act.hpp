// What an operator does to the records, told by the audit file before and after.
#pragma once

#include <functional>

#include "certs/clock.hpp"
#include "server/audit_log.hpp"
#include "server/cli/store_access.hpp"

namespace scepgate::server::cli {

/// Does it once the audit file says who is about to ("intend", with "act"), and tells there how it
/// ended: the act's own event, or "fail". Where the first line cannot be written, nothing is done.
/// `facts` adds to each line what it is done to.
template <class Perform>
auto audited(AuditLog& log, AuditEvent act, const std::function<void(AuditRecord&)>& facts,
             const Perform& perform) -> decltype(perform()) {
    const auto begin = [&](AuditEvent event) {
        AuditRecord line(event, certs::SystemClock().now());
        if (event.name() != act.name()) line.add("act", act.name());
        facts(line);
        line.add("by", operator_name());
        return line;
    };
    if (auto written = log.write(begin("intend")); !written) {
        return in_context("nothing was done", written.error());
    }
    auto done = perform();
    AuditRecord line = begin(done ? act : AuditEvent("fail"));
    if (!done) line.add("error", done.error().detail);
    if (auto written = log.write(line); !written && done) {
        return in_context("done, but the audit file says only that it was to be", written.error());
    }
    return done;
}

}  // namespace scepgate::server::cli
