// Why a request is refused beside its message and its policy: what it asks after, what it waits
// for, and what is not available. docs/refusals.md lists them, and a test holds both together.
#pragma once

#include "certs/refusal.hpp"

namespace scepgate::server::reason {

constexpr bool kTemporary = true;

// Answered by an HTTP status alone: nobody can be answered, or nothing can be done.
inline constexpr Reason kMessageUnreadable{
    FailInfo::kBadRequest, "MessageUnreadable", "message",
    "something on the way changes messages (docs/proxies.md), or the client writes them wrong: "
    "'scepgate decode' shows how"};
inline constexpr Reason kQueueFull{
    FailInfo::kBadRequest, "QueueFull", "queue",
    "more requests than the cores can do: spread the devices' attempts, or use more cores",
    kTemporary};
inline constexpr Reason kInternalError{FailInfo::kBadRequest, "InternalError", "server",
                                       "a fault of the server: report it with the reason",
                                       kTemporary};

// Of the message itself, where the endpoint asks for it.
inline constexpr Reason kSigningTime{
    FailInfo::kBadTime, "SigningTimeOutsideWindow", "signingTime",
    "set the device's clock, or widen endpoints[].signing_time_window; 0 turns this check off"};

// Polls, GetCert and GetCRL.
inline constexpr Reason kPollUnknown{
    FailInfo::kBadCertId, "PollUnknown", "transaction",
    "the device polls at another endpoint, with another key, or for what is long over: let it make "
    "a new request"};
inline constexpr Reason kPollOver{FailInfo::kBadCertId, "PollOver", "certificate",
                                  "the device came too late for it: let it make a new request"};
inline constexpr Reason kCertificateUnknown{
    FailInfo::kBadCertId, "CertificateUnknown", "certificate",
    "a certificate is given to its own key alone, at the endpoint that issued it; 'scepgate cert "
    "show SERIAL' tells both"};
inline constexpr Reason kCrlUnknownIssuer{
    FailInfo::kBadCertId, "CrlUnknownIssuer", "issuer",
    "let the device fetch GetCACert again, or ask at the endpoint of the CA that it means"};
inline constexpr Reason kCrlUnsupported{
    FailInfo::kBadRequest, "CrlUnsupported", "CRL",
    "let the client take the CRL from where its certificates say; to sign one here, the CA's "
    "certificate needs the key usage cRLSign"};
inline constexpr Reason kCrlTooLarge{
    FailInfo::kBadRequest, "CrlTooLarge", "CRL",
    "let the client take the CRL from where its certificates say (crl_urls)"};
inline constexpr Reason kCrlUnavailable{FailInfo::kBadRequest, "CrlUnavailable", "CRL",
                                        "see the reason; the CA's key and the store have to work",
                                        kTemporary};

// Requests that were answered before, or wait for an operator.
inline constexpr Reason kRequestOver{
    FailInfo::kBadRequest, "RequestOver", "earlier answer",
    "the client repeats an old request to the octet: let it make a new one"};
inline constexpr Reason kKeyCompromised{
    FailInfo::kBadRequest, "KeyCompromised", "key",
    "others have this key: the device has to make a new one; revoke what it has left of the old"};
inline constexpr Reason kRenewedBefore{FailInfo::kBadRequest, "RenewalSuperseded",
                                       "renewed certificate",
                                       "the device has to enrol anew, with a challenge"};
inline constexpr Reason kRejected{
    FailInfo::kBadRequest, "ApprovalRejected", "approval",
    "if it was rejected by mistake, give the device a new challenge and approve its new request"};
inline constexpr Reason kApprovalExpired{
    FailInfo::kBadRequest, "ApprovalExpired", "approval",
    "let the device send its request again; for more time set templates.NAME.approval_expires"};
inline constexpr Reason kApprovedSubjectChanged{
    FailInfo::kBadRequest, "ApprovalSubjectChanged", "approval",
    "the template has another subject than when the operator was asked: put it back, or give the "
    "device a new challenge and approve its new request"};
inline constexpr Reason kGrantTooLong{
    FailInfo::kBadRequest, "GrantTooLong", "grant",
    "what the policy granted has more names or usages than can wait for an operator: grant fewer"};
inline constexpr Reason kTransactionIdTaken{
    FailInfo::kBadRequest, "TransactionIdTaken", "transactionID",
    "approve or reject the one that waits ('scepgate pending list'), or let the client take a new "
    "transactionID"};
inline constexpr Reason kRenewalWaits{
    FailInfo::kBadRequest, "RenewalWaits", "renewed certificate",
    "approve or reject the renewal that waits ('scepgate pending list')"};
inline constexpr Reason kTooManyPending{
    FailInfo::kBadRequest, "TooManyPending", "waiting requests",
    "approve or reject some ('scepgate pending list'), or raise endpoints[].max_pending",
    kTemporary};

// What did not work; the device comes again.
inline constexpr Reason kStoreUnavailable{
    FailInfo::kBadRequest, "StoreUnavailable", "store",
    "look at the store's file, disk and owner, or at PostgreSQL; 'scepgate config check' tries it",
    kTemporary};
inline constexpr Reason kAuditUnavailable{
    FailInfo::kBadRequest, "AuditUnavailable", "audit file",
    "look at the audit file's disk and owner: nothing is issued that cannot be audited",
    kTemporary};
inline constexpr Reason kPendingUnsupported{FailInfo::kBadRequest, "PendingUnsupported", "CA",
                                            "set the CA to decide at once", kTemporary};
inline constexpr Reason kNotificationFailed{
    FailInfo::kBadRequest, "NotificationFailed", "notification",
    "look at the service that the policy tells; the device's next attempt tells it again",
    kTemporary};
inline constexpr Reason kNotificationRefused{
    FailInfo::kBadRequest, "NotificationRefused", "notification",
    "the service that granted the request withdrew it: look there"};
inline constexpr Reason kPolicyFailed{FailInfo::kBadRequest, "PolicyFailed", "policy",
                                      "a fault of the policy module: report it with the reason",
                                      kTemporary};
inline constexpr Reason kPolicyBusy{
    FailInfo::kBadRequest, "PolicyBusy", "policy",
    "look why the service is slow, or raise policies.NAME.max_calls", kTemporary};
inline constexpr Reason kPolicyTimeout{
    FailInfo::kBadRequest, "PolicyTimeout", "policy",
    "look why the service is slow, or raise policies.NAME.timeout", kTemporary};

}  // namespace scepgate::server::reason
