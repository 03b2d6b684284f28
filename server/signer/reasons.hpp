// Why the signer refuses, beside its CAs' and its rules' own refusals; and why it could not be
// asked. docs/refusals.md lists them.
#pragma once

#include "certs/refusal.hpp"

namespace scepgate::server::signer::reason {

inline constexpr bool kTemporary = true;

inline constexpr Reason kCaUnknown{FailInfo::kBadRequest, "SignerCaUnknown", "CA",
                                   "name the CA alike in the configurations of server and signer",
                                   kTemporary};
inline constexpr Reason kGrantMalformed{
    FailInfo::kBadRequest, "SignerGrantMalformed", "grant",
    "run server and signer of one release; if they are, somebody forges Grants: look at the "
    "server's machine",
    kTemporary};
inline constexpr Reason kProofInvalid{
    FailInfo::kBadRequest, "SignerProofInvalid", "request",
    "no request of a device that the server took looks like this: look at the server's machine"};
inline constexpr Reason kKeyMismatch{
    FailInfo::kBadRequest, "SignerKeyMismatch", "key",
    "no Grant that the server made looks like this: look at the server's machine"};
inline constexpr Reason kKeyIsSigners{
    FailInfo::kBadRequest, "KeyIsServers", "key",
    "whoever sent it holds that key; if no mistake explains it, replace the key"};
inline constexpr Reason kKeyCompromised{
    FailInfo::kBadRequest, "KeyCompromised", "key",
    "others have this key: the device has to make a new one; revoke what it has left of the old"};
inline constexpr Reason kTemplateMismatch{
    FailInfo::kBadRequest, "TemplateMismatch", "template",
    "name the templates alike in the configurations of server and signer"};
inline constexpr Reason kCrlRefused{
    FailInfo::kBadRequest, "SignerCrlRefused", "CRL",
    "see the reason; docs/signer.md says what the signer asks of a CRL"};
inline constexpr Reason kRateLimited{
    FailInfo::kBadRequest, "SignerRateLimited", "rate",
    "if so many are wanted, raise signer.limits in the signer's configuration", kTemporary};
inline constexpr Reason kRecordsUnavailable{
    FailInfo::kBadRequest, "SignerRecordsUnavailable", "signer's records",
    "look at signer.state, its disk and its owner", kTemporary};
inline constexpr Reason kAuditUnavailable{FailInfo::kBadRequest, "AuditUnavailable", "audit file",
                                          "look at the signer's audit file, its disk and its owner",
                                          kTemporary};
inline constexpr Reason kSigningFailed{FailInfo::kBadRequest, "CaSigningFailed", "CA",
                                       "look at the CA's key, or at the token that holds it",
                                       kTemporary};
inline constexpr Reason kBusy{FailInfo::kBadRequest, "SignerBusy", "signer's queue",
                              "more orders than its cores can do: use more cores, or raise "
                              "limits.queue in the signer's configuration",
                              kTemporary};

// Of the server, about the signer.
inline constexpr Reason kUnavailable{
    FailInfo::kBadRequest, "SignerUnavailable", "signer",
    "start the signer ('scepgate signer'), and look at cas.NAME.socket and its folder", kTemporary};
inline constexpr Reason kWrongAnswer{
    FailInfo::kBadRequest, "SignerWrongAnswer", "signer",
    "hold the two configurations against each other: 'scepgate config check' on both", kTemporary};

}  // namespace scepgate::server::signer::reason
