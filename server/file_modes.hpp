// What everybody on the machine may do to the server's files, and to the folders that they are in.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

/// Store, audit and log file: an error when everybody may write them, a warning when everybody may
/// read them. (Keys and other secrets: CredentialLoader.)
///
/// The configuration and certificates: an error when everybody may write them.
///
/// Folders of the configuration, of certificates, keys and secrets, and of those three: an error
/// when everybody may rename what is in them. A folder with the sticky bit, as /tmp, is a warning:
/// there everybody may create files, and files that are not there yet. For the folders above them
/// it is a warning too: volumes of containers are often mounted so.
///
/// What is no regular file (/dev/stderr) is passed over, and so is what is not there: whoever needs
/// it says so. The group is the administrator's choice.
void judge_file_modes(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server
