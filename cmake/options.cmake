# Compiler flags that every target of ours is built with.
add_library(scepgate_options INTERFACE)

target_compile_options(scepgate_options INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of gcc 12's optimiser: Asio's coroutine frames (mismatched-new-delete), and
  # std::string and std::vector themselves (the other two).
  target_compile_options(scepgate_options INTERFACE
    -Wno-mismatched-new-delete -Wno-restrict -Wno-stringop-overread)
endif()
if(CMAKE_UNITY_BUILD)
  # The files of a group see each other's names: what shadows those, the debug preset tells, which
  # compiles each file by itself.
  target_compile_options(scepgate_options INTERFACE -Wno-shadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The second: gcc takes each file of a group for a header.
    target_compile_options(scepgate_options INTERFACE -Wshadow=local -Wno-subobject-linkage)
  endif()
endif()
if(SCEPGATE_WERROR)
  target_compile_options(scepgate_options INTERFACE -Werror)
endif()

# One copy of each symbol is all we need, and hidden helpers stay out of the binary.
target_compile_definitions(scepgate_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY OPENSSL_NO_DEPRECATED OPENSSL_API_COMPAT=30000
  SPDLOG_FMT_EXTERNAL)

# With a fuzzing engine of the environment's (OSS-Fuzz), its flags come from there too.
set(SCEPGATE_FUZZ_ENGINE "$ENV{LIB_FUZZING_ENGINE}" CACHE STRING
  "What links a fuzzing engine: a flag or a library; empty for libFuzzer")
if(SCEPGATE_FUZZ AND NOT SCEPGATE_FUZZ_ENGINE)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SCEPGATE_FUZZ needs clang++ (cmake --preset fuzz), or LIB_FUZZING_ENGINE.")
  endif()
  # What no target of fuzz/ links, or SCEPGATE_FUZZ_SERVER leaves out, has UNFUZZED=ON: nobody counts its
  # branches, and it compiles in half the time.
  target_compile_options(scepgate_options INTERFACE
    $<IF:$<BOOL:$<TARGET_PROPERTY:UNFUZZED>>,-O0,-fsanitize=fuzzer-no-link>)
  target_link_options(scepgate_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(SCEPGATE_SANITIZE)
  target_compile_options(scepgate_options INTERFACE
    -fsanitize=${SCEPGATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(scepgate_options INTERFACE -fsanitize=${SCEPGATE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND SCEPGATE_SANITIZE MATCHES "undefined")
    # clang 14 cannot compile coroutines with -fsanitize=function (llvm#49689).
    target_compile_options(scepgate_options INTERFACE -fno-sanitize=function)
    # It asks the kernel for a pipe to look at memory with: where there are no descriptors left, it calls sound
    # objects unsound.
    target_compile_options(scepgate_options INTERFACE -fno-sanitize=vptr)
    # These two are checked at each access: what they would say of each place are 20 MB that every start
    # of a program relocates. They end it without words (ASAN_OPTIONS=handle_sigill=1 says where).
    target_compile_options(scepgate_options INTERFACE -fsanitize-trap=null,alignment)
  endif()
  if(SCEPGATE_SANITIZE MATCHES "thread")
    # Asio's reference counts end with an atomic_thread_fence, which ThreadSanitizer does not model:
    # it sees a race where an executor dies on another thread. Boost's own counts have none.
    target_compile_definitions(scepgate_options INTERFACE BOOST_ASIO_DISABLE_STD_ATOMIC)
  endif()
  # gcc 12 reports false positives of these two in sanitizer builds.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(scepgate_options INTERFACE -Wno-maybe-uninitialized)
  endif()
else()
  # Held to by scripts/check-hardening.
  set(hardening -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND hardening -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    list(APPEND hardening -mbranch-protection=standard)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What gcc 12's optimiser believes to see in checked code: shown, but no error.
    list(APPEND hardening -Wno-error=array-bounds -Wno-error=stringop-overflow -Wno-error=nonnull
      -Wno-error=maybe-uninitialized -Wno-error=use-after-free -Wno-error=dangling-pointer)
  endif()
  # The same octets in whichever folder (scripts/reproducible).
  list(APPEND hardening -ffile-prefix-map=${PROJECT_SOURCE_DIR}=scepgate)
  target_compile_options(scepgate_options INTERFACE
    "$<$<CONFIG:Release,RelWithDebInfo>:${hardening}>"
    -fstack-protector-strong -fstack-clash-protection)
  target_link_options(scepgate_options INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
