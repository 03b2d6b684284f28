#include "server/file_modes.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "server/shell_word.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

/// As many as the kernel follows.
constexpr int kLinks = 40;

/// Of the file itself, behind links.
std::optional<struct stat> status_of(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return status;
}

std::optional<mode_t> mode_of(const fs::path& path) {
    const auto status = status_of(path);
    return status ? std::optional(status->st_mode) : std::nullopt;
}

/// A folder in which a name is looked up on the way to a file. None has a link in its path.
struct Step {
    fs::path folder;
    bool holds = false;  ///< the file itself, or a link on the way to it; else only a folder
};

/// From the root to the file, and behind every link on the way; as far as there is one.
std::vector<Step> way_to(const fs::path& file) {
    std::vector<Step> way;
    std::error_code failure;
    const fs::path whole = fs::absolute(file, failure);
    std::deque<fs::path> names(whole.begin(), whole.end());
    fs::path at = "/";
    for (int links = 0; !names.empty();) {
        const fs::path name = names.front();
        names.pop_front();
        if (name.is_absolute()) {
            at = "/";
        } else if (name == "..") {
            at = at.parent_path();
        } else if (!name.empty() && name != ".") {
            const auto status = fs::symlink_status(at / name, failure);
            const bool link = fs::is_symlink(status);
            way.push_back({at, link || names.empty()});
            if (!fs::exists(status)) break;
            if (!link) {
                at /= name;
                continue;
            }
            const fs::path target = fs::read_symlink(at / name, failure);
            if (failure || ++links > kLinks) break;
            names.insert(names.begin(), target.begin(), target.end());
        }
    }
    return way;
}

class Judge {
public:
    Judge(const Config& config, ConfigFaults& faults) : faults_(faults) {
        // Whoever has the configuration says which keys there are.
        if (const auto status = status_of(config.file)) owners_.insert(status->st_uid);
    }

    /// Names devices and people, and says what was done for them.
    void record(const fs::path& file, const std::string& json_path) {
        if (file.empty()) return;
        const auto mode = mode_of(file);
        if (mode && !S_ISREG(*mode)) return;
        if (mode) {
            const std::string remedy = "run: chmod o= " + shell_path(file);
            if ((*mode & S_IWOTH) != 0) {
                faults_.error(json_path,
                              file.string() + " can be changed by everybody on this machine",
                              remedy);
            } else if ((*mode & S_IROTH) != 0) {
                faults_.warn(json_path,
                             file.string() +
                                 " can be read by everybody on this machine: it names devices "
                                 "and people",
                             remedy);
            }
        }
        folders_of(file, json_path, Open::kWarning);
    }

    /// The configuration, and certificates, whom it trusts. Everybody may read them.
    void input(const fs::path& file, const std::string& json_path) {
        if (file.empty()) return;
        const auto mode = mode_of(file);
        if (mode && S_ISREG(*mode) && (*mode & S_IWOTH) != 0 && inputs_.insert(file).second) {
            faults_.error(json_path, file.string() + " can be changed by everybody on this machine",
                          "run: chmod o-w " + shell_path(file));
        }
        folders_of(file, json_path, Open::kError);
    }

    void source(const SecretSource& source) {
        if (source.file) folders_of(*source.file, source.json_path + ".file", Open::kError);
    }

    void pair(const KeyPairConfig& pair) {
        input(pair.certificate, pair.json_path + ".certificate");
        key(pair.key);
    }

    void key(const KeySource& key) {
        source(key.pem);
        if (key.pem.file) owner(*key.pem.file, key.pem.json_path + ".file");
        if (key.pkcs12) owner(*key.pkcs12, key.pem.json_path + ".pkcs12");
        if (key.pkcs12) folders_of(*key.pkcs12, key.pem.json_path + ".pkcs12", Open::kError);
        if (key.token) {
            // It runs in this process.
            input(key.token->module, key.pem.json_path + ".module");
            if (key.token->pin) source(*key.token->pin);
        }
        if (key.passphrase) source(*key.passphrase);
    }

