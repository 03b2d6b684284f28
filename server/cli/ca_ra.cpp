// scepgate ca ra
#include <algorithm>

#include "ca_backend/name_beside_ca.hpp"
#include "certs/clock.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_parent.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct RaOptions {
    CaOptions common;
    std::vector<std::string> endpoints;
    std::string from;
    KeyOptions key;
};

class RaMaker {
public:
    RaMaker(const RaOptions& options, const CaSetup& setup)
        : options_(options), setup_(setup), files_(owner_beside(setup.config)) {}

    Result<CaReport> make() {
        const auto ca = setup_.find(options_.common.ca);
        if (!ca) return ca.error();
        if (setup_.config.signer || (*ca)->signer) {
            return Error{Errc::kConfig,
                         "the RA's keys are the server's, and the CA's is the signer's: "
                         "docs/signer.md says how one certifies the other (Renewal and rollover)"};
        }
        auto party = setup_.load(**ca);
        if (!party) return party.error();
        ca_ = std::move(*party);
        auto chain = CaSetup::chain_of(**ca);
        if (!chain) return chain.error();
        chain_ = *std::move(chain);
        if (has_inner_comments(setup_.lock)) {
            return Error{Errc::kDenied,
                         "the configuration has comments, so it cannot be changed: "
                         "keep them in front of it, then run this again"};
        }
        if (const auto chosen = choose(); !chosen) return chosen.error();
        for (const std::size_t index : chosen_) {
            if (const auto made = make_keys(index); !made) return made.error();
        }
        const auto entered = setup_.perform("ca_ra", options_.common.ca, ca_.certificate, [this] {
            auto done = enter();
            if (done) files_.keep();
            return done;
        });
        if (!entered) return entered.error();
        CaReport report;
        report.ca = options_.common.ca;
        report.headline = "New RA certificates by '" + ca_.certificate.subject_text() + "' for " +
                          names_ +
                          (options_.from.empty() ? "." : ", in use from " + options_.from + " on.");
        report.entry = std::move(keys_);
        report.next = "Judge it (scepgate config check --config " +
                      shell_path(options_.common.config) + ") and send a running server SIGHUP.";
        return report;
    }

private:
    /// Those that are named; else those of the CA; else the only one.
    Result<void> choose() {
        const auto& all = setup_.config.endpoints;
        for (const std::string& name : options_.endpoints) {
            const auto found = std::find_if(all.begin(), all.end(),
                                            [&](const auto& one) { return one.name == name; });
            if (found == all.end())
                return Error{Errc::kConfig, "there is no endpoint '" + name + "'"};
            chosen_.push_back(static_cast<std::size_t>(found - all.begin()));
        }
        for (std::size_t i = 0; chosen_.empty() && i < all.size(); ++i) {
            if (options_.from.empty() && all[i].ca == options_.common.ca) chosen_.push_back(i);
        }
        if (chosen_.empty() && all.size() == 1) chosen_.push_back(0);
        if (chosen_.empty())
            return Error{Errc::kConfig, "no endpoint uses the CA: choose with --endpoint"};
        for (const std::size_t index : chosen_) {
            const EndpointConfig& endpoint = all[index];
            names_ += (names_.empty() ? "" : ", ") + endpoint.name;
            if (!endpoint.ra && !options_.from.empty()) continue;
            if (!endpoint.ra) {
                return Error{Errc::kDenied,
                             endpoint.json_path + " has no 'ra': there the CA speaks SCEP itself"};
            }
            if (endpoint.next) {
                return Error{Errc::kDenied, endpoint.next->json_path +
                                                " stands: finish that rollover first "
                                                "(docs/rollover.md)"};
            }
        }
        return {};
    }

    Result<void> make_keys(std::size_t index) {
        const std::string day = certs::utc_text(setup_.now).substr(0, 10);
        const auto subject = certs::Name::from_der(ca_.certificate.subject_der());
        if (!subject) return subject.error();
        const auto pointers =
            pointers_of(setup_.config.cas.at(options_.common.ca), ca_.certificate);
        if (!pointers) return pointers.error();
        std::int64_t from = setup_.now;
        if (!options_.from.empty()) {
            const auto time = parse_time(options_.from);
            if (!time) return Error{Errc::kConfig, "--from: " + time.error().detail};
            from = *time;
        }
        const std::string number = chosen_.size() > 1 ? "-" + std::to_string(index) : "";
        for (const auto& [role, usage] : kRaRoles) {
            const std::string name =
                free_name("ra-" + options_.common.ca + number + "-" + day, role);
            KeyOrder order{setup_.folder(), name, "rsa:2048"};
            order.use = usage == certs::KeyUsageBit::kKeyEncipherment ? certs::Pkcs11Use::kDecrypt
                                                                      : certs::Pkcs11Use::kSign;
            order.object_suffix = number + std::string("-") + role;
            auto key = new_key(index, usage, order);
            if (!key) return key.error();
            if (key->key.type() != certs::KeyType::kRsa &&
                usage == certs::KeyUsageBit::kKeyEncipherment) {
                return Error{Errc::kConfig, "--key: devices encrypt to RSA keys alone"};
            }
            const auto cn = ra_name(subject->common_name(), role);
            if (!cn) return cn.error();
            auto own = ca_backend::name_beside_ca(chain_, std::string(cn->common_name()),
                                                  key->key.public_key());
            if (!own) return in_context("the RA's certificate", own.error());
            PartySettings settings;
            settings.subject = std::move(*own);
            settings.usage = {usage};
            settings.pointers = *pointers;
            settings.existing_key = key->key;
            settings.not_before = std::max(setup_.now - 600, ca_.certificate.not_before());
            settings.not_after = std::min(from + kRaValidity, ca_.certificate.not_after());
            const auto ra = make_party(settings, &ca_);
            if (!ra) return ra.error();
            const fs::path file = setup_.folder() / (name + ".pem");
            const auto written = files_.write(file, as_bytes(ra->certificate.pem()), false);
            if (!written) return written.error();
            keys_[std::to_string(index)][role] = {{"certificate", file.filename().string()},
                                                  {"key", key->json}};
        }
        return {};
    }

