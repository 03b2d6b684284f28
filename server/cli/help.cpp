#include "server/cli/help.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config_reader.hpp"

namespace scepgate::server::cli {
namespace {

struct Example {
    std::string_view command;  ///< below scepgate
    std::string_view lines;    ///< as they are typed
};

constexpr Example kExamples[] = {
    {"init",
     "scepgate init lab\n"
     "scepgate init /etc/scepgate --listen 127.0.0.1:8080 --url http://scep.example/scep \\\n"
     "  --ca-name \"Example Issuing CA\" --ca-key rsa:3072\n"},
    {"serve", "scepgate serve --config lab/scepgate.json\n"},
    {"signer", "scepgate signer --config lab/signer/signer.json\n"},
    {"config check", "scepgate config check --config lab/scepgate.json\n"},
    {"challenge create",
     "scepgate challenge create --config lab/scepgate.json --subject CN=laptop-17,O=Example \\\n"
     "  --dns laptop-17.example --key-usage both --expires 1h > challenge\n"},
    {"challenge list", "scepgate challenge list --config lab/scepgate.json --json\n"},
    {"policy explain",
     "scepgate policy explain --config lab/scepgate.json --csr request.pem "
     "--challenge-file challenge\n"},
    {"enroll",
     "scepgate enroll --url http://127.0.0.1:8080/scep --ca-file ca.pem --challenge-file challenge "
     "\\\n"
     "  --subject CN=laptop-17,O=Example --dns laptop-17.example --key-usage both --out "
     "laptop-17\n"},
    {"renew", "scepgate renew --url http://127.0.0.1:8080/scep --in laptop-17\n"},
    {"getca", "scepgate getca --url http://127.0.0.1:8080/scep --out ca\n"},
    {"getnextca",
     "scepgate getnextca --url http://127.0.0.1:8080/scep --in laptop-17 --out laptop-17\n"},
    {"getcert",
     "scepgate getcert --url http://127.0.0.1:8080/scep --in laptop-17 --serial 3AC1 "
     "--out found.pem\n"},
    {"getcrl", "scepgate getcrl --url http://127.0.0.1:8080/scep --in laptop-17 --out ca.crl\n"},
    {"cert list",
     "scepgate cert list --config lab/scepgate.json --expiring 30d\n"
     "scepgate cert list --config lab/scepgate.json --san dns:laptop-17.example --valid --json\n"},
    {"cert revoke",
     "scepgate cert revoke 3AC1 --config lab/scepgate.json --reason keyCompromise\n"},
    {"ca create",
     "scepgate ca create --config lab/scepgate.json --ca issuing --subordinate \\\n"
     "  --subject \"CN=Example Issuing CA,O=Example\" --key ec:p384\n"
     "scepgate ca create --config lab/scepgate.json --ca hsm --root --ca-name \"Example CA\" \\\n"
     "  --key \"pkcs11:token=ca;object=ca\" --key-type rsa:3072 \\\n"
     "  --module /usr/lib/softhsm/libsofthsm2.so --pin-file token.pin\n"},
    {"ca csr", "scepgate ca csr --config lab/scepgate.json --ca issuing --out issuing.csr\n"},
    {"ca install",
     "scepgate ca install --config lab/scepgate.json --ca issuing issuing.pem root.pem\n"},
    {"ca import",
     "scepgate ca import --config lab/scepgate.json --ca old --pkcs12 old-ca.p12 \\\n"
     "  --passphrase-file lab/old.passphrase\n"},
    {"ca ra", "scepgate ca ra --config lab/scepgate.json --ca issuing\n"},
    {"ca renew", "scepgate ca renew --config lab/scepgate.json --ca lab --validity 7300d\n"},
    {"ca rollover",
     "scepgate ca rollover --config lab/scepgate.json --ca lab --from 2030-01-01T00:00:00Z\n"},
    {"ca crl", "scepgate ca crl --config lab/scepgate.json --out ca.crl --der\n"},
    {"store backup",
     "scepgate store backup --config lab/scepgate.json --out /backup/scepgate-2030-01-01.db\n"},
    {"store verify",
     "scepgate store verify --config lab/scepgate.json\n"
     "scepgate store verify --config lab/scepgate.json --store /backup/scepgate-2030-01-01.db\n"},
    {"audit verify", "scepgate audit verify --config lab/scepgate.json\n"},
    {"doctor",
     "scepgate doctor --url https://scep.example/scep\n"
     "scepgate doctor --url http://127.0.0.1:8080/scep --json\n"},
    {"decode", "scepgate decode request.der --key ra-encryption.key --cert ra-encryption.pem\n"},
};

constexpr std::string_view kGroups[][2] = {
    {"init", "Setting up"},       {"config", "Setting up"},   {"ca", "Setting up"},
    {"serve", "Serving"},         {"signer", "Serving"},      {"challenge", "Operating"},
    {"policy", "Operating"},      {"cert", "Operating"},      {"pending", "Operating"},
    {"notify", "Operating"},      {"store", "Operating"},     {"audit", "Operating"},
    {"enroll", "As a device"},    {"renew", "As a device"},   {"getca", "As a device"},
    {"getnextca", "As a device"}, {"getcert", "As a device"}, {"getcrl", "As a device"},
    {"decode", "As a device"},    {"doctor", "Operating"},
};

/// "ca create"
std::string path_of(const CLI::App& app) {
    std::string path;
    for (const CLI::App* at = &app; at->get_parent() != nullptr; at = at->get_parent())
        path = at->get_name() + (path.empty() ? "" : " " + path);
    return path;
}

class HelpFormatter final : public CLI::Formatter {
public:
    /// In a list of commands the first sentence is enough.
    std::string make_subcommand(const CLI::App* command) const override {
        std::string first = command->get_description();
        first = first.substr(0, first.find(". "));
        first = first.substr(0, first.find(".\n"));
        if (!first.empty() && first.back() == '.') first.pop_back();
        std::stringstream line;
        CLI::detail::format_help(line, command->get_name(), first, column_width_);
        return line.str();
    }

