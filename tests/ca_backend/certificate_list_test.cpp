// Listing certificates: each filter, page by page, and how each engine does it.
#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "ca_backend/sql_certificate_list.hpp"
#include "tests/ca_backend/support/listing.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using certs::GeneralNameType;
using certs::RevocationReason;
using testing::describe;
using testing::Engine;
using testing::general_name;
using testing::kDay;
using testing::kNow;
using testing::make_certificate;
using testing::make_record;
using testing::open_store;
using testing::record;
using Status = CertificateFilter::Status;
using Subjects = testing::Listing::Subjects;

class CertificateListTest : public testing::Listing {};

SCEPGATE_ON_EACH_ENGINE(CertificateListTest);

TEST_P(CertificateListTest, FindsASubjectExactlyByItsBeginningAndByWhatItContains) {
    for (const char* subject :
         {"CN=laptop-1", "CN=Laptop-17,O=Example", "CN=laptop-18", "CN=phone"})
        add(subject);
    EXPECT_EQ(list({.subject = "cn=LAPTOP-17,o=example"}), Subjects{"CN=Laptop-17,O=Example"});
    EXPECT_EQ(list({.subject = "CN=Laptop"}), Subjects{});
    EXPECT_EQ(list({.subject_begins = "CN=laptop-1"}),
              (Subjects{"CN=laptop-1", "CN=Laptop-17,O=Example", "CN=laptop-18"}));
    EXPECT_EQ(list({.subject_begins = "CN=laptop-1", .subject_contains = "EXAMPLE"}),
              Subjects{"CN=Laptop-17,O=Example"});
    EXPECT_EQ(list({.subject_contains = "TOP-1"}),
              (Subjects{"CN=laptop-18", "CN=Laptop-17,O=Example", "CN=laptop-1"}));
}

TEST_P(CertificateListTest, TakesWhatIsSearchedForAsItIsWritten) {
    for (const char* subject : {"CN=100%", "CN=100_", "CN=100!", "CN=1000"})
        add(subject);
    EXPECT_EQ(list({.subject_contains = "0%"}), Subjects{"CN=100%"});
    EXPECT_EQ(list({.subject_contains = "0_"}), Subjects{"CN=100_"});
    EXPECT_EQ(list({.subject_contains = "0!"}), Subjects{"CN=100!"});
    EXPECT_EQ(list({.subject_begins = "CN=100%"}), Subjects{"CN=100%"});
    EXPECT_EQ(list({.subject_contains = "%' OR 1=1 --"}), Subjects{});
}

TEST_P(CertificateListTest, FindsEachSubjectAlternativeNameWhateverItsType) {
    add("CN=a", [](auto& made) {
        made.subject_alt_name = {general_name(GeneralNameType::kDns, "host.example"),
                                 general_name(GeneralNameType::kUpn, "User@Example")};
    });
    add("CN=b", [](auto& made) {
        made.subject_alt_name = {general_name(GeneralNameType::kEmail, "user@example"),
                                 general_name(GeneralNameType::kUpn, "user@example")};
    });
    add("CN=c");
    EXPECT_EQ(list({.alt_name = "HOST.example"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.alt_name = "user@example"}), (Subjects{"CN=b", "CN=a"}));
    EXPECT_EQ(list({.alt_name = "user@example"}, 1), (Subjects{"CN=b", "CN=a"}));
    EXPECT_EQ(list({.alt_name = "email:user@example"}), Subjects{"CN=b"});
    EXPECT_EQ(list({.alt_name = "UPN:user@example"}), (Subjects{"CN=b", "CN=a"}));
    EXPECT_EQ(list({.alt_name = "dns:user@example"}), Subjects{});
    EXPECT_EQ(list({.alt_name = "host"}), Subjects{});
    EXPECT_EQ(list({.alt_name_contains = "ost.EX"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.subject = "CN=b", .alt_name = "user@example"}), Subjects{"CN=b"});
    EXPECT_EQ(list({.subject = "CN=c", .alt_name = "user@example"}), Subjects{});
}

TEST_P(CertificateListTest, FindsADeviceAUserASerialAndATransaction) {
    const auto first = add("CN=a", [](auto& made) {
        made.device_id = "Device-1";
        made.user_id = "user-1";
    });
    add("CN=b", [](auto& made) { made.device_id = "device-1"; });
    add("CN=c");
    EXPECT_EQ(list({.device_id = "device-1"}), (Subjects{"CN=b", "CN=a"}));
    EXPECT_EQ(list({.device_id = "device-1"}, 1), (Subjects{"CN=b", "CN=a"}));
    EXPECT_EQ(list({.device_id = "device-1", .user_id = "USER-1"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.user_id = "user-1"}), Subjects{"CN=a"});
    const Bytes serial = without_sign_octet(first.certificate.serial());
    EXPECT_EQ(list({.serial = serial}), Subjects{"CN=a"});
    EXPECT_EQ(list({.serial = serial, .ca = "another"}), Subjects{});
    EXPECT_EQ(list({.transaction_id = "of CN=b"}), Subjects{"CN=b"});
    EXPECT_EQ(list({.transaction_id = "of CN=B"}), Subjects{}) << "it is an octet string";
}

