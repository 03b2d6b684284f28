// What everybody on the machine may do to the server's files, and to the folders that they are in.
#pragma once

#include "server/config.hpp"

namespace scepgate::server {

/// Store, audit and log file: an error when everybody may write them, a warning when everybody may
/// read them. (Keys and other secrets: CredentialLoader.)
///
/// The configuration and certificates: an error when everybody may write them.
///
/// Keys' files: an error when they belong to anybody but this process's user, root and the owner of
/// the configuration.
///
/// Folders that hold the configuration, certificates, keys or secrets: an error when everybody may
/// rename what is in them. Those of store, audit and log file: a warning, and so are the folders
/// above any of them: volumes of containers are often mounted so. A folder with the sticky bit, as
/// /tmp, is a warning where it holds files: there everybody may create some that are not there yet.
///
/// A link is followed as the kernel does, name by name: whoever may turn it to another place
/// decides which file is read, so a folder that holds one on the way counts as one that holds the
/// file. Each folder is told once, as the worst that it is.
///
/// What is no regular file (/dev/stderr) is passed over, and so is what is not there: whoever needs
/// it says so. The group is the administrator's choice.
void judge_file_modes(const Config& config, ConfigFaults& faults);

}  // namespace scepgate::server
