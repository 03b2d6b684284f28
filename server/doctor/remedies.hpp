// The settings that mend what breaks SCEP in between.
#pragma once

#include "server/doctor/finding.hpp"

namespace scepgate::server::doctor {

enum class Fault {
    kLongLine,   ///< a request line over a limit
    kLargeBody,  ///< a body over a limit
    kLogin,
    kRedirect,
    kPath,   ///< a form of the path that is not passed on
    kQuery,  ///< the query is decoded or encoded anew
    kRewrittenBody,
    kContentType,
    kCompression,
    kCaching,
    kUpstream,  ///< the server behind is not reached, or not in time
    kPost,
    kChunked,
    kNoHost,
    kNodes,  ///< several servers behind the name that differ
    kTlsChain,
    kTlsName,
    kTlsValidity,
    kClientCertificate,
    kTls12,
};

/// For nginx, HAProxy, Apache, Caddy, IIS with ARR, Entra application proxy and WAP, where known.
[[nodiscard]] Remedies remedies_for(Fault fault);

}  // namespace scepgate::server::doctor
