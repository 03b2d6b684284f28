// scepgate_store_bench: what the store costs with what is in it already (bench/store_growth).
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ca_backend/postgres_store.hpp"
#include "ca_backend/sqlite_store.hpp"
#include "certs/dated_serial.hpp"
#include "certs/ossl.hpp"

namespace scepgate::bench {
namespace {

namespace asio = boost::asio;
using ca_backend::CertificateFilter;
using ca_backend::IssuanceRecord;
using ca_backend::SqlStore;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

/// The rows that bench/store_growth fills in: one a second from here on.
constexpr std::int64_t kFirst = 1'767'225'600;
/// When the measured ones are made: after all of those.
constexpr std::int64_t kNow = kFirst + 400'000'000;

struct Options {
    std::string sqlite, postgresql;
    std::int64_t rows = 1;
    int enrolments = 6400;
    bool create = false, only_record = false;
};

std::string hex_digits(std::size_t octets) {
    return to_hex(random_bytes(octets));
}

/// Real certificates, whose keys are all the same: only their octets count here.
class Issuer {
public:
    Issuer() : key_(EVP_EC_gen("P-256")) {}

    certs::Certificate issue(const std::string& common_name) {
        const certs::X509Ptr made(X509_new());
        const Bytes serial = certs::dated_serial(kNow);
        const certs::BnPtr number(
            BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
        BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made.get()));
        X509_set_version(made.get(), 2);
        ASN1_TIME_set(X509_getm_notBefore(made.get()), kFirst);
        ASN1_TIME_set(X509_getm_notAfter(made.get()), kFirst + 31'536'000);
        name(X509_get_subject_name(made.get()), common_name);
        name(X509_get_issuer_name(made.get()), "Growth CA");
        X509_set_pubkey(made.get(), key_.get());
        X509_sign(made.get(), key_.get(), EVP_sha256());
        std::uint8_t* der = nullptr;
        const int size = i2d_X509(made.get(), &der);
        const Bytes octets(der, der + std::max(size, 0));
        OPENSSL_free(der);
        return certs::Certificate::from_der(octets).value();
    }

private:
    static void name(X509_NAME* name, const std::string& common_name) {
        const auto add = [name](const char* type, const std::string& text) {
            X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1,
                                       0);
        };
        add("O", "Example");
        add("CN", common_name);
    }

    certs::EvpPkeyPtr key_;
};

IssuanceRecord make_record(Issuer& issuer) {
    IssuanceRecord made;
    const std::string device = "new-" + hex_digits(8);
    made.certificate = issuer.issue(device);
    const Bytes key = random_bytes(made.transaction.size());
    std::copy(key.begin(), key.end(), made.transaction.begin());
    made.signer_key = ca_backend::signer_key_hash(made.certificate);
    made.endpoint = "/scep";
    made.transaction_id = hex_digits(32);
    made.ca = "lab";
    made.template_name = "Template1";
    made.policy = "mdm";
    made.device_id = hex_digits(16);
    made.user_id = device + "@example";
    made.subject_alt_name = {
        certs::GeneralName::make(certs::GeneralNameType::kDns, device + ".example").value()};
    made.message_type = 19;
    made.now = kNow;
    made.redemption = Redemption{"mdm", random_bytes(16), made.now + 3600};
    return made;
}

double microseconds(Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] void fail(const std::string& what, const Error& error) {
    std::cerr << "scepgate_store_bench: " << what << ": " << error.detail << '\n';
    std::exit(1);
}

/// CPU time of this process, which is the engine's too where that is SQLite.
double cpu_microseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

/// What this process has handed to the kernel to write; 0 where /proc does not say.
double octets_written() {
    std::ifstream io("/proc/self/io");
    for (std::string key; io >> key;) {
        double value = 0;
        io >> value;
        if (key == "wchar:") return value;
    }
    return 0;
}

