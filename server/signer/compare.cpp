#include "server/signer/compare.hpp"

#include <algorithm>

#include "certs/certificate.hpp"
#include "server/config_crl_reader.hpp"
#include "server/config_template.hpp"
#include "server/runtime_ca.hpp"
#include "server/signer/client.hpp"

namespace scepgate::server::signer {
namespace {

void compare_templates(const Config& config, const std::string& ca, const Description& signer,
                       ConfigFaults& faults) {
    for (const EndpointConfig& endpoint : config.endpoints) {
        if (endpoint.ca != ca) continue;
        for (const auto& [name, path] : templates_of(endpoint)) {
            const auto& known = signer.templates;
            if (std::find(known.begin(), known.end(), name) != known.end()) continue;
            faults.error(path, "the signer has no template '" + name + "'",
                         "add it to the signer's configuration, and send the signer SIGHUP");
        }
    }
}

}  // namespace

void compare_with_signers(const Config& config, ConfigFaults& faults) {
    for (const auto& [name, ca] : config.cas) {
        // One that waits for its certificate is told of where CAs are built; the signer need not
        // know of it yet.
        if (!ca.signer || awaits_certificate(ca)) continue;
        SignerClient client(ca.signer->socket, std::chrono::seconds(ca.signer->timeout));
        const auto answer = client.ask_and_wait(DescribeOrder{name});
        const std::string at = ca.json_path + ".socket";
        if (!answer) {
            faults.warn(at, answer.error().detail, "start it: scepgate signer --config FILE");
            continue;
        }
        if (const auto* refusal = std::get_if<Refusal>(&*answer)) {
            faults.error(at, "the signer refused: " + refusal->text, refusal->hint);
            continue;
        }
        const auto* description = std::get_if<Description>(&*answer);
        const auto own = certs::Certificate::from_file(ca.certificate);
        if (description == nullptr || !own) continue;  // another check names what is wrong
        if (!equal(own->der(), description->certificate)) {
            faults.error(ca.json_path + ".certificate",
                         "the signer has another certificate for this CA",
                         "give both the same file");
        }
        compare_templates(config, name, *description, faults);
        judge_crl_urls(ca, !description->crl_urls.empty(), !description->freshest_crl_urls.empty(),
                       faults);
    }
}

}  // namespace scepgate::server::signer
