// Messages that every server must refuse, and how to tell that one arrived whole.
//
// A pkiMessage of type PKCSReq, signed by a key made for this run and encrypted to that same key:
// nobody else can open it, so whatever its policy, no server can issue for it. One that follows RFC
// 8894 answers with a signed CertRep that carries our transactionID and nonce: it read every octet,
// or the signature would not have verified. Other servers answer in a way of their own; then an
// answer that equals the one to the first, short message is what can be seen.
#pragma once

#include "scep/client.hpp"
#include "server/doctor/exchange.hpp"

namespace scepgate::server::doctor {

struct Sealed {
    scep::ClientRequest request;
    Bytes der;
};

class Messages {
public:
    /// A key of RSA-2048 and its certificate, "CN=scepgate doctor".
    static Result<Messages> make(std::int64_t now);
    /// Another message each time, with `content` random octets inside. Its base64 has "+" and "/".
    [[nodiscard]] Result<Sealed> seal(std::size_t content) const;
    /// One whose query (`spell`ed) has at most `octets`, and 4 % less at the most.
    using Spelling = std::string (*)(std::string_view base64);
    [[nodiscard]] Result<Sealed> seal_to(std::size_t octets, Spelling spell) const;
    void use(const scep::ServerCapabilities& capabilities);

private:
    scep::ClientRequest template_;
};

/// Ways in which clients write base64 into a query.
[[nodiscard]] std::string spell_escaped(std::string_view base64);     ///< %2B %2F %3D
[[nodiscard]] std::string spell_lower_case(std::string_view base64);  ///< %2b %2f %3d
[[nodiscard]] std::string spell_raw(std::string_view base64);         ///< + / =
[[nodiscard]] std::string spell_lines(std::string_view base64);       ///< escaped, %0A each 64

enum class Arrival {
    kProven,    ///< refused by a signed CertRep to this message
    kAlike,     ///< answered as the first message was, or by a message that cannot be verified
                ///< because nothing of GetCACert could be read
    kStale,     ///< a signed CertRep to another message
    kStranger,  ///< a message of SCEP that is not signed by what GetCACert named
    kLost,      ///< anything else
};
struct Arrived {
    Arrival arrival = Arrival::kLost;
    std::string detail;
    [[nodiscard]] bool whole() const noexcept {
        return arrival == Arrival::kProven || arrival == Arrival::kAlike;
    }
};
/// `cas`: all that GetCACert answered. `first`: the answer to the first message, or null.
[[nodiscard]] Arrived judge_arrival(const Reply& reply, const scep::ClientRequest& request,
                                    const std::vector<scep::CaCertificates>& cas,
                                    const Reply* first);

}  // namespace scepgate::server::doctor
