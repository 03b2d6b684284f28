// The service with everything real but its policy module and clock, asked by a real client.
#pragma once

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "ca_backend/embedded_ca.hpp"
#include "ca_backend/sqlite_store.hpp"
#include "scep/client.hpp"
#include "server/guarded_policy.hpp"
#include "server/pki_operation.hpp"
#include "tests/server/support/fake_module.hpp"
#include "tests/server/support/switched_store.hpp"

namespace scepgate::server::testing {

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr std::int64_t kDay = 86'400;

/// RSA keys of devices, made once a process.
const certs::PrivateKey& device_key(int number = 0);

/// How one message ended.
struct Asked {
    OperationReply reply;
    RequestRecord record;
    std::optional<scep::CertReply> cert;  ///< when the reply is a CertRep that the client takes
    /// "success", "pending", "badRequest" …, "503", "400", "500".
    [[nodiscard]] std::string outcome() const;
};

class ServiceLab {
public:
    /// `limits`: of the guard around the module.
    explicit ServiceLab(PolicyLimits limits = {.time = std::chrono::seconds(30)});
    ~ServiceLab();

    /// A PKCSReq for CN=device by device_key().
    [[nodiscard]] scep::ClientRequest request(int key = 0) const;
    /// A CertPoll by the same key for the same transactionID.
    [[nodiscard]] scep::ClientRequest poll(const scep::ClientRequest& of) const;
    /// A renewal of `old`, for this new key.
    [[nodiscard]] scep::ClientRequest renewal(const certs::Certificate& old, int old_key,
                                              int new_key) const;

    /// Encodes, asks, and reads the reply for `csr_key`.
    Asked ask(const scep::ClientRequest& request, int csr_key = 0);
    /// Asks with octets that are no message.
    Asked ask_octets(const Bytes& octets);
    /// Several at once.
    std::vector<Asked> ask_together(const std::vector<scep::ClientRequest>& requests);

    void decide(ca_backend::Decision::Verdict verdict);
    void revoke(const certs::Certificate& certificate,
                certs::RevocationReason reason = certs::RevocationReason::kSuperseded);
    /// The audit file's lines, without their times.
    [[nodiscard]] std::vector<std::string> audit() const;
    [[nodiscard]] std::vector<std::string> audit_events() const;
    [[nodiscard]] std::size_t issued();

    std::shared_ptr<certs::FixedClock> clock = std::make_shared<certs::FixedClock>(kNow);
    std::shared_ptr<FakeModule> module = std::make_shared<FakeModule>();
    std::shared_ptr<SwitchedStore> store;
    Endpoint endpoint;
    scep::CaCertificates certificates;
    /// Where the audit file is; /dev/full from the next restart() on when this says so.
    bool audit_is_full = false;
    /// The service anew, on the same store.
    void restart();
    /// From now on, as after SIGHUP, the audit file is on a full disk.
    void fill_audit();
    [[nodiscard]] PkiOperations& operations() noexcept { return *operations_; }
    /// A rollover: "CN=next CA" with "CN=next RA" from here on; the RA before still answers what is
    /// encrypted to it.
    void succeed();

private:
    void make_endpoint(PolicyLimits limits);
    boost::asio::awaitable<Asked> process(scep::ClientRequest request, int csr_key);

    std::filesystem::path directory_;
    std::shared_ptr<AuditLog> audit_;
    std::unique_ptr<PkiOperations> operations_;
};

}  // namespace scepgate::server::testing