TEST_P(CertificateListTest, LooksForTemplateEndpointCaAndPolicy) {
    add("CN=a", [](auto& made) {
        made.template_name = "T";
        made.endpoint = "/e";
        made.ca = "C";
        made.policy = "P";
    });
    add("CN=b");
    EXPECT_EQ(list({.template_name = "T"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.endpoint = "/e"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.ca = "C"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.policy = "P"}), Subjects{"CN=a"});
    EXPECT_EQ(list({.template_name = "T", .policy = "mdm"}), Subjects{});
}

TEST_P(CertificateListTest, ListsByTheTimeOfIssuingAndOfTheEnd) {
    for (int day = 1; day <= 4; ++day) {
        add("CN=" + std::to_string(day), [&](auto& made) { made.now = kNow + day * kDay; });
    }
    const std::int64_t second = kNow + 2 * kDay, third = kNow + 3 * kDay;
    EXPECT_EQ(list({.issued_from = second, .issued_until = third}), (Subjects{"CN=3", "CN=2"}));
    EXPECT_EQ(list({.issued_from = second + 1, .issued_until = third - 1}), Subjects{});
    EXPECT_EQ(list({.issued_from = third}, 1), (Subjects{"CN=4", "CN=3"}));
    const auto end = store_->list({.limit = 1}).value().rows.at(0).not_after;
    EXPECT_EQ(list({.expires_from = end, .expires_until = end}).size(), 4U);
    EXPECT_EQ(list({.expires_until = end - 1}).size(), 0U);
    EXPECT_EQ(list({.issued_until = second, .expires_from = end}), (Subjects{"CN=1", "CN=2"}));
}

TEST_P(CertificateListTest, TellsValidExpiredRevokedAndHeldOnesApart) {
    add("CN=good");
    const auto revoked = add("CN=revoked");
    const auto held = add("CN=held");
    const auto released = add("CN=released");
    revoke(held, RevocationReason::kCertificateHold, kNow + 2);
    revoke(revoked, RevocationReason::kKeyCompromise, kNow + 1);
    revoke(released, RevocationReason::kCertificateHold, kNow + 3);
    revoke(released, RevocationReason::kRemoveFromCrl, kNow + 4);
    EXPECT_EQ(list({.status = Status::kRevoked}), (Subjects{"CN=held", "CN=revoked"}));
    EXPECT_EQ(list({.status = Status::kRevoked}, 1), (Subjects{"CN=held", "CN=revoked"}));
    EXPECT_EQ(list({.status = Status::kOnHold}), Subjects{"CN=held"});
    const auto end = store_->list({.limit = 1}).value().rows.at(0).not_after;
    EXPECT_EQ(list({.status = Status::kValid, .now = end - 1}),
              (Subjects{"CN=released", "CN=good"}));
    EXPECT_EQ(list({.status = Status::kValid, .now = end}), Subjects{});
    EXPECT_EQ(list({.status = Status::kExpired, .now = end - 1}), Subjects{});
    EXPECT_EQ(list({.status = Status::kExpired, .now = end}).size(), 4U);
}

TEST_P(CertificateListTest, GivesEachOnceInPagesWhileOthersAreIssued) {
    constexpr int kBefore = 25;
    Subjects all;
    for (int i = 0; i < kBefore; ++i) {
        const std::string subject = "CN=same";
        all.push_back(add(subject, [&](auto& made) {
                          made.device_id = "d";
                          made.now = kNow;
                          made.subject_alt_name = {
                              general_name(GeneralNameType::kDns, "n.example")};
                      }).certificate.serial_hex());
    }
    std::atomic<bool> enough = false;
    std::thread other([&] {
        while (!enough)
            add("CN=same", [](auto& made) {
                made.device_id = "d";
                made.subject_alt_name = {general_name(GeneralNameType::kDns, "n.example")};
            });
    });
    const std::vector<CertificateFilter> filters = {
        {},
        {.subject = "CN=same"},
        {.subject_begins = "CN="},
        {.subject_contains = "same"},
        {.alt_name = "dns:n.example"},
        {.device_id = "d"},
        {.issued_from = kNow},
        {.expires_from = 0},
        {.template_name = "device"},
        {.status = Status::kValid, .now = kNow},
    };
    for (std::size_t i = 0; i < filters.size(); ++i) {
        CertificateFilter filter = filters[i];
        filter.limit = 4;
        filter.scan_limit = 3;
        std::multiset<std::string> seen;
        for (int pages = 0; pages < 10'000; ++pages) {
            const auto page = store_->list(filter).value();
            for (const auto& row : page.rows)
                seen.insert(row.serial);
            if (!page.next) break;
            filter.after = page.next;
        }
        for (const std::string& serial : all)
            EXPECT_EQ(seen.count(serial), 1U) << "filter " << i;
        EXPECT_EQ(seen.size(), std::set(seen.begin(), seen.end()).size()) << "filter " << i;
    }
    enough = true;
    other.join();
}

