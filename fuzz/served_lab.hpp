// A whole server in this process: CA, RA with the fixed keys, store and audit file, HTTP on
// loopback, as if behind a proxy. Everybody gets what the CSR asks for, so that every step is
// reached. Beside SCEP it has CRLs under /crl, the CA's certificate, and a responder under /ocsp.
#pragma once

#include <filesystem>

#include "ca_backend/embedded_ca.hpp"
#include "scep/client.hpp"
#include "server/http_server.hpp"
#include "server/pki_operation.hpp"
#include "server/scep_handler.hpp"

namespace scepgate::fuzz {

class ServedLab {
public:
    /// One for the whole process; its files go with it.
    static ServedLab& instance();
    ~ServedLab();

    /// The message's answer, without HTTP.
    [[nodiscard]] server::OperationReply process(const Bytes& message);
    /// Of GetCACert.
    [[nodiscard]] const scep::CaCertificates& certificates() const noexcept {
        return certificates_;
    }
    /// Where SCEP is served, under /scep. Starts serving.
    [[nodiscard]] std::uint16_t port();

private:
    ServedLab();
    void make_endpoint();
    [[nodiscard]] server::Publications publications() const;

    std::filesystem::path directory_;
    std::shared_ptr<const certs::Clock> clock_;
    scep::CaCertificates certificates_;
    std::shared_ptr<ca_backend::EmbeddedCa> ca_;
    std::shared_ptr<ca_backend::Store> store_;
    std::shared_ptr<server::Endpoint> endpoint_;
    std::shared_ptr<server::Log> log_;
    std::unique_ptr<server::PkiOperations> operations_;
    std::unique_ptr<server::WorkerPool> workers_;
    std::unique_ptr<server::ScepHandler> handler_;
    std::unique_ptr<server::HttpServer> server_;
};

}  // namespace scepgate::fuzz
