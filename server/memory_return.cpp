#include "server/memory_return.hpp"

#include <cstddef>
#include <cstdlib>
#include <string_view>

// Programs of this library that are linked without jemalloc have none.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                       std::size_t new_size) __attribute__((weak));

namespace scepgate::server {

void return_memory_in_background() {
    if (&mallctl == nullptr) return;
    const char* chosen = std::getenv("MALLOC_CONF");
    if (chosen != nullptr &&
        std::string_view(chosen).find("background_thread") != std::string_view::npos)
        return;
    bool on = true;
    // Refused, memory goes back as long as there is something to do, and later otherwise.
    static_cast<void>(mallctl("background_thread", nullptr, nullptr, &on, sizeof(on)));
}

}  // namespace scepgate::server