TEST_P(CertificateListTest, LooksAtNoMoreThanItMayAndSaysWhereToGoOn) {
    add("CN=needle");
    for (int i = 0; i < 10; ++i)
        add("CN=hay", [](auto& made) { made.device_id = "d"; });
    CertificateFilter filter{.subject_contains = "needle", .scan_limit = 4};
    for (int i = 0; i < 2; ++i) {
        const auto page = store_->list(filter).value();
        EXPECT_TRUE(page.rows.empty());
        EXPECT_EQ(page.scanned, 4U);
        ASSERT_TRUE(page.next);
        filter.after = page.next;
    }
    const auto last = store_->list(filter).value();
    EXPECT_EQ(last.rows.size(), 1U);
    EXPECT_FALSE(last.next);
    const auto led =
        store_->list({.subject_contains = "needle", .device_id = "d", .scan_limit = 4});
    EXPECT_TRUE(led->rows.empty());
    EXPECT_EQ(led->scanned, 4U);
    EXPECT_TRUE(led->next);
    EXPECT_EQ(store_->list({.device_id = "d"})->scanned, 0U) << "nothing to search";
}

TEST_P(CertificateListTest, NamesNoPageBehindTheLast) {
    for (const char* subject : {"CN=a", "CN=b", "CN=c"})
        add(subject);
    EXPECT_TRUE(store_->list({.limit = 2})->next);
    EXPECT_FALSE(store_->list({.limit = 3})->next);
    EXPECT_FALSE(store_->list({.subject_begins = "CN", .limit = 3})->next);
    EXPECT_TRUE(store_->list({.limit = 0})->rows.empty());
}

TEST_P(CertificateListTest, RefusesAPlaceOfAnotherListing) {
    add("CN=a");
    add("CN=b");
    const auto place = store_->list({.limit = 1})->next;
    ASSERT_TRUE(place);
    EXPECT_TRUE(store_->list({.after = place}));
    for (const std::string& wrong : {std::string(), std::string("x"), *place + "x", "i" + *place}) {
        const auto refused = store_->list({.after = wrong});
        ASSERT_FALSE(refused) << wrong;
        EXPECT_EQ(refused.error().code, Errc::kMalformed);
    }
    EXPECT_FALSE(store_->list({.issued_from = 0, .after = place}));
}

/// Certificates that `made` becomes at these ids, as if many others stood between them. Each has a
/// subject and a name of its own, `digits` long, that do not come in the order of the ids.
void spread(sql::Connection& connection, bool sqlite, const std::string& ids) {
    const std::string mixed =
        "substr(CAST(1000000 + (CAST(i AS BIGINT) * 7919) % 999983 AS TEXT), 2)";
    const std::string serial = sqlite ? "CAST('s' || i AS BLOB)" : "convert_to('s' || i, 'UTF8')";
    for (const std::string& sql :
         {"INSERT INTO certificates(id, serial, issuer, subject, subject_alt_name, not_before, "
          "not_after, issued_at, endpoint, transaction_id, message_type, ca, template, policy, "
          "device_id, user_id, der, issuer_hash, identity) SELECT i, " +
              serial + ", issuer, 'CN=' || " + mixed +
              ", subject_alt_name, not_before, not_after, issued_at, endpoint, transaction_id, "
              "message_type, ca, CASE WHEN i % 5 = 0 THEN 'fifth' ELSE template END, policy, "
              "device_id, user_id, der, issuer_hash, identity FROM certificates CROSS JOIN " +
              ids + " WHERE id = 1",
          std::string("INSERT INTO certificate_names SELECT id >> 12, 'n.example', id FROM "
                      "certificates WHERE id > 1 ON CONFLICT DO NOTHING")}) {
        const auto done = connection.execute(sql.c_str());
        ASSERT_TRUE(done) << done.error().detail;
    }
}

