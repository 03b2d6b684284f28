// Whether server and signer fit together.
#pragma once

#include "server/config.hpp"

namespace scepgate::server::signer {

/// Asks the signer of every CA that has one. A warning where it does not answer: it may be started
/// later; an error where it has another certificate for the CA, or lacks a template that an
/// endpoint names; judge_crl_urls() of what its certificates say.
void compare_with_signers(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server::signer