    /// Each folder once, by the worst that it is to any file.
    void tell_folders() const {
        for (const auto& [folder, json_path, open] : folders_) {
            if (open == Open::kSticky) {
                faults_.warn(
                    json_path,
                    "everybody on this machine can create files in the folder " + folder.string(),
                    "keep the server's files in a folder of their own");
                continue;
            }
            const std::string what =
                "everybody on this machine can replace what is in the folder " + folder.string();
            const std::string remedy = "run: chmod o-w " + shell_path(folder);
            if (open == Open::kError) {
                faults_.error(json_path, what, remedy);
            } else {
                faults_.warn(json_path, what, remedy);
            }
        }
    }

private:
    /// What it means that everybody may write in a folder; the worst last.
    enum class Open { kSticky, kWarning, kError };

    struct OpenFolder {
        fs::path folder;
        std::string json_path;
        Open open;
    };

    /// Whoever has a key's file can read it, and put another in its place.
    void owner(const fs::path& file, const std::string& json_path) {
        const auto status = status_of(file);
        if (!status || !S_ISREG(status->st_mode) || owners_.contains(status->st_uid)) return;
        faults_.error(json_path,
                      file.string() + " belongs to another user (" +
                          std::to_string(status->st_uid) + "), who can use and replace the key",
                      "make another key if that is not meant, and run: chown " +
                          std::to_string(::geteuid()) + ' ' + shell_path(file));
    }

    /// `held`: what an open folder is that holds the file.
    void folders_of(const fs::path& file, const std::string& json_path, Open held) {
        if (file.empty()) return;
        for (const Step& step : way_to(file)) {
            const auto mode = mode_of(step.folder);
            if (!mode || (*mode & S_IWOTH) == 0) continue;
            const bool sticky = (*mode & S_ISVTX) != 0;
            if (sticky && !step.holds) continue;  // it protects the folders in it
            note(step.folder, json_path,
                 sticky       ? Open::kSticky
                 : step.holds ? held
                              : Open::kWarning);
        }
    }

    void note(const fs::path& folder, const std::string& json_path, Open open) {
        const auto known = std::find_if(folders_.begin(), folders_.end(),
                                        [&](const auto& one) { return one.folder == folder; });
        if (known == folders_.end()) {
            folders_.push_back({folder, json_path, open});
        } else if (known->open < open) {
            *known = {folder, json_path, open};
        }
    }

    ConfigFaults& faults_;
    std::set<uid_t> owners_{0, ::geteuid()};  ///< that a key's file may have
    std::set<fs::path> inputs_;               ///< each is told once
    std::vector<OpenFolder> folders_;
};

/// `path`: the rules' own.
void judge_lists(const std::optional<policy::IssuanceRules>& rules, const std::string& path,
                 Judge& judge) {
    if (!rules) return;
    for (const auto& list : rules->keys.blocked_files)
        judge.input(list, path + ".keys.blocked");
}

void judge_endpoint(const EndpointConfig& endpoint, Judge& judge) {
    const auto ra = [&judge](const EndpointConfig::Ra& of) {
        judge.pair(of.signing);
        judge.pair(of.encryption);
        for (const auto& previous : of.previous_encryption)
            judge.pair(previous);
    };
    judge_lists(endpoint.rules, endpoint.json_path + ".rules", judge);
    if (endpoint.ra) ra(*endpoint.ra);
    if (endpoint.next && endpoint.next->ra) ra(*endpoint.next->ra);
    if (endpoint.renewal) {
        for (const auto& ca : endpoint.renewal->previous_cas)
            judge.input(ca, endpoint.renewal->json_path + ".previous_cas");
    }
}

