#include "server/file_modes.hpp"

#include <optional>
#include <set>
#include <sys/stat.h>

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

/// Of the file itself, behind links.
std::optional<mode_t> mode_of(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return status.st_mode;
}

class Judge {
public:
    explicit Judge(ConfigFaults& faults) : faults_(faults) {}

    /// Names devices and people, and says what was done for them.
    void record(const fs::path& file, const std::string& json_path) {
        if (file.empty()) return;
        const auto mode = mode_of(file);
        if (mode && !S_ISREG(*mode)) return;
        if (mode) {
            const std::string remedy = "run: chmod o= " + file.string();
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
        folders_of(file, json_path);
    }

    /// The configuration, and certificates, whom it trusts. Everybody may read them.
    void input(const fs::path& file, const std::string& json_path) {
        if (file.empty()) return;
        const auto mode = mode_of(file);
        if (mode && S_ISREG(*mode) && (*mode & S_IWOTH) != 0 && seen_.insert(file).second) {
            faults_.error(json_path, file.string() + " can be changed by everybody on this machine",
                          "run: chmod o-w " + file.string());
        }
        folders_of(file, json_path);
    }

    /// The folders on the way to the file, and to what it is a link to.
    void folders_of(const fs::path& file, const std::string& json_path) {
        if (file.empty()) return;
        std::error_code failure;
        const fs::path named = fs::canonical(file.parent_path(), failure);
        if (failure) return;
        way_to(named, json_path);
        const fs::path target = fs::canonical(file, failure);
        if (!failure) way_to(target.parent_path(), json_path);
    }

    void source(const SecretSource& source) {
        if (source.file) folders_of(*source.file, source.json_path + ".file");
    }

    void pair(const KeyPairConfig& pair) {
        input(pair.certificate, pair.json_path + ".certificate");
        key(pair.key);
    }

    void key(const KeySource& key) {
        source(key.pem);
        if (key.passphrase) source(*key.passphrase);
    }

private:
    void way_to(const fs::path& folder, const std::string& json_path) {
        one(folder, json_path, true);
        for (fs::path above = folder; above != above.parent_path();) {
            above = above.parent_path();
            one(above, json_path, false);
        }
    }

    /// `holds`: one of our files, and not only a folder of ours.
    void one(const fs::path& folder, const std::string& json_path, bool holds) {
        const auto mode = mode_of(folder);
        if (!mode || (*mode & S_IWOTH) == 0) return;
        const bool sticky = (*mode & S_ISVTX) != 0;
        if (sticky && !holds) return;
        if (!seen_.insert(folder).second) return;
        if (!sticky) {
            const std::string what =
                "everybody on this machine can replace what is in the folder " + folder.string();
            const std::string remedy = "run: chmod o-w " + folder.string();
            if (holds) {
                faults_.error(json_path, what, remedy);
            } else {
                faults_.warn(json_path, what, remedy);
            }
        } else {
            faults_.warn(
                json_path,
                "everybody on this machine can create files in the folder " + folder.string(),
                "keep the server's files in a folder of their own");
        }
    }

    ConfigFaults& faults_;
    std::set<fs::path> seen_;  ///< each is told once
};

void judge_endpoint(const EndpointConfig& endpoint, Judge& judge) {
    const auto ra = [&judge](const EndpointConfig::Ra& of) {
        judge.pair(of.signing);
        judge.pair(of.encryption);
        for (const auto& previous : of.previous_encryption)
            judge.pair(previous);
    };
    if (endpoint.ra) ra(*endpoint.ra);
    if (endpoint.next && endpoint.next->ra) ra(*endpoint.next->ra);
    if (endpoint.renewal) {
        for (const auto& ca : endpoint.renewal->previous_cas)
            judge.input(ca, endpoint.renewal->json_path + ".previous_cas");
    }
}

void judge_policy(const PolicyConfig& policy, Judge& judge) {
    for (const auto& pair : policy.decryption)
        judge.pair(pair);
    for (const auto& signer : policy.trusted_signers)
        judge.input(signer, policy.json_path + ".trusted_signers");
    if (policy.signer) judge.pair(*policy.signer);
    judge.source(policy.password);
}

}  // namespace

void judge_file_modes(const Config& config, ConfigFaults& faults) {
    Judge judge(faults);
    for (const auto& [name, ca] : config.cas) {
        judge.input(ca.certificate, ca.json_path + ".certificate");
        if (ca.chain) judge.input(*ca.chain, ca.json_path + ".chain");
        judge.key(ca.key);
    }
    for (const auto& endpoint : config.endpoints)
        judge_endpoint(endpoint, judge);
    for (const auto& [name, policy] : config.policies)
        judge_policy(policy, judge);
    for (const auto& listener : config.http.listen) {
        if (listener.tls) judge.pair(*listener.tls);
    }
    judge.record(config.store_sqlite, "store.sqlite");
    judge.record(config.audit_file, "audit.file");
    if (config.log.file) judge.record(*config.log.file, "log.file");
    judge.input(config.file, "");
}

}  // namespace scepgate::server
