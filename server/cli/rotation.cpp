#include "server/cli/rotation.hpp"

#include <algorithm>

#include "certs/clock.hpp"
#include "server/cli/config_edit.hpp"
#include "server/cli/party.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsageBit;
using Json = nlohmann::ordered_json;

/// As the configuration names a file: relative to its folder where it lies in there.
std::string named_from(const fs::path& file, const fs::path& folder) {
    const fs::path relative = file.lexically_relative(folder);
    const bool inside = !relative.empty() && *relative.begin() != "..";
    return (inside ? relative : file).string();
}

/// One object or a list of them, as a list.
Json as_list(const Json& value) {
    return value.is_array() ? value : Json::array({value});
}

Json in_front(Json first, const Json& others) {
    Json list = Json::array({std::move(first)});
    for (const Json& each : others)
        list.push_back(each);
    return list;
}

class Rotator {
public:
    Rotator(const RotationOrder& order, const Config& config, std::int64_t now)
        : order_(order), config_(config), now_(now) {}

    Result<Rotation> rotate() {
        const auto found = config_.policies.find(order_.policy);
        const auto* blob =
            found != config_.policies.end() ? found->second.as<ChallengeBlobConfig>() : nullptr;
        if (blob == nullptr) {
            return Error{Errc::kConfig,
                         "'" + order_.policy + "' is no policy of type challenge_blob"};
        }
        if (order_.signer && blob->signers.empty()) {
            return Error{Errc::kDenied,
                         "the MDM of policy '" + order_.policy +
                             "' has the key of its signer itself: have it make a new one, and put "
                             "the certificate into " +
                             found->second.json_path + ".trusted_signers, beside the old one"};
        }
        rotation_.old_needed = blob->maximum_lifetime + blob->clock_skew;
        if (order_.signer) {
            const auto made = renew("signer", blob->signers.front(), KeyUsageBit::kDigitalSignature,
                                    KeyUsageBit::kDigitalSignature);
            if (!made) return made.error();
        }
        if (order_.decryption) {
            const auto made = renew("decryption", blob->decryption.front(),
                                    KeyUsageBit::kKeyAgreement, KeyUsageBit::kKeyEncipherment);
            if (!made) return made.error();
        }
        if (const auto edited = edit(); !edited) return edited.error();
        return std::move(rotation_);
    }

private:
    Result<void> renew(const std::string& key, const KeyPairConfig& old, KeyUsageBit of_ec,
                       KeyUsageBit of_rsa) {
        const auto before = certs::Certificate::from_file(old.certificate);
        if (!before) return in_context(old.json_path + ".certificate", before.error());
        auto subject = certs::Name::from_der(before->subject_der());
        if (!subject) return in_context(old.certificate.string(), subject.error());
        const auto old_key = before->public_key();
        if (!old_key) return in_context(old.certificate.string(), old_key.error());
        const bool ec = old_key->type() == certs::KeyType::kEc;
        const auto party = make_party({.subject = std::move(*subject),
                                       .key = {old_key->type(), old_key->bits()},
                                       .usage = {ec ? of_ec : of_rsa},
                                       .not_before = now_ - 600,
                                       .not_after = now_ + kRaValidity});
        if (!party) return party.error();
        const fs::path folder = old.certificate.parent_path();
        const std::string name = free_name(old.certificate);
        if (const auto written = write_party(folder, name, *party); !written) {
            return written.error();
        }
        rotation_.keys.push_back({key, folder / (name + ".pem"), folder / (name + ".key"),
                                  party->certificate, old.certificate});
        return {};
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

    Json pair_json(const RotatedKey& made) const {
        const fs::path folder = config_.file.parent_path();
        return {{"certificate", named_from(made.certificate_file, folder)},
                {"key", {{"file", named_from(made.key_file, folder)}}}};
    }

    /// The new signer beside the old, with its limits.
    Json trusted_with(const RotatedKey& made, const Json& trusted) const {
        const fs::path folder = config_.file.parent_path();
        Json entry = named_from(made.certificate_file, folder);
        for (const Json& each : trusted) {
            if (!each.is_object()) continue;
            const fs::path file = folder / each.value("certificate", "");
            if (file.lexically_normal() != made.old_certificate_file.lexically_normal()) continue;
            Json with_limits = each;
            with_limits["certificate"] = entry;
            entry = std::move(with_limits);
            break;
        }
        return in_front(std::move(entry), trusted);
    }

    Result<void> edit() {
        const auto text = read_whole_file(config_.file);
        if (!text) return text.error();
        constexpr bool kThrow = false, kIgnoreComments = true;
        const Json config = Json::parse(*text, nullptr, kThrow, kIgnoreComments);
        if (!config.is_object())
            return Error{Errc::kConfig, config_.file.string() + " has changed"};
        const Json& policy = config.at("policies").at(order_.policy);
        for (const RotatedKey& made : rotation_.keys) {
            rotation_.members[made.key] = in_front(pair_json(made), as_list(policy.at(made.key)));
            if (made.key == "signer") {
                rotation_.members["trusted_signers"] =
                    trusted_with(made, policy.at("trusted_signers"));
            }
        }
        const auto edited = edit_config(config_.file, [this](Json& whole) {
            whole.at("policies").at(order_.policy).update(rotation_.members);
        });
        if (!edited) return edited.error();
        rotation_.changed = *edited;
        return {};
    }

    const RotationOrder& order_;
    const Config& config_;
    std::int64_t now_;
    Rotation rotation_;
};

}  // namespace

Result<Rotation> rotate_keys(const RotationOrder& order, const Config& config, std::int64_t now) {
    return Rotator(order, config, now).rotate();
}

}  // namespace scepgate::server::cli
