#include "bench/key_pool.hpp"

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include "bench/parallel.hpp"

namespace scepgate::bench {
namespace {

constexpr std::string_view kEndOfKey = "-----END PRIVATE KEY-----\n";

Result<std::vector<certs::PrivateKey>> read_keys(const std::filesystem::path& file,
                                                 std::size_t count, unsigned threads) {
    std::ifstream stream(file, std::ios::binary);
    const std::string pem{std::istreambuf_iterator<char>(stream), {}};
    std::vector<std::string_view> blocks;
    for (std::size_t begin = 0; blocks.size() < count;) {
        const std::size_t end = pem.find(kEndOfKey, begin);
        if (end == std::string::npos) break;
        const std::size_t next = end + kEndOfKey.size();
        blocks.push_back(std::string_view(pem).substr(begin, next - begin));
        begin = next;
    }
    std::vector<certs::PrivateKey> keys(blocks.size());
    const auto read = for_each_parallel(blocks.size(), threads, [&](std::size_t i) -> Result<void> {
        auto key = certs::PrivateKey::from_pem(as_bytes(blocks[i]));
        if (!key) return in_context(file.string(), key.error());
        keys[i] = std::move(*key);
        return {};
    });
    if (!read) return read.error();
    return keys;
}

Result<void> append_keys(const std::filesystem::path& file,
                         const std::vector<certs::PrivateKey>& keys, std::size_t from) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return Error{Errc::kUnavailable, "cannot write " + file.string()};
    bool written = true;
    for (std::size_t i = from; written && i < keys.size(); ++i) {
        const auto pem = keys[i].to_pem();
        if (!pem) {
            ::close(descriptor);
            return pem.error();
        }
        const auto size = static_cast<ssize_t>(pem->view().size());
        written = ::write(descriptor, pem->view().data(), pem->view().size()) == size;
    }
    ::close(descriptor);
    if (!written) return Error{Errc::kUnavailable, "cannot write all of " + file.string()};
    return {};
}

}  // namespace

Result<std::vector<certs::PrivateKey>> key_pool(std::size_t count, unsigned threads,
                                                const std::filesystem::path& file) {
    std::vector<certs::PrivateKey> keys;
    if (!file.empty() && std::filesystem::exists(file)) {
        auto stored = read_keys(file, count, threads);
        if (!stored) return stored.error();
        keys = std::move(*stored);
    }
    const std::size_t had = keys.size();
    keys.resize(count);
    const auto made = for_each_parallel(count - had, threads, [&](std::size_t i) -> Result<void> {
        auto key = certs::PrivateKey::generate({certs::KeyType::kRsa, 2048});
        if (!key) return key.error();
        keys[had + i] = std::move(*key);
        return {};
    });
    if (!made) return made.error();
    if (!file.empty() && had < count) {
        if (auto appended = append_keys(file, keys, had); !appended) return appended.error();
    }
    return keys;
}

}  // namespace scepgate::bench
