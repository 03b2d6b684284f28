// A request whose answer is not there yet, kept on disk: sent again after a lost reply or a restart
// it is the same request, which a server takes for a retry.
#pragma once

#include <filesystem>

#include "scep/client.hpp"

namespace scepgate::server::cli {

struct RequestState {
    std::string url;
    scep::MessageType type = scep::MessageType::kPkcsReq;
    std::string transaction_id = scep::new_transaction_id();
    Bytes csr;                  ///< DER; may hold a challenge
    certs::Certificate signer;  ///< transient, or the certificate to renew
    bool pending = false;       ///< the server has it: only ask after it
};

/// The state in `file`, with its transactionID, when it is of the same request as `fresh` (URL,
/// type, all that the CSR says, and for a renewal the signer); `fresh`, saved, when there is no
/// such file. kConfig when the file is of another request: nothing is ever mixed.
Result<RequestState> resume_or_save(const std::filesystem::path& file, RequestState fresh);

/// Readable by the owner only.
Result<void> save(const std::filesystem::path& file, const RequestState& state);

}  // namespace scepgate::server::cli
