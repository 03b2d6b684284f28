// An audit file in a folder of a test's own: written to, changed by hand, verified.
#pragma once

#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "server/audit_files.hpp"
#include "server/audit_log.hpp"

namespace scepgate::server::testing {

class AuditLab : public ::testing::Test {
protected:
    using Kinds = std::vector<std::string>;

    AuditLab() {
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
    }
    ~AuditLab() override { std::filesystem::remove_all(directory_); }

    static AuditSettings keyed(std::string_view key) {
        AuditSettings settings;
        if (!key.empty()) settings.hmac_key = Secret(key);
        return settings;
    }
    std::shared_ptr<AuditLog> open(std::string_view key = "") {
        return AuditLog::open(file_, keyed(key)).value();
    }
    void write(int count, std::string_view key = "") {
        const auto log = open(key);
        for (int i = 0; i < count; ++i)
            log->write(AuditRecord("issue", 0).add("number", i)).value();
    }

    AuditReport verify(std::vector<std::filesystem::path> files = {}, std::string_view key = "",
                       std::optional<AuditPosition> kept = {}) {
        files.push_back(file_);
        const AuditDigest digest(keyed(key).hmac_key);
        return verify_audit_files({std::move(files), kept}, digest).value();
    }
    static Kinds kinds(const AuditReport& report) {
        Kinds all;
        for (const auto& fault : report.faults)
            all.emplace_back(fault.kind);
        return all;
    }

    std::vector<std::string> lines() const {
        std::ifstream stream(file_);
        std::vector<std::string> all;
        for (std::string line; std::getline(stream, line);)
            all.push_back(line);
        return all;
    }
    void put(const std::vector<std::string>& lines) const {
        std::ofstream stream(file_, std::ios::trunc);
        for (const auto& line : lines)
            stream << line << '\n';
    }
    void add(std::string_view text) const { std::ofstream(file_, std::ios::app) << text; }
    std::filesystem::path head_file() const { return audit_head_file(file_); }

    std::filesystem::path directory_ =
        std::filesystem::temp_directory_path() / ("audit-chain-" + std::to_string(::getpid()));
    std::filesystem::path file_ = directory_ / "audit.jsonl";
};

}  // namespace scepgate::server::testing
