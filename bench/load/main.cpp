// scepgate_load: load on any SCEP server, with every reply verified afterwards.
#include <fstream>
#include <iostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "bench/key_pool.hpp"
#include "bench/load_report.hpp"
#include "certs/clock.hpp"

namespace scepgate::bench {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Options {
    std::string url;
    std::string operation = "PKIOperation";
    std::string method = "auto";
    std::size_t requests = 1000;
    std::size_t warmup = 0;
    std::size_t connections = 8;
    unsigned threads = 1;
    double duration = 0;
    double rate = 0;
    double timeout = 30;
    std::string keys;
    std::size_t key_count = 256;
    std::string challenge, challenges;
    std::string subject = "CN=bench-%d";
    std::string key_usage = "both";
    std::string cipher = "auto", digest = "auto";
    int pid = 0;
    bool json = false;
};

void declare(CLI::App& app, Options& options) {
    app.add_option("--url", options.url, "The SCEP URL: http://HOST[:PORT]/PATH")->required();
    app.add_option("--operation", options.operation,
                   "PKIOperation (enrolments), GetCACaps or GetCACert")
        ->check(CLI::IsMember({"PKIOperation", "GetCACaps", "GetCACert"}))
        ->capture_default_str();
    app.add_option("--method", options.method, "post, get, or auto: POST when the server offers it")
        ->check(CLI::IsMember({"auto", "get", "post"}))
        ->capture_default_str();
    app.add_option("--requests", options.requests, "How many requests are measured")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--warmup", options.warmup,
                   "How many are sent before, verified but not measured")
        ->capture_default_str();
    app.add_option("--duration", options.duration,
                   "Stop after this many seconds; what was not sent by then is left out");
    app.add_option("--rate", options.rate,
                   "Requests a second, due whatever comes of those before; latencies count from "
                   "then. Default: each connection sends when it has its answer");
    app.add_option("--connections", options.connections,
                   "Keep-alive connections, each with one request at a time")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--threads", options.threads, "Threads that send")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option("--timeout", options.timeout, "Seconds to wait for one answer")
        ->capture_default_str();
    app.add_option("--keys", options.keys,
                   "Keep the devices' keys in this file and take them from it")
        ->type_name("FILE");
    app.add_option("--key-count", options.key_count, "How many RSA-2048 keys serve in turn")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    auto* one = app.add_option("--challenge", options.challenge, "One challenge for all requests");
    app.add_option("--challenges", options.challenges,
                   "A file with a challenge a line, one for each request")
        ->type_name("FILE")
        ->excludes(one);
    app.add_option("--subject", options.subject, "The CSR's subject; %d is the request's number")
        ->capture_default_str();
    app.add_option("--key-usage", options.key_usage,
                   "signature, encryption, both, or none for no extension")
        ->check(CLI::IsMember({"signature", "encryption", "both", "none"}))
        ->capture_default_str();
    app.add_option("--cipher", options.cipher,
                   "aes128, aes256, des3, or auto: AES-128 when the server lists it, else 3DES")
        ->check(CLI::IsMember({"auto", "aes128", "aes256", "des3"}))
        ->capture_default_str();
    app.add_option("--digest", options.digest,
                   "sha1, sha256, sha512, or auto: SHA-256 when the server lists it, else SHA-1")
        ->check(CLI::IsMember({"auto", "sha1", "sha256", "sha512"}))
        ->capture_default_str();
    app.add_option("--pid", options.pid,
                   "The server's process on this machine, to read its CPU time and memory");
    app.add_flag("--json", options.json, "Print the result as JSON");
}

Result<std::vector<std::string>> read_challenges(const Options& options) {
    if (options.challenges.empty()) return std::vector<std::string>{options.challenge};
    std::ifstream stream(options.challenges);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        if (!line.empty()) lines.push_back(std::move(line));
    }
    if (lines.empty()) return Error{Errc::kConfig, "no challenges in " + options.challenges};
    return lines;
}

std::optional<certs::KeyUsage> key_usage(const std::string& name) {
    using enum certs::KeyUsageBit;
    if (name == "signature") return certs::KeyUsage{kDigitalSignature};
    if (name == "encryption") return certs::KeyUsage{kKeyEncipherment};
    if (name == "both") return certs::KeyUsage{kDigitalSignature, kKeyEncipherment};
    return std::nullopt;
}

certs::ContentCipher cipher(const std::string& name, const scep::ServerCapabilities& capabilities) {
    if (name == "aes128") return certs::ContentCipher::kAes128Cbc;
    if (name == "aes256") return certs::ContentCipher::kAes256Cbc;
    if (name == "des3") return certs::ContentCipher::kDes3Cbc;
    return capabilities.cipher();
}

