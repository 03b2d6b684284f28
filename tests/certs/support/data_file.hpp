// Files of tests/data/certs.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "certs/bytes.hpp"

namespace scepgate::certs::testing {

inline std::filesystem::path data_path(std::string_view name) {
    return std::filesystem::path(SCEPGATE_TEST_DATA) / "certs" / name;
}

inline Bytes data_file(std::string_view name) {
    std::ifstream file(data_path(name), std::ios::binary);
    if (!file) throw std::runtime_error("no test data " + data_path(name).string());
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

}  // namespace scepgate::certs::testing
