#include "server/http_tls.hpp"

#include <filesystem>
#include <thread>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "server/http_address.hpp"
#include "tests/server/support/http_fixture.hpp"

namespace scepgate::server::test::this_file {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

class HttpTlsTest : public HttpServerTest {
protected:
    HttpTlsTest() {
        std::string name = fs::path(::testing::TempDir()) / "scepgate-tls-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        folder = name;
        settings.listen.front().tls = KeyPairConfig{
            "tls", folder / "cert.pem", {{"tls.key", folder / "key.pem", {}}, std::nullopt}};
        install("first");
    }
    ~HttpTlsTest() override { fs::remove_all(folder); }

    void install(const std::string& name) const {
        const fs::path from = fs::path(SCEPGATE_TEST_DATA) / "server/tls";
        const auto replace = fs::copy_options::overwrite_existing;
        fs::copy_file(from / (name + ".cert.pem"), folder / "cert.pem", replace);
        fs::copy_file(from / (name + ".key.pem"), folder / "key.pem", replace);
        fs::permissions(folder / "key.pem", fs::perms::owner_read | fs::perms::owner_write);
    }

    fs::path folder;
};

/// A TLS client; throws when the handshake fails.
class TlsClient {
public:
    explicit TlsClient(const std::string& address, int highest_version = 0) {
        SSL_set_max_proto_version(stream_.native_handle(), highest_version);
        asked_for_certificate = false;
        SSL_CTX_set_client_cert_cb(tls_.native_handle(), [](SSL*, X509**, EVP_PKEY**) {
            asked_for_certificate = true;
            return 0;
        });
        stream_.lowest_layer().connect(*parse_endpoint(address));
        stream_.handshake(asio::ssl::stream_base::client);
    }
    void send(std::string_view octets) { asio::write(stream_, asio::buffer(octets)); }
    /// Up to `most` octets of what came.
    std::string receive(std::size_t most) {
        std::string octets(most, 0);
        boost::system::error_code error;
        octets.resize(asio::read(stream_, asio::buffer(octets), error));
        return octets;
    }
    /// Goes without a word.
    void leave() { stream_.lowest_layer().close(); }
    std::string ask(std::string_view octets) {
        send(octets);
        const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(received_), "now");
        const std::string reply = received_.substr(0, size);
        received_.erase(0, size);
        return reply;
    }
    /// Whether the last handshake of this thread was asked for one; there is none.
    static inline thread_local bool asked_for_certificate = false;
    bool was_told_of_the_end() {
        return (SSL_get_shutdown(stream_.native_handle()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }
    std::string server_name() {
        X509* certificate = SSL_get0_peer_certificate(stream_.native_handle());
        char name[256] = "";
        X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name);
        return name;
    }

private:
    asio::io_context context_;
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    asio::ssl::stream<asio::ip::tcp::socket> stream_{context_, tls_};
    std::string received_;
};

TEST_F(HttpTlsTest, E21_ServesManyRequestsOverTls) {
    start();
    TlsClient client(address());
    for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(client.ask(kGetNow).starts_with("HTTP/1.1 200 OK"));
    std::string pipelined;
    for (int i = 0; i < 50; ++i)
        pipelined += kGetNow;
    client.ask(pipelined);
}

TEST_F(HttpTlsTest, RefusesWhatIsOlderThanTls12) {
    start();
    EXPECT_ANY_THROW(TlsClient(address(), TLS1_1_VERSION));
    TlsClient modern(address(), TLS1_2_VERSION);
    EXPECT_FALSE(modern.ask(kGetNow).empty());
}

TEST_F(HttpTlsTest, ReloadServesTheNewCertificateToNewConnections) {
    start();
    TlsClient before(address());
    EXPECT_EQ(before.server_name(), "/CN=first.example");
    install("second");
    ASSERT_TRUE(server->reload_tls());
    EXPECT_EQ(TlsClient(address()).server_name(), "/CN=second.example");
    EXPECT_FALSE(before.ask(kGetNow).empty()) << "the old connection goes on";
}

TEST_F(HttpTlsTest, AFailedReloadKeepsTheOldCertificate) {
    start();
    fs::remove(folder / "key.pem");
    const auto reloaded = server->reload_tls();
    ASSERT_FALSE(reloaded);
    EXPECT_NE(reloaded.error().detail.find("key.pem"), std::string::npos);
    EXPECT_EQ(TlsClient(address()).server_name(), "/CN=first.example");
}

TEST_F(HttpTlsTest, AKeyThatEverybodyMayReadIsRefused) {
    fs::permissions(folder / "key.pem", fs::perms::others_read, fs::perm_options::add);
    const auto created = HttpServer::create(settings, handler);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Errc::kConfig);
    EXPECT_NE(created.error().detail.find("chmod"), std::string::npos) << created.error().detail;
}

