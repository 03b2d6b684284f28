// getcert and getcrl: questions that an issued certificate signs.
#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/enrolment.hpp"
#include "server/cli/explain.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

struct QueryOptions {
    ConnectionOptions connection;
    std::string in, out, serial;
    bool json = false;

    void add_to(CLI::App& command) {
        connection.add_to(command);
        connection.add_messages_to(command);
        command
            .add_option("--in", in,
                        "The folder of an enrolment: its cert.pem and key.pem sign the question, "
                        "its ca.pem and next-ca.pem are trusted")
            ->required()
            ->type_name("DIR");
        command.add_option("--out", out, "The file to write (PEM)")->required()->type_name("FILE");
        command.add_flag("--json", json, "Print the result as JSON");
    }
};

/// Who asks, and whom.
struct Question {
    Identity identity;
    std::unique_ptr<ScepSession> session;
    scep::ClientRequest request;
};

Result<Question> ask(QueryOptions& options, scep::MessageType type) {
    auto identity = load_identity(options.in);
    if (!identity) return identity.error();
    if (const auto usable = check_signer_key(identity->key, false); !usable) return usable.error();
    trust_known_ca(options.connection, options.in);
    auto session = ScepSession::open(options.connection, certs::SystemClock().now());
    if (!session) return session.error();
    if (const auto agreed = (*session)->negotiate(); !agreed) return agreed.error();
    auto request = (*session)->request_by(identity->certificate, identity->key);
    request.type = type;
    request.transaction_id = scep::new_transaction_id();
    return Question{std::move(*identity), std::move(*session), std::move(request)};
}

int getcert(QueryOptions& options) {
    if (options.serial.size() % 2 != 0) options.serial.insert(0, "0");
    const auto serial = from_hex(options.serial);
    if (!serial || serial->empty()) {
        return complain(kUsage, "--serial: a serial number is hexadecimal digits");
    }
    auto question = ask(options, scep::MessageType::kGetCert);
    if (!question) return complain(question.error());
    auto& [identity, session, request] = *question;
    request.content = certs::der::sequence(
        {identity.certificate.issuer_der(), certs::der::unsigned_integer(*serial)});
    const auto body = session->send(request, certs::SystemClock().now());
    if (!body) return complain(body.error());
    const auto reply = scep::decode_get_cert_reply(*body, request, session->ca());
    if (!reply) return complain(explain_reply(reply.error(), session->url()));
    if (reply->status != scep::PkiStatus::kSuccess)
        return complain(kFailed, explain_failure(*reply, session->url()));
    const auto written = replace_file(options.out, as_bytes(reply->certificate.pem()), false);
    if (!written) return complain(kFailed, written.error().detail);
    print_certificate(reply->certificate, options.out, options.json);
    return kSuccess;
}

int getcrl(QueryOptions& options) {
    auto question = ask(options, scep::MessageType::kGetCrl);
    if (!question) return complain(question.error());
    auto& [identity, session, request] = *question;
    const auto ca = session->issuer_of(identity.certificate);
    if (!ca) return complain(ca.error());
    request.content = identity.certificate.issuer_and_serial();
    const auto body = session->send(request, certs::SystemClock().now());
    if (!body) return complain(body.error());
    const auto reply = scep::decode_get_crl_reply(*body, request, session->ca(), &*ca);
    if (!reply) return complain(explain_reply(reply.error(), session->url()));
    if (reply->status != scep::PkiStatus::kSuccess)
        return complain(kFailed, explain_failure(*reply, session->url()));
    const auto written =
        replace_file(options.out, as_bytes(pem_text("X509 CRL", reply->crl)), false);
    if (!written) return complain(kFailed, written.error().detail);
    const std::string issuer = ca->subject_text();
    if (options.json) {
        print_json({{"crl", options.out}, {"issuer", issuer}, {"octets", reply->crl.size()}});
    } else {
        std::cout << "CRL of '" << issuer << "', " << reply->crl.size()
                  << " octets: " << options.out << '\n';
    }
    return kSuccess;
}

}  // namespace

void add_getcert(CLI::App& app, int& status) {
    CLI::App* command =
        app.add_subcommand("getcert",
                           "Fetch a certificate of the CA that issued DIR/cert.pem, by its serial "
                           "number. Not every server answers "
                           "this (RFC 8894 makes it optional).");
    auto options = std::make_shared<QueryOptions>();
    options->add_to(*command);
    command->add_option("--serial", options->serial, "The serial number in hex")
        ->required()
        ->type_name("HEX");
    command->callback([&status, options] { status = getcert(*options); });
}

void add_getcrl(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "getcrl",
        "Fetch the CRL of the CA that issued DIR/cert.pem. It is written only when that CA signed "
        "it. Not every server answers this: many publish the CRL at a URL instead (see the "
        "certificate's CRL distribution points).");
    auto options = std::make_shared<QueryOptions>();
    options->add_to(*command);
    command->callback([&status, options] { status = getcrl(*options); });
}

}  // namespace scepgate::server::cli
