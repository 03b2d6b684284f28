// What the admin listener answers with: callers, policies that make challenges, NDES's pages.
#pragma once

#include "server/admin/callers.hpp"
#include "server/runtime.hpp"
#include "server/template_choices.hpp"

namespace scepgate::server::admin {

/// A policy of the configuration, as callers see it.
struct AdminPolicy {
    enum class Kind {
        kNone,      ///< makes no challenges
        kPassword,  ///< NDES's: one-time passwords, or its single one
        kSelfMade,  ///< blobs that the MDM makes itself; there is no signer here
        kBlob,      ///< blobs that are made here
    };
    std::string type;  ///< as in the configuration
    Kind kind = Kind::kNone;
    std::shared_ptr<policy::PolicyModule> module;
    bool binds = true;             ///< what is made can be for some endpoints alone
    std::int64_t validity = 3600;  ///< seconds that a password can be used
    std::string audience;          ///< of blobs
    TemplateChoices choices;       ///< of the endpoints that ask it

    [[nodiscard]] bool mints() const noexcept {
        return kind == Kind::kPassword || kind == Kind::kBlob;
    }
    /// NDES's page has a password of it.
    [[nodiscard]] bool has_page() const noexcept { return kind == Kind::kPassword; }
};

/// NDES's mscep_admin for one endpoint.
struct AdminPage {
    std::string endpoint;            ///< its name
    std::string scep_path;           ///< one of its paths
    std::vector<std::string> paths;  ///< of the page: lower case, no trailing slash
    /// The policy of the page, and of NDESGenerateChallenge; empty: there is none, or more than one
    /// could be meant.
    std::string page_policy, challenge_policy;
};

/// Immutable; replaced as a whole when the configuration is reloaded.
struct AdminRuntime {
    Callers callers;
    std::map<std::string, AdminPolicy> policies;
    std::vector<AdminPage> pages;
    bool utf16_pages = true;
    std::shared_ptr<const Runtime> scep;  ///< the CA certificates of the endpoints

    /// The page of this path, which may end in "/" or "/mscep.dll"; without ASCII case.
    [[nodiscard]] const AdminPage* page_of(std::string_view path) const;
};

/// Loads the callers' secrets and judges them: long enough, each of one caller only. Null without
/// "admin" in the configuration, and after a fault. `runtime`: null after a fault elsewhere; the
/// callers are judged even then.
[[nodiscard]] std::shared_ptr<const AdminRuntime> build_admin(
    const Config& config, std::shared_ptr<const Runtime> runtime, std::int64_t now,
    ConfigFaults& faults);

}  // namespace scepgate::server::admin
