// The last moments of a program that was asked to stop.
#pragma once

namespace scepgate::server::cli {

/// Signals that ask for a stop, or to read the configuration anew, are for nobody from now on: the
/// program has done what they ask for, and its exit status says so however many come.
void take_no_more_signals();

}  // namespace scepgate::server::cli
