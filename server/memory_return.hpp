// How memory that a flood took gets back to the system.
#pragma once

namespace scepgate::server {

/// jemalloc(3), TUNING: from now on threads of its own give memory back, even when nobody asks any
/// more. They are made after the confinement, which reaches no thread that is there before it.
/// Nothing happens without jemalloc (sanitizers), or where MALLOC_CONF in the environment decides.
void return_memory_in_background();

}  // namespace scepgate::server
