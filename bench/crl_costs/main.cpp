// scepgate_crl_costs: what it costs to make, to read and to look into a long CRL.
#include <iostream>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "certs/certificate_builder.hpp"
#include "certs/crl_builder.hpp"
#include "certs/name.hpp"

namespace scepgate::bench {
namespace {

using certs::Crl;

rusage usage() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return used;
}

double peak_mib() {
    return static_cast<double>(usage().ru_maxrss) / 1024;
}

double cpu_seconds() {
    const rusage used = usage();
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Prints what processor time `work` took, and the most memory that the process has had by then.
template <class Work>
auto measured(std::string_view what, Work work) {
    const double begin = cpu_seconds();
    auto result = work();
    const double spent = cpu_seconds() - begin;
    std::cout << fmt::format("{:42} {:8.3f} CPU-s   peak {:7.1f} MiB\n", what, spent, peak_mib());
    return result;
}

certs::CrlContents contents(const certs::PrivateKey& key) {
    constexpr std::int64_t kNow = 1'800'000'000;
    certs::CrlContents made;
    made.issuer_der = certs::Name::from_text("CN=Bench CA").value().der();
    made.authority_key_identifier = key.public_key().key_identifier();
    made.number = 2;
    made.this_update = kNow;
    made.next_update = kNow + 7 * 86'400;
    return made;
}

/// Serial numbers as the embedded CA gives them: 128 bits, ascending or as they come.
std::vector<Bytes> serials(std::size_t count, bool sorted) {
    std::vector<Bytes> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(certs::random_serial());
    if (sorted) std::sort(all.begin(), all.end());
    return all;
}

int run(std::size_t count, bool sorted, bool expected) {
    const auto key = certs::PrivateKey::generate({certs::KeyType::kRsa, 2048}).value();
    const auto all = serials(count, sorted);
    std::cout << fmt::format("{:42} {:10}         peak {:7.1f} MiB\n", "serial numbers to put in",
                             count, peak_mib());
    certs::CrlBuilder builder(contents(key), expected ? count : 0);
    const bool added = measured("encode entries", [&] {
        certs::RevokedCertificate one;
        one.revoked_at = 1'799'000'000;
        one.reason = certs::RevocationReason::kSuperseded;
        for (const Bytes& serial : all) {
            one.serial = serial;
            if (!builder.add(one)) return false;
        }
        return true;
    });
    if (!added) return 1;
    const Crl made = measured("sign, read back, verify", [&] {
                         return std::move(builder).sign(key, certs::Digest::kSha256);
                     }).value();
    Bytes octets = to_bytes(made.der());
    std::cout << fmt::format("{:42} {:10}\n", "octets", octets.size());
    const Crl read = measured("read", [&] { return Crl::from_der(std::move(octets)); }).value();
    measured("verify", [&] { return read.signed_by(key.public_key()); });
    measured("find each serial number", [&] {
        return std::all_of(all.begin(), all.end(),
                           [&](const Bytes& serial) { return read.find(serial).has_value(); });
    });
    measured("walk along all entries", [&] {
        std::size_t seen = 0;
        for (const Crl::Entry entry : read.entries())
            seen += entry.serial.size();
        return seen;
    });
    return 0;
}

}  // namespace
}  // namespace scepgate::bench

int main(int argc, char** argv) {
    CLI::App app("Makes a CRL, reads it, and looks for its entries, on one thread.");
    std::size_t count = 1'000'000;
    bool sorted = false;
    bool expected = false;
    app.add_option("--entries", count, "How many certificates are revoked")->capture_default_str();
    app.add_flag("--sorted", sorted, "Put them in by serial number");
    app.add_flag("--expected", expected, "Tell the builder how many will come");
    CLI11_PARSE(app, argc, argv);
    return scepgate::bench::run(count, sorted, expected);
}