void judge_admin(const AdminConfig& admin, Judge& judge) {
    for (const auto& listener : admin.http.listen) {
        if (listener.tls) judge.pair(*listener.tls);
        if (listener.client_ca) judge.input(*listener.client_ca, listener.json_path + ".client_ca");
    }
    for (const auto& [name, caller] : admin.callers) {
        for (const auto& password : caller.passwords)
            judge.source(password);
        for (const auto& token : caller.tokens)
            judge.source(token);
        for (const auto& certificate : caller.certificates)
            judge.input(certificate, caller.json_path + ".certificate");
    }
}

// The files of each type of policy module; `path`: the policy's.

void judge_module(const OpenPolicyConfig&, const std::string&, Judge&) {}

void judge_module(const StaticPasswordConfig& module, const std::string&, Judge& judge) {
    judge.source(module.password);
}

void judge_module(const ChallengeBlobConfig& module, const std::string& path, Judge& judge) {
    for (const auto& pair : module.decryption)
        judge.pair(pair);
    for (const auto& signer : module.trusted_signers) {
        judge.input(signer.certificate, path + ".trusted_signers");
        if (signer.limits) judge_lists(signer.limits->rules, path + ".trusted_signers", judge);
    }
    for (const auto& pair : module.signers)
        judge.pair(pair);
}

void judge_module(const OneTimePasswordConfig& module, const std::string&, Judge& judge) {
    if (module.single_password) judge.source(*module.single_password);
    if (module.hash_key) judge.source(*module.hash_key);
}

void judge_outbound(const OutboundConfig& outbound, Judge& judge) {
    if (outbound.ca_bundle) judge.input(*outbound.ca_bundle, outbound.json_path + ".ca_bundle");
    if (outbound.client_certificate) judge.pair(*outbound.client_certificate);
    if (outbound.proxy && outbound.proxy->password) judge.source(*outbound.proxy->password);
}

void judge_webhook_keys(const std::vector<SecretSource>& keys, const OutboundConfig& http,
                        Judge& judge) {
    for (const SecretSource& key : keys)
        judge.source(key);
    judge_outbound(http, judge);
}

void judge_module(const WebhookConfig& module, const std::string&, Judge& judge) {
    judge_webhook_keys(module.keys, module.http, judge);
}

void judge_module(const IntuneConfig& module, const std::string&, Judge& judge) {
    if (module.secret) judge.source(*module.secret);
    if (module.certificate) judge.pair(*module.certificate);
    judge_outbound(module.http, judge);
}

}  // namespace

void judge_file_modes(const Config& config, ConfigFaults& faults) {
    Judge judge(config, faults);
    for (const auto& [name, ca] : config.cas) {
        judge.input(ca.certificate, ca.json_path + ".certificate");
        if (ca.chain) judge.input(*ca.chain, ca.json_path + ".chain");
        judge.key(ca.key);
        if (ca.signer) judge.input(ca.signer->socket, ca.json_path + ".socket");
    }
    if (config.signer) {
        judge.input(config.signer->socket, "signer.socket");
        judge.record(config.signer->state, "signer.state");
        judge_lists(config.signer->rules, "signer.rules", judge);
    }
    for (const auto& endpoint : config.endpoints)
        judge_endpoint(endpoint, judge);
    for (const auto& each : config.policies) {
        const PolicyConfig& policy = each.second;
        std::visit([&](const auto& module) { judge_module(module, policy.json_path, judge); },
                   policy.module);
    }
    for (const auto& [name, notifier] : config.notifiers)
        judge_webhook_keys(notifier.keys, notifier.http, judge);
    for (const auto& listener : config.http.listen) {
        if (listener.tls) judge.pair(*listener.tls);
    }
    if (config.admin) judge_admin(*config.admin, judge);
    if (!config.store_sqlite.empty()) judge.record(config.store_sqlite, "store.sqlite");
    if (config.store_postgresql && config.store_postgresql->password)
        judge.source(*config.store_postgresql->password);
    judge.record(config.audit_file, "audit.file");
    if (config.audit_hmac_key) judge.source(*config.audit_hmac_key);
    if (config.log.file) judge.record(*config.log.file, "log.file");
    judge.input(config.file, "");
    judge.tell_folders();
}

}  // namespace scepgate::server