    /// Without --key it is kept as the one before.
    Result<OrderedKey> new_key(std::size_t index, certs::KeyUsageBit usage, const KeyOrder& order) {
        const auto& ra = setup_.config.endpoints[index].ra;
        if (!ra) return obtain_key(options_.key, order, files_);
        const auto& present =
            usage == certs::KeyUsageBit::kKeyEncipherment ? ra->encryption.key : ra->signing.key;
        return obtain_key_like(present, options_.key, order, files_);
    }

    [[nodiscard]] std::string free_name(const std::string& stem, const std::string& role) const {
        std::error_code ignored;
        for (int number = 1;; ++number) {
            std::string name = stem + (number > 1 ? "-" + std::to_string(number) : "") + "-" + role;
            if (!fs::exists(setup_.folder() / (name + ".pem"), ignored) &&
                !fs::exists(setup_.folder() / (name + ".key"), ignored))
                return name;
        }
    }

    [[nodiscard]] Result<bool> enter() const {
        return edit_config(setup_.lock, [this](Json& config) -> Result<void> {
            for (const std::size_t index : chosen_)
                enter(config.at("endpoints").at(index), index);
            return {};
        });
    }

    void enter(Json& endpoint, std::size_t index) const {
        Json ra = keys_.at(std::to_string(index));
        if (!options_.from.empty()) {
            endpoint["next"] = {
                {"ca", options_.common.ca}, {"ra", std::move(ra)}, {"from", options_.from}};
            return;
        }
        // Devices that know the certificates of before go on to encrypt to them.
        const Json& before = endpoint.at("ra");
        Json previous = Json::array({before.at("encryption")});
        if (before.contains("previous_encryption")) {
            const Json& older = before.at("previous_encryption");
            for (const Json& pair : older.is_array() ? older : Json::array({older}))
                previous.push_back(pair);
        }
        ra["previous_encryption"] = std::move(previous);
        endpoint["ra"] = std::move(ra);
        const std::string old_ca = endpoint.at("ca");
        if (old_ca == options_.common.ca) return;
        endpoint["ca"] = options_.common.ca;
        if (!endpoint.contains("renewal")) return;
        Json& cas = endpoint["renewal"]["previous_cas"];
        if (!cas.is_array()) cas = Json::array();
        cas.push_back(name_in_config(setup_.config.cas.at(old_ca).certificate, setup_.folder()));
    }

    const RaOptions& options_;
    const CaSetup& setup_;
    Party ca_;
    std::vector<certs::Certificate> chain_;  ///< of the CA, itself first
    std::vector<std::size_t> chosen_;
    std::string names_;
    Json keys_;  ///< by the endpoint's index
    NewFiles files_;
};

int make_ra(const RaOptions& options) {
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto report = RaMaker(options, *setup).make();
    if (!report) return complain(report.error());
    return print(*report, options.common.json);
}

}  // namespace

void add_ca_ra(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "ra",
        "Make new RA certificates by a CA, for endpoints that use it or are to: signing and "
        "encryption, with keys of their own. What devices encrypt to the old one still opens. "
        "With --from, CA and RA take over at a set time, and devices learn of them before.");
    auto options = std::make_shared<RaOptions>();
    options->common.add_to(*command, "The CA's name in the configuration");
    command
        ->add_option("--endpoint", options->endpoints,
                     "For this endpoint; else for all of the CA's, or the only one")
        ->type_name("NAME");
    command
        ->add_option("--from", options->from, "When they take over, in UTC: 2027-01-01T00:00:00Z")
        ->type_name("TIME");
    options->key.add_to(*command,
                        "The RA's keys (in a token -signing and -encryption are put behind the "
                        "object's name)",
                        "rsa:2048, where and as the present keys are kept");
    command->callback([&status, options] { status = make_ra(*options); });
}

}  // namespace scepgate::server::cli
