// scepgate_crypto_bound: what the bare crypto operations of an enrolment cost on this machine.
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/crypto_costs.hpp"

namespace scepgate::bench {
namespace {

std::string json_of(const CryptoCosts& costs, const std::vector<Bound>& bounds) {
    nlohmann::ordered_json json;
    json["microseconds"] = {{"rsa2048_private", costs.rsa_private},
                            {"rsa2048_sign", costs.rsa_sign},
                            {"rsa2048_verify", costs.rsa_verify},
                            {"rsa2048_encrypt", costs.rsa_encrypt},
                            {"p256_sign", costs.ec_sign},
                            {"p256_verify", costs.ec_verify},
                            {"p256_ecdh", costs.ecdh},
                            {"aes128_cbc_2k", costs.aes_cbc},
                            {"aes256_gcm_2k", costs.aes_gcm},
                            {"sha256_2k", costs.sha256}};
    for (const Bound& bound : bounds)
        json["bound_ms"][bound.key] = bound.microseconds() / 1e3;
    return json.dump(2);
}

std::string text_of(const std::vector<Bound>& bounds) {
    std::string text;
    for (const Bound& bound : bounds) {
        text += fmt::format("{}: {:.3f} CPU-ms an enrolment at least\n", bound.name,
                            bound.microseconds() / 1e3);
        for (const BoundItem& item : bound.items) {
            text += fmt::format("  {:8.1f} µs  {}\n", item.microseconds, item.what);
        }
    }
    return text;
}

int run(bool json) {
    const auto costs = measure_crypto();
    if (!costs) {
        std::cerr << "scepgate_crypto_bound: " << costs.error().detail << '\n';
        return 1;
    }
    const auto bounds = enrolment_bounds(*costs);
    std::cout << (json ? json_of(*costs, bounds) + "\n" : text_of(bounds));
    return 0;
}

}  // namespace
}  // namespace scepgate::bench

int main(int argc, char** argv) {
    CLI::App app(
        "Measures bare OpenSSL operations on one thread (CPU time, about two seconds) and adds up "
        "those "
        "of one enrolment: the least that it can cost here.");
    bool json = false;
    app.add_flag("--json", json, "Print the result as JSON");
    CLI11_PARSE(app, argc, argv);
    return scepgate::bench::run(json);
}