TEST_P(CertificateListTest, KeepsItsOrderOverAllBuckets) {
    add("CN=first", [](auto& made) {
        made.device_id = "d";
        made.subject_alt_name = {general_name(GeneralNameType::kDns, "n.example")};
    });
    const bool sqlite = GetParam() == Engine::kSqlite;
    // One in every third bucket, of more than are asked at once, and many in one.
    for (const char* numbers : {"1, 700, 12288", "100, 299, 50"}) {
        std::int64_t first = 0, last = 0, apart = 0;
        char comma = 0;
        std::istringstream(numbers) >> first >> comma >> last >> comma >> apart;
        const std::string begin = std::to_string(first * apart), step = std::to_string(apart),
                          end = std::to_string(last * apart);
        spread(*place_.connect(), sqlite,
               sqlite ? "(WITH RECURSIVE n(i) AS (SELECT " + begin + " UNION ALL SELECT i + " +
                            step + " FROM n WHERE i < " + end + ") SELECT i FROM n)"
                      : "generate_series(" + begin + ", " + end + ", " + step + ") AS n(i)");
    }
    // Straight from the table.
    const auto expected = [&](const std::string& which, const std::string& order) {
        const auto connection = place_.connect();
        auto select = sql::Statement::prepare(
            *connection, "SELECT subject FROM certificates WHERE " + which + " ORDER BY " + order);
        sql::Query query = select->run();
        Subjects all;
        while (query.next().value())
            all.push_back(query.text(0));
        return all;
    };
    const Subjects newest = expected("TRUE", "id DESC");
    ASSERT_EQ(newest.size(), 901U);
    for (const std::size_t limit : {std::size_t{40}, std::size_t{5000}}) {
        EXPECT_EQ(list({.device_id = "D"}, limit), newest);
        EXPECT_EQ(list({.alt_name = "dns:n.example"}, limit), newest);
        EXPECT_EQ(list({.subject_begins = "cn="}, limit), expected("TRUE", "lower(subject), id"));
        EXPECT_EQ(list({.subject_begins = "CN=1", .device_id = "d"}, limit),
                  expected("subject LIKE 'CN=1%'", "id DESC"));
        EXPECT_EQ(list({.device_id = "d", .template_name = "fifth"}, limit),
                  expected("template = 'fifth'", "id DESC"));
    }
    EXPECT_EQ(list({.subject = newest[450]}), Subjects{newest[450]});
    EXPECT_EQ(list({.device_id = "nobody's"}), Subjects{});
}

/// How the engine would do it, a line each step.
std::string plan_of(sql::Connection& connection, Engine engine, const std::string& sql) {
    std::string text;
    if (engine == Engine::kSqlite) {
        auto statement = sql::Statement::prepare(connection, "EXPLAIN QUERY PLAN " + sql).value();
        sql::Query query = statement.run();
        while (query.next().value())
            text += query.text(3) + '\n';
        return text;
    }
    // What any parameter would get: PREPARE needs no values to be planned so.
    std::string numbered = sql;
    int count = 0;
    for (std::size_t at = numbered.find('?'); at != std::string::npos; at = numbered.find('?'))
        numbered.replace(at, 1, "$" + std::to_string(++count));
    std::string values = "(";
    for (int i = 0; i < count; ++i)
        values += i == 0 ? "NULL" : ", NULL";
    const auto done = connection.execute(
        ("DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE listed AS " + numbered)
            .c_str());
    EXPECT_TRUE(done) << done.error().detail;
    auto statement = sql::Statement::prepare(
                         connection, "EXPLAIN EXECUTE listed" + (count == 0 ? "" : values + ")"))
                         .value();
    sql::Query query = statement.run();
    while (query.next().value())
        text += query.text(0) + '\n';
    return text;
}

