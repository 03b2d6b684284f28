#include "server/cli/request_state.hpp"

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "scepgate request 1";

/// CertificationRequestInfo: all of a CSR but its signature, which for EC keys is never the same.
Result<Bytes> request_info(ByteView csr) {
    certs::DerReader outer(csr);
    const auto request = outer.read(certs::DerTag::kSequence);
    if (!request) return request.error();
    certs::DerReader reader(*request);
    const auto info = reader.read_whole(certs::DerTag::kSequence);
    if (!info) return info.error();
    return to_bytes(*info);
}

Result<RequestState> parse(const Json& json) {
    const auto text = [&json](const char* key) -> std::string {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    };
    if (!json.is_object() || text("format") != kFormat) return malformed("of another program");
    RequestState state;
    state.url = text("url");
    const auto type = scep::message_type_from_text(text("message_type"));
    auto csr = from_base64(text("csr"));
    const auto signer_der = from_base64(text("signer"));
    state.transaction_id = text("transaction_id");
    if (!type || !csr || !signer_der || state.transaction_id.empty()) return malformed("damaged");
    auto signer = certs::Certificate::from_der(*signer_der);
    if (!signer) return signer.error();
    state.type = *type;
    state.csr = std::move(*csr);
    state.signer = std::move(*signer);
    const auto pending = json.find("pending");
    if (pending != json.end() && !pending->is_boolean()) return malformed("damaged");
    state.pending = pending != json.end() && pending->get<bool>();
    return state;
}

/// What differs, or "".
std::string difference(const RequestState& kept, const RequestState& fresh) {
    if (kept.url != fresh.url) return "to " + kept.url;
    if (kept.type != fresh.type) return "of another kind";
    // A transient certificate is another each time.
    if (!fresh.signer.self_issued() && kept.signer != fresh.signer) {
        return "to renew another certificate";
    }
    const auto kept_info = request_info(kept.csr);
    const auto fresh_info = request_info(fresh.csr);
    if (!kept_info || !fresh_info || *kept_info != *fresh_info) {
        return "with another key, other names or usages, or another challenge";
    }
    return "";
}

}  // namespace

Result<RequestState> resume_or_save(const fs::path& file, RequestState fresh) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        if (const auto saved = save(file, fresh); !saved) return saved.error();
        return fresh;
    }
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    auto kept = parse(Json::parse(text, nullptr, false));
    const std::string mend = "; give the same arguments as then to get its answer, or remove " +
                             file.string() + " to begin anew";
    if (!kept) {
        return Error{Errc::kConfig,
                     file.string() + " is no request that was kept: " + kept.error().detail + mend};
    }
    if (const std::string other = difference(*kept, fresh); !other.empty()) {
        return Error{Errc::kConfig,
                     file.string() + " keeps a request without an answer yet, " + other + mend};
    }
    return kept;
}

Result<void> save(const fs::path& file, const RequestState& state) {
    const Json json{{"format", kFormat},
                    {"url", state.url},
                    {"message_type", std::to_string(static_cast<int>(state.type))},
                    {"transaction_id", state.transaction_id},
                    {"csr", to_base64(state.csr)},
                    {"signer", to_base64(state.signer.der())},
                    {"pending", state.pending}};
    return replace_file(file, as_bytes(json.dump(2) + '\n'), true);
}

}  // namespace scepgate::server::cli