certs::Digest digest(const std::string& name, const scep::ServerCapabilities& capabilities) {
    if (name == "sha1") return certs::Digest::kSha1;
    if (name == "sha256") return certs::Digest::kSha256;
    if (name == "sha512") return certs::Digest::kSha512;
    return capabilities.digest();
}

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

Result<LoadSettings> load_settings(const Options& options) {
    auto url = Url::parse(options.url);
    if (!url) return in_context("--url", url.error());
    LoadSettings settings;
    settings.url = std::move(*url);
    settings.connections = options.connections;
    settings.threads = options.threads;
    settings.timeout = milliseconds(options.timeout);
    if (options.duration > 0) settings.duration = milliseconds(options.duration);
    if (options.rate > 0) settings.rate = options.rate;
    if (options.pid > 0) settings.server = options.pid;
    return settings;
}

/// Warms up without a time limit, then measures.
Result<LoadResult> measure(const Options& options, const LoadSettings& settings,
                           Workload& workload) {
    if (options.warmup > 0) {
        LoadSettings warming = settings;
        warming.duration.reset();
        warming.rate.reset();
        const auto warmed = run_load(warming, workload, 0, options.warmup);
        if (!warmed) return warmed.error();
    }
    return run_load(settings, workload, options.warmup, options.warmup + options.requests);
}

Result<LoadReport> static_replies(const Options& options, const LoadSettings& settings) {
    const std::string request = get_request(settings.url, options.operation);
    auto expected = fetch(settings.url, request);
    if (!expected) return in_context(options.operation, expected.error());
    StaticWorkload workload(request, std::move(*expected));
    auto result = measure(options, settings, workload);
    if (!result) return result.error();
    LoadReport report;
    report.method = "GET";
    report.result = std::move(*result);
    return report;
}

Result<LoadReport> enrolments(const Options& options, const LoadSettings& settings) {
    const auto capabilities_body = fetch(settings.url, get_request(settings.url, "GetCACaps"));
    if (!capabilities_body) return in_context("GetCACaps", capabilities_body.error());
    const auto capabilities = scep::parse_capabilities(*capabilities_body);
    const auto certificates = fetch(settings.url, get_request(settings.url, "GetCACert"));
    if (!certificates) return in_context("GetCACert", certificates.error());
    const auto ca =
        scep::parse_ca_certificates(as_bytes(*certificates), certs::SystemClock().now());
    if (!ca) return in_context("GetCACert", ca.error());

    EnrolmentSettings work;
    work.url = settings.url;
    work.post = options.method == "post" ||
                (options.method == "auto" && (capabilities.post || capabilities.standard));
    work.count = options.warmup + options.requests;
    work.threads = std::max(1U, std::thread::hardware_concurrency());
    work.subject = options.subject;
    work.key_usage = key_usage(options.key_usage);
    work.cipher = cipher(options.cipher, capabilities);
    work.digest = digest(options.digest, capabilities);
    auto challenges = read_challenges(options);
    if (!challenges) return challenges.error();
    work.challenges = std::move(*challenges);

    const auto keys = key_pool(std::min(options.key_count, work.count), work.threads, options.keys);
    if (!keys) return in_context("--keys", keys.error());
    auto workload = EnrolmentWorkload::build(work, *keys, *ca);
    if (!workload) return workload.error();
    auto result = measure(options, settings, *workload);
    if (!result) return result.error();
    LoadReport report;
    report.method = work.post ? "POST" : "GET";
    report.result = std::move(*result);
    report.verdict = workload->verify(options.warmup);
    return report;
}

int run(const Options& options) {
    const auto settings = load_settings(options);
    if (!settings) {
        std::cerr << "scepgate_load: " << settings.error().detail << '\n';
        return kUsage;
    }
    const bool enrol = options.operation == "PKIOperation";
    auto report = enrol ? enrolments(options, *settings) : static_replies(options, *settings);
    if (!report) {
        std::cerr << "scepgate_load: " << report.error().detail << '\n';
        return kFailed;
    }
    report->operation = options.operation;
    report->connections = options.connections;
    report->server_measured = settings->server.has_value();
    std::cout << (options.json ? to_json(*report) + "\n" : to_text(*report));
    return report->good() > 0 ? 0 : kFailed;
}

}  // namespace
}  // namespace scepgate::bench

int main(int argc, char** argv) {
    CLI::App app(
        "Load on any SCEP server: requests are made before the clock starts, sent over keep-alive "
        "connections, and every reply is verified afterwards (signature, transactionID, nonce, "
        "decryption, key, CA signature, serial numbers). Exit status 0: there were good replies; "
        "the "
        "report tells of errors.");
    scepgate::bench::Options options;
    scepgate::bench::declare(app, options);
    try {
        app.parse(argc, argv);
        return scepgate::bench::run(options);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : scepgate::bench::kUsage;
    } catch (const std::exception& error) {
        std::cerr << "scepgate_load: " << error.what() << '\n';
        return scepgate::bench::kFailed;
    }
}
