// What went wrong between this client and a server, for the person at the keyboard: what, where,
// and how to mend it.
#pragma once

#include "scep/client.hpp"
#include "server/cli/trace.hpp"

namespace scepgate::server::cli {

/// An answer that cannot be one: another status than 200, nothing at all, a web page. No value: it
/// may be what `operation` asked for. `post`: how messages go.
[[nodiscard]] std::optional<Error> explain_answer(const WebReply& reply,
                                                  const std::string& operation,
                                                  const std::string& url, bool post);
/// A CertRep that was not believed, by what decode_reply() and its sisters say of it.
[[nodiscard]] Error explain_reply(const Error& error, const std::string& url);
/// A FAILURE: what the failInfo means and where to look.
[[nodiscard]] std::string explain_failure(const scep::ReplyStatus& status, const std::string& url);

}  // namespace scepgate::server::cli