/// The median over batches of what one of a batch took.
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.at(values.size() / 2);
}

class Bench {
public:
    Bench(SqlStore& store, const Options& options) : store_(store), options_(options) {}

    Json run() {
        record("enrolment, 64 at once", 64, options_.enrolments);
        if (options_.only_record) return std::move(figures_);
        record("enrolment, one after the other", 1, std::min(options_.enrolments, 500));
        look_up();
        list();
        revoke();
        return std::move(figures_);
    }

private:
    /// Until all are durable; their making is not in the time.
    void record(const std::string& name, int at_once, int count) {
        std::vector<double> batches, cpu;
        double written = 0;
        for (int done = 0; done < count; done += at_once) {
            std::vector<IssuanceRecord> records;
            for (int i = 0; i < at_once; ++i)
                records.push_back(make_record(issuer_));
            const double wrote = octets_written(), used = cpu_microseconds();
            const auto began = Clock::now();
            all(records, [this](IssuanceRecord& one) { return store_.record(one); });
            batches.push_back(microseconds(Clock::now() - began) / at_once);
            cpu.push_back((cpu_microseconds() - used) / at_once);
            written += octets_written() - wrote;
            std::move(records.begin(), records.end(), std::back_inserter(made_));
        }
        figures_[name + ", us each"] = median(batches);
        figures_[name + ", CPU us each"] = median(cpu);
        figures_[name + ", KiB written each"] = written / 1024 / count;
    }

    template <class Start>
    void all(std::vector<IssuanceRecord>& records, Start start) {
        asio::io_context context;
        for (IssuanceRecord& one : records) {
            asio::co_spawn(context, start(one), [](std::exception_ptr, const auto& outcome) {
                if (!outcome) fail("writing", outcome.error());
            });
        }
        context.run();
    }

    void time(const std::string& name, int count, const std::function<void(std::size_t)>& act) {
        std::vector<double> each;
        for (int i = 0; i < count; ++i) {
            const auto began = Clock::now();
            act(static_cast<std::size_t>(i));
            each.push_back(microseconds(Clock::now() - began));
        }
        figures_[name] = median(each);
    }

    const IssuanceRecord& some(std::size_t i) const { return made_[(i * 7919) % made_.size()]; }

    void look_up() {
        constexpr int kCount = 2000;
        time("look-up: a request that comes again, us", kCount, [this](std::size_t i) {
            const auto& one = some(i);
            const auto found = store_.find_request(
                {one.endpoint, one.transaction_id, one.signer_key}, one.transaction, one.now);
            if (!found || !*found) fail("find_request", Error{Errc::kNotFound, "not found"});
        });
        time("look-up: a certificate, us", kCount, [this](std::size_t i) {
            const auto found =
                store_.find_certificate(ca_backend::certificate_id(some(i).certificate));
            if (!found || !*found) fail("find_certificate", Error{Errc::kNotFound, "not found"});
        });
        time("look-up: the newest of the same names, us", kCount, [this](std::size_t i) {
            const auto found = store_.newest_of_identity(
                ca_backend::identity_of(some(i).certificate, "Template1"));
            if (!found) fail("newest_of_identity", found.error());
        });
    }

    void page(const std::string& name, int count, CertificateFilter filter) {
        filter.limit = 100;
        time("list: " + name + ", us", count, [this, &filter](std::size_t) {
            const auto found = store_.list(filter);
            if (!found) fail("list", found.error());
            rows_ += found->rows.size();
        });
    }

