// Every kind of record that the audit file can hold. docs/audit.md has this table too; a test holds
// them together.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

namespace scepgate::server {

struct AuditEventKind {
    std::string_view name;   ///< the member "event"
    std::string_view ad_cs;  ///< Windows event IDs of AD CS's auditing that say the same; "-": none
    std::string_view meaning;  ///< one line
};

inline constexpr std::array kAuditEvents{
    // Requests of devices.
    AuditEventKind{"sign", "4886", "a certificate is about to be recorded: it was signed"},
    AuditEventKind{"issue", "4887", "it is recorded, and leaves"},
    AuditEventKind{"retry", "4887", "a certificate that was recorded before leaves again"},
    AuditEventKind{"retry_more", "4887", "so many more did, which have no records of their own"},
    AuditEventKind{"pending", "4889", "a request is about to wait for an operator"},
    AuditEventKind{"refuse", "4888", "a request was refused: why, and by which check"},
    AuditEventKind{"refuse_more", "4888", "so many more were, which have no records of their own"},
    // Challenges.
    AuditEventKind{"challenge", "-", "a challenge was made, and for what"},
    AuditEventKind{"no_challenge", "-", "somebody who may ask for challenges was given none"},
    AuditEventKind{"admin_denied", "-", "the admin listener sent somebody away"},
    AuditEventKind{"withdraw", "-", "a challenge was taken back before its use"},
    // Operators, and who acts for them.
    AuditEventKind{"intend", "-",
                   "somebody is about to do what `act` says; what became of it follows"},
    AuditEventKind{"fail", "-", "what `act` says was not done"},
    AuditEventKind{"approve", "4869", "a waiting request was approved"},
    AuditEventKind{"reject", "4868", "a waiting request was rejected"},
    AuditEventKind{"revoke", "4870", "a certificate was revoked for ever"},
    AuditEventKind{"hold", "4870", "a certificate was revoked until further notice"},
    AuditEventKind{"release", "4870", "a certificate on hold is good again"},
    AuditEventKind{"crl", "4872",
                   "a CRL was made and published; `left_out` says what it could not list"},
    AuditEventKind{"crl_number", "-", "CRL numbers go on above the one of another CRL"},
    AuditEventKind{"certify_responder", "4887", "an OCSP responder's key was certified"},
    AuditEventKind{"rotate", "4892", "keys of challenges were changed"},
    AuditEventKind{"rollover", "4892", "the next CA was made"},
    AuditEventKind{"ca_create", "4892", "a CA was made"},
    AuditEventKind{"ca_import", "4892", "a CA's key and certificate were taken over"},
    AuditEventKind{"ca_csr", "4892", "a certificate for a CA is asked of the CA above"},
    AuditEventKind{"ca_install", "4892", "a CA's certificate was put in place"},
    AuditEventKind{"ca_renew", "4892", "a CA has a new certificate"},
    AuditEventKind{"ca_ra", "4892", "RA certificates were made"},
    AuditEventKind{"backup", "4876, 4877", "the store was copied"},
    AuditEventKind{"accept_clock", "-", "the store goes on by a clock that is behind its records"},
    // Notifiers.
    AuditEventKind{"notify_retry", "-", "messages that a notifier did not take are sent anew"},
    AuditEventKind{"notify_drop", "-", "messages that a notifier did not take were dropped"},
    AuditEventKind{"notify_given_up", "-", "a notifier was never told, and will not be"},
    // The server and this file.
    AuditEventKind{"start", "4880", "the server starts, with this configuration"},
    AuditEventKind{"stop", "4881", "the server has stopped"},
    AuditEventKind{"config_change", "4891", "the configuration is another than before"},
    AuditEventKind{"reload", "-", "configuration, keys and certificates were read anew"},
    AuditEventKind{"chain", "-", "this file was rotated, cut off or taken over: `reason`"},
};

/// The name of one of them; any other word does not compile.
class AuditEvent {
public:
    template <std::size_t N>
    consteval AuditEvent(const char (&name)[N])  // NOLINT(google-explicit-constructor): as a name
        : name_(known({name, N - 1})) {}
    /// For a name that is passed on. Throws std::logic_error when it is none of them.
    AuditEvent(std::string_view name)  // NOLINT(google-explicit-constructor): as a name
        : name_(find(name)) {
        if (name_.empty()) throw std::logic_error("no audit event: " + std::string(name));
    }
    [[nodiscard]] constexpr std::string_view name() const noexcept { return name_; }

private:
    static constexpr std::string_view find(std::string_view name) {
        for (const AuditEventKind& kind : kAuditEvents) {
            if (kind.name == name) return kind.name;
        }
        return {};
    }
    static consteval std::string_view known(std::string_view name) {
        if (find(name).empty()) throw "not in kAuditEvents: add it there and in docs/audit.md";
        return find(name);
    }
    std::string_view name_;
};

}  // namespace scepgate::server
