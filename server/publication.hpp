// What CAs publish on the plain listener: CRLs, and answers of OCSP responders.
#pragma once

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/ocsp_responder.hpp"
#include "server/publisher_duties.hpp"
#include "server/request_record.hpp"
#include "server/runtime_services.hpp"

namespace scepgate::server {

/// What one CA publishes, and where.
struct Publication {
    std::shared_ptr<ca_backend::CaBackend> ca;
    std::string crl_path;                             ///< "" for none
    std::string delta_path = {};                      ///< "" for none
    std::string certificate_path = {};                ///< "" for none
    std::shared_ptr<ca_backend::OcspResponder> ocsp;  ///< null for none
    std::string ocsp_path;                            ///< several CAs may share one
};

/// Everything that one configuration publishes. Immutable; safe for concurrent use.
class Publications {
public:
    Publications() = default;
    Publications(std::vector<Publication> all, PublisherDuties duties,
                 std::shared_ptr<const StoreLink> store)
        : all_(std::move(all)), duties_(std::move(duties)), store_(std::move(store)) {}

    /// What a CrlPublisher is to do beside that.
    [[nodiscard]] const PublisherDuties& duties() const noexcept { return duties_; }

    /// Whether a request's path (as sent) leads to one of them. Paths are compared exactly, after
    /// one round of percent-decoding; "+" is itself.
    [[nodiscard]] bool serves(std::string_view path) const;

    /// GET and HEAD of a CRL or certificate (RFC 2585), with ETag and 304; GET and POST to a
    /// responder (RFC 6960 appendix A, RFC 5019). The CRL is made anew after a revocation. Signs on
    /// the thread that runs it. `request` and `record` stay alive until it ends.
    boost::asio::awaitable<HttpReply> answer(const HttpRequest& request,
                                             RequestRecord& record) const;

private:
    boost::asio::awaitable<HttpReply> crl(const Publication& from, ca_backend::CrlKind kind,
                                          const HttpRequest& request, ca_backend::Store& store,
                                          RequestRecord& record) const;
    [[nodiscard]] static HttpReply certificate(const Publication& from, const HttpRequest& request,
                                               RequestRecord& record);
    [[nodiscard]] HttpReply ocsp(ByteView der, const std::string& path, const HttpRequest& request,
                                 ca_backend::Store& store, RequestRecord& record) const;

    std::vector<Publication> all_;
    PublisherDuties duties_;
    std::shared_ptr<const StoreLink> store_;
};

}  // namespace scepgate::server
