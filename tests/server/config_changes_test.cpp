#include "server/config_changes.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

Config started() {
    Config config;
    config.http.listen = {
        {"127.0.0.1:8080", {}, "listen[0]"},
        {"127.0.0.1:8443", KeyPairConfig{"listen[1].tls", "/t.pem", {{"", "/t.key", {}}, {}}},
         "listen[1]"}};
    config.admin.emplace().http.listen = {
        {"127.0.0.1:8444", KeyPairConfig{"admin.listen.tls", "/t.pem", {{"", "/t.key", {}}, {}}},
         "admin.listen", "/clients.pem"}};
    config.store_sqlite = "/scepgate.db";
    config.audit_file = "/audit.jsonl";
    return config;
}

struct Change {
    const char* path;
    std::function<void(Config&)> make;
};

class RestartNeeded : public ::testing::TestWithParam<Change> {};
INSTANTIATE_TEST_SUITE_P(
    Items, RestartNeeded,
    ::testing::Values(
        Change{"listen", [](Config& c) { c.http.listen.pop_back(); }},
        Change{"listen", [](Config& c) { c.http.listen[0].address = "127.0.0.1:8081"; }},
        Change{"listen", [](Config& c) { c.http.listen[1].tls.reset(); }},
        Change{"listen", [](Config& c) { c.http.listen[1].tls->certificate = "/u.pem"; }},
        Change{"listen", [](Config& c) { c.http.listen[1].tls->key.pem.file = "/u.key"; }},
        Change{"listen",
               [](Config& c) {
                   c.http.listen[1].tls->key.passphrase = SecretSource{"", "/p", {}};
               }},
        Change{"admin.listen", [](Config& c) { c.admin.reset(); }},
        Change{"admin.listen", [](Config& c) { c.admin->http.listen[0].client_ca.reset(); }},
        Change{"store.sqlite", [](Config& c) { c.store_sqlite = "/other.db"; }},
        Change{"log.file", [](Config& c) { c.log.file = "/log"; }},
        Change{"log.format", [](Config& c) { c.log.format = LogConfig::Format::kJson; }},
        Change{"log.level", [](Config& c) { c.log.level = "debug"; }},
        Change{"audit.file", [](Config& c) { c.audit_file = "/other.jsonl"; }},
        Change{"audit.hmac_key",
               [](Config& c) {
                   c.audit_hmac_key = SecretSource{"", "/key", {}};
               }},
        Change{"audit.sync", [](Config& c) { c.audit_sync = true; }},
        Change{"run_as",
               [](Config& c) {
                   c.run_as = RunAsConfig{"scepgate", ""};
               }},
        Change{"sandbox", [](Config& c) { c.sandbox.seccomp = false; }},
        Change{"sandbox", [](Config& c) { c.sandbox.landlock = LandlockUse::kOff; }},
        Change{"limits.queue", [](Config& c) { c.queue = 1; }},
        Change{"threads.io", [](Config& c) { c.http.io_threads = 7; }},
        Change{"threads.crypto", [](Config& c) { c.crypto_threads = 7; }}));

TEST_P(RestartNeeded, IsWarnedAboutByItsPath) {
    Config now = started();
    GetParam().make(now);
    ConfigFaults faults;
    warn_of_restart(started(), now, faults);
    ASSERT_EQ(faults.list().size(), 1U);
    EXPECT_TRUE(faults.list()[0].warning);
    EXPECT_EQ(faults.list()[0].path, GetParam().path);
}

TEST(RestartNeededTest, WhatAReloadTakesOverIsNotMentioned) {
    Config now = started();
    now.http.limits.body = 5000;
    now.http.listen[0].json_path = "listen";
    now.cas["lab"] = {};
    ConfigFaults faults;
    warn_of_restart(started(), now, faults);
    EXPECT_TRUE(faults.list().empty());
}

}  // namespace
}  // namespace scepgate::server::this_file
