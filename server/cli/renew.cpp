#include <iostream>

#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/enrolment.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct RenewOptions : EnrolmentOptions {
    std::string in, out;
    bool same_key = false;
};

/// In place, new files wait beside the old ones: the old pair works until the new one is whole.
struct Places : EnrolmentFiles {
    Places(fs::path in, bool replace)
        : EnrolmentFiles{std::move(in), replace ? "new-cert.pem" : "cert.pem"}, in_place(replace) {}
    bool in_place;
    [[nodiscard]] fs::path key() const { return folder / (in_place ? "new-key.pem" : "key.pem"); }
};

Result<void> move_over(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (!fs::exists(from, error)) return {};
    fs::rename(from, to, error);
    if (!error) return {};
    return Error{Errc::kUnavailable, "cannot replace " + to.string() + ": " + error.message()};
}

bool belong_together(const fs::path& key_file, const certs::Certificate& certificate) {
    const auto key = certs::PrivateKey::from_file(key_file);
    const auto certified = certificate.public_key();
    return key && certified && *certified == key->public_key();
}

/// Puts a new pair into the place of the old one; also what an interrupted run left to do. A new
/// key that came to nothing (refused, then renewed with --same-key) stays where it is.
Result<void> take_over(const Places& places) {
    std::error_code error;
    const fs::path file = places.folder / places.certificate;
    if (!places.in_place || !fs::exists(file, error)) return {};
    const auto certificate = certs::Certificate::from_file(file);
    if (!certificate) return certificate.error();
    if (belong_together(places.key(), *certificate)) {
        const auto key = move_over(places.key(), places.folder / "key.pem");
        if (!key) return key.error();
    } else if (!belong_together(places.folder / "key.pem", *certificate)) {
        return Error{Errc::kConfig, file.string() +
                                        " is the certificate of neither new-key.pem "
                                        "nor key.pem: move it away"};
    }
    return move_over(file, places.folder / "cert.pem");
}

Result<Places> prepare(const RenewOptions& options) {
    std::error_code error;
    const fs::path in = options.in;
    const fs::path out = options.out.empty() ? in : fs::path(options.out);
    fs::create_directories(out, error);
    if (error) {
        return Error{Errc::kUnavailable, "cannot create " + out.string() + ": " + error.message()};
    }
    const Places places(out, fs::equivalent(in, out, error));
    if (!places.in_place && fs::exists(out / "cert.pem", error)) {
        return Error{Errc::kDenied, (out / "cert.pem").string() + " exists; choose another --out"};
    }
    if (const auto finished = take_over(places); !finished) return finished.error();
    return places;
}

/// --same-key: the old key, copied when the new certificate goes elsewhere.
Result<certs::PrivateKey> choose_key(const RenewOptions& options, const Places& places,
                                     const Identity& old) {
    if (!options.same_key) return load_or_make_key(places.key(), options.key, options.key_asked);
    if (places.in_place) return old.key;
    std::error_code error;
    if (fs::exists(places.key(), error)) {
        if (belong_together(places.key(), old.certificate)) return old.key;
        return Error{Errc::kConfig, places.key().string() +
                                        " is another key than that of --in: choose another --out, "
                                        "or leave --same-key out"};
    }
    const auto pem = old.key.to_pem();
    if (!pem) return pem.error();
    if (const auto written = write_new_file(places.key(), pem->view(), true); !written) {
        return written.error();
    }
    return old.key;
}

/// The same names and usages as the certificate has.
Result<certs::CsrContents> contents_of(const certs::Certificate& old) {
    certs::CsrContents contents;
    auto subject = certs::Name::from_der(old.subject_der());
    if (!subject) return in_context("the certificate's subject", subject.error());
    contents.subject = std::move(*subject);
    const auto* names = certs::find_extension(old.extensions(), certs::oid::kSubjectAltName);
    if (names != nullptr) {
        auto parsed = certs::parse_general_names(names->value);
        if (!parsed) return in_context("the certificate's subjectAltName", parsed.error());
        contents.subject_alt_name = std::move(*parsed);
    }
    const auto usage = old.key_usage();
    if (!usage) return usage.error();
    contents.key_usage = *usage;
    auto extended = old.extended_key_usage();
    if (!extended) return extended.error();
    if (*extended) contents.extended_key_usage = std::move(**extended);
    return contents;
}

scep::MessageType type_for(const scep::ServerCapabilities& capabilities) {
    if (capabilities.renewal) return scep::MessageType::kRenewalReq;
    std::cerr << "note: the server offers no Renewal: sending a PKCSReq signed by the old "
                 "certificate instead of a RenewalReq\n";
    return scep::MessageType::kPkcsReq;
}

int renew(RenewOptions& options) {
    const auto places = prepare(options);
    if (!places) return complain(places.error());
    const auto old = load_identity(options.in);
    if (!old) return complain(old.error());
    const auto usable = check_signer_key(old->key, options.challenge.given());
    if (!usable) return complain(usable.error());
    const std::int64_t now = certs::SystemClock().now();
    if (old->certificate.not_after() < now) {
        std::cerr << "note: the certificate expired at "
                  << certs::utc_text(old->certificate.not_after())
                  << "; most servers then want a new enrolment\n";
    }
    trust_known_ca(options.connection, options.in);
    const auto session = ScepSession::open(options.connection, now);
    if (!session) return complain(session.error());
    if (const auto agreed = (*session)->negotiate(); !agreed) return complain(agreed.error());
    const auto key = choose_key(options, *places, *old);
    if (!key) return complain(key.error());
    auto contents = contents_of(old->certificate);
    if (!contents) return complain(contents.error());
    auto fresh = make_request(options, type_for((*session)->capabilities()), std::move(*contents),
                              *key, old->certificate);
    if (!fresh) return complain(fresh.error());
    auto request = resume_or_save(places->state(), std::move(*fresh));
    if (!request) return complain(request.error());
    const auto certificate =
        obtain(**session, std::move(*request), old->key, key->public_key(), options.poll, *places);
    if (!certificate) return complain(certificate.error());
    if (const auto taken = take_over(*places); !taken) return complain(taken.error());
    print_certificate(*certificate, places->folder / "cert.pem", options.json);
    return kSuccess;
}

}  // namespace

void add_renew(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "renew",
        "Renew the certificate of an earlier enrolment: a request for the same names and usages, "
        "signed by the certificate and key in DIR, for a new key. Without --out the new pair takes "
        "the place of the old one when it is whole; until then the old one stays.\n"
        "A lost reply or a pending request is taken up by running the same command again "
        "(DIR/request.json keeps it).");
    auto options = std::make_shared<RenewOptions>();
    options->add_to(*command);
    command
        ->add_option("--in", options->in,
                     "The folder of the enrolment: cert.pem and key.pem; its ca.pem is trusted "
                     "unless --ca-fingerprint or --ca-file says otherwise")
        ->required()
        ->type_name("DIR");
    command->add_option("--out", options->out, "Another folder for the new pair")->type_name("DIR");
    auto* key = command
                    ->add_option(
                        "--key", options->key,
                        "The key to make: rsa:2048, rsa:3072, rsa:4096, rsa:8192, ec:p256, ec:p384 "
                        "or ec:p521. The next renewal of an EC certificate needs a "
                        "challenge")
                    ->capture_default_str();
    command->add_flag("--same-key", options->same_key, "Keep the old key instead of a new one")
        ->excludes(key);
    command->callback([&status, options, key] {
        options->key_asked = key->count() > 0;
        status = renew(*options);
    });
}

}  // namespace scepgate::server::cli
