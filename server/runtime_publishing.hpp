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

/// Lifts a CA's CRL numbers above the last one that the audit file tells of. True: the store knew
/// of none that high, so it is older than the audit file. The time alone keeps numbers above those
/// of before a restore (CrlStore), but not by a clock that was set back.
Result<bool> lift_crl_number(const Config& config, const std::string& ca_name,
                             ca_backend::Store& store);

}  // namespace scepgate::server
