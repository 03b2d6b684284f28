#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/enrolment.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct EnrollOptions : EnrolmentOptions {
    NameOptions names;
    std::vector<std::string> extended_key_usage;
    std::string out;
};

Result<void> prepare_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return Error{Errc::kUnavailable,
                     "cannot create " + folder.string() + ": " + error.message()};
    }
    if (!fs::exists(folder / "cert.pem", error)) return {};
    return Error{Errc::kDenied, (folder / "cert.pem").string() +
                                    " exists; choose another --out, or see 'scepgate renew'"};
}

Result<certs::CsrContents> contents_of(const EnrollOptions& options) {
    certs::CsrContents contents;
    auto subject = options.names.name();
    if (!subject) return subject.error();
    contents.subject = std::move(*subject);
    auto names = options.names.subject_alt_name();
    if (!names) return names.error();
    contents.subject_alt_name = std::move(*names);
    contents.key_usage = options.names.usage();
    for (const auto& text : options.extended_key_usage) {
        auto oid = certs::extended_key_usage_from_text(text);
        if (!oid) return in_context("--eku", oid.error());
        contents.extended_key_usage.push_back(std::move(*oid));
    }
    return contents;
}

int enroll(const EnrollOptions& options) {
    auto contents = contents_of(options);
    if (!contents) return complain(kUsage, contents.error().detail);
    if (const auto read = options.challenge.read(); !read) {
        return complain(kUsage, read.error().detail);
    }
    const EnrolmentFiles files{.folder = options.out};
    if (const auto ready = prepare_folder(files.folder); !ready) return complain(ready.error());
    const auto key = load_or_make_key(files.folder / "key.pem", options.key, options.key_asked);
    if (!key) return complain(kUsage, key.error().detail);
    auto fresh = make_request(options, scep::MessageType::kPkcsReq, std::move(*contents), *key,
                              std::nullopt);
    if (!fresh) return complain(kUsage, fresh.error().detail);
    const auto session = ScepSession::open(options.connection, certs::SystemClock().now());
    if (!session) return complain(session.error());
    if (const auto agreed = (*session)->negotiate(); !agreed) return complain(agreed.error());
    // Before it is sent: whatever is lost afterwards, the next run sends the same.
    auto request = resume_or_save(files.state(), std::move(*fresh));
    if (!request) return complain(kUsage, request.error().detail);
    const auto certificate =
        obtain(**session, std::move(*request), *key, key->public_key(), options.poll, files);
    if (!certificate) return complain(certificate.error());
    print_certificate(*certificate, files.folder / files.certificate, options.json);
    return kSuccess;
}

}  // namespace

void add_enroll(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "enroll",
        "Get a certificate from any SCEP server, as a device does. Writes DIR/key.pem, cert.pem, "
        "chain.pem (issuing CA to root) and ca.pem (the last of the chain).\n"
        "Until the answer is there the request is kept in DIR/request.json: run again after a lost "
        "reply, or while the request is pending, the same command sends the same request, and the "
        "server takes it for a retry.");
    auto options = std::make_shared<EnrollOptions>();
    options->add_to(*command);
    options->names.add_to(*command);
    command->add_option("--eku", options->extended_key_usage,
                        "Extended key usage to ask for: clientAuth, … or an OID (repeatable)");
    auto* key =
        command
            ->add_option(
                "--key", options->key,
                "The key to make: rsa:2048, rsa:3072, rsa:4096, rsa:8192; or ec:p256, ec:p384, "
                "ec:p521, only for servers that answer under the challenge (RFC 8894 "
                "section 3.1; most do not)")
            ->capture_default_str();
    command->add_option("--out", options->out, "The folder to write to")
        ->required()
        ->type_name("DIR");
    command->callback([&status, options, key] {
        if (!options->challenge.given()) {
            status = complain(
                kUsage,
                "give --challenge or --challenge-file ('none' where the server asks for none)");
            return;
        }
        options->key_asked = key->count() > 0;
        status = enroll(*options);
    });
}

}  // namespace scepgate::server::cli
