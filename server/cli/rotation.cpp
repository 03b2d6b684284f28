#include "server/cli/rotation.hpp"

#include <algorithm>

#include "certs/clock.hpp"
#include "server/cli/party.hpp"
#include "server/credentials.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsageBit;
using Json = nlohmann::ordered_json;

/// One object or a list of them, as a list.
Json as_list(const Json& value) {
    return value.is_array() ? value : Json::array({value});
}

/// `entry` at the list's front or end.
void insert(Json& list, Json entry, bool in_front) {
    list.insert(in_front ? list.begin() : list.end(), std::move(entry));
}

Error has_changed(const fs::path& config) {
    return {Errc::kConfig,
            config.string() + " was changed by somebody else meanwhile: run the command again"};
}

Json::json_pointer place_of(const std::string& policy) {
    return Json::json_pointer() / "policies" / policy;
}

Error rotation_denied(std::string what) {
    return {Errc::kDenied, std::move(what)};
}

/// A pair of the configuration, and what is in its certificate file.
struct Pair {
    const KeyPairConfig* files;
    certs::Certificate certificate;

    [[nodiscard]] bool valid_at(std::int64_t now) const {
        return certificate.not_before() <= now && now <= certificate.not_after();
    }
    [[nodiscard]] std::string file() const { return files->certificate.string(); }
};

Result<std::vector<Pair>> read_pairs(const std::vector<KeyPairConfig>& configured) {
    std::vector<Pair> pairs;
    for (const KeyPairConfig& each : configured) {
        auto certificate = certs::Certificate::from_file(each.certificate);
        if (!certificate) return in_context(each.json_path + ".certificate", certificate.error());
        pairs.push_back({&each, std::move(*certificate)});
    }
    return pairs;
}

/// What new challenges are made with (policy/challenge_blob_module.cpp).
std::size_t in_use(const std::vector<Pair>& pairs, std::int64_t now) {
    const auto valid = std::find_if(pairs.begin(), pairs.end(),
                                    [now](const Pair& pair) { return pair.valid_at(now); });
    return valid != pairs.end() ? static_cast<std::size_t>(valid - pairs.begin()) : 0;
}

/// The last one that was made; of one second, the one further behind.
std::size_t newest(const std::vector<Pair>& pairs) {
    std::size_t found = 0;
    for (std::size_t i = 1; i < pairs.size(); ++i) {
        if (pairs[i].certificate.not_before() >= pairs[found].certificate.not_before()) found = i;
    }
    return found;
}

class Rotator {
public:
    Rotator(const RotationOrder& order, const Config& config, std::int64_t now)
        : config_(config),
          now_(now),
          rotation_{order, {}, NewFiles(owner_beside(config)), {}, {}} {}

    Result<Rotation> prepare() {
        const RotationOrder& order = rotation_.order;
        const auto found = config_.policies.find(order.policy);
        blob_ = found != config_.policies.end() ? found->second.as<ChallengeBlobConfig>() : nullptr;
        if (blob_ == nullptr) {
            return Error{Errc::kConfig,
                         "'" + order.policy + "' is no policy of type challenge_blob"};
        }
        json_path_ = found->second.json_path;
        if (order.signer && blob_->signers.empty()) {
            return rotation_denied(
                "the MDM of policy '" + order.policy +
                "' has the key of its signer itself: have it make a new one, and put "
                "the certificate into " +
                json_path_ + ".trusted_signers, beside the old one");
        }
        rotation_.old_needed = blob_->maximum_lifetime + blob_->clock_skew;
        if (const auto read = read_policy(); !read) return read.error();
        if (order.signer) {
            const auto done = rotate("signer", blob_->signers, KeyUsageBit::kDigitalSignature,
                                     KeyUsageBit::kDigitalSignature);
            if (!done) return done.error();
        }
        if (order.decryption) {
            const auto done = rotate("decryption", blob_->decryption, KeyUsageBit::kKeyAgreement,
                                     KeyUsageBit::kKeyEncipherment);
            if (!done) return done.error();
        }
        return std::move(rotation_);
    }

private:
    /// As it stands in the file.
    Result<void> read_policy() {
        const auto text = read_whole_file(config_.file);
        if (!text) return text.error();
        constexpr bool kThrow = false, kIgnoreComments = true;
        const Json config = Json::parse(*text, nullptr, kThrow, kIgnoreComments);
        const Json::json_pointer at = place_of(rotation_.order.policy);
        if (!config.is_object() || !config.contains(at)) return has_changed(config_.file);
        rotation_.before = config.at(at);
        return {};
    }

