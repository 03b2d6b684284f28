// --trace: every exchange with a server as numbered files, for support cases. No secrets: messages
// are as encrypted as on the wire, and what is put into words leaves them out.
#pragma once

#include <filesystem>
#include <optional>

#include "scep/pki_message.hpp"

namespace scepgate::server::cli {

struct WebRequest {
    std::string operation;  ///< "GetCACaps", …, "PKIOperation"
    std::string url;        ///< whole
    bool post = false;
    ByteView message = {};  ///< DER of a PKIOperation, also when it travels in the URL; else empty
};

struct WebReply {
    long status = 0;
    std::string content_type;
    std::string headers;  ///< status line and fields as received
    Bytes body;
};

/// A URL to show: name and password before the host are for nobody else.
[[nodiscard]] std::string without_credentials(const std::string& url);

/// Writes NNN-OPERATION-request.txt, -request.der, -reply.txt and -reply.body; numbers go on after
/// those that are in the folder.
class Trace {
public:
    /// Makes the folder (0700). An empty path: a trace that writes nothing.
    static Result<Trace> open(const std::filesystem::path& folder);

    /// What the next messages have inside (a CSR, …), to be put into words beside them.
    void set_content(ByteView content) { content_ = to_bytes(content); }
    /// What replies are encrypted to.
    void set_key(scep::RecipientKey key) { key_ = std::move(key); }

    Result<void> request(const WebRequest& request);
    Result<void> reply(const WebRequest& request, const WebReply& reply);
    /// There was no reply.
    Result<void> failure(const WebRequest& request, const Error& error);

private:
    Result<void> write(const WebRequest& request, std::string_view suffix, ByteView content) const;

    std::filesystem::path folder_;
    int number_ = 0;
    Bytes content_;
    std::optional<scep::RecipientKey> key_;
};

}  // namespace scepgate::server::cli
