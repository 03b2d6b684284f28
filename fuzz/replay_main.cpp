// Without a fuzzing engine a target replays files: every build, with every compiler and sanitizer,
// checks the properties on the seeds and on all inputs that once failed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/fuzz.hpp"

namespace {

namespace fs = std::filesystem;

bool replay(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const scepgate::Bytes input{std::istreambuf_iterator<char>(stream), {}};
    if (stream.bad() || !stream.is_open()) {
        std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
        return false;
    }
    // Named first: what crashes here is found again.
    std::fprintf(stderr, "%s (%zu octets)\n", file.c_str(), input.size());
    scepgate::fuzz::run(input);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<fs::path> files;
    for (int i = 1; i < argc; ++i) {
        if (!fs::is_directory(argv[i])) {
            files.emplace_back(argv[i]);
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
    }
    if (files.empty()) {
        std::fprintf(stderr, "usage: %s FILE-OR-FOLDER...   (nothing to replay)\n", argv[0]);
        return 2;
    }
    std::sort(files.begin(), files.end());
    const bool all_read = std::all_of(files.begin(), files.end(), replay);
    std::fprintf(stderr, "%zu inputs replayed\n", files.size());
    return all_read ? 0 : 1;
}