    Result<void> rotate(const std::string& key, const std::vector<KeyPairConfig>& configured,
                        KeyUsageBit of_ec, KeyUsageBit of_rsa) {
        const auto pairs = read_pairs(configured);
        if (!pairs) return pairs.error();
        Json list = as_list(rotation_.before.at(key));
        if (list.size() != pairs->size()) return has_changed(config_.file);
        const bool promotes = rotation_.order.step == RotationOrder::Step::kPromote;
        const auto done =
            promotes ? promote(key, *pairs, list) : renew(key, *pairs, of_ec, of_rsa, list);
        if (!done) return done.error();
        rotation_.members[key] = std::move(list);
        return {};
    }

    Result<void> promote(const std::string& key, const std::vector<Pair>& pairs, Json& list) {
        const std::size_t chosen = newest(pairs);
        const Pair& pair = pairs[chosen];
        if (chosen == 0) {
            return rotation_denied(
                json_path_ + "." + key + " has its newest key (" + pair.file() +
                ") in front already: there is nothing to promote; --stage makes one");
        }
        if (!pair.valid_at(now_)) return rotation_denied(pair.file() + " is not valid now");
        if (key == "signer") {
            if (const auto trusted = trusted_entry(pair.certificate); !trusted) {
                return trusted.error();
            }
        }
        rotation_.keys.push_back({key, pair.files->certificate, pair.files->key.pem.file,
                                  pair.certificate, pairs[in_use(pairs, now_)].files->certificate});
        Json entry = list[chosen];
        list.erase(chosen);
        insert(list, std::move(entry), true);
        return {};
    }

    Result<void> renew(const std::string& key, const std::vector<Pair>& pairs, KeyUsageBit of_ec,
                       KeyUsageBit of_rsa, Json& list) {
        const std::size_t used = in_use(pairs, now_);
        const Pair& old = pairs[used];
        const bool in_front = rotation_.order.step == RotationOrder::Step::kAtOnce;
        if (!in_front && !old.valid_at(now_)) {
            return rotation_denied(
                "no certificate of " + json_path_ + "." + key +
                " is valid: what is staged behind them would be used at once; leave "
                "--stage out");
        }
        Json trusted;  // read before anything is made
        if (key == "signer") {
            const auto entry = trusted_entry(old.certificate);
            if (!entry) return entry.error();
            const Json& all = rotation_.before.at("trusted_signers");
            if (*entry >= all.size()) return has_changed(config_.file);
            trusted = all.at(*entry);
        }
        Secret passphrase;
        if (old.files->key.passphrase) {
            auto read = passphrase_of(*old.files->key.passphrase);
            if (!read) return read.error();
            passphrase = std::move(*read);
        }
        const auto made = make(key, old, of_ec, of_rsa, passphrase);
        if (!made) return made.error();
        const fs::path folder = config_.file.parent_path();
        Json pair = {{"certificate", name_in_config(made->certificate_file, folder)},
                     {"key", {{"file", name_in_config(*made->key_file, folder)}}}};
        if (!passphrase.empty()) pair["key"]["passphrase"] = list[used].at("key").at("passphrase");
        insert(list, pair, in_front);
        if (key == "signer") {
            if (trusted.is_object()) {
                trusted["certificate"] = pair["certificate"];
            } else {
                trusted = pair["certificate"];
            }
            Json all = rotation_.before.at("trusted_signers");
            insert(all, std::move(trusted), in_front);
            rotation_.members["trusted_signers"] = std::move(all);
        }
        return {};
    }