TEST_F(HttpTlsTest, AKeyOfAnotherCertificateIsAConfigurationError) {
    fs::copy_file(fs::path(SCEPGATE_TEST_DATA) / "server/tls/second.key.pem", folder / "key.pem",
                  fs::copy_options::overwrite_existing);
    fs::permissions(folder / "key.pem", fs::perms::owner_read);
    const auto created = HttpServer::create(settings, handler);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Errc::kConfig);
    EXPECT_NE(created.error().detail.find("does not belong"), std::string::npos)
        << created.error().detail;
}

TEST_F(HttpTlsTest, PlainHttpOnTheTlsPortIsClosedAndReported) {
    start();
    RawClient client = connect();
    EXPECT_EQ(client.ask(kGetNow).status, 0U);
    const auto refused = refusal();
    EXPECT_EQ(refused.status, 0U);
    EXPECT_TRUE(refused.detail.starts_with("TLS handshake: ")) << refused.detail;
}

TEST_F(HttpTlsTest, H03_AHandshakeHasADeadline) {
    settings.limits.header_time = std::chrono::milliseconds(200);
    start();
    RawClient silent = connect();
    EXPECT_TRUE(silent.at_end());
    EXPECT_EQ(refusal().detail, "TLS handshake: too slow");
}

TEST_F(HttpTlsTest, AClientIsNotAskedForACertificate) {
    start();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(address(), version);
        EXPECT_FALSE(client.ask(kGetNow).empty());
        EXPECT_FALSE(TlsClient::asked_for_certificate);
    }
}

TEST_F(HttpTlsTest, AClientIsAskedForACertificateWhereThereIsAClientCaAndMayHaveNone) {
    settings.listen.front().client_ca = folder / "cert.pem";
    start();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(address(), version);
        EXPECT_FALSE(client.ask(kGetNow).empty());
        EXPECT_TRUE(TlsClient::asked_for_certificate);
    }
}

TEST_F(HttpTlsTest, AClientCaThatIsNotThereIsAConfigurationError) {
    settings.listen.front().client_ca = folder / "none.pem";
    const auto created = HttpServer::create(settings, handler);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, Errc::kConfig);
    EXPECT_NE(created.error().detail.find("none.pem"), std::string::npos);
}

TEST_F(HttpTlsTest, AReplyOfManyRecordsArrivesWholeAtAPeerThatTakesItsTime) {
    start();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(address(), version);
        client.send("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the socket fills up
        const std::string reply = client.receive(40U << 20U);
        const std::size_t end = reply.find("\r\n\r\n");
        ASSERT_NE(end, std::string::npos);
        EXPECT_EQ(reply.size() - end - 4, 32U << 20U);
    }
}

TEST_F(HttpTlsTest, ARequestInRecordsOfOneOctetIsUnderstood) {
    start();
    TlsClient client(address());
    for (const char octet : kGetNow.substr(0, kGetNow.size() - 1))
        client.send({&octet, 1});
    EXPECT_TRUE(client.ask(kGetNow.substr(kGetNow.size() - 1)).starts_with("HTTP/1.1 200 OK"));
}

TEST_F(HttpTlsTest, APeerThatLeavesInTheMiddleOfAReplyHarmsNobody) {
    start();
    for (int i = 0; i < 5; ++i) {
        TlsClient client(address());
        client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        client.receive(1000);
        client.leave();
    }
    TlsClient next(address());
    EXPECT_FALSE(next.ask(kGetNow).empty());
}

TEST_F(HttpTlsTest, TheEndIsSaidBeforeTheConnectionCloses) {
    start();
    TlsClient client(address());
    client.send("GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.receive(10'000);
    EXPECT_TRUE(client.was_told_of_the_end());
}

TEST_F(HttpTlsTest, DrainEndsTlsConnectionsToo) {
    start();
    TlsClient client(address());
    EXPECT_FALSE(client.ask(kGetNow).empty());
    RawClient in_handshake = connect();
    server->drain(std::chrono::seconds(10));
    EXPECT_EQ(server->connections(), 0U);
}

}  // namespace
}  // namespace scepgate::server::test::this_file
