// What a configuration's CAs put into folders, and the CRL numbers that they go on from.
#pragma once

#include "ca_backend/store.hpp"
#include "server/config.hpp"
#include "server/publisher_duties.hpp"
#include "server/runtime_ca.hpp"

namespace scepgate::server {

/// The files of one kind of CRL, and of the CA's certificate, with their variables replaced.
[[nodiscard]] std::vector<std::filesystem::path> crl_files(const CaConfig& ca,
                                                           const certs::Certificate& certificate,
                                                           ca_backend::CrlKind kind);
[[nodiscard]] std::vector<std::filesystem::path> certificate_files(
    const CaConfig& ca, const certs::Certificate& certificate);

/// Adds what a CA with "crl" has a publisher do.
void add_duties(const std::string& name, const CaConfig& config, const BuiltCa& ca,
                PublisherDuties& duties);
/// A fault for files that two would write, a warning for folders that are not there.
void judge_files(const PublisherDuties& duties, const Config& config, ConfigFaults& faults);

/// A store that was restored does not know the numbers of CRLs that were made since its backup, and
/// no number may come twice (RFC 5280 section 5.2.3): lifts each CA's above the last one that the
/// audit file tells of.
Result<void> lift_crl_numbers(const Config& config, ca_backend::Store& store);

}  // namespace scepgate::server