TEST_P(CertificateListTest, GoesByAnIndexWhereverOneServes) {
    {
        // As many as make an index worth its while.
        const auto connection = place_.connect();
        add("CN=first", [](auto& made) {
            made.device_id = "d";
            made.user_id = "u";
        });
        const bool sqlite = GetParam() == Engine::kSqlite;
        const std::string numbers =
            sqlite ? "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                     "20000) SELECT i FROM n)"
                   : "generate_series(1, 20000) AS n(i)";
        const std::string text = sqlite ? "CAST(i AS TEXT)" : "i::text";
        const std::string octets = sqlite ? "CAST(i AS BLOB)" : "convert_to(i::text, 'UTF8')";
        for (const std::string& sql :
             {std::string(
                  "INSERT INTO certificates(serial, issuer, subject, subject_alt_name, not_before, "
                  "not_after, issued_at, endpoint, transaction_id, message_type, ca, template, "
                  "policy, device_id, user_id, der, issuer_hash, identity, revoked_at, "
                  "revocation_reason) SELECT ") +
                  octets + ", issuer, subject || " + text + ", 'dns:' || " + text +
                  ", not_before, not_after + i, issued_at + i, endpoint, " + text +
                  ", message_type, ca, template || (i % 50), policy, " + text + ", " + text +
                  ", der, issuer_hash, " + octets +
                  ", CASE WHEN i % 100 = 0 THEN i END, CASE WHEN i % 100 = 0 THEN 1 END FROM "
                  "certificates CROSS JOIN " +
                  numbers,
              std::string(
                  "INSERT INTO transactions(key, state, endpoint, transaction_id, signer_key, "
                  "challenge, recorded_at, expires, notified, certificate) SELECT identity, 3, "
                  "endpoint, transaction_id, identity, identity, issued_at, 0, 1, id FROM "
                  "certificates WHERE id > 1"),
              std::string("INSERT INTO certificate_names SELECT id >> 12, transaction_id, id FROM "
                          "certificates"),
              std::string(sqlite ? "SELECT 1" : "ANALYZE")}) {
            const auto done = connection->execute(sql.c_str());
            ASSERT_TRUE(done) << done.error().detail;
        }
    }
    struct Case {
        CertificateFilter filter;
        std::string index;
    };
    const std::string names =
        GetParam() == Engine::kSqlite ? "USING PRIMARY KEY" : "certificate_names_by_bucket";
    const std::string ids =
        GetParam() == Engine::kSqlite ? "USING INTEGER PRIMARY KEY" : "certificates_pkey";
    const std::string serials = GetParam() == Engine::kSqlite ? "sqlite_autoindex_certificates_1"
                                                              : "certificates_serial_issuer_key";
    const std::vector<Case> cases = {
        {{.subject = "CN=x"}, "certificates_by_subject"},
        {{.subject_begins = "CN=x"}, "certificates_by_subject"},
        {{.alt_name = "x"}, names},
        {{.device_id = "x"}, "certificates_by_device"},
        {{.user_id = "x"}, "certificates_by_user"},
        {{.serial = Bytes{1}}, serials},
        {{.transaction_id = "x"}, "transactions_by_request"},
        {{.template_name = "x"}, "certificates_by_template"},
        {{.issued_from = 1, .issued_until = 2}, "certificates_by_issued_at"},
        {{.expires_from = 1, .expires_until = 2}, "certificates_by_not_after"},
        {{.status = Status::kExpired, .now = 1}, "certificates_by_not_after"},
        {{.status = Status::kRevoked}, "certificates_by_revocation"},
        {{.status = Status::kOnHold}, "certificates_by_revocation"},
    };
    const auto connection = place_.connect();
    for (const Case& one : cases) {
        for (const bool searching : {false, true}) {
            CertificateFilter filter = one.filter;
            if (searching) filter.subject_contains = "y";
            for (const std::string& sql : sql::statements_of_list(filter)) {
                const std::string steps = plan_of(*connection, GetParam(), sql);
                const bool of_ids = sql.find("c.id IN (") != std::string::npos;
                EXPECT_NE(steps.find(of_ids ? ids : one.index), std::string::npos) << sql << "\n"
                                                                                   << steps;
                for (const char* walk :
                     {"SCAN c\n", "SCAN n\n", "SCAN transactions\n", "Seq Scan", "AUTOMATIC"})
                    EXPECT_EQ(steps.find(walk), std::string::npos) << sql << "\n" << steps;
                // One value of a serial or a transaction has few rows, and a step of a template has
                // a bound: those may be sorted.
                const bool few =
                    filter.serial || filter.transaction_id || (filter.template_name && searching);
                for (const char* sort : {"TEMP B-TREE", "Sort"})
                    EXPECT_TRUE(few || steps.find(sort) == std::string::npos) << sql << "\n"
                                                                              << steps;
            }
        }
    }
    // What no index serves walks the table's own order, one bounded step at a time.
    for (const std::string& sql : sql::statements_of_list({.subject_contains = "y"})) {
        const std::string steps = plan_of(*connection, GetParam(), sql);
        const bool bounded =
            steps.find("USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)") != std::string::npos ||
            steps.find("Index Cond: ((id < $1) AND (id >= $2))") != std::string::npos;
        EXPECT_TRUE(bounded) << sql << "\n" << steps;
    }
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file