    void list() {
        constexpr int kCount = 50, kFew = 5;
        using Status = CertificateFilter::Status;
        const std::string middle = std::to_string(options_.rows / 2);
        const std::int64_t at = kFirst + options_.rows / 2;
        page("the newest 100", kCount, {});
        page("subject", kCount, {.subject = "CN=device-" + middle + ",O=Example"});
        page("subject begins, 100", kCount, {.subject_begins = "CN=device-5"});
        page("alternative name", kCount, {.alt_name = "dns:device-" + middle + ".example"});
        page("device", kCount, {.device_id = some(3).device_id});
        page("user", kCount, {.user_id = "user-" + middle + "@example"});
        page("serial", kCount,
             {.serial = ca_backend::without_sign_octet(some(5).certificate.serial())});
        page("transaction", kCount, {.transaction_id = some(9).transaction_id});
        page("issued within an hour, 100", kCount, {.issued_from = at - 3600, .issued_until = at});
        page("expires within an hour, 100", kCount,
             {.expires_from = at + 31'536'000, .expires_until = at + 31'536'000 + 3600});
        page("expired, 100", kCount, {.status = Status::kExpired, .now = at + 31'536'000});
        page("revoked, 100", kCount, {.status = Status::kRevoked});
        page("valid, 100", kCount, {.status = Status::kValid, .now = kFirst});
        page("template, 100", kCount, {.template_name = "Template3"});
        page("subject contains, searched for, nothing found (one call: 100,000 rows)", kFew,
             {.subject_contains = "is-not-there"});
    }

    void revoke() {
        constexpr std::size_t kBatch = 64;
        std::vector<double> batches;
        for (std::size_t first = 0; first + kBatch <= std::min<std::size_t>(made_.size(), 1280);
             first += kBatch) {
            std::vector<IssuanceRecord> some(
                made_.begin() + static_cast<std::ptrdiff_t>(first),
                made_.begin() + static_cast<std::ptrdiff_t>(first + kBatch));
            const auto began = Clock::now();
            all(some, [this](IssuanceRecord& one) {
                return store_.revoke({ca_backend::certificate_id(one.certificate),
                                      certs::RevocationReason::kSuperseded, one.now});
            });
            batches.push_back(microseconds(Clock::now() - began) / kBatch);
        }
        figures_["revocation, 64 at once, us each"] = median(batches);
    }

    SqlStore& store_;
    const Options& options_;
    Issuer issuer_;
    std::vector<IssuanceRecord> made_;
    std::size_t rows_ = 0;
    Json figures_;
};

Result<std::unique_ptr<SqlStore>> open(const Options& options) {
    const auto mode = options.create ? ca_backend::StoreMode::kCreateOrOpen
                                     : ca_backend::StoreMode::kOpenExisting;
    if (!options.sqlite.empty()) {
        auto store = ca_backend::SqliteStore::open(options.sqlite, mode);
        if (!store) return store.error();
        return std::unique_ptr<SqlStore>(*std::move(store));
    }
    ca_backend::PostgresSettings settings;
    settings.conninfo = options.postgresql;
    settings.statement_timeout = std::chrono::minutes(10);
    auto store = ca_backend::PostgresStore::open(settings, mode);
    if (!store) return store.error();
    return std::unique_ptr<SqlStore>(*std::move(store));
}

int measure(int argc, char** argv) {
    CLI::App app("Measures recording, looking up, listing and revoking in a store");
    Options options;
    auto* file = app.add_option("--sqlite", options.sqlite, "The store's file");
    app.add_option("--postgresql", options.postgresql, "The store's connection string")
        ->excludes(file);
    app.add_flag("--create", options.create, "Make an empty store, and no more");
    app.add_option("--rows", options.rows, "How many bench/store_growth has filled in");
    app.add_option("--enrolments", options.enrolments, "To record")->capture_default_str();
    app.add_flag("--only-record", options.only_record, "Measure enrolments alone");
    CLI11_PARSE(app, argc, argv);
    const auto store = open(options);
    if (!store) fail("opening the store", store.error());
    if (!options.create) std::cout << Bench(**store, options).run().dump(2) << '\n';
    return 0;
}

}  // namespace
}  // namespace scepgate::bench

int main(int argc, char** argv) {
    return scepgate::bench::measure(argc, argv);
}