    Result<RotatedKey> make(const std::string& key, const Pair& old, KeyUsageBit of_ec,
                            KeyUsageBit of_rsa, const Secret& passphrase) {
        auto subject = certs::Name::from_der(old.certificate.subject_der());
        if (!subject) return in_context(old.file(), subject.error());
        const auto old_key = old.certificate.public_key();
        if (!old_key) return in_context(old.file(), old_key.error());
        const bool ec = old_key->type() == certs::KeyType::kEc;
        const auto party = make_party({.subject = std::move(*subject),
                                       .key = {old_key->type(), old_key->bits()},
                                       .usage = {ec ? of_ec : of_rsa},
                                       .not_before = now_ - 600,
                                       .not_after = now_ + kRaValidity});
        if (!party) return party.error();
        const fs::path folder = old.files->certificate.parent_path();
        const std::string name = free_name(old.files->certificate);
        const auto written = write_party(folder, name, *party, rotation_.files, passphrase);
        if (!written) return written.error();
        const RotatedKey made{key, folder / (name + ".pem"), folder / (name + ".key"),
                              party->certificate, old.files->certificate};
        rotation_.keys.push_back(made);
        return made;
    }

    /// Which element of trusted_signers has this certificate, in whichever file.
    Result<std::size_t> trusted_entry(const certs::Certificate& signer) const {
        const auto& configured = blob_->trusted_signers;
        for (std::size_t i = 0; i < configured.size(); ++i) {
            const auto all = certs::Certificate::all_from_file(configured[i].certificate);
            if (!all) return all.error();
            if (std::find(all->begin(), all->end(), signer) != all->end()) return i;
        }
        return rotation_denied(json_path_ + ".trusted_signers has no certificate of '" +
                               signer.subject_text() +
                               "' as it is in use: what a new key of it may grant cannot be told");
    }

    Result<Secret> passphrase_of(const SecretSource& source) const {
        ConfigFaults faults;
        auto text = CredentialLoader(faults, now_).secret_line(source);
        if (!text) return Error{Errc::kConfig, faults.list().front().text()};
        return std::move(*text);
    }

    /// "mdm-signer-2027-01-31" beside "mdm-signer.pem", also of "mdm-signer-2026-01-31.pem".
    std::string free_name(const fs::path& old) const {
        std::string stem = old.stem().string();
        const std::string day = '-' + certs::utc_text(now_).substr(0, 10);
        const auto is_mask = [](std::string_view text) {
            constexpr std::string_view kMask = "-0000-00-00";
            return text.size() == kMask.size() &&
                   std::equal(text.begin(), text.end(), kMask.begin(), [](char c, char mask) {
                       return mask == '0' ? c >= '0' && c <= '9' : c == mask;
                   });
        };
        if (stem.size() > day.size() &&
            is_mask(std::string_view(stem).substr(stem.size() - day.size())))
            stem.resize(stem.size() - day.size());
        std::string name = stem + day;
        std::error_code ignored;
        for (int number = 2; fs::exists(old.parent_path() / (name + ".pem"), ignored) ||
                             fs::exists(old.parent_path() / (name + ".key"), ignored);
             ++number) {
            name = stem + day + '-' + std::to_string(number);
        }
        return name;
    }

    const Config& config_;
    std::int64_t now_;
    const ChallengeBlobConfig* blob_ = nullptr;
    std::string json_path_;
    Rotation rotation_;
};

}  // namespace

Result<Rotation> prepare_rotation(const RotationOrder& order, const Config& config,
                                  std::int64_t now) {
    return Rotator(order, config, now).prepare();
}

Result<bool> enter_rotation(const Rotation& rotation, const ConfigLock& lock) {
    return edit_config(lock, [&](Json& whole) -> Result<void> {
        // No command changes it while the lock is held, but a person may have.
        const Json::json_pointer at = place_of(rotation.order.policy);
        if (!whole.contains(at) || whole.at(at) != rotation.before) {
            return has_changed(lock.file());
        }
        whole.at(at).update(rotation.members);
        return {};
    });
}

}  // namespace scepgate::server::cli
