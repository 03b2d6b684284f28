// What the commands that set up CAs share.
#pragma once

#include <memory>
#include <optional>

#include "server/audit_log.hpp"
#include "server/ca_chain.hpp"
#include "server/cli/config_edit.hpp"
#include "server/cli/key_order.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/party.hpp"
#include "server/config.hpp"

namespace scepgate::server::cli {

/// The configuration, locked, and the audit file; opened before anything is made.
struct CaSetup {
    /// Prints what is wrong and gives nothing; `status` is what to exit with then.
    static std::optional<CaSetup> open(const std::string& config, int& status);

    [[nodiscard]] std::filesystem::path folder() const { return config.file.parent_path(); }
    /// The CA of this name; kConfig: there is none.
    [[nodiscard]] Result<const CaConfig*> find(const std::string& name) const;
    /// kDenied: another CA of the configuration has the name `subject_der`, or has asked for it.
    /// `key`: of the CA itself, where it may be the same one by another name in the configuration.
    [[nodiscard]] Result<void> check_subject(const std::string& ca, ByteView subject_der,
                                             const certs::PublicKey* key = nullptr) const;
    /// Of a chain that cannot be used without certificate policies, where templates have none.
    void note_policies(const CaChain& chain, std::vector<std::string>& notes) const;
    /// Certificate, chain and key; kConfig.
    [[nodiscard]] Result<Party> load(const CaConfig& ca) const;
    [[nodiscard]] Result<certs::PrivateKey> load_key(const CaConfig& ca) const;
    /// Its certificate, what is behind it in the file, and its chain file.
    [[nodiscard]] static Result<std::vector<certs::Certificate>> chain_of(const CaConfig& ca);
    /// audited() of what is done to the CA.
    template <class Perform>
    auto perform(AuditEvent act, const std::string& ca, const certs::Certificate& certificate,
                 const Perform& work) const {
        return audited(
            *audit, act, [&](AuditRecord& line) { describe(line, ca, certificate); }, work);
    }

    ConfigLock lock;
    Config config;
    std::shared_ptr<AuditLog> audit;
    std::int64_t now = 0;

private:
    static void describe(AuditRecord& line, const std::string& ca,
                         const certs::Certificate& certificate);
};

/// --config and --ca.
struct CaOptions {
    std::string config;
    std::string ca;
    bool json = false;

    void add_to(CLI::App& command, const std::string& ca_help);
};

/// --subject or --ca-name.
struct CaNameOptions {
    std::string subject, common_name;

    void add_to(CLI::App& command);
    [[nodiscard]] bool given() const { return !subject.empty() || !common_name.empty(); }
    /// Within RFC 5280's upper bounds.
    [[nodiscard]] Result<certs::Name> name() const;
};

/// Prints "warning: …" for each thing that ca_name_advice() has against the name.
void warn_of_name(const certs::Name& name);

/// Adds it under 'cas', or, where the configuration has comments, prints what to add. kDenied: the
/// name is taken or no name.
Result<void> check_new_name(const Config& config, const std::string& ca);
Result<bool> enter_ca(const ConfigLock& lock, const std::string& ca,
                      const nlohmann::ordered_json& entry);

/// Where the certificate `old` of a CA is kept that gives way to one of the same name in `file`.
[[nodiscard]] std::filesystem::path file_of_before(const std::filesystem::path& file,
                                                   const certs::Certificate& old);
/// Puts it there, without what else is in `file`. It may be there from an attempt that failed;
/// kDenied: another one is.
Result<void> keep_before(const certs::Certificate& old, const std::filesystem::path& file);
/// Names it under 'previous_cas' of the endpoints that renew the CA's certificates: by its end they
/// know which of them that cut short. Where it cannot be entered, a note says what to do.
void name_before(const CaSetup& setup, const std::string& ca, const std::filesystem::path& kept,
                 std::vector<std::string>& notes);

/// Certificates of a file: PEM, DER, or the PKCS#7 that CAs hand out.
[[nodiscard]] Result<std::vector<certs::Certificate>> read_any_certificates(
    const std::filesystem::path& file);

/// The end of every such command: what stands now, as JSON or in words.
struct CaReport {
    std::string ca, headline;
    certs::Certificate certificate;  ///< empty: none yet
    nlohmann::ordered_json entry;    ///< of the configuration
    bool entered = true;             ///< else it has comments, and was left alone
    std::vector<std::string> notes;
    std::string next;  ///< what to do now
};
int print(const CaReport& report, bool json);

/// Puts into the entry of report.ca where its CRL and OCSP responder are to be
/// (publication_like()), and a note of it.
void add_publication(CaReport& report, const CaSetup& setup);

}  // namespace scepgate::server::cli
