#include "tests/certs/support/soft_token.hpp"

#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>

namespace scepgate::certs::testing {
namespace {

namespace fs = std::filesystem;

/// Until the process ends.
class Folder {
public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "scepgate-softhsm-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
        fs::create_directory(tokens());
        const fs::path file = path_ / "softhsm2.conf";
        std::ofstream(file) << "directories.tokendir = " << tokens().string()
                            << "\nobjectstore.backend = file\nlog.level = ERROR\n";
        ::setenv("SOFTHSM2_CONF", file.c_str(), 1);
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] fs::path tokens() const { return path_ / "tokens"; }
    [[nodiscard]] fs::path away() const { return path_ / "away"; }

private:
    fs::path path_;
};

Folder& folder() {
    static Folder one;
    return one;
}

void run(const std::string& command) {
    const std::string quiet = command + " >/dev/null 2>&1";
    if (std::system(quiet.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::set<fs::path> folders() {
    std::set<fs::path> all;
    for (const auto& entry : fs::directory_iterator(folder().tokens()))
        all.insert(entry.path());
    return all;
}

}  // namespace

fs::path SoftToken::module() {
    return "/usr/lib/softhsm/libsofthsm2.so";
}

SoftToken::SoftToken(const std::string& label) : label_(label) {
    const auto before = folders();
    run("softhsm2-util --init-token --free --label " + label + " --so-pin 5678 --pin 1234");
    for (const fs::path& path : folders()) {
        if (!before.contains(path)) folder_ = path;
    }
}

Pkcs11Uri SoftToken::uri(const std::string& object) const {
    Pkcs11Uri uri;
    uri.token = label_;
    uri.object = object;
    return uri;
}

void SoftToken::tool(const std::string& arguments) const {
    run("pkcs11-tool --module " + module().string() + " --token-label " + label_ +
        " --login --pin 1234 " + arguments);
}

void SoftToken::take_away() const {
    fs::rename(folder_, folder().away());
}

void SoftToken::bring_back() const {
    fs::rename(folder().away(), folder_);
}

}  // namespace scepgate::certs::testing