    std::string make_footer(const CLI::App* app) const override {
        std::string examples;
        const std::string path = path_of(*app);
        for (const Example& example : kExamples) {
            if (example.command == path) examples = "Examples:\n" + indented(example.lines) + '\n';
        }
        return examples + CLI::Formatter::make_footer(app);
    }

    /// CLI11 writes "TEXT:DURATION", or ":URL", where a check says what is wanted.
    std::string make_option_opts(const CLI::Option* option) const override {
        std::string text = CLI::Formatter::make_option_opts(option);
        constexpr std::pair<std::string_view, std::string_view> kShorter[] = {
            {" INT:NONNEGATIVE", " N"}, {" INT:INT", " N"}, {" TEXT:", " "}, {" :", " "}};
        for (const auto& [noise, words] : kShorter) {
            if (text.compare(0, noise.size(), noise) == 0)
                return std::string(words) + text.substr(noise.size());
        }
        return text;
    }

private:
    static std::string indented(std::string_view lines) {
        std::string text;
        while (!lines.empty()) {
            const auto end = lines.find('\n') + 1;
            text.append("  ").append(lines.substr(0, end));
            lines.remove_prefix(end);
        }
        return text;
    }
};

/// The command that was meant, as far as it was understood.
const CLI::App& innermost(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.back());
}

/// What cannot be an argument of `command`, and the nearest that can be.
std::string unknown_word(const CLI::App& command, const std::string& word) {
    std::set<std::string> known;
    for (const CLI::App* each : command.get_subcommands({}))
        known.insert(each->get_name());
    for (const CLI::Option* each : command.get_options()) {
        for (const std::string& name : each->get_lnames())
            known.insert("--" + name);
    }
    const std::string meant = nearest(word, known);
    return "'" + word + "' is not known here" +
           (meant.empty() ? "" : "; did you mean '" + meant + "'?");
}

std::string failure_message(const CLI::App* app, const CLI::Error& error) {
    const CLI::App& command = innermost(*app);
    const std::string path = path_of(command);
    const auto unknown = app->remaining(true);
    const bool only_missing =
        error.get_name() == "RequiredError" || error.get_name() == "ExtrasError";
    return "scepgate: " +
           (only_missing && !unknown.empty() ? unknown_word(command, unknown.front())
                                             : std::string(error.what())) +
           "\nSee: scepgate" + (path.empty() ? "" : " " + path) + " --help\n";
}

}  // namespace

void set_up_help(CLI::App& app) {
    auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(36);
    app.formatter(formatter);
    app.failure_message(failure_message);
    app.footer(
        "Exit status: 0 success, 1 refused or failed, 2 bad usage or configuration, 3 a token does "
        "not "
        "take its PIN.");
}

void group_commands(CLI::App& app) {
    for (const auto& [name, group] : kGroups)
        app.get_subcommand(std::string(name))->group(std::string(group));
}

}  // namespace scepgate::server::cli
