// Whether this is a build with sanitizers, which need more of the kernel than the product does.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SCEPGATE_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SCEPGATE_SANITIZED 1
#endif

namespace scepgate::server::sandbox {

#ifdef SCEPGATE_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace scepgate::server::sandbox
